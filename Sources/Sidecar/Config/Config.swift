// Owns the shape of the whole configuration as plain values.
// Called by the assembly, which makes settings of it, and by the commands that show it.
// Never reads a file, never holds a value that was not checked.

import ProxyCore
import StatusAPI

/// Everything that an operator can set (contract: the config file). Durations in milliseconds,
/// sizes in bytes. The defaults are what holds where the file is silent.
struct Config: Sendable {
    var listen: [Listener] = [Listener(address: .tcp(host: "127.0.0.1", port: 8080), line: 1)]
    /// Event loops; 0: one a core.
    var workers = 0
    var upstream = Upstream()
    var trustedProxies: [String] = ["127.0.0.1/32", "::1/128"]
    var tokens = Tokens()
    var presence = Presence()
    /// In the order of the file: the first match wins.
    var routes: [Route] = []
    var api = API()
    var websocket = WebSocket()
    var store = Store()
    var log = Log()
    var limits = Bounds()

    struct Listener: Sendable, Equatable {
        var address: ListenAddress
        var line: Int
    }

    struct Upstream: Sendable {
        var servers: [Server] = []
        var connectTimeout: Milliseconds = 2_000
        var responseTimeout: Milliseconds = 60_000
        var idleTimeout: Milliseconds = 1_500
        var maxConnections = 256
    }

    struct Server: Sendable, Equatable {
        /// As written: `http://127.0.0.1:8000`.
        var text: String
        var address: ServerAddress
        var line: Int
    }

    struct Presence: Sendable, Equatable {
        enum LogoutScope: String, Sendable, CaseIterable { case user, session }

        var offlineAfter: Milliseconds = 120_000
        /// nil: nobody is away by the passing of time.
        var awayAfter: Milliseconds?
        var heartbeatEvery: Milliseconds = 30_000
        var disconnectGrace: Milliseconds = 10_000
        var logoutScope = LogoutScope.user
        var allowFlapping = false
        /// nil: no history is kept.
        var history: Milliseconds? = 2_592_000_000
    }

    struct API: Sendable, Equatable {
        /// Begins with a slash and does not end with one.
        var prefix = "/_presence"
        /// nil: no limit.
        var rateLimit: Rate? = Rate(count: 20, period: 1_000)
        var pageSize = 20
        var maxPageSize = 1_000
    }

    struct WebSocket: Sendable, Equatable {
        /// Empty: any.
        var origins: [String] = []
        var subscription = InitialSubscription.all
        var maxMessage = 16 * 1024
        var pingEvery: Milliseconds = 30_000
        var maxSockets = 200_000
    }

    struct Store: Sendable, Equatable {
        /// nil: memory only.
        var path: String? = "presence.sqlite3"
        var flushEvery: Milliseconds = 1_000
    }

    struct Log: Sendable, Equatable {
        enum Level: String, Sendable, CaseIterable { case debug, info, warning, error }
        enum Format: String, Sendable, CaseIterable { case text, json }
        enum Access: String, Sendable, CaseIterable { case stderr, off }

        var level = Level.info
        var format = Format.text
        var access = Access.stderr
    }

    /// The section `limits`.
    struct Bounds: Sendable, Equatable {
        var requestLine = 8 * 1024
        var headerBytes = 32 * 1024
        var headerCount = 100
        /// nil: no limit.
        var body: Int?
        var headerTimeout: Milliseconds = 15_000
        var bodyTimeout: Milliseconds = 30_000
        var keepAliveTimeout: Milliseconds = 75_000
        var tunnelTimeout: Milliseconds = 3_600_000
        /// Bytes a second.
        var minRate = 500
        var connections = 100_000
        /// nil: no limit.
        var connectionsPerAddress: Int?
        var drain: Milliseconds = 30_000
    }

    /// One entry of `routes`.
    struct Route: Sendable {
        enum Action: Sendable {
            /// Forwarded like anything else.
            case pass
            case login(LoginPaths)
            case logout
            /// Forwarded; a 2xx answer holds a new token for the session of the request's.
            case refresh(LoginPaths)
            /// Forwarded; contact, not activity.
            case heartbeat
            case serve(Endpoint)
        }

        var match: RoutePattern
        var line: Int
        var action = Action.pass
        var activity = true
        var track = true
        /// A request without a good credential is answered 401 and reaches nobody.
        var require = false
        /// The client script's tag goes into pages, with these attributes.
        var inject: [ScriptAttribute]?
        /// What is added to the JSON that the backend answers.
        var enrichment: Enrichment?
    }
}

/// Where to accept connections.
enum ListenAddress: Sendable, Equatable {
    /// A numeric address without brackets. Port 0: any that is free.
    case tcp(host: String, port: UInt16)
    case unix(path: String)
    /// Sockets handed over by systemd.
    case systemd
}

/// Where a backend is.
enum ServerAddress: Sendable, Equatable {
    /// A name or a numeric address without brackets.
    case tcp(host: String, port: UInt16)
    case unix(path: String)
}
