// Owns the name of a token wherever the token itself must not stand.
// Called by the verifier, the caches and the store.
// Never holds a token.

/// SHA-256 of a token: its name wherever the token itself must not stand (store, logs, cluster).
public struct TokenDigest: Sendable, Hashable, BitwiseCopyable {
    /// The 32 bytes as four big-endian words.
    public let words: (UInt64, UInt64, UInt64, UInt64)

    public init(words: (UInt64, UInt64, UInt64, UInt64)) {
        self.words = words
    }

    /// The digest from its 32 bytes (a row of the store), or nil at any other length.
    public init?(bytes: RawSpan) {
        guard bytes.byteCount == 32 else { return nil }
        words = (
            UInt64(bigEndian: bytes.word(at: 0)), UInt64(bigEndian: bytes.word(at: 8)),
            UInt64(bigEndian: bytes.word(at: 16)), UInt64(bigEndian: bytes.word(at: 24))
        )
    }

    /// The 32 bytes.
    public var bytes: [UInt8] {
        [words.0, words.1, words.2, words.3].flatMap { word in
            (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(56 - 8 * $0)) }
        }
    }

    public static func == (left: TokenDigest, right: TokenDigest) -> Bool {
        left.words == right.words
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(words.0)
        hasher.combine(words.1)
    }
}
