// Owns searching and comparing many bytes at a time.
// Called by the head parser, whose cost these loops are.
// Never loads a byte outside the span: the last bytes go one by one (a test has a guard page).

extension RawSpan {
    /// Eight bytes from `index`, the first one lowest; the caller has checked that they are there.
    @inline(__always)
    func littleWord(at index: Int) -> UInt64 {
        let word = unsafe unsafeLoadUnaligned(fromUncheckedByteOffset: index, as: UInt64.self)
        return UInt64(littleEndian: word)
    }

    /// Whether the eight bytes from `index` are those of `literal`, unfolded.
    @inline(__always)
    func isWord(_ literal: StaticString, at index: Int) -> Bool {
        littleWord(at: index) == literal.bytes.littleWord(at: 0)
    }

    /// Four bytes, as `littleWord` reads eight.
    @inline(__always)
    func half(at index: Int) -> UInt32 {
        let half = unsafe unsafeLoadUnaligned(fromUncheckedByteOffset: index, as: UInt32.self)
        return UInt32(littleEndian: half)
    }

    /// Sixteen bytes from `index`; the caller has checked that they are there.
    @inline(__always)
    func wide(at index: Int) -> SIMD16<UInt8> {
        unsafe unsafeLoadUnaligned(fromUncheckedByteOffset: index, as: SIMD16<UInt8>.self)
    }

    /// The first control byte (below SP, or DEL) in `start..<end`, or `end`. HTAB is one.
    @inline(__always)
    func firstControl(from start: Int, before end: Int) -> Int {
        var at = start
        // Most values are longer than one load: two at once, and one look at both.
        while at &+ 32 <= end {
            let near = Lanes.controls(wide(at: at))
            let far = Lanes.controls(wide(at: at &+ 16))
            if Lanes.isAny(near | far) {
                if let place = Lanes.first(near) { return at &+ place }
                return at &+ 16 &+ (Lanes.first(far) ?? 16)
            }
            at &+= 32
        }
        while at &+ 16 <= end {
            if let place = Lanes.first(Lanes.controls(wide(at: at))) { return at &+ place }
            at &+= 16
        }
        while at < end {
            let byte = self[unchecked: at]
            if byte < 0x20 || byte == 0x7f { return at }
            at &+= 1
        }
        return end
    }

    /// The first byte in `start..<end` that ends the path of a request target (all that
    /// `ByteClass.path` is not), or `end`.
    @inline(__always)
    func firstBehindPath(from start: Int, before end: Int) -> Int {
        var at = start
        while at &+ 16 <= end {
            let bytes = wide(at: at)
            let control = (bytes &- Lanes.of(0x21)) | (bytes &+ Lanes.of(1)) | bytes
            let hash = bytes ^ Lanes.of(0x23)
            let mark = bytes ^ Lanes.of(0x3f)
            let zero = ((hash &- Lanes.of(1)) & ~hash) | ((mark &- Lanes.of(1)) & ~mark)
            if let place = Lanes.first(control | zero) { return at &+ place }
            at &+= 16
        }
        while at < end, self[unchecked: at].isOf(.path) { at &+= 1 }
        return at
    }

    /// The first `byte` in `start..<end`, or `end`: for short distances, where `memchr` costs
    /// more to call than to run.
    @inline(__always)
    func firstNear(_ byte: UInt8, from start: Int, before end: Int) -> Int {
        var at = start
        while at &+ 16 <= end {
            let bytes = wide(at: at) ^ Lanes.of(byte)
            if let place = Lanes.first((bytes &- Lanes.of(1)) & ~bytes) { return at &+ place }
            at &+= 16
        }
        while at < end, self[unchecked: at] != byte { at &+= 1 }
        return at
    }

    private static var ones: UInt64 {
        @inline(__always) get { 0x0101_0101_0101_0101 }
    }

    /// Whether the bytes from `start` on are those of `literal` (lower-case letters, digits and
    /// `-`), ASCII letters folded: a few wide loads against constants. The caller has checked
    /// that as many bytes are there.
    @inline(__always)
    func isFolded(_ literal: StaticString, at start: Int = 0) -> Bool {
        let count = literal.utf8CodeUnitCount
        let want = unsafe RawSpan(
            _unsafeStart: UnsafeRawPointer(literal.utf8Start), byteCount: count)
        var at = 0
        while at &+ 8 <= count {
            guard Self.folds(littleWord(at: start &+ at), to: want.littleWord(at: at)) else {
                return false
            }
            at &+= 8
        }
        if at == count { return true }
        if count >= 8 {
            return Self.folds(
                littleWord(at: start &+ count &- 8), to: want.littleWord(at: count &- 8))
        }
        if count >= 4 {
            let last = count &- 4
            return Self.folds(UInt64(half(at: start)), to: UInt64(want.half(at: 0)))
                && Self.folds(UInt64(half(at: start &+ last)), to: UInt64(want.half(at: last)))
        }
        while at < count {
            let byte = self[unchecked: start &+ at]
            guard byte.lowercasedASCII == want[unchecked: at] else { return false }
            at &+= 1
        }
        return true
    }

    /// Whether these bytes are those of `literal`, as `isFolded` compares.
    @inline(__always)
    func matches(_ literal: StaticString) -> Bool {
        byteCount == literal.utf8CodeUnitCount && isFolded(literal)
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
}

/// Sixteen bytes at once, by operators that compile to single instructions (comparisons of lanes
/// do not: Swift 6.3 makes loops of them). A hit is the uppermost bit of its lane.
enum Lanes {
    @inline(__always)
    static func of(_ byte: UInt8) -> SIMD16<UInt8> { SIMD16(repeating: byte) }

    /// Control bytes, but not obs-text: what is below SP wraps round, DEL steps up.
    @inline(__always)
    static func controls(_ bytes: SIMD16<UInt8>) -> SIMD16<UInt8> {
        ((bytes &- of(0x20)) | (bytes &+ of(1))) & ~bytes
    }

    /// Whether the uppermost bit of any lane is set.
    @inline(__always)
    static func isAny(_ hits: SIMD16<UInt8>) -> Bool {
        let halves = unsafe unsafeBitCast(hits, to: SIMD2<UInt64>.self)
        return (halves[0] | halves[1]) & 0x8080_8080_8080_8080 != 0
    }

    /// The first lane whose uppermost bit is set.
    @inline(__always)
    static func first(_ hits: SIMD16<UInt8>) -> Int? {
        let halves = unsafe unsafeBitCast(hits, to: SIMD2<UInt64>.self)
        let uppermost: UInt64 = 0x8080_8080_8080_8080
        guard (halves[0] | halves[1]) & uppermost != 0 else { return nil }
        let low = halves[0].littleEndian & uppermost
        if low != 0 { return low.trailingZeroBitCount &>> 3 }
        return 8 + (halves[1].littleEndian & uppermost).trailingZeroBitCount &>> 3
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
