// Owns the parts of the grammar that hold no others but strings: blanks, comments, words, numbers.
// Called by JSONScanner.
// Never converts a number: it keeps the digits.

extension JSONScanner {
    /// Steps over white space and, in JSON5, comments.
    mutating func skipBlank() throws(JSONFault) {
        while let byte = current {
            switch byte {
            case JSONByte.space, JSONByte.tab, JSONByte.lineFeed, JSONByte.carriageReturn:
                offset += 1
            case JSONByte.slash where json5:
                try skipComment()
            case 0x0B where json5, 0x0C where json5:
                offset += 1
            case 0x80... where json5:
                guard let scalar = UTF8Sequence.scalar(at: offset, in: bytes),
                    Self.isSpace(scalar.value)
                else { return }
                offset += scalar.length
            case 0xEF where offset == 0:
                throw fault("a byte order mark is not JSON: save the text as UTF-8 without one")
            default: return
            }
        }
    }

    /// JSON5 §8: besides ASCII, the byte order mark, the separators and the category Zs.
    private static func isSpace(_ scalar: UInt32) -> Bool {
        switch scalar {
        case 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000, 0xFEFF:
            return true
        default: return false
        }
    }

    private mutating func skipComment() throws(JSONFault) {
        let start = offset
        switch byte(ahead: 1) {
        case JSONByte.slash:
            while let byte = current, byte != JSONByte.lineFeed, byte != JSONByte.carriageReturn {
                if isLineSeparator { break }
                offset += 1
            }
        case JSONByte.asterisk:
            offset += 2
            while let byte = current {
                offset += 1
                if byte == JSONByte.asterisk, current == JSONByte.slash {
                    offset += 1
                    try requireUTF8(from: start)
                    return
                }
            }
            throw JSONFault(offset: start, reason: "this comment is not closed by '*/'")
        default:
            throw fault("expected a value or a comment, found \(found)")
        }
        try requireUTF8(from: start)
    }

    /// Whether U+2028 or U+2029 stands here, which end a line in JSON5.
    var isLineSeparator: Bool {
        guard current == 0xE2, byte(ahead: 1) == 0x80, let last = byte(ahead: 2) else {
            return false
        }
        return last == 0xA8 || last == 0xA9
    }

    func requireUTF8(from start: Int) throws(JSONFault) {
        if let place = UTF8Sequence.fault(in: bytes, start..<offset) {
            throw JSONFault(offset: place, reason: "not UTF-8")
        }
    }

    /// A number, `true`, `false` or `null`.
    mutating func scalar(startingWith byte: UInt8) throws(JSONFault) -> JSONNode.Kind {
        if JSONByte.isDigit(byte) || byte == JSONByte.minus { return .number(try number()) }
        if json5, byte == JSONByte.plus || byte == JSONByte.point {
            return .number(try number())
        }
        let start = offset
        while let byte = current, isWordByte(byte) { offset += 1 }
        let word = bytes.extracting(start..<offset)
        if word.equals("true") { return .bool(true) }
        if word.equals("false") { return .bool(false) }
        if word.equals("null") { return .null }
        if json5, word.equals("Infinity") || word.equals("NaN") {
            return .number(JSONNumber(text: word.text() ?? ""))
        }
        offset = start
        guard word.byteCount > 0 else { throw fault("expected a value, found \(found)") }
        throw fault("expected a value, found a word: strings stand in double quotes")
    }

    private func isWordByte(_ byte: UInt8) -> Bool {
        JSONByte.isLetter(byte) || JSONByte.isDigit(byte) || byte == JSONByte.underscore
            || byte == JSONByte.dollar
    }

    /// RFC 8259 §6; in JSON5 also a plus, hexadecimal digits, a leading or trailing point, and
    /// the two words.
    private mutating func number() throws(JSONFault) -> JSONNumber {
        let start = offset
        if current == JSONByte.minus || current == JSONByte.plus { offset += 1 }
        if json5, let byte = current, byte == 0x49 || byte == 0x4E {
            guard case .number = try scalar(startingWith: byte) else {
                throw fault("expected a number")
            }
        } else if json5, current == JSONByte.zero, let mark = byte(ahead: 1), mark | 0x20 == 0x78 {
            offset += 2
            let digits = offset
            while let byte = current, JSONByte.hexadecimal(byte) != nil { offset += 1 }
            guard offset > digits else {
                throw fault("expected a hexadecimal digit, found \(found)")
            }
        } else {
            try decimal()
        }
        if let byte = current, isWordByte(byte) || byte == JSONByte.point {
            throw fault("a number cannot go on with \(found)")
        }
        return JSONNumber(text: bytes.extracting(start..<offset).text() ?? "")
    }

    private mutating func decimal() throws(JSONFault) {
        let whole = offset
        let zero = current == JSONByte.zero
        skipDigits()
        let digits = offset - whole
        guard !zero || digits == 1 else {
            throw JSONFault(offset: whole, reason: "a number has no leading zeros")
        }
        guard digits > 0 || (json5 && current == JSONByte.point) else {
            throw fault("expected a digit, found \(found)")
        }
        if current == JSONByte.point {
            offset += 1
            let fraction = offset
            skipDigits()
            guard offset > fraction || (json5 && digits > 0) else {
                throw fault("expected a digit after the point, found \(found)")
            }
        }
        if let mark = current, mark | 0x20 == 0x65 {
            offset += 1
            if current == JSONByte.minus || current == JSONByte.plus { offset += 1 }
            let exponent = offset
            skipDigits()
            guard offset > exponent else {
                throw fault("expected a digit of the exponent, found \(found)")
            }
        }
    }

    private mutating func skipDigits() {
        while let byte = current, JSONByte.isDigit(byte) { offset += 1 }
    }
}
