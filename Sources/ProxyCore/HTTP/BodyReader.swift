// Owns finding the end of a message body, whatever its framing.
// Called by the exchange for each piece of body, of a request or of a response.
// Never copies data and never decides the framing: it obeys the one that the head has stated.

/// Walks over a body of any framing.
public struct BodyReader: Sendable, BitwiseCopyable {
    private let framing: BodyFraming
    private var remaining: UInt64
    private var chunks: ChunkedDecoder
    private var ended: Bool

    /// - Parameter limits: of the trailer fields of a chunked body.
    public init(_ framing: BodyFraming, limits: HeadLimits = HeadLimits()) {
        self.framing = framing
        chunks = ChunkedDecoder(limits: limits)
        remaining = 0
        ended = framing.isEmpty
        if case .length(let count) = framing { remaining = count }
    }

    /// The next event of `bytes[offset...]`; advances `offset` past what it has used. Bytes
    /// behind the end of the body are left alone.
    public mutating func next(_ bytes: RawSpan, at offset: inout Int) -> ChunkEvent {
        if ended { return .end }
        switch framing {
        case .none:
            return .end
        case .chunked:
            let event = chunks.next(bytes, at: &offset)
            ended = chunks.isComplete
            return event
        case .length:
            let room = UInt64(bytes.byteCount - offset)
            return take(Int(min(remaining, room)), &offset)
        case .untilClose:
            return take(bytes.byteCount - offset, &offset)
        }
    }

    private mutating func take(_ count: Int, _ offset: inout Int) -> ChunkEvent {
        guard count > 0 else { return .more }
        let start = offset
        offset += count
        if case .length = framing {
            remaining -= UInt64(count)
            ended = remaining == 0
        }
        return .data(start: start, end: offset)
    }

    /// Whether the last byte of the body has been read.
    public var isComplete: Bool { ended }

    /// The connection has ended. True: that is a legal end of this body; false: it is truncated.
    public mutating func endOfStream() -> Bool {
        if framing == .untilClose { ended = true }
        return ended
    }
}
