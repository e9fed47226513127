// Owns base64url without padding, read strictly, and the writing of plain base64.
// Called by the token parser and signer and by the WebSocket handshake.
// Never accepts two texts for the same bytes.

/// base64url without padding (RFC 7515 §2, RFC 4648 §5).
public enum Base64URL {
    /// Decodes the whole of `text` behind what `out` holds.
    ///
    /// Refused: padding, any character outside the alphabet, a lone last character, and trailing
    /// bits that are not zero (RFC 4648 §3.5: two texts must not mean the same bytes).
    /// - Returns: whether it was well-formed; `out` may hold a part where it was not.
    public static func decode(_ text: RawSpan, into out: inout ByteBuffer) -> Bool {
        let count = text.byteCount
        guard count % 4 != 1 else { return false }
        out.reserve(count / 4 * 3 + 4)
        let values = values
        var place = 0
        while place + 4 <= count {
            let word =
                values[text, place] << 18 | values[text, place + 1] << 12
                | values[text, place + 2] << 6 | values[text, place + 3]
            guard word <= 0xff_ffff else { return false }
            out.append(triple: word)
            place += 4
        }
        guard place < count else { return true }
        let third = count - place == 3 ? values[text, place + 2] << 6 : 0
        let word = values[text, place] << 18 | values[text, place + 1] << 12 | third
        guard word <= 0xff_ffff, word & (count - place == 3 ? 0xff : 0xffff) == 0 else {
            return false
        }
        out.append(UInt8(truncatingIfNeeded: word >> 16))
        if count - place == 3 { out.append(UInt8(truncatingIfNeeded: word >> 8)) }
        return true
    }

    /// Appends `bytes` as base64url without padding.
    public static func encode(_ bytes: RawSpan, into out: inout ByteBuffer) {
        Base64.encode(bytes, extra: (0x2d, 0x5f), padded: false, into: &out)
    }

    /// By character: 0…63, or -1.
    private static let values: [Int8] = {
        var table = [Int8](repeating: -1, count: 256)
        for index in 0..<64 {
            table[Int(Base64.character(UInt32(index), (0x2d, 0x5f)))] = Int8(index)
        }
        return table
    }()
}

/// Plain base64 (RFC 4648 §4).
public enum Base64 {
    /// Appends `bytes` as base64 with padding.
    public static func encode(_ bytes: RawSpan, into out: inout ByteBuffer) {
        encode(bytes, extra: (0x2b, 0x2f), padded: true, into: &out)
    }

    fileprivate static func encode(
        _ bytes: RawSpan, extra: (UInt8, UInt8), padded: Bool, into out: inout ByteBuffer
    ) {
        var place = 0
        while place < bytes.byteCount {
            let have = min(3, bytes.byteCount - place)
            var word: UInt32 = 0
            for index in 0..<3 {
                word = word << 8 | (index < have ? UInt32(bytes[at: place + index]) : 0)
            }
            for index in 0...3 {
                if index <= have {
                    out.append(character(word >> UInt32(18 - 6 * index), extra))
                } else if padded {
                    out.append(0x3d)
                }
            }
            place += 3
        }
    }

    fileprivate static func character(_ value: UInt32, _ extra: (UInt8, UInt8)) -> UInt8 {
        switch UInt8(truncatingIfNeeded: value & 63) {
        case let six where six < 26: 65 + six
        case let six where six < 52: 71 + six
        case let six where six < 62: six - 4
        case 62: extra.0
        default: extra.1
        }
    }
}

extension [Int8] {
    /// The six bits that the character at `place` stands for; beyond 24 bits however it is
    /// shifted where it stands for none.
    @inline(__always)
    fileprivate subscript(text: RawSpan, place: Int) -> UInt32 {
        UInt32(bitPattern: Int32(self[Int(text[at: place])]))
    }
}
