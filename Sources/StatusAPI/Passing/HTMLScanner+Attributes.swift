// Owns reading the attributes of a tag (HTML §13.2.5.32 to §13.2.5.40).
// Called by HTMLScanner within a tag.
// Never keeps a value that nobody asks for.

import ProxyCore

extension HTMLScanner {
    /// A `/` here is that of a self-closing tag, or of nothing: neither changes what follows.
    mutating func beforeName(_ bytes: RawSpan, _ offset: inout Int) -> HTMLToken? {
        let byte = bytes[at: offset]
        if byte == HTMLByte.greater {
            offset += 1
            return tagEnded()
        }
        if HTMLByte.isBlank(byte) || byte == HTMLByte.slash {
            offset += 1
            return nil
        }
        text.removeAll()
        // An `=` here begins a name.
        text.append(byte.lowercasedASCII)
        offset += 1
        state = .name
        return nil
    }

    mutating func name(_ bytes: RawSpan, _ offset: inout Int) -> HTMLToken? {
        while offset < bytes.byteCount {
            let byte = bytes[at: offset]
            if byte == HTMLByte.equals {
                offset += 1
                beginValue()
                return nil
            }
            if HTMLByte.endsName(byte) {
                state = .afterName
                return nil
            }
            offset += 1
            if text.count <= Self.nameBytes { text.append(byte.lowercasedASCII) }
        }
        return nil
    }

    mutating func afterName(_ bytes: RawSpan, _ offset: inout Int) -> HTMLToken? {
        let byte = bytes[at: offset]
        if HTMLByte.isBlank(byte) {
            offset += 1
            return nil
        }
        let isValued = byte == HTMLByte.equals
        beginValue()
        guard isValued else { return ended() }
        offset += 1
        return nil
    }

    private mutating func beginValue() {
        attribute = isRead ? HTMLAttribute(text.bytes) : .other
        value.removeAll()
        isCut = false
        state = .beforeValue
    }

    mutating func beforeValue(_ bytes: RawSpan, _ offset: inout Int) -> HTMLToken? {
        let byte = bytes[at: offset]
        if HTMLByte.isBlank(byte) {
            offset += 1
            return nil
        }
        // `<a b=>`: no value.
        if byte == HTMLByte.greater { return ended() }
        switch byte {
        case HTMLByte.quote: state = .doubleQuoted
        case HTMLByte.apostrophe: state = .singleQuoted
        default:
            state = .unquoted
            return nil
        }
        offset += 1
        return nil
    }

    mutating func quoted(
        _ bytes: RawSpan, _ offset: inout Int, by quote: UInt8
    ) -> HTMLToken? {
        let end = bytes.first(quote, from: offset)
        keep(bytes.extracting(offset..<(end ?? bytes.byteCount)))
        guard let end else {
            offset = bytes.byteCount
            return nil
        }
        offset = end + 1
        return ended()
    }

    mutating func unquoted(_ bytes: RawSpan, _ offset: inout Int) -> HTMLToken? {
        let first = offset
        while offset < bytes.byteCount {
            let byte = bytes[at: offset]
            if byte == HTMLByte.greater || HTMLByte.isBlank(byte) {
                keep(bytes.extracting(first..<offset))
                return ended()
            }
            offset += 1
        }
        keep(bytes.extracting(first..<offset))
        return nil
    }

    private mutating func keep(_ part: RawSpan) {
        guard attribute != .other else { return }
        let room = APILimits.pageValue - value.count
        if part.byteCount > room { isCut = true }
        value.append(part.extracting(0..<min(part.byteCount, room)))
    }

    private mutating func ended() -> HTMLToken? {
        state = .beforeName
        guard attribute != .other, had & attribute.bit == 0 else { return nil }
        had |= attribute.bit
        return .attribute(attribute)
    }
}
