// Owns the shape in which a parsed head refers to its bytes.
// Called by every parser and writer of heads, and by applications that read a field.
// Never holds bytes: a range means something only beside the span that was parsed.

/// A run of bytes of the span that a head was parsed from, by offsets.
public struct HeadRange: Sendable, Equatable, BitwiseCopyable {
    public var start: UInt32
    public var end: UInt32

    @inlinable public init(start: UInt32, end: UInt32) {
        self.start = start
        self.end = end
    }

    /// - Parameters: offsets in bytes; a head is far smaller than 4 GiB.
    @inlinable public init(_ start: Int, _ end: Int) {
        self.start = UInt32(truncatingIfNeeded: start)
        self.end = UInt32(truncatingIfNeeded: end)
    }

    /// The run of no bytes.
    @inlinable public static var empty: HeadRange { HeadRange(start: 0, end: 0) }

    @inlinable public var count: Int { Int(end) - Int(start) }
    @inlinable public var isEmpty: Bool { start == end }
    /// The same as a range of integers.
    @inlinable public var indices: Range<Int> { Int(start)..<Int(end) }
}

extension RawSpan {
    /// The bytes of `range`; traps where it does not lie inside.
    @inlinable public subscript(range: HeadRange) -> RawSpan {
        @_lifetime(copy self)
        get { extracting(Int(range.start)..<Int(range.end)) }
    }
    /// `range` without the blanks at its ends.
    @inline(__always)
    func trimmed(_ range: HeadRange) -> HeadRange {
        var start = Int(range.start)
        var end = Int(range.end)
        while start < end, self[at: start].isBlank { start += 1 }
        while start < end, self[at: end - 1].isBlank { end -= 1 }
        return HeadRange(start, end)
    }
}
