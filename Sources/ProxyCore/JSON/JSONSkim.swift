// Owns stepping over JSON values: whether the bytes are JSON, and where each value ends.
// Called by surveys of documents that pass through.
// Never decodes or keeps a value, never looks into objects and arrays.

/// Steps over JSON texts as of RFC 8259, at the speed of wide loads.
///
/// Stricter than the grammar only in wanting UTF-8. What it leaves to readers, since it changes
/// nothing of it: duplicate names, surrogate escapes without their other half, numbers that no
/// type can hold. Each function takes where something begins and gives the offset behind it; nil:
/// that is no JSON.
struct JSONSkim: ~Escapable {
    let bytes: RawSpan
    private let end: Int

    @_lifetime(copy bytes)
    init(_ bytes: RawSpan) {
        self.bytes = bytes
        end = bytes.byteCount
    }

    /// The byte at `place`; NUL, which is nowhere JSON, behind the end.
    @inline(__always)
    func byte(_ place: Int) -> UInt8 { place < end ? bytes[unchecked: place] : 0 }

    /// The first place at or after `start` without white space.
    @inline(__always)
    func behindBlank(_ start: Int) -> Int {
        byte(start) > JSONByte.space ? start : behindBlanks(start)
    }

    @inline(never)
    private func behindBlanks(_ start: Int) -> Int {
        var at = start
        while at < end {
            switch bytes[unchecked: at] {
            case JSONByte.space, JSONByte.lineFeed, JSONByte.carriageReturn, JSONByte.tab: at &+= 1
            default: return at
            }
        }
        return at
    }

    /// A string, from behind its opening quote.
    @inline(__always)
    func behindString(_ start: Int) -> Int? {
        var high: UInt32 = 0
        let at = bytes.firstTextEnd(from: start, before: end, high: &high)
        return high == 0 && byte(at) == JSONByte.quote ? at &+ 1 : behindRareString(start)
    }

    /// One with escapes, or with more than ASCII.
    @inline(never)
    private func behindRareString(_ start: Int) -> Int? {
        var high: UInt32 = 0
        var at = bytes.firstTextEnd(from: start, before: end, high: &high)
        while byte(at) == JSONByte.backslash {
            guard let next = behindEscape(at) else { return nil }
            at = bytes.firstTextEnd(from: next, before: end, high: &high)
        }
        guard byte(at) == JSONByte.quote else { return nil }
        if high != 0, !bytes.extracting(start..<at).isUTF8 { return nil }
        return at &+ 1
    }

    private func behindEscape(_ start: Int) -> Int? {
        switch byte(start &+ 1) {
        case JSONByte.quote, JSONByte.backslash, JSONByte.slash, 0x62, 0x66, 0x6E, 0x72, 0x74:
            return start &+ 2
        case 0x75:
            for index in start &+ 2..<start &+ 6 where JSONByte.hexadecimal(byte(index)) == nil {
                return nil
            }
            return start &+ 6
        default: return nil
        }
    }

    /// A number: its form alone (RFC 8259 §6).
    @inline(__always)
    private func behindNumber(_ start: Int, _ first: UInt8) -> Int? {
        var at = start
        if first == JSONByte.minus { at &+= 1 }
        let whole = at
        at = behindDigits(at)
        guard at > whole, at == whole &+ 1 || byte(whole) != JSONByte.zero else { return nil }
        let next = byte(at)
        if next == JSONByte.point || next | 0x20 == 0x65 { return behindFraction(at) }
        return at
    }

    @inline(never)
    private func behindFraction(_ start: Int) -> Int? {
        var at = start
        if byte(at) == JSONByte.point {
            at = behindDigits(start &+ 1)
            guard at > start &+ 1 else { return nil }
        }
        guard byte(at) | 0x20 == 0x65 else { return at }
        at &+= 1
        if byte(at) == JSONByte.plus || byte(at) == JSONByte.minus { at &+= 1 }
        let exponent = at
        at = behindDigits(at)
        return at > exponent ? at : nil
    }

    @inline(__always)
    private func behindDigits(_ start: Int) -> Int {
        var at = start
        while JSONByte.isDigit(byte(at)) { at &+= 1 }
        return at
    }

    /// A value that is neither object nor array.
    /// - Parameter first: its first byte.
    @inline(__always)
    func behindScalar(_ start: Int, _ first: UInt8) -> Int? {
        if first == JSONByte.quote { return behindString(start &+ 1) }
        if JSONByte.isDigit(first) || first == JSONByte.minus { return behindNumber(start, first) }
        switch first {
        case 0x74: return isHere(0x6575_7274, start) ? start &+ 4 : nil  // true
        case 0x66: return isHere(0x6573_6C61, start &+ 1) ? start &+ 5 : nil  // alse
        case 0x6E: return isHere(0x6C6C_756E, start) ? start &+ 4 : nil  // null
        default: return nil
        }
    }

    /// Whether four bytes are those of `word`, the first of them lowest.
    @inline(__always)
    private func isHere(_ word: UInt32, _ start: Int) -> Bool {
        start &+ 4 <= end && bytes.half(at: start) == word
    }
}
