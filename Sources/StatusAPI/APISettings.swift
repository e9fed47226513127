// Owns what an operator can set of this target.
// Called by the assembly, which fills it from the config file, and by everything here.
// Never reads a file, never knows a default of another target.

public import ProxyCore

/// What one of the sidecar's own endpoints is called: `serve: "…"` in a route.
public enum Endpoint: UInt8, Sendable, CaseIterable, BitwiseCopyable {
    case heartbeat, user, setStatus, online, users, query, webSocket, stats, whoami
    case changes, events, history
    case healthz, readyz, metrics
    case dashboard, dashboardScript, dashboardStyle, dashboardSettings, dashboardPart
    case clientScript, reactScript, apiDescription

    /// - Parameter name: as in the config file.
    public init?(serving name: String) {
        guard let found = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = found
    }

    public var name: String {
        switch self {
        case .heartbeat: "heartbeat"
        case .user: "user"
        case .setStatus: "set-status"
        case .online: "online"
        case .users: "users"
        case .query: "query"
        case .webSocket: "websocket"
        case .stats: "stats"
        case .changes: "changes"
        case .events: "events"
        case .history: "history"
        case .whoami: "whoami"
        case .healthz: "healthz"
        case .readyz: "readyz"
        case .metrics: "metrics"
        case .dashboard: "dashboard"
        case .dashboardScript: "dashboard.js"
        case .dashboardStyle: "dashboard.css"
        case .dashboardSettings: "dashboard.json"
        case .dashboardPart: "dashboard/"
        case .clientScript: "client.js"
        case .reactScript: "react.js"
        case .apiDescription: "openapi.json"
        }
    }

    /// A file for browsers and programs. Scripts and the dashboard find the API by their own
    /// address.
    var isFile: Bool {
        switch self {
        case .dashboard, .dashboardScript, .dashboardStyle, .dashboardSettings, .dashboardPart,
            .clientScript, .reactScript, .apiDescription:
            true
        case .heartbeat, .user, .setStatus, .online, .users, .query, .webSocket, .stats, .whoami,
            .changes, .events, .history, .healthz, .readyz, .metrics:
            false
        }
    }

    /// Whether it stands under the prefix alone: no route can serve it elsewhere.
    public var isUnderPrefixAlone: Bool {
        isFile || self == .healthz || self == .readyz || self == .metrics
    }

    /// Whether a route that serves it must hold one `{…}`: the user's id.
    public var needsUser: Bool { self == .user || self == .setStatus || self == .history }
}

/// Where a login's answer shows the token that it has issued.
public enum TokenSource: Sendable {
    /// In the body, which is JSON.
    case path(JSONPath)
    /// The value of a field, behind a scheme where it names one.
    case header(String)
    /// Set by `Set-Cookie` under this name.
    case cookie(String)

    /// As it is written in the configuration.
    public var text: String {
        switch self {
        case .path(let path): path.text
        case .header(let name): "header:\(name)"
        case .cookie(let name): "cookie:\(name)"
        }
    }
}

/// Where a login's answer says who has signed in. Tried in order; the first that is there counts.
public struct LoginPaths: Sendable {
    public var token: [TokenSource]
    public var user: [JSONPath]
    public var name: [JSONPath]
    /// When a token that says nothing itself ends.
    public var expires: [JSONPath]
    /// Where a login's request says who asks for it; nil: nobody has said.
    public var credentials: LoginCredentials?

    public init(
        token: [TokenSource] = [], user: [JSONPath] = [], name: [JSONPath] = [],
        expires: [JSONPath] = [], credentials: LoginCredentials? = nil
    ) {
        self.token = token
        self.user = user
        self.name = name
        self.expires = expires
        self.credentials = credentials
    }

    /// The places of the body at which a token may stand.
    public var tokenPaths: [JSONPath] {
        token.compactMap { if case .path(let path) = $0 { path } else { nil } }
    }

    /// Whether a token may stand in the head of the answer.
    public var readsHead: Bool { tokenPaths.count < token.count }
}

/// The members of a login's JSON by which somebody signs in. Both paths consist of names alone.
public struct LoginCredentials: Sendable, Equatable {
    public var username: JSONPath
    public var password: JSONPath

    public init(username: JSONPath, password: JSONPath) {
        self.username = username
        self.password = password
    }
}

/// What a configured route does.
public enum RouteEffect: Sendable {
    /// Forwarded like anything else; only `activity` and `track` differ.
    case pass
    case login(LoginPaths)
    case logout
    /// An answer with a new token for the session of the one that was shown.
    case refresh(LoginPaths)
    /// Forwarded; counts as contact and not as activity.
    case heartbeat
    case serve(Endpoint)
}

/// One entry of `routes`.
public struct PassingRoute: Sendable {
    public var match: RoutePattern
    public var effect: RouteEffect
    /// False: a request here is contact, not a sign of a person at work.
    public var activity: Bool
    /// False: a request here says nothing about anybody.
    public var track: Bool
    /// Whoever shows no credential that counts gets 401 here, and nothing of the request reaches
    /// the application.
    public var require: Bool
    /// The client script's tag goes into pages that pass here, with these attributes; nil: not.
    public var inject: [ScriptAttribute]?
    /// What is added to the JSON that the application answers here.
    public var enrichment: Enrichment?

    public init(
        match: RoutePattern, effect: RouteEffect = .pass, activity: Bool = true,
        track: Bool = true, require: Bool = false, inject: [ScriptAttribute]? = nil,
        enrichment: Enrichment? = nil
    ) {
        self.match = match
        self.effect = effect
        self.activity = activity
        self.track = track
        self.require = require
        self.inject = inject
        self.enrichment = enrichment
    }
}

/// What a socket is told of before it subscribes.
public enum InitialSubscription: String, Sendable, CaseIterable {
    case all
    case none
}

/// The settings of the sidecar's own endpoints and of what it reads in passing.
public struct APISettings: Sendable {
    /// Without a trailing slash. "" is not allowed: it would shadow the application.
    public var prefix = "/_presence"
    /// How often one user (or one address without a token) may ask the endpoints; nil: no limit.
    public var rateLimit: Rate? = Rate(count: 20, period: 1000)
    public var pageSize = 20
    public var maximumPageSize = 1000
    /// In the order of the file: the first match wins.
    public var routes: [PassingRoute] = []

    /// Browser origins that may open a socket; empty: any. A token is never sent by a browser of
    /// itself (no cookie is read), so another site cannot use its visitor's.
    public var origins: [String] = []
    public var subscription = InitialSubscription.all
    /// Presence sockets and event streams of all loops together; further sockets are closed with
    /// 1013, further streams answered 503.
    public var maximumSockets = 200_000

    /// What `hello` tells clients; the engine's setting of the same name.
    public var heartbeatEvery: Milliseconds = 30_000
    /// Shown in the metrics and in the description of the API.
    public var version = "0"

    public init() {}
}
