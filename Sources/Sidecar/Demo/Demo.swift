// Owns `sidecar demo`.
// Called by Main.
// Never parses the command line, never keeps anything on the disk.

import ProxyCore
import StatusAPI

/// A sample application, the sidecar before it, and some people who come and go.
enum Demo {
    static func run(port: UInt16?) -> ExitCode {
        Signals.block()
        ProcessLimits.raiseDescriptors()
        do {
            let stage = try Stage(port: port ?? 0)
            Console.print(stage.programme)
            while true {
                let signal = Signals.next()
                if signal == .terminate || signal == .interrupt { break }
            }
            stage.close()
            return .success
        } catch {
            Console.complain("sidecar demo: \(error)")
            return .failure
        }
    }
}

/// Everything that the demo runs.
private final class Stage {
    private let backend: ProxyGroup
    private let service: ServiceProcess
    private let cast: DemoCast
    private let acting: Thread
    let programme: String

    init(port: UInt16) throws {
        let key = try TokenKey(.hs256, secret: Secret.random(32))
        let keys = try KeyRing([key])
        backend = try Self.startBackend(key, keys)
        let config = try Self.config(port: port, backend: backend.ports[0], key)
        service = try ServiceProcess(config)
        let url = "http://127.0.0.1:\(service.ports[0])"
        let cast = try DemoCast(FetchTarget(url))
        self.cast = cast
        acting = try Thread(name: "cast") { cast.run() }
        programme = Self.programme(url)
    }

    func close() {
        cast.stop()
        acting.join()
        service.drain()
        service.finish()
        backend.drain()
        backend.join()
    }

    private static func startBackend(_ key: TokenKey, _ keys: KeyRing) throws -> ProxyGroup {
        var settings = ProxySettings(trusted: TrustedNetworks())
        settings.listen = try SocketAddress.resolve(host: "127.0.0.1", port: 0)
        settings.drainTime = 1_000
        settings.head.refusesOwnVia = false
        let group = try ProxyGroup(
            settings: settings, count: 1, metrics: ProxyMetrics(loops: 1),
            health: try UpstreamHealth(servers: []), accessLog: { nil },
            makeApplication: { DemoBackend(host: $0, key: key, keys: keys) })
        try group.start()
        return group
    }

    /// What a config file for this application would say; thresholds short enough to watch.
    private static func config(port: UInt16, backend: UInt16, _ key: TokenKey) throws -> Config {
        var config = Config()
        config.listen = [.init(address: .tcp(host: "127.0.0.1", port: port), line: 1)]
        config.workers = 1
        config.upstream.servers = [
            .init(
                text: "http://127.0.0.1:\(backend)",
                address: .tcp(host: "127.0.0.1", port: backend), line: 1)
        ]
        config.tokens.keys = [.init(issuer: try TokenIssuer(key), source: .given, line: 1)]
        config.presence.offlineAfter = 10_000
        config.presence.heartbeatEvery = 3_000
        config.presence.disconnectGrace = 3_000
        config.presence.allowFlapping = true
        config.store.path = nil
        config.log.access = .off
        config.log.level = .warning
        config.limits.drain = 1_000
        let login = LoginPaths(
            token: [.path(try JSONPath("$.access"))], user: [try JSONPath("$.user.id")],
            name: [try JSONPath("$.user.username")])
        config.routes = [
            .init(match: try RoutePattern("POST /api/login/"), line: 1, action: .login(login)),
            .init(match: try RoutePattern("POST /api/logout/"), line: 1, action: .logout),
        ]
        return config
    }

    private static func programme(_ url: String) -> String {
        // As it was called, so that the line works where it is not on the PATH.
        let program = CommandLine.arguments.first ?? "sidecar"
        return """
            A sample application with Presence Sidecar before it: \(url)/
            Sign in as ada (an admin), grace, linus, barbara, edsger or margaret; the password is demo.
            Five of them come and go by themselves. Nothing is kept. Stop with Ctrl-C.

            Try, in another terminal:

              TOKEN=$(curl -s \(url)/api/login/ -d '{"username":"ada","password":"demo"}' | sed 's/.*"access":"\\([^"]*\\)".*/\\1/')
              curl -s -H "Authorization: Bearer $TOKEN" \(url)/_presence/users
              curl -s -H "Authorization: Bearer $TOKEN" \(url)/_presence/users/3
              curl -s -H "Authorization: Bearer $TOKEN" \(url)/_presence/users/5/status -d '{"online_status":"away","for":"1m"}'
              curl -s -H "Authorization: Bearer $TOKEN" \(url)/api/slow/       # the application's own, two seconds
              curl -si -H "Authorization: Bearer $TOKEN" \(url)/api/broken/    # the application's own, 500
              \(program) users --url \(url)/_presence --token "$TOKEN" --watch

            Live, for a WebSocket client: \(url.replacingHTTP)/_presence/ws?token=...
            """
    }
}

extension String {
    fileprivate var replacingHTTP: String { "ws" + dropFirst("http".count) }
}
