// Owns what becomes of a path: the sidecar's own endpoints and the configured routes.
// Called by admission for every request, and again where an endpoint needs the user in the path.
// Never looks at a token.

public import ProxyCore

/// The marks that a ticket carries, in the low bits of its flags.
enum Mark {
    /// The request's credential was good; the ticket names its session.
    static let identified: UInt32 = 1 << 0
    static let admin: UInt32 = 1 << 1
    /// Of the route: a request says something about its sender.
    static let tracked: UInt32 = 1 << 2
    /// Of the route: it says that a person is at work.
    static let activity: UInt32 = 1 << 3
    static let login: UInt32 = 1 << 4
    static let logout: UInt32 = 1 << 5
    /// The answer brings a new token for the same session.
    static let refresh: UInt32 = 1 << 6
    /// The request's credential counts because the application says so and not by a signature:
    /// what the application answers decides whether it still does.
    static let judged: UInt32 = 1 << 7
    /// Nobody has been asked yet whose the request's credential is: the question is parked.
    static let unasked: UInt32 = 1 << 8
    /// A logout by a credential of which it is known whose it was, and not whose it is.
    static let former: UInt32 = 1 << 9
    /// Of the route: it injects; and the request asks for a page.
    static let page: UInt32 = 1 << 10
    /// Where the number of an entry or a parking place stands.
    static let numberShift: UInt32 = 11
    /// Numbers from here on cannot be carried.
    static let numberLimit = 1 << 21
}

/// What one route says.
struct Rule: Sendable, BitwiseCopyable {
    enum Kind: UInt8, Sendable, BitwiseCopyable {
        case forward, serve
        /// Under the prefix, and not one of ours.
        case missing
    }

    var kind: Kind
    var endpoint: Endpoint
    /// The marks that every request of this route has.
    var flags: UInt32
    /// Whether a path that servers read in two ways is refused here.
    var isStrict: Bool
    /// Whether a request without a good credential is refused.
    var requires = false
    /// What is read of the answer.
    var watch = Watch.nothing
    /// Of a request for a page: under which its origin is parked.
    var note: UInt32 = 0

    static let plain = Rule(
        kind: .forward, endpoint: .healthz, flags: Mark.tracked | Mark.activity, isStrict: false)
    static let missing = Rule(kind: .missing, endpoint: .healthz, flags: 0, isStrict: true)

    static func serve(_ endpoint: Endpoint) -> Rule {
        Rule(kind: .serve, endpoint: endpoint, flags: 0, isStrict: true)
    }

    init(kind: Kind, endpoint: Endpoint, flags: UInt32, isStrict: Bool) {
        self.kind = kind
        self.endpoint = endpoint
        self.flags = flags
        self.isStrict = isStrict
    }

    init(_ route: PassingRoute) {
        self = .plain
        if !route.track { flags &= ~Mark.tracked }
        if !route.activity { flags &= ~Mark.activity }
        // Another reading of its path must not lead past the gate.
        requires = route.require
        isStrict = route.require
        switch route.effect {
        case .pass: break
        case .login(let paths):
            flags |= Mark.login
            isStrict = true
            watch = Watch(body: APILimits.loginBody, fields: paths.readsHead)
        case .logout:
            flags |= Mark.logout
            isStrict = true
        case .refresh(let paths):
            flags |= Mark.refresh
            // Clients refresh by themselves.
            flags &= ~Mark.activity
            isStrict = true
            watch = Watch(body: APILimits.loginBody, fields: paths.readsHead)
        case .heartbeat:
            flags &= ~Mark.activity
            isStrict = true
        case .serve(let endpoint): self = .serve(endpoint)
        }
        if route.inject != nil, kind == .forward {
            flags |= Mark.page
            watch.rewrites = true
        }
        if route.enrichment != nil, kind == .forward {
            watch.rewrites = true
            // Presence changes without the application's doing.
            watch.isVolatile = true
        }
    }
}

