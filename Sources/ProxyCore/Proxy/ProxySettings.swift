// Owns what an operator can set about passing traffic.
// Called by the assembly, which fills it, and by the loops, which read it.
// Never knows where a value came from.

/// One backend: a name or path, and every address that it stands for.
public struct UpstreamServer: Sendable, Equatable {
    /// As configured: `http://127.0.0.1:8000`.
    public let text: String
    /// Tried in order when connecting.
    public let addresses: [SocketAddress]

    public init(text: String, addresses: [SocketAddress]) {
        self.text = text
        self.addresses = addresses
    }
}

/// Everything that the loops need to know. Times in milliseconds, sizes in bytes.
public struct ProxySettings: Sendable {
    public var listen: [SocketAddress] = []
    /// None: every request is answered by the application, or with 502.
    public var upstreams: [UpstreamServer] = []
    public var trusted: TrustedNetworks
    public var head = HeadLimits()
    /// The longest request body that is forwarded; nil: no bound.
    public var bodyLimit: UInt64?
    public var connectTimeout: Milliseconds = 2_000
    /// The longest silence of the upstream before and within a response.
    public var responseTimeout: Milliseconds = 60_000
    /// How long an unused upstream connection is kept: below the backend's own keep-alive time,
    /// or a request meets a connection that is just being closed.
    public var upstreamIdle: Milliseconds = 1_500
    /// Connections to one upstream server over all loops.
    public var upstreamConnections = 256
    /// From the first byte of a head to its last: absolute, against a head that drips.
    public var headerTimeout: Milliseconds = 15_000
    /// The longest silence of a client within a body.
    public var bodyTimeout: Milliseconds = 30_000
    /// Bytes a second that a request body must average after its first `bodyTimeout`.
    public var minimumRate: Int64 = 500
    public var keepAliveTimeout: Milliseconds = 75_000
    public var tunnelTimeout: Milliseconds = 3_600_000
    /// Client connections over all loops.
    public var connections = 100_000
    /// How long a draining loop waits for exchanges and tunnels.
    public var drainTime: Milliseconds = 30_000
    /// Ping interval of served WebSockets; a peer silent for two of them is gone.
    public var pingEvery: Milliseconds = 30_000
    public var socketMessage = 16 * 1024
    /// How often a stream gives a sign of life.
    public var streamIdle: Milliseconds = Limits.streamIdle
    /// Served WebSockets and streams over all loops.
    public var sockets = 200_000
    public var accessLog = false
    /// Names of request fields that only the application may set, at most
    /// `Limits.reservedFields`: never taken from a client (`ReservedFields`).
    public var reservedFields: [String] = []

    public init(trusted: TrustedNetworks) {
        self.trusted = trusted
    }
}
