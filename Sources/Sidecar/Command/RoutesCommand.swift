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
        let own = (try? OwnAddresses.patterns(under: config.api.prefix)) ?? []
        let table = RouteTable(own.map(\.pattern) + config.routes.map(\.match))
        var scratch = ByteBuffer()
        switch table.match(method.rawSpan, path.rawSpan, scratch: &scratch) {
        case .none:
            return ["no route matches", "forwarded; counts as activity"]
        case .route(let index, let parameter):
            let value = parameter.flatMap { scratch.bytes[$0].text() }
            guard Int(index) >= own.count else {
                let answer = answer(own[Int(index)].endpoint, method, value)
                return ["under api.prefix (\(config.api.prefix))", answer]
            }
            let place = Int(index) - own.count
            return [name(place, in: config)] + effect(config.routes[place], method, value)
        case .ambiguous(let index):
            guard let index else {
                return [
                    "no route matches, in whatever way the path is read",
                    "forwarded; counts as activity",
                ]
            }
            let several = "servers read this path in several ways; one of them is "
            guard Int(index) >= own.count else {
                return [several + "under api.prefix (\(config.api.prefix))", "refused with 400"]
            }
            let place = Int(index) - own.count
            let isPlain = if case .pass = config.routes[place].action { true } else { false }
            let mayPass = isPlain && !config.routes[place].require
            return [
                several + name(place, in: config), mayPass ? "forwarded" : "refused with 400",
            ]
        }
    }

    private static func answer(
        _ endpoint: Endpoint?, _ method: String, _ parameter: String?
    ) -> String {
        guard let endpoint else { return "answered by the sidecar itself: 404" }
        guard endpoint.answers(Method(method.rawSpan)) else {
            return "answered by the sidecar itself: 405, since it takes \(endpoint.methods)"
        }
        let user = endpoint.needsUser ? parameter.map { " for user \"\($0)\"" } ?? "" : ""
        return "answered by the sidecar itself: serve \"\(endpoint.name)\"\(user)"
    }

    private static func name(_ index: Int, in config: Config) -> String {
        let route = config.routes[index]
        return "routes[\(index)] in line \(route.line): \(ConfigValue.quoted(route.match.text))"
    }

    private static func effect(
        _ route: Config.Route, _ method: String, _ parameter: String?
    ) -> [String] {
        if case .serve(let endpoint) = route.action { return [answer(endpoint, method, parameter)] }
        let demand = "without a good token 401, and nothing reaches the backend"
        return (route.require ? [demand] : []) + [passage(route)]
    }

    private static func passage(_ route: Config.Route) -> String {
        switch route.action {
        case .serve: ""
        case .login(let paths): "forwarded; 2xx or a redirect is a login: " + fields(paths)
        case .refresh(let paths):
            "forwarded; a 2xx answer continues the session with a new token: " + fields(paths)
        case .logout: "forwarded; 2xx or a redirect is a logout"
        case .heartbeat: "forwarded; a heartbeat: contact, not activity"
        case .pass:
            if !route.track {
                "forwarded; counts for nothing"
            } else {
                route.activity
                    ? "forwarded; counts as activity" : "forwarded; contact, not activity"
            }
        }
    }

    /// `token from $.access or cookie:sessionid, user from $.user.id`.
    private static func fields(_ paths: LoginPaths) -> String {
        let fields = [
            ("token", paths.token.map(\.text)), ("user", paths.user.map(\.text)),
            ("name", paths.name.map(\.text)), ("expires", paths.expires.map(\.text)),
        ]
        return fields.filter { !$0.1.isEmpty }
            .map { "\($0.0) from " + $0.1.joined(separator: " or ") }
            .joined(separator: ", ")
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

extension TokenSource {
    /// As it is written in the file.
    fileprivate var text: String {
        switch self {
        case .path(let path): path.text
        case .header(let name): "header:\(name)"
        case .cookie(let name): "cookie:\(name)"
        }
    }
}