/// What stands under the prefix always.
public enum OwnAddresses {
    /// In this order: `users/online` is no user.
    private static let endpoints: [(path: String, endpoint: Endpoint)] = [
        ("/heartbeat", .heartbeat), ("/users/online", .online), ("/users/query", .query),
        ("/users/{id}", .user), ("/users/{id}/status", .setStatus), ("/users", .users),
        ("/users/{id}/history", .history), ("/changes", .changes), ("/events", .events),
        ("/ws", .webSocket), ("/stats", .stats), ("/whoami", .whoami), ("/healthz", .healthz),
        ("/readyz", .readyz), ("/metrics", .metrics), ("/dashboard", .dashboard),
        ("/dashboard.js", .dashboardScript), ("/dashboard.css", .dashboardStyle),
        ("/dashboard.json", .dashboardSettings), ("/dashboard/{file}", .dashboardPart),
        ("/client.js", .clientScript), ("/react.js", .reactScript),
        ("/openapi.json", .apiDescription),
    ]

    /// The patterns in the order of matching, before every route; nil: nothing is there.
    public static func patterns(
        under prefix: String
    ) throws(RoutePatternError) -> [(pattern: RoutePattern, endpoint: Endpoint?)] {
        var all: [(pattern: RoutePattern, endpoint: Endpoint?)] = []
        for (path, endpoint) in endpoints {
            all.append((try RoutePattern("* \(prefix)\(path)"), endpoint))
        }
        for path in ["", "/**"] { all.append((try RoutePattern("* \(prefix)\(path)"), nil)) }
        return all
    }
}

/// All routes, compiled once and shared by the loops.
final class Router: Sendable {
    private let lookup: RouteLookup
    /// Of the pattern `i`: `rules[i + 1]`. The first is for what matches none.
    private let rules: [Rule]
    private let logins: [UInt32: LoginPaths]
    /// Of the routes that inject.
    private let tags: [UInt32: ScriptTag]
    private let enrichments: [UInt32: EnrichmentPlan]

    /// The first match wins, so that the prefix stands before every route.
    init(_ settings: APISettings) throws(RoutePatternError) {
        lookup = try RouteLookup(prefix: settings.prefix, routes: settings.routes)
        rules = [.plain] + lookup.rules
        var logins: [UInt32: LoginPaths] = [:]
        var tags: [UInt32: ScriptTag] = [:]
        var enrichments: [UInt32: EnrichmentPlan] = [:]
        for (index, route) in settings.routes.enumerated() {
            let number = UInt32(lookup.ownCount + index + 1)
            if let attributes = route.inject {
                tags[number] = ScriptTag(prefix: settings.prefix, attributes: attributes)
            }
            switch route.effect {
            case .login(let paths), .refresh(let paths): logins[number] = paths
            case .pass, .logout, .heartbeat, .serve: break
            }
            enrichments[number] = route.enrichment.map { EnrichmentPlan($0) }
        }
        self.logins = logins
        self.tags = tags
        self.enrichments = enrichments
    }

    subscript(route: UInt32) -> Rule { rules[Int(route)] }

    func tag(_ route: UInt32) -> ScriptTag? { tags[route] }

    func login(_ route: UInt32) -> LoginPaths { logins[route] ?? LoginPaths() }

    func enrichment(_ route: UInt32) -> EnrichmentPlan? { enrichments[route] }

    /// The route of a request; 0 where none matches, nil where it cannot be told and matters.
    @inline(__always)
    func route(
        _ request: borrowing RequestHead, _ bytes: RawSpan, scratch: inout ByteBuffer
    ) -> UInt32? {
        switch lookup.find(bytes[request.methodName], bytes[request.path], scratch: &scratch) {
        case .none, .doubtful: 0
        case .route(let route), .folded(let route): route + 1
        case .refused, .tooDoubtful: nil
        }
    }

    /// The user that the path names, again: admission kept only the route.
    func user(
        _ request: borrowing RequestHead, _ bytes: RawSpan, scratch: inout ByteBuffer
    ) -> String? {
        let range = lookup.parameter(
            bytes[request.methodName], bytes[request.path], scratch: &scratch)
        return range.flatMap { scratch.bytes[$0].text() }
    }
}
