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

    /// Ways of spending a day, which here takes half a minute.
    private static let habits: [[Scene]] = [
        // At work all day, with a look at the screen now and then.
        [.login] + Array(repeating: [.work, .beat, .beat], count: 12).joined(),
        // Leaves the screen on.
        [.login, .work, .work, .away] + Array(repeating: .away, count: 16) + [.beat, .work],
        // Comes, and goes without a word.
        [.login, .work, .work] + Array(repeating: .silence, count: 18),
        // Looks in.
        [.silence, .login, .work, .work, .logout] + Array(repeating: .silence, count: 24),
    ]

    /// One person's part: these scenes, begun at another place by each.
    private struct Part {
        let login: String
        let scenes: [Scene]
        let start: Int

        init(_ login: String, _ scenes: [Scene], start: Int = 0) {
            self.login = login
            self.scenes = scenes
            self.start = start
        }

        func scene(_ number: Int) -> Scene { scenes[(number + start) % scenes.count] }
    }

    private static let parts: [Part] = {
        let first: [Part] = [
            Part("grace", [.login] + Array(repeating: .work, count: 24) + [.logout, .silence]),
            Part("linus", [.login, .work, .work] + Array(repeating: .away, count: 10) + [.beat]),
            Part("barbara", [.silence, .login, .work] + Array(repeating: .beat, count: 12)),
            Part("edsger", [.login, .work, .work] + Array(repeating: .silence, count: 18)),
            Part("margaret", [.silence, .login, .work, .work, .logout, .silence, .silence]),
        ]
        // Whoever is not named above; ada is for who looks.
        let others = DemoUser.all.dropFirst(1 + first.count).enumerated().map { index, user in
            // Most work; the last one is never here.
            let habit = index % 5 == 4 ? 1 : index % 6 == 1 ? 2 : index % 7 == 2 ? 3 : 0
            return Part(user.login, habits[habit], start: index * 5)
        }
        return first + others.dropLast()
    }()

    func run() {
        var tokens: [String: String] = [:]
        var scene = 0
        var settings = Fetch.Settings()
        settings.keepsConnection = true
        let fetch = Fetch(sidecar, settings, interruption: interruption)
        while !interruption.isInterrupted {
            for part in Self.parts where !interruption.isInterrupted {
                play(part.scene(scene), part.login, &tokens, fetch)
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
    /// Who is in the middle of something and not signed in signs in first.
    private func play(
        _ scene: Scene, _ user: String, _ tokens: inout [String: String], _ fetch: Fetch
    ) {
        do throws(FetchError) {
            let needsToken = scene == .work || scene == .beat || scene == .away
            switch needsToken && tokens[user] == nil ? .login : scene {
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
