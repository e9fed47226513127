// Owns checking that bytes are UTF-8 while they arrive piece by piece.
// Called by the frame decoder.
// Never holds a byte: what it keeps of a torn character is how it must go on.

/// An incremental UTF-8 check (RFC 3629 §4): no overlong forms, no surrogates, nothing beyond
/// U+10FFFF, and a fault is seen at the first byte that cannot belong.
public struct UTF8Stream: Sendable, BitwiseCopyable {
    /// Continuation bytes that the character begun still wants.
    private var wanted: UInt8 = 0
    /// What the next of them may be.
    private var low: UInt8 = 0x80
    private var high: UInt8 = 0xbf

    public init() {}

    /// Whether no character is torn: the text may end here.
    public var isWhole: Bool { wanted == 0 }

    /// Checks `bytes` from `start` on.
    /// - Returns: whether they go on with what came before.
    public mutating func accept(_ bytes: RawSpan, from start: Int = 0) -> Bool {
        var place = start
        while place < bytes.byteCount {
            let byte = bytes[at: place]
            if wanted == 0 {
                if byte < 0x80 {
                    place = bytes.firstBeyondASCII(from: place + 1)
                    continue
                }
                guard begin(byte) else { return false }
            } else {
                guard byte >= low, byte <= high else { return false }
                wanted -= 1
                (low, high) = (0x80, 0xbf)
            }
            place += 1
        }
        return true
    }

    /// The first byte of a character: how many follow, and what the second may be.
    private mutating func begin(_ byte: UInt8) -> Bool {
        switch byte {
        case 0xc2...0xdf: wanted = 1
        case 0xe0: (wanted, low) = (2, 0xa0)
        case 0xed: (wanted, high) = (2, 0x9f)
        case 0xe1...0xef: wanted = 2
        case 0xf0: (wanted, low) = (3, 0x90)
        case 0xf1...0xf3: wanted = 3
        case 0xf4: (wanted, high) = (3, 0x8f)
        default: return false
        }
        return true
    }
}
