// Owns searching text for the bytes that end or break a run of it, many at a time.
// Called by the stepping over JSON that passes.
// Never loads a byte outside the span: the last bytes go one by one (a test has a guard page).

import CWide

extension RawSpan {
    /// The first quote, backslash or control byte below SP in `start..<end`, or `end`.
    ///
    /// - Parameter high: becomes another than 0 where a byte beyond ASCII was passed.
    @inline(__always)
    func firstTextEnd(from start: Int, before end: Int, high: inout UInt32) -> Int {
        var at = start
        while at &+ 16 <= end {
            let marks = unsafe withUnsafeBytes { memory in
                // There are bytes: a base address too.
                unsafe cwide_text_stops(memory.baseAddress.unsafelyUnwrapped + at)
            }
            let stops = marks & 0xFFFF
            if stops != 0 {
                // Its lowest bit and what is below: what stands behind the stop is not passed.
                high |= marks &>> 16 & (stops ^ (stops &- 1))
                return at &+ stops.trailingZeroBitCount
            }
            high |= marks &>> 16
            at &+= 16
        }
        while at < end {
            let byte = self[unchecked: at]
            if byte == 0x22 || byte == 0x5c || byte < 0x20 { return at }
            high |= UInt32(byte & 0x80)
            at &+= 1
        }
        return end
    }

    /// Whether the first `count` of the bytes at `left` and at `right` are the same.
    /// - Parameter count: at most 32; at both places there are as many.
    @inline(__always)
    func isSame(_ left: Int, _ right: Int, count: UInt32) -> Bool {
        let same = unsafe withUnsafeBytes { memory in
            let base = unsafe memory.baseAddress.unsafelyUnwrapped
            let near = unsafe cwide_same_bytes(base + left, base + right)
            let far = unsafe cwide_same_bytes(base + left + 16, base + right + 16)
            return UInt64(near) | UInt64(far) &<< 16
        }
        return ~same & ((1 as UInt64) &<< UInt64(count) &- 1) == 0
    }

    /// Whether the bytes are UTF-8 as of RFC 3629: no overlong forms, no surrogates.
    var isUTF8: Bool {
        unsafe withUnsafeBytes { memory in
            let units = unsafe memory.bindMemory(to: UInt8.self)
            do {
                _ = try unsafe UTF8Span(validating: units.span)
                return true
            } catch {
                return false
            }
        }
    }
}
