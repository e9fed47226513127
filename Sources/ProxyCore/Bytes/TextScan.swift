// Owns searching text for the bytes that end or break a run of it, many at a time.
// Called by the stepping over JSON that passes.
// Never loads a byte outside the span: the last bytes go one by one (a test has a guard page).

extension RawSpan {
    /// The first quote, backslash or control byte below SP in `start..<end`, or `end`.
    ///
    /// - Parameter high: a bit of it above 127 is set where a byte beyond ASCII may have been
    ///   passed; none is missed.
    @inline(__always)
    func firstTextEnd(from start: Int, before end: Int, high: inout UInt8) -> Int {
        var at = start
        while at &+ 16 <= end {
            let bytes = wide(at: at)
            let quote = bytes ^ Lanes.of(0x22)
            let slash = bytes ^ Lanes.of(0x5c)
            let stops =
                ((quote &- Lanes.of(1)) & ~quote) | ((slash &- Lanes.of(1)) & ~slash)
                | ((bytes &- Lanes.of(0x20)) & ~bytes)
            if Lanes.isAny(bytes) { high |= 0x80 }
            if let place = Lanes.first(stops) { return at &+ place }
            at &+= 16
        }
        while at < end {
            let byte = self[unchecked: at]
            if byte == 0x22 || byte == 0x5c || byte < 0x20 { return at }
            high |= byte
            at &+= 1
        }
        return end
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
