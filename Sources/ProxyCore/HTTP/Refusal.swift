// Owns the verdicts of the wire-format parsers: complete, partial, or refused with a reason.
// Called by whoever reads a message; the reason goes into the log, the status to the client.
// Never recovers: a refused message is answered and its connection closed.

/// The configured bounds of a head.
public struct HeadLimits: Sendable, Equatable, BitwiseCopyable {
    /// The request line with its CRLF, bytes (414 above).
    public var requestLine: Int
    /// The whole head from its first byte to the blank line, bytes (431 above).
    public var headerBytes: Int
    /// Fields (431 above); never more than `Limits.maximumFields`.
    public var headerCount: Int
    /// Whether our own name in Via is a loop (508). A server of this program that forwards nothing
    /// may stand behind one that does.
    public var refusesOwnVia = true

    public init(
        requestLine: Int = 8 * 1024, headerBytes: Int = 32 * 1024, headerCount: Int = 100
    ) {
        self.requestLine = requestLine
        self.headerBytes = headerBytes
        self.headerCount = min(headerCount, Limits.maximumFields)
    }
}

/// Why a message is not accepted. It always means: answer with `status`, close the connection,
/// and let nothing of the message reach the other side. (A response that is refused carries
/// status 502 and closes the upstream connection.)
public struct Refusal: Error, Sendable, Equatable, BitwiseCopyable {
    public let status: Int
    public let reason: RefusalReason

    public init(status: Int, reason: RefusalReason) {
        self.status = status
        self.reason = reason
    }

    /// A request that is malformed: 400.
    @inlinable init(_ reason: RefusalReason) {
        self.init(status: 400, reason: reason)
    }
}

/// What the parser says of the bytes so far.
public enum HeadOutcome: Sendable, Equatable, BitwiseCopyable {
    /// The head is whole; `length` says where the body begins.
    case complete
    /// More bytes are needed.
    case partial
    case refused(Refusal)
}
