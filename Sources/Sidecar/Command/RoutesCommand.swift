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
        guard let own = try? OwnAddresses.patterns(under: prefix),
            let lookup = try? RouteLookup(prefix: prefix, routes: config.routes.map(\.passing))
        else { return ["the routes cannot be read"] }
        var scratch = ByteBuffer()
        switch lookup.find(method.rawSpan, path.rawSpan, scratch: &scratch) {
        case .none:
            return ["no route matches", "forwarded; counts as activity"]
        case .route(let index):
            let range = lookup.parameter(method.rawSpan, path.rawSpan, scratch: &scratch)
            let value = range.flatMap { scratch.bytes[$0].text() }
            guard Int(index) >= own.count else {
                let answer = answer(own[Int(index)].endpoint, method, value)
                return ["under api.prefix (\(prefix))", answer]
            }
            let place = Int(index) - own.count
            return [name(place, in: config)] + effect(config.routes[place], method, value)
        case .folded(let index):
            let place = Int(index) - own.count
            return [name(place, in: config) + ", for servers that take letters without their case"]
                + effect(config.routes[place], method, nil)
        case .doubtful:
            return [
                "servers read this path in several ways; to none of them it is a route with"
                    + " serve, on or require",
                "forwarded; counts as activity",
            ]
        case .tooDoubtful:
            return [
                "servers read this path in too many ways for its length", "refused with 400",
            ]
        case .refused(let index):
            let place = Int(index) - own.count
            let route = place < 0 ? "under api.prefix (\(prefix))" : name(place, in: config)
            return [
                "servers read this path in several ways; one of them is \(route)",
                "refused with 400",
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
        let tag = "the client script's tag goes into its pages" + attributes(route.inject)
        return (route.require ? [demand] : []) + [passage(route)]
            + (route.inject == nil ? [] : [tag]) + addition(route)
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

    /// `, with data-token-cookie="access_token"`.
    private static func attributes(_ inject: [ScriptAttribute]?) -> String {
        let shown = (inject ?? []).map { attribute in
            " \(attribute.name)=\"\(attribute.value.replacing("\n", with: "\\n"))\""
        }
        return shown.isEmpty ? "" : ", with" + shown.joined()
    }

    /// What a JSON answer shows besides.
    private static func addition(_ route: Config.Route) -> [String] {
        guard let enrichment = route.enrichment else { return [] }
        let items = enrichment.items?.text ?? "the answer, or of each element where it is a list"
        let own =
            enrichment.id.map { ["online_status, is_online and last_seen by \($0.text)"] } ?? []
        let further = enrichment.fields.map { "\($0.name) by \($0.id.text)" }
        return [
            "JSON up to \(SizeText.text(enrichment.maximumBody)) gains in \(items): "
                + (own + further).joined(separator: ", ")
        ]
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
