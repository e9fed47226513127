// Owns the bytes that JSON gives a meaning to, and the check that bytes are UTF-8.
// Called by the reader, the paths and the writer of this folder.
// Never decodes: it says how long a sequence is, not what it means.

/// The bytes of the grammar by name.
enum JSONByte {
    static let tab: UInt8 = 0x09
    static let lineFeed: UInt8 = 0x0A
    static let carriageReturn: UInt8 = 0x0D
    static let space: UInt8 = 0x20
    static let quote: UInt8 = 0x22
    static let dollar: UInt8 = 0x24
    static let apostrophe: UInt8 = 0x27
    static let asterisk: UInt8 = 0x2A
    static let plus: UInt8 = 0x2B
    static let comma: UInt8 = 0x2C
    static let minus: UInt8 = 0x2D
    static let point: UInt8 = 0x2E
    static let slash: UInt8 = 0x2F
    static let zero: UInt8 = 0x30
    static let colon: UInt8 = 0x3A
    static let less: UInt8 = 0x3C
    static let leftBracket: UInt8 = 0x5B
    static let backslash: UInt8 = 0x5C
    static let rightBracket: UInt8 = 0x5D
    static let underscore: UInt8 = 0x5F
    static let leftBrace: UInt8 = 0x7B
    static let rightBrace: UInt8 = 0x7D

    static func isDigit(_ byte: UInt8) -> Bool { byte &- zero < 10 }

    static func isLetter(_ byte: UInt8) -> Bool { (byte | 0x20) &- 0x61 < 26 }

    static func hexadecimal(_ byte: UInt8) -> UInt32? {
        if isDigit(byte) { return UInt32(byte - zero) }
        let letter = (byte | 0x20) &- 0x61
        return letter < 6 ? UInt32(letter) + 10 : nil
    }
}

/// UTF-8 as RFC 3629 §4 has it: no overlong forms, no surrogates, nothing beyond U+10FFFF.
enum UTF8Sequence {
    /// The length of the well-formed sequence at `start`; nil where there is none.
    static func length(at start: Int, in bytes: RawSpan) -> Int? {
        guard start < bytes.byteCount else { return nil }
        let lead = bytes[at: start]
        let length: Int
        var second: ClosedRange<UInt8> = 0x80...0xBF
        switch lead {
        case 0x00...0x7F: return 1
        case 0xC2...0xDF: length = 2
        case 0xE0: (length, second) = (3, 0xA0...0xBF)
        case 0xED: (length, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: length = 3
        case 0xF0: (length, second) = (4, 0x90...0xBF)
        case 0xF4: (length, second) = (4, 0x80...0x8F)
        case 0xF1...0xF3: length = 4
        default: return nil
        }
        guard start + length <= bytes.byteCount, second.contains(bytes[at: start + 1]) else {
            return nil
        }
        for index in 2..<max(length, 2) where bytes[at: start + index] & 0xC0 != 0x80 {
            return nil
        }
        return length
    }

    /// The scalar at `start` with its length; nil where there is no well-formed sequence.
    static func scalar(at start: Int, in bytes: RawSpan) -> (value: UInt32, length: Int)? {
        guard let length = length(at: start, in: bytes) else { return nil }
        let lead = UInt32(bytes[at: start])
        guard length > 1 else { return (lead, 1) }
        var value = lead & (0x7F >> UInt32(length))
        for index in 1..<length {
            value = value << 6 | UInt32(bytes[at: start + index] & 0x3F)
        }
        return (value, length)
    }

    /// The first byte in `range` at which the bytes stop being UTF-8.
    static func fault(in bytes: RawSpan, _ range: Range<Int>) -> Int? {
        var index = range.lowerBound
        let part = bytes.extracting(0..<range.upperBound)
        while index < range.upperBound {
            guard let length = length(at: index, in: part) else { return index }
            index += length
        }
        return nil
    }
}
