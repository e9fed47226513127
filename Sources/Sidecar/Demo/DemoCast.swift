// Owns the people of the demo: they sign in, work, go away, come back and sign out.
// Called by the demo, on a thread of its own.
// Never touches presence but by the requests that a browser would send.

import ProxyCore

/// Simulated users that come and go in front of the sidecar.
final class DemoCast: Sendable {
    private let sidecar: FetchTarget
    private let wake: EventCounter
    private let interruption: Interruption
    /// Between two scenes, milliseconds.
    static let pace: Milliseconds = 1_000

    init(_ sidecar: FetchTarget) throws(SystemError) {
        self.sidecar = sidecar
        wake = try EventCounter()
        interruption = try Interruption()
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
        let fetch = Fetch(sidecar, interruption: interruption)
        while !interruption.isInterrupted {
            for (user, scenes) in Self.scripts {
                play(scenes[scene % scenes.count], user, &tokens, fetch)
            }
            scene += 1
            wake.wait(atMost: Self.pace)
        }
    }

    func stop() {
        interruption.interrupt()
        wake.signal()
    }

    /// A request that fails is a person whose page did not load: the play goes on.
    private func play(
        _ scene: Scene, _ user: String, _ tokens: inout [String: String], _ fetch: Fetch
    ) {
        do throws(FetchError) {
            switch scene {
            case .silence: break
            case .login:
                let body = #"{"username": "\#(user)", "password": "demo"}"#
                let answer = try fetch.post("/api/login/", token: nil, body)
                tokens[user] = answer.json?["access"]?.string
            case .work:
                let bearer = tokens[user].map { [("Authorization", "Bearer \($0)")] } ?? []
                _ = try fetch.send("GET", path: "/api/users/", fields: bearer)
            case .beat: try fetch.beat("online", tokens[user])
            case .away: try fetch.beat("away", tokens[user])
            case .logout:
                _ = try fetch.post("/api/logout/", token: tokens[user], "")
                tokens[user] = nil
            }
        } catch {
            tokens[user] = nil
        }
    }
}

extension Fetch {
    fileprivate func beat(_ status: String, _ token: String?) throws(FetchError) {
        _ = try post("/_presence/heartbeat", token: token, #"{"status": "\#(status)"}"#)
    }

    /// - Parameter body: JSON.
    @discardableResult
    fileprivate func post(
        _ path: String, token: String?, _ body: String
    ) throws(FetchError) -> FetchAnswer {
        var fields = [("Content-Type", "application/json")]
        if let token { fields.append(("Authorization", "Bearer \(token)")) }
        return try send("POST", path: path, fields: fields, body: Array(body.utf8))
    }
}
