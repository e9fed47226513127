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
        let demo = DemoConfig(secret: Secret.random(32))
        let key = try TokenKey(.hs256, secret: demo.secret)
        let keys = try KeyRing([key])
        backend = try Self.startBackend(key, keys)
        service = try ServiceProcess(
            demo.config(port: port, backend: backend.ports[0]),
            after: .init(since: Clock.wall() - DemoPast.length) { DemoPast.play($0, until: $1) })
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

    private static func programme(_ url: String) -> String {
        // As it was called, so that the line works where it is not on the PATH.
        let program = CommandLine.arguments.first ?? "sidecar"
        return """
            A hospital's old intranet, with Presence Sidecar before it, which puts the dots in: \(url)/
            The dashboard, for whoever has signed in there: \(url)/_presence/dashboard
            Sign in as ada (an admin), grace, linus or any other first name; the password is demo.
            Most of them come and go by themselves; the days before now are made up. Nothing is kept. Stop with Ctrl-C.

            In a browser: sign in as ada; open Team and Patients, and point at a dot, or click it.
            Sign in as anita in another browser (or a private window): her dot turns green at once,
            gray as soon as she signs out, and some seconds after she only closes the window.

            Try, in another terminal:

              TOKEN=$(curl -s \(url)/api/login/ -d '{"username":"ada","password":"demo"}' | sed 's/.*"access":"\\([^"]*\\)".*/\\1/')
              curl -s -H "Authorization: Bearer $TOKEN" \(url)/_presence/users
              curl -s -H "Authorization: Bearer $TOKEN" \(url)/_presence/users/3
              curl -s -H "Authorization: Bearer $TOKEN" \(url)/_presence/users/5/status -d '{"online_status":"away","for":"1m"}'
              curl -s -H "Authorization: Bearer $TOKEN" \(url)/api/patients/   # the application's own, with presence in it
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
