// Owns what is remembered of one client connection.
// Called by the loop that accepted it.
// Never holds an exchange: that is a slot of its own, and an idle connection has none.

/// What an edge-triggered stream said last.
struct StreamFlags: OptionSet, Sendable {
    let rawValue: UInt8
    /// There may be bytes to read.
    static let readable = StreamFlags(rawValue: 1)
    /// The kernel took all of the last write.
    static let writable = StreamFlags(rawValue: 2)
    /// The peer has ended its sending side (FIN seen, not necessarily read).
    static let peerEnded = StreamFlags(rawValue: 4)
    /// The end of its stream has been read.
    static let endRead = StreamFlags(rawValue: 8)
    /// We have ended our sending side.
    static let ended = StreamFlags(rawValue: 16)
    /// End our sending side as soon as the output has left.
    static let endAfterOutput = StreamFlags(rawValue: 32)
    /// Waits in the loop's list of connections to look at again.
    static let queued = StreamFlags(rawValue: 64)
}

/// One client connection.
struct Downstream: ~Copyable {
    enum Phase: Sendable {
        /// Between requests, or in the middle of a head.
        case head
        /// A whole head is at hand, and the application has put it off.
        case waiting
        /// Collecting the body of a request that is answered here.
        case gather
        /// An exchange with the upstream is under way.
        case exchange
        /// `serve` will answer later.
        case serving
        /// A WebSocket that this process serves.
        case socket
        /// Bytes pass both ways untouched.
        case tunnel
        /// The last output is on its way; then the connection closes.
        case closing
        /// Our side has ended; what still comes is dropped.
        case linger
    }
    /// What `closing` turns into when the output has left.
    enum Close: Sendable { case plain, linger }

    let stream: FileDescriptor
    let generation: UInt32
    let client: ClientAddress
    let isTrusted: Bool
    var phase = Phase.head
    var close = Close.plain
    var flags: StreamFlags = [.readable, .writable]
    /// A partial head, or a request that came before its turn.
    var input = ByteBuffer()
    /// What the client has not taken yet.
    var output = ByteBuffer()
    /// Bytes of it that count among `ProxyLoop.rewritingBytes`: of a response that was collected,
    /// and that the client takes slowly.
    var counted = 0
    /// Bytes of `input` that a head parse has seen.
    var scanned: Int32 = 0
    /// In `waiting`: the number of the arrival that `resume` must name.
    var admission: UInt32 = 0
    /// In `waiting`: the application is to be asked again at the next look.
    var isResumed = false
    /// Bytes of it that are kept meanwhile.
    var waits: Int32 = 0
    /// Bytes dropped in `linger`.
    var dropped: Int32 = 0
    var exchange: Int32 = -1
    var socket: Int32 = -1
    /// When the present phase has lasted too long.
    var deadline: Milliseconds = .max
    /// The earliest entry of this connection in the wheel.
    var armed: Milliseconds = .max

    init(
        stream: FileDescriptor, generation: UInt32, client: ClientAddress, isTrusted: Bool
    ) {
        self.stream = stream
        self.generation = generation
        self.client = client
        self.isTrusted = isTrusted
    }
}
