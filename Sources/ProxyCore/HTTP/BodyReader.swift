// Owns finding the end of a message body, whatever its framing.
// Called by the exchange for each piece of body, of a request or of a response.
// Never copies data and never decides the framing: it obeys the one that the head has stated.

/// Walks over a body of any framing.
public struct BodyReader: Sendable, BitwiseCopyable {
    public init(_ framing: BodyFraming, limits: HeadLimits = HeadLimits()) {}

    /// The next event of `bytes[offset...]`; advances `offset` past what it has used.
    public mutating func next(_ bytes: RawSpan, at offset: inout Int) -> ChunkEvent { .more }

    /// Whether the last byte of the body has been read.
    public var isComplete: Bool { false }

    /// The connection has ended. True: that is a legal end of this body; false: it is truncated.
    public mutating func endOfStream() -> Bool { false }
}
