// Owns what `&#39;` and its like mean in the value of an attribute.
// Called for the few values of a page's head that are read.
// Never guesses: a name that is not known makes the value unreadable.

import ProxyCore

/// Decodes character references in place (HTML §13.2.5.72 to §13.2.5.80).
enum CharacterReferences {
    /// - Returns: false where one of them is not known here; the value is spoilt then.
    static func decode(_ value: inout ByteBuffer) -> Bool {
        guard value.bytes.first(HTMLByte.ampersand) != nil else { return true }
        var decoded = ByteBuffer(capacity: value.count)
        var offset = 0
        while offset < value.count {
            let byte = value.bytes[at: offset]
            offset += 1
            guard byte == HTMLByte.ampersand, offset < value.count else {
                decoded.append(byte)
                continue
            }
            let next = value.bytes[at: offset]
            if next == 0x23 {
                guard let found = number(value.bytes, &offset) else { return false }
                decoded.append(found)
            } else if HTMLByte.isLetter(next) {
                guard let found = name(value.bytes, &offset) else { return false }
                decoded.append(found)
            } else {
                decoded.append(byte)
            }
        }
        swap(&value, &decoded)
        return true
    }

    /// Behind `&`, at `#`. ASCII alone: nothing else is in the values that matter.
    private static func number(_ bytes: RawSpan, _ offset: inout Int) -> UInt8? {
        offset += 1
        let isHexadecimal = offset < bytes.byteCount && bytes[at: offset] | 0x20 == 0x78
        if isHexadecimal { offset += 1 }
        var value = 0
        var digits = 0
        while offset < bytes.byteCount {
            let byte = bytes[at: offset]
            let letter = (byte | 0x20) &- 0x61
            if byte &- 0x30 < 10 {
                value = value * (isHexadecimal ? 16 : 10) + Int(byte &- 0x30)
            } else if isHexadecimal, letter < 6 {
                value = value * 16 + Int(letter) + 10
            } else {
                break
            }
            guard value < 0x80 else { return nil }
            digits += 1
            offset += 1
        }
        guard digits > 0, value > 0 else { return nil }
        if offset < bytes.byteCount, bytes[at: offset] == 0x3B { offset += 1 }
        return UInt8(value)
    }

    private static func name(_ bytes: RawSpan, _ offset: inout Int) -> UInt8? {
        guard let end = bytes.first(0x3B, from: offset), end - offset <= 7 else { return nil }
        let name = bytes.extracting(offset..<end)
        offset = end + 1
        for (text, byte) in known where name.equals(text) { return byte }
        return nil
    }

    private static let known: [(StaticString, UInt8)] = [
        ("amp", 0x26), ("apos", 0x27), ("quot", 0x22), ("lt", 0x3C), ("gt", 0x3E), ("sol", 0x2F),
        ("colon", 0x3A), ("semi", 0x3B), ("comma", 0x2C), ("equals", 0x3D), ("lowbar", 0x5F),
        ("ast", 0x2A), ("period", 0x2E), ("plus", 0x2B), ("Tab", 0x09), ("NewLine", 0x0A),
    ]
}
