// Owns the ways in which a network may cut a run of bytes.
// Called by the harness of every parser test.
// Never changes a byte.

/// Ways to receive `count` bytes: each is the list of how many have arrived at each step.
public struct ByteDribble: Sequence {
    public let count: Int
    /// The most ways of cutting in two; beyond, cuts are spread evenly.
    public let cuts: Int

    public init(count: Int) {
        self.count = count
        cuts = count < 1000 ? 1000 : 40
    }

    /// Whole, byte by byte, and cut in two at every place.
    public func makeIterator() -> AnyIterator<[Int]> {
        let count = self.count
        let step = Swift.max(1, count / cuts)
        var next = -1
        return AnyIterator {
            defer { next += next < 1 ? 1 : step }
            switch next {
            case -1: return [count]
            case 0: return count > 1 ? Array(1...count) : [count]
            case 1..<Swift.max(count, 1): return [next, count]
            default: return nil
            }
        }
    }
}

/// One scalar a byte: so vectors can hold any byte in a literal (`"\u{ff}"`).
public func latin1(_ text: String) -> [UInt8] {
    text.unicodeScalars.map { UInt8($0.value) }
}
