// Owns strings, their escapes, and JSON5's unquoted names.
// Called by JSONScanner.
// Never lets through what is not UTF-8, raw or escaped.

extension JSONScanner {
    /// A string from its opening quote to behind its closing one.
    mutating func string() throws(JSONFault) -> String {
        let start = offset
        let quote = bytes[at: start]
        offset += 1
        try skipPlain(quote, from: start)
        // Most strings hold no escape: one copy, validated at the library's speed.
        if current == quote {
            let raw = bytes.extracting((start + 1)..<offset)
            guard let text = raw.text() else { throw notUTF8(start..<offset) }
            offset += 1
            return text
        }
        var collected = ByteBuffer(capacity: 64)
        var run = start + 1
        while current != quote {
            collected.append(bytes.extracting(run..<offset))
            try escape(into: &collected, openedAt: start)
            run = offset
            try skipPlain(quote, from: start)
        }
        collected.append(bytes.extracting(run..<offset))
        guard let text = collected.bytes.text() else { throw notUTF8(start..<offset) }
        offset += 1
        return text
    }

    private func notUTF8(_ range: Range<Int>) -> JSONFault {
        let place = UTF8Sequence.fault(in: bytes, range) ?? range.lowerBound
        return JSONFault(offset: place, reason: "not UTF-8")
    }

    /// Steps to the closing quote or to a backslash.
    private mutating func skipPlain(_ quote: UInt8, from start: Int) throws(JSONFault) {
        while let byte = current {
            if byte == quote || byte == JSONByte.backslash { return }
            if byte < JSONByte.space {
                // JSON5 §5.1 allows control characters, but no line may end within a string.
                let endsLine = byte == JSONByte.lineFeed || byte == JSONByte.carriageReturn
                if endsLine {
                    throw JSONFault(
                        offset: start, reason: "this string is not closed in its line")
                }
                if !json5 {
                    throw fault("a control character stands in a string: write an escape")
                }
            }
            offset += 1
        }
        throw JSONFault(offset: start, reason: "this string is not closed")
    }

    /// One escape, from its backslash.
    private mutating func escape(
        into text: inout ByteBuffer, openedAt start: Int
    ) throws(JSONFault) {
        guard let letter = byte(ahead: 1) else {
            throw JSONFault(offset: start, reason: "this string is not closed")
        }
        let plain: UInt8
        switch letter {
        case JSONByte.quote, JSONByte.backslash, JSONByte.slash: plain = letter
        case 0x62: plain = 0x08
        case 0x66: plain = 0x0C
        case 0x6E: plain = JSONByte.lineFeed
        case 0x72: plain = JSONByte.carriageReturn
        case 0x74: plain = JSONByte.tab
        case 0x75:
            try unicodeEscape(into: &text)
            return
        default:
            try looseEscape(letter, into: &text)
            return
        }
        text.append(plain)
        offset += 2
    }

    /// The escapes that JSON5 adds (§5.1).
    private mutating func looseEscape(
        _ letter: UInt8, into text: inout ByteBuffer
    ) throws(JSONFault) {
        guard json5 else { throw fault("'\\' before \(describe(letter)) is no escape of JSON") }
        switch letter {
        case 0x76:
            text.append(0x0B as UInt8)
        case JSONByte.zero:
            if let next = byte(ahead: 2), JSONByte.isDigit(next) {
                throw fault("an octal escape is not JSON5")
            }
            text.append(0x00 as UInt8)
        case 0x31...0x39:
            throw fault("'\\' before a digit is no escape of JSON5")
        case 0x78:
            guard let value = hexadecimal(from: offset + 2, count: 2) else {
                throw fault("'\\x' wants two hexadecimal digits")
            }
            append(scalar: value, to: &text)
            offset += 4
            return
        case JSONByte.lineFeed: break
        case JSONByte.carriageReturn:
            if byte(ahead: 2) == JSONByte.lineFeed { offset += 1 }
        default:
            offset += 1
            if isLineSeparator {
                offset += 3
                return
            }
            // The character itself; its further bytes, if any, follow as plain ones.
            text.append(letter)
            offset += 1
            return
        }
        offset += 2
    }

    private func describe(_ byte: UInt8) -> String {
        byte > JSONByte.space && byte < 0x7F
            ? "'\(Character(Unicode.Scalar(byte)))'" : "this byte"
    }

    /// `\uXXXX`, or two of them for a scalar beyond U+FFFF. A surrogate without its other half
    /// names no character: refused, since readers differ in what they make of it.
    private mutating func unicodeEscape(into text: inout ByteBuffer) throws(JSONFault) {
        guard let unit = hexadecimal(from: offset + 2, count: 4) else {
            throw fault("'\\u' wants four hexadecimal digits")
        }
        guard unit & 0xF800 == 0xD800 else {
            append(scalar: unit, to: &text)
            offset += 6
            return
        }
        guard unit < 0xDC00, byte(ahead: 6) == JSONByte.backslash, byte(ahead: 7) == 0x75,
            let low = hexadecimal(from: offset + 8, count: 4), low & 0xFC00 == 0xDC00
        else { throw fault("a surrogate escape stands without its other half") }
        append(scalar: 0x10000 + (unit & 0x3FF) << 10 + (low & 0x3FF), to: &text)
        offset += 12
    }

    private func hexadecimal(from start: Int, count: Int) -> UInt32? {
        guard start + count <= bytes.byteCount else { return nil }
        var value: UInt32 = 0
        for index in start..<(start + count) {
            guard let digit = JSONByte.hexadecimal(bytes[at: index]) else { return nil }
            value = value << 4 | digit
        }
        return value
    }

    /// Appends a scalar that is none of the surrogates as UTF-8.
    private func append(scalar: UInt32, to text: inout ByteBuffer) {
        guard let scalar = Unicode.Scalar(scalar) else { return }
        for unit in UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter { text.append(unit) }
    }

    /// A name without quotes: an ECMAScript 5.1 IdentifierName.
    mutating func identifier() throws(JSONFault) -> String {
        var name = ByteBuffer(capacity: 32)
        while let byte = current {
            let first = name.isEmpty
            if byte == JSONByte.backslash {
                guard self.byte(ahead: 1) == 0x75,
                    let unit = hexadecimal(from: offset + 2, count: 4),
                    isIdentifier(unit, first: first)
                else { throw fault("this escape cannot stand in a name") }
                append(scalar: unit, to: &name)
                offset += 6
                continue
            }
            guard let scalar = UTF8Sequence.scalar(at: offset, in: bytes) else {
                throw fault("not UTF-8")
            }
            guard isIdentifier(scalar.value, first: first) else { break }
            name.append(bytes.extracting(offset..<(offset + scalar.length)))
            offset += scalar.length
        }
        guard !name.isEmpty, let text = name.bytes.text() else {
            throw fault("expected a name or '}', found \(found)")
        }
        return text
    }

    private func isIdentifier(_ scalar: UInt32, first: Bool) -> Bool {
        if scalar < 0x80 {
            let byte = UInt8(truncatingIfNeeded: scalar)
            return JSONByte.isLetter(byte) || byte == JSONByte.underscore
                || byte == JSONByte.dollar || (!first && JSONByte.isDigit(byte))
        }
        guard let scalar = Unicode.Scalar(scalar) else { return false }
        if scalar.properties.isIDStart { return true }
        return !first
            && (scalar.properties.isIDContinue || scalar.value == 0x200C || scalar.value == 0x200D)
    }
}
