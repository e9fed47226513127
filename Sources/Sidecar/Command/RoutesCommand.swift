// Owns `sidecar routes`.
// Called by Main.
// Never sends a request: it matches as the running service would.

import ProxyCore
import StatusAPI

/// Says what would happen to a request.
enum RoutesCommand {
    /// The lines for standard output.
    static func explain(_ config: Config, method: String, path: String) -> [String] {
        let path = String(path.prefix { $0 != "?" && $0 != "#" })
        let prefix = config.api.prefix
        if path == prefix || path.hasPrefix(prefix + "/") {
            return ["under api.prefix (\(prefix))", "answered by the sidecar itself"]
        }
        let table = RouteTable(config.routes.map(\.match))
        var scratch = ByteBuffer()
        switch table.match(method.rawSpan, path.rawSpan, scratch: &scratch) {
        case .none:
            return ["no route matches", "forwarded; counts as activity"]
        case .route(let index, let parameter):
            let value = parameter.flatMap { scratch.bytes[$0].text() }
            return [name(Int(index), in: config)] + effect(config.routes[Int(index)], value)
        case .ambiguous(let index):
            guard let index else {
                return [
                    "no route matches, in whatever way the path is read",
                    "forwarded; counts as activity",
                ]
            }
            let route = config.routes[Int(index)]
            let mayPass = if case .pass = route.action { true } else { false }
            return [
                "servers read this path in several ways; one of them is "
                    + name(Int(index), in: config),
                mayPass ? "forwarded" : "refused with 400",
            ]
        }
    }

    private static func name(_ index: Int, in config: Config) -> String {
        let route = config.routes[index]
        return "routes[\(index)] in line \(route.line): \(ConfigValue.quoted(route.match.text))"
    }

    private static func effect(_ route: Config.Route, _ parameter: String?) -> [String] {
        switch route.action {
        case .serve(let endpoint):
            let user = endpoint.needsUser ? parameter.map { " for user \"\($0)\"" } ?? "" : ""
            return ["answered by the sidecar itself: serve \"\(endpoint.name)\"\(user)"]
        case .login(let paths):
            let fields = [("token", paths.token), ("user", paths.user), ("name", paths.name)]
                .filter { !$0.1.isEmpty }
                .map { "\($0.0) from " + $0.1.map(\.text).joined(separator: " or ") }
            return ["forwarded; a 2xx answer is a login: " + fields.joined(separator: ", ")]
        case .logout: return ["forwarded; a 2xx answer is a logout"]
        case .heartbeat: return ["forwarded; a heartbeat: contact, not activity"]
        case .pass:
            if !route.track { return ["forwarded; counts for nothing"] }
            return [
                route.activity
                    ? "forwarded; counts as activity" : "forwarded; contact, not activity"
            ]
        }
    }

    static func run(file: String, method: String, path: String) -> ExitCode {
        let loaded = ConfigSource.file(file).load()
        guard let config = loaded.config else {
            for line in loaded.lines { Console.complain(line) }
            return .failure
        }
        for line in explain(config, method: method, path: path) { Console.print(line) }
        return .success
    }
}
