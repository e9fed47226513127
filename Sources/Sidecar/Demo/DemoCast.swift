// Owns the people of the demo: they sign in, work, go away, come back and sign out.
// Called by the demo, on a thread of its own.
// Never touches presence but by the requests that a browser would send.

import ProxyCore
import Synchronization

/// Simulated users that come and go in front of the sidecar.
final class DemoCast: Sendable {
    private let client: HTTPClient
    private let wake: EventCounter
    private let stopping = Atomic<Bool>(false)
    /// Between two scenes, milliseconds.
    static let pace: Milliseconds = 1_000

    init(_ client: HTTPClient) throws(SystemError) {
        self.client = client
        wake = try EventCounter()
    }

    deinit { wake.descriptor.close() }

    /// What one person does in turn, one scene every `pace`; then from the start again.
    private enum Scene {
        case login, work, beat, away, logout, silence
    }

    private static let scripts: [(user: String, scenes: [Scene])] = [
        ("grace", [.login] + Array(repeating: .work, count: 24) + [.logout, .silence, .silence]),
        ("linus", [.login, .work, .work, .away] + Array(repeating: .away, count: 9) + [.beat]),
        ("barbara", [.silence, .silence, .login, .work] + Array(repeating: .beat, count: 12)),
        ("edsger", [.login, .work, .work] + Array(repeating: .silence, count: 18)),
        ("margaret", [.silence, .login, .work, .work, .logout, .silence, .silence, .silence]),
    ]

    func run() {
        var tokens: [String: String] = [:]
        var scene = 0
        while !stopping.load(ordering: .relaxed) {
            for (user, scenes) in Self.scripts {
                play(scenes[scene % scenes.count], user, &tokens)
            }
            scene += 1
            wake.wait(atMost: Self.pace)
        }
    }

    func stop() {
        stopping.store(true, ordering: .relaxed)
        wake.signal()
    }

    /// A request that fails is a person whose page did not load: the play goes on.
    private func play(_ scene: Scene, _ user: String, _ tokens: inout [String: String]) {
        do throws(ClientError) {
            switch scene {
            case .silence: break
            case .login:
                let body = #"{"username": "\#(user)", "password": "demo"}"#
                let answer = try client.send("POST", "/api/login/", body: body)
                tokens[user] = answer.json?["access"]?.string
            case .work: _ = try client.send("GET", "/api/users/", token: tokens[user])
            case .beat: try beat("online", tokens[user])
            case .away: try beat("away", tokens[user])
            case .logout:
                _ = try client.send("POST", "/api/logout/", token: tokens[user])
                tokens[user] = nil
            }
        } catch {
            tokens[user] = nil
        }
    }

    private func beat(_ status: String, _ token: String?) throws(ClientError) {
        let body = #"{"status": "\#(status)"}"#
        _ = try client.send("POST", "/_presence/heartbeat", token: token, body: body)
    }
}
