// Owns the chunked transfer coding as a machine over bytes.
// Called by BodyReader for both directions.
// Never copies data: it says which ranges of its input are data. Extensions and trailers end here.

/// What a body machine found at `offset`.
public enum ChunkEvent: Sendable, Equatable, BitwiseCopyable {
    /// `bytes[start..<end]` is body; the offset now stands at `end`.
    case data(start: Int, end: Int)
    /// All of the input is used up and the body goes on.
    case more
    /// The body is whole; the offset stands behind its last byte.
    case end
    /// Status 400 or 431; the reader of an upstream's body makes 502 of it.
    case malformed(Refusal)
}

/// Reads a chunked body (RFC 9112 §7.1), however it is cut into pieces.
public struct ChunkedDecoder: Sendable, BitwiseCopyable {
    public init(limits: HeadLimits = HeadLimits()) {}

    public mutating func next(_ bytes: RawSpan, at offset: inout Int) -> ChunkEvent { .more }

    /// Whether the last chunk and its trailers have been read.
    public var isComplete: Bool { false }
}
