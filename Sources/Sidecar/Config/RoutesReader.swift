// Owns reading the section `routes`.
// Called by ConfigReader.
// Never matches a request: that is RouteTable's.

import ProxyCore
import StatusAPI

/// Reads what happens on which path.
struct RoutesReader {
    private static let example = "{ match: \"GET /ws/presence/\", serve: \"websocket\" }"
    private static let served = Endpoint.allCases.filter { !$0.isUnderPrefixAlone }

    private enum Watched: String, CaseIterable { case login, logout, refresh, heartbeat }

    let prefix: String
    /// Whether there are keys, so that a token may say itself whose it is.
    let readsTokens: Bool

    func read(_ section: ConfigSection) -> [Config.Route] {
        var routes: [Config.Route] = []
        var places: [ConfigValue] = []
        var login: Config.Route?
        for entry in section.sections("routes", like: Self.example) {
            guard let (route, place) = route(entry) else { continue }
            checkCredentials(entry, route, &login)
            routes.append(route)
            places.append(place)
        }
        let table = RouteTable(routes.map(\.match))
        for (index, place) in places.enumerated() {
            guard let earlier = table.shadowing(index) else { continue }
            let other = routes[earlier]
            place.error(
                "is never reached: \(ConfigValue.quoted(other.match.text)) in line \(other.line)"
                    + " matches all of it first; move this route above that one or remove it")
        }
        return routes
    }

    /// - Parameter login: the one by which the dashboard signs people in.
    private func checkCredentials(
        _ entry: ConfigSection, _ route: Config.Route, _ login: inout Config.Route?
    ) {
        guard case .login(let paths) = route.action else { return }
        let isUsed = login == nil && route.match.canBeLoginOfDashboard
        if isUsed { login = route }
        guard !isUsed, paths.credentials != nil else { return }
        let used = login.map { "the login in line \($0.line)" }
        entry.value("credentials")?.warning(
            "is not used: the dashboard signs people in by "
                + (used ?? "a login that takes POST, at a path without {} and *"))
    }

    private func route(_ entry: ConfigSection) -> (Config.Route, ConfigValue)? {
        let match = entry.value("match")
        let action = action(entry, match)
        let activity = entry.flag("activity", or: true)
        let track = entry.flag("track", or: true)
        let require = require(entry)
        if let track = entry.value("track"), track.node.bool == false {
            if entry.value("on") != nil {
                track.error("contradicts \"on\": what is watched counts; keep one of them")
            } else if entry.value("activity")?.node.bool == true {
                track.error("contradicts activity: true; keep one of them")
            }
        }
        let inject = InjectReader.read(entry)
        let enrichment = transformations(entry)
        guard let match else {
            if entry.value.node["match"] == nil {
                entry.error("match is missing: write match: \"GET /path/**\"")
            }
            return nil
        }
        guard let pattern = pattern(match) else { return nil }
        let route = Config.Route(
            match: pattern, line: match.line, action: action, activity: activity, track: track,
            require: require, inject: inject, enrichment: enrichment)
        return (route, match)
    }

    private func pattern(_ match: ConfigValue) -> RoutePattern? {
        guard let text = match.text(like: "GET /path/**") else { return nil }
        do throws(RoutePatternError) {
            let pattern = try RoutePattern(text)
            if let space = text.firstIndex(of: " "),
                text[space...].dropFirst().hasPrefix(prefix + "/")
            {
                match.warning(
                    "is never reached: the sidecar itself answers under \(prefix); write another"
                        + " path or another api.prefix")
            }
            return pattern
        } catch {
            match.error("\(ConfigValue.quoted(text)) is no route: \(error.reason)")
            return nil
        }
    }

    private func action(_ entry: ConfigSection, _ match: ConfigValue?) -> Config.Route.Action {
        let on = entry.value("on")
        let serve = entry.value("serve")
        let logins = LoginReader(readsTokens: readsTokens)
        let paths = logins.paths(entry)
        let watched = on?.choice(Watched.self)
        let served = serve.flatMap(endpoint)
        if let serve, on != nil {
            serve.error(
                "contradicts \"on\": \"on\" watches what the backend answers, \"serve\" answers"
                    + " in its place; keep one of them")
            return .pass
        }
        if on == nil || watched != nil, watched != .login, watched != .refresh {
            logins.refuse(entry)
        }
        switch watched {
        case .login:
            if let on { logins.checkLogin(entry, on) }
            return .login(paths)
        case .refresh:
            if let on { logins.checkRefresh(entry, on) }
            return .refresh(paths)
        case .logout: return .logout
        case .heartbeat: return .heartbeat
        case nil: break
        }
        guard let served, let serve else { return .pass }
        if served.needsUser, let pattern = match?.node.string, !pattern.contains("{") {
            serve.error(
                "\"\(served.name)\" needs the user's id: put {id} into match, like"
                    + " \"GET /users/{id}/\"")
        }
        return .serve(served)
    }

    /// Whether requests without a good credential are answered 401.
    private func require(_ entry: ConfigSection) -> Bool {
        guard let value = entry.value("require"), value.flag() == true else { return false }
        if entry.value("serve") != nil {
            value.error(
                "contradicts \"serve\": the sidecar's own endpoints ask for a token anyway; leave it"
                    + " out")
        } else if let on = entry.value("on")?.node.string, on == "login" || on == "refresh" {
            value.error(
                "contradicts on: \"\(on)\", by which clients come by a token; leave it out")
        }
        return true
    }

    private func endpoint(_ value: ConfigValue) -> Endpoint? {
        value.choice(of: Self.served.map(\.name)).flatMap { Endpoint(serving: $0) }
    }

    private func transformations(_ entry: ConfigSection) -> Enrichment? {
        let enrich = entry.optionalSection("enrich", like: EnrichmentReader.example)
        let enrichment = enrich.flatMap { EnrichmentReader().read($0) }
        if let enrich, let on = entry.value("on")?.node.string, on == "login" || on == "refresh" {
            enrich.error(
                "contradicts on: \"\(on)\", whose answer is read as it passes; leave it out")
        }
        if let serve = entry.value("serve"), enrich != nil || InjectReader.isAsked(entry) {
            serve.error(
                "contradicts \"enrich\" and \"inject\", which change what the backend answers;"
                    + " keep one of them")
        }
        return enrichment
    }
}
