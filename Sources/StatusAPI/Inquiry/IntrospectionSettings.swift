// Owns who is asked about a token that says nothing itself, and where the answer names a person.
// Called by the assembly, which fills it from the config file, and by the desk.
// Never asks anybody.

public import ProxyCore

/// How opaque tokens and session cookies are looked up.
public struct IntrospectionSettings: Sendable {
    public enum Mode: Sendable {
        /// The application's own "who am I", asked with the client's own credential. The servers
        /// are tried in turn; their own paths are not used.
        case backend(servers: [FetchTarget], path: String)
        /// An endpoint as of RFC 7662, asked in the name of the sidecar. `caFile` is the
        /// authority of its certificate; nil: the system's.
        case standard(FetchTarget, clientID: String?, secret: [UInt8]?, caFile: String?)
    }

    public var mode: Mode
    /// Leads to a text or a whole number.
    public var user: JSONPath
    public var name: JSONPath?
    /// An admin is only who has the JSON value `true` here.
    public var admin: JSONPath?
    /// nil: the credential itself is the session.
    public var session: JSONPath?
    /// How long a positive answer holds, milliseconds.
    public var cache: Milliseconds = 60_000
    /// For one question, all tries together, milliseconds.
    public var timeout: Milliseconds = 5_000
    /// Questions under way at once: one thread each.
    public var concurrency = 4
    /// Questions that wait. Beyond it one is dropped, and counted.
    public var queued = 1_024
    /// Tokens whose owner is remembered.
    public var known = 262_144
    /// As what a token is shown that came by a place the server does not look at: in the query
    /// or as a WebSocket subprotocol.
    public var shownAs = TokenPlace.header(name: "Authorization", scheme: "Bearer")

    public init(mode: Mode, user: JSONPath) {
        self.mode = mode
        self.user = user
    }
}
