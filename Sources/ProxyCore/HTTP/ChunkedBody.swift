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
///
/// Chunk extensions and trailer fields are checked, bounded and dropped: nothing that arrives
/// behind the head may change what the head has said.
public struct ChunkedDecoder: Sendable, BitwiseCopyable {
    enum State: UInt8, Sendable, BitwiseCopyable {
        case sizeStart, size, sizeEnd
        case extensionStart, extensionName, extensionNamed
        case valueStart, valueToken, valueQuoted, valueEscape, valueClosed, valueEnd
        case data, dataEnd, dataLineFeed
        case trailerStart, trailerName, trailerValue, trailerLineFeed
        case lastLineFeed, done, broken
    }

    var state: State = .sizeStart
    /// Digits of the chunk size so far.
    private var digits: UInt8 = 0
    /// Bytes of the size line so far.
    private var lineBytes: UInt16 = 0
    private var extensionBytes: UInt32 = 0
    /// Trailer bytes and fields that may still come.
    var trailerRoom: UInt32
    var trailerFields: UInt16
    /// The chunk's size while its line is read, then its bytes still to come.
    private var remaining: UInt64 = 0
    private var fault: RefusalReason = .chunkSize

    /// - Parameter limits: of the trailer fields: those of a head.
    public init(limits: HeadLimits = HeadLimits()) {
        trailerRoom = UInt32(clamping: limits.headerBytes)
        trailerFields = UInt16(clamping: limits.headerCount)
    }

    /// Whether the last chunk and its trailers have been read.
    public var isComplete: Bool { state == .done }

    /// The next event of `bytes[offset...]`; advances `offset` past what it has used.
    public mutating func next(_ bytes: RawSpan, at offset: inout Int) -> ChunkEvent {
        while offset < bytes.byteCount, state != .done {
            if state == .data { return takeData(bytes.byteCount, &offset) }
            if let reason = step(bytes[at: offset]) {
                state = .broken
                fault = reason
                return .malformed(Self.refusal(reason))
            }
            offset += 1
        }
        switch state {
        case .done: return .end
        case .broken: return .malformed(Self.refusal(fault))
        default: return .more
        }
    }

    private static func refusal(_ reason: RefusalReason) -> Refusal {
        Refusal(status: reason == .trailersTooLarge ? 431 : 400, reason: reason)
    }

    private mutating func takeData(_ count: Int, _ offset: inout Int) -> ChunkEvent {
        let taken = Int(min(remaining, UInt64(count - offset)))
        let start = offset
        offset += taken
        remaining -= UInt64(taken)
        if remaining == 0 { state = .dataEnd }
        return .data(start: start, end: offset)
    }

    /// One byte that is not data; the fault, if it cannot stand here.
    private mutating func step(_ byte: UInt8) -> RefusalReason? {
        switch state {
        case .sizeStart, .size, .sizeEnd: return sizeStep(byte)
        case .extensionStart, .extensionName, .extensionNamed, .valueStart, .valueToken,
            .valueQuoted, .valueEscape, .valueClosed, .valueEnd:
            return extensionStep(byte)
        case .dataEnd:
            guard byte == .carriageReturn else { return .chunkEnding }
            state = .dataLineFeed
        case .dataLineFeed:
            guard byte == .lineFeed else { return .chunkEnding }
            startSize()
        case .trailerStart, .trailerName, .trailerValue, .trailerLineFeed, .lastLineFeed:
            return trailerStep(byte)
        case .data, .done: break
        case .broken: return fault
        }
        return nil
    }

    private mutating func startSize() {
        state = .sizeStart
        remaining = 0
        digits = 0
        lineBytes = 0
    }

    private mutating func sizeStep(_ byte: UInt8) -> RefusalReason? {
        lineBytes += 1
        if state == .sizeEnd {
            guard byte == .lineFeed else { return .lineEnding }
            state = remaining == 0 ? .trailerStart : .data
            return nil
        }
        if let digit = byte.hexadecimal {
            guard digits < 16, remaining <= UInt64(Int64.max) >> 4 else {
                return .chunkSizeTooLarge
            }
            digits += 1
            remaining = remaining << 4 | UInt64(digit)
            state = .size
            return nil
        }
        guard state == .size else { return .chunkSize }
        switch byte {
        case .carriageReturn: state = .sizeEnd
        case 0x3b: state = .extensionStart
        default: return .chunkSize
        }
        return nil
    }

    private mutating func extensionStep(_ byte: UInt8) -> RefusalReason? {
        lineBytes += 1
        extensionBytes += 1
        // The CR passes here too; room is left for the LF.
        guard Int(lineBytes) < Limits.chunkLine,
            Int(extensionBytes) <= Limits.chunkExtensions
        else { return .chunkExtensionsTooLarge }
        guard let next = Self.afterExtensionByte(byte, in: state) else { return .chunkExtension }
        state = next
        return nil
    }
}
