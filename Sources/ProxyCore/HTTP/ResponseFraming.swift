// Owns the status line of a response and how its body ends.
// Called by ResponseHead.parse.
// Never passes doubt on: a response that two readers could cut differently is a 502.

extension ResponseHead {
    /// `HTTP/1.x SP 3DIGIT [SP reason] CRLF` (RFC 9112 §4; servers that leave out the space
    /// before an empty reason are common).
    /// - Returns: the offset of the first field line.
    @inline(__always)
    mutating func readStatusLine(_ bytes: RawSpan, limits: HeadLimits) throws(HeadStop) -> Int {
        let end = min(bytes.byteCount, limits.requestLine, limits.headerBytes)
        guard end > 12, bytes.isWord("HTTP/1.1", at: 0) else {
            return try readOtherStatusLine(bytes, end)
        }
        version = .http11
        return try readStatus(bytes, end)
    }

    @inline(never)
    private mutating func readOtherStatusLine(
        _ bytes: RawSpan, _ end: Int
    ) throws(HeadStop) -> Int {
        let shape = StaticString("HTTP/1.").bytes
        for index in 0..<min(end, 7) where bytes[at: index] != shape[at: index] {
            throw .malformed(.statusLine)
        }
        if end > 7 {
            guard bytes[at: 7].isDigit else { throw .malformed(.statusLine) }
            version = bytes[at: 7] == 0x30 ? .http10 : .http11
        }
        return try readStatus(bytes, end)
    }

    /// What follows the eight bytes of the version.
    @inline(__always)
    private mutating func readStatus(_ bytes: RawSpan, _ end: Int) throws(HeadStop) -> Int {
        guard end > 12 else { throw Self.checkShort(bytes, end) }
        guard bytes[unchecked: 8] == .space, bytes[unchecked: 9].isDigit,
            bytes[unchecked: 10].isDigit, bytes[unchecked: 11].isDigit
        else { throw .malformed(.statusLine) }
        let hundreds = Int(bytes[unchecked: 9] &- 48)
        let tens = Int(bytes[unchecked: 10] &- 48)
        status = hundreds * 100 + tens * 10 + Int(bytes[unchecked: 11] &- 48)
        guard status >= 100, status < 600 else { throw .malformed(.statusCode) }

        var at = 12
        if bytes[unchecked: at] == .space {
            at += 1
            let start = at
            at = bytes.firstControl(from: at, before: end)
            while at < end, bytes[unchecked: at] == .tab {
                at = bytes.firstControl(from: at + 1, before: end)
            }
            reason = HeadRange(start, at)
        }
        guard at + 1 < end else {
            guard at < end else { throw Self.exhausted(bytes, end) }
            guard bytes[unchecked: at] == .carriageReturn else { throw .malformed(.statusLine) }
            throw Self.exhausted(bytes, end)
        }
        guard bytes[unchecked: at] == .carriageReturn, bytes[unchecked: at + 1] == .lineFeed
        else { throw .malformed(.statusLine) }
        return at + 2
    }

    /// Fewer than thirteen bytes: those that are there must fit.
    @inline(never)
    private static func checkShort(_ bytes: RawSpan, _ end: Int) -> HeadStop {
        if end > 8, bytes[at: 8] != .space { return .malformed(.statusLine) }
        for index in 9..<max(9, min(end, 12)) where !bytes[at: index].isDigit {
            return .malformed(.statusLine)
        }
        return exhausted(bytes, end)
    }

    @inline(never)
    private static func exhausted(_ bytes: RawSpan, _ end: Int) -> HeadStop {
        bytes.byteCount > end ? .malformed(.headTooLarge) : .partial
    }

    /// RFC 9112 §6.3.
    @inline(__always)
    mutating func settleFraming(
        _ bytes: RawSpan, toMethod method: Method
    ) throws(HeadStop) {
        let framingFields = KnownField.transferEncoding.bit | KnownField.contentLength.bit
        var stated = BodyFraming.untilClose
        if fields.hasAny(framingFields) { stated = try readFraming(bytes) }
        if case .length(let count) = stated { declaredLength = count }
        if method == .head || status < 200 || status == 204 || status == 304 {
            framing = .none
            if status < 200 || status == 204 { declaredLength = nil }
            let isSilent = stated == .untilClose && (status == 204 || status == 304)
            isBodyDoubtful = !isSilent && stated != .length(0)
        } else {
            framing = stated
        }
    }

    @inline(__always)
    private func readFraming(_ bytes: RawSpan) throws(HeadStop) -> BodyFraming {
        if try fields.statesChunked(bytes, version) { return .chunked }
        guard let length = fields.first(.contentLength) else { return .untilClose }
        let text = bytes[length.value]
        if !fields.isRepeated(.contentLength),
            text.firstNear(.comma, from: 0, before: text.byteCount)
                == text.byteCount
        {
            return .length(try ContentLength.read(text))
        }
        return .length(try readRepeatedLength(bytes))
    }

    /// Several lengths are one if they are all the same (RFC 9112 §6.3, rule 5).
    @inline(never)
    private func readRepeatedLength(_ bytes: RawSpan) throws(HeadStop) -> UInt64 {
        var common: UInt64?
        for index in 0..<fields.count where fields[index].known == .contentLength {
            var at = Int(fields[index].value.start)
            let end = Int(fields[index].value.end)
            // Member by member, empty ones too: ListReader would forgive them.
            while at <= end {
                let comma = bytes.firstNear(.comma, from: at, before: end)
                let number = try ContentLength.read(bytes[bytes.trimmed(HeadRange(at, comma))])
                guard common == nil || common == number else {
                    throw .malformed(.lengthRepeated)
                }
                common = number
                at = comma + 1
            }
        }
        guard let common else { throw .malformed(.lengthMalformed) }
        return common
    }

    /// RFC 6455 §4.1, what a proxy can see of it.
    @inline(never)
    mutating func settleSwitch(_ bytes: RawSpan, _ options: ConnectionOptions) {
        guard let upgrade = fields.first(.upgrade), !fields.isRepeated(.upgrade) else { return }
        switchesToWebSocket =
            options.contains(.upgrade) && bytes[upgrade.value].matches("websocket")
    }
}
