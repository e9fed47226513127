// Owns searching and comparing eight bytes at a time.
// Called by the head parser, whose cost these loops are.
// Never loads a byte outside the span: the last bytes go one by one (a test has a guard page).

extension RawSpan {
    /// Eight bytes from `index`, the first one lowest; the caller has checked that they are there.
    @inline(__always)
    func littleWord(at index: Int) -> UInt64 {
        let word = unsafe unsafeLoadUnaligned(fromUncheckedByteOffset: index, as: UInt64.self)
        return UInt64(littleEndian: word)
    }

    @inline(__always)
    private func half(at index: Int) -> UInt32 {
        let half = unsafe unsafeLoadUnaligned(fromUncheckedByteOffset: index, as: UInt32.self)
        return UInt32(littleEndian: half)
    }

    /// The first control byte (below SP, or DEL) in `start..<end`, or `end`. HTAB is one.
    @inline(__always)
    func firstControl(from start: Int, before end: Int) -> Int {
        var at = start
        while at + 8 <= end {
            let bytes = littleWord(at: at)
            // Each term marks its lowest hit exactly; a borrow spoils only marks above it.
            let low = (bytes &- Self.ones &* 0x20) & ~bytes
            let delete = bytes ^ (Self.ones &* 0x7f)
            let hits = (low | ((delete &- Self.ones) & ~delete)) & (Self.ones &* 0x80)
            if hits != 0 { return at + hits.trailingZeroBitCount >> 3 }
            at += 8
        }
        while at < end {
            let byte = self[unchecked: at]
            if byte < 0x20 || byte == 0x7f { return at }
            at += 1
        }
        return end
    }

    /// The first `byte` in `start..<end`, or `end`: for short distances, where `memchr` costs
    /// more to call than to run.
    @inline(__always)
    func firstNear(_ byte: UInt8, from start: Int, before end: Int) -> Int {
        var at = start
        while at + 8 <= end {
            let bytes = littleWord(at: at) ^ (Self.ones &* UInt64(byte))
            let hits = (bytes &- Self.ones) & ~bytes & (Self.ones &* 0x80)
            if hits != 0 { return at + hits.trailingZeroBitCount >> 3 }
            at += 8
        }
        while at < end, self[unchecked: at] != byte { at += 1 }
        return at
    }

    private static var ones: UInt64 {
        @inline(__always) get { 0x0101_0101_0101_0101 }
    }

    /// `equalsFolded` for a literal whose length the caller has already compared: a few wide
    /// loads against constants. `literal`: lower-case letters, digits and `-`.
    @inline(__always)
    func isFolded(_ literal: StaticString) -> Bool {
        let count = literal.utf8CodeUnitCount
        let want = unsafe RawSpan(
            _unsafeStart: UnsafeRawPointer(literal.utf8Start), byteCount: count)
        var at = 0
        while at + 8 <= count {
            guard Self.folds(littleWord(at: at), to: want.littleWord(at: at)) else { return false }
            at += 8
        }
        if at == count { return true }
        if count >= 8 {
            return Self.folds(littleWord(at: count - 8), to: want.littleWord(at: count - 8))
        }
        if count >= 4 {
            return Self.folds(UInt64(half(at: 0)), to: UInt64(want.half(at: 0)))
                && Self.folds(UInt64(half(at: count - 4)), to: UInt64(want.half(at: count - 4)))
        }
        while at < count {
            guard self[unchecked: at].lowercasedASCII == want[unchecked: at] else { return false }
            at += 1
        }
        return true
    }

    /// Only letters fold: `|0x20` on every byte would take CR for `-`.
    @inline(__always)
    private static func folds(_ bytes: UInt64, to want: UInt64) -> Bool {
        let letters = (want & (ones &* 0x40)) >> 1
        return bytes | letters == want
    }

    /// Whether both are the same name, ASCII letters folded.
    func equalsFolded(_ other: RawSpan) -> Bool {
        guard byteCount == other.byteCount else { return false }
        for index in 0..<byteCount {
            let left = self[unchecked: index].lowercasedASCII
            guard left == other[unchecked: index].lowercasedASCII else { return false }
        }
        return true
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

extension StaticString {
    /// The bytes of a literal, which live as long as the program.
    @inline(__always)
    var bytes: RawSpan {
        @_lifetime(immortal)
        get {
            let span = unsafe RawSpan(
                _unsafeStart: UnsafeRawPointer(utf8Start), byteCount: utf8CodeUnitCount)
            return unsafe _overrideLifetime(span, copying: ())
        }
    }
}
