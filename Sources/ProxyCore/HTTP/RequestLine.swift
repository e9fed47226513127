// Owns reading the request line: method, target in its forms, version.
// Called by RequestHead.parse.
// Never decodes a target: its bytes travel on as they came.

extension RequestHead {
    /// Reads the request line, behind at most two empty lines (RFC 9112 §2.2).
    /// - Returns: the offset of the first field line.
    @inline(__always)
    mutating func readLine(_ bytes: RawSpan, limits: HeadLimits) throws(HeadStop) -> Int {
        let start = try Self.skipEmptyLines(bytes)
        let end = min(bytes.byteCount, start + min(limits.requestLine, limits.headerBytes))

        var at = start
        while at < end, bytes[unchecked: at].isOf(.token) { at &+= 1 }
        guard at < end else { throw Self.lineExhausted(bytes, end) }
        guard bytes[unchecked: at] == .space, at > start else {
            throw .malformed(at == start ? .emptyMethod : .methodCharacter)
        }
        methodName = HeadRange(start, at)
        method = Method(bytes[methodName])

        let targetStart = at + 1
        at = targetStart
        at = bytes.firstBehindPath(from: at, before: end)
        let pathEnd = at
        if at < end, bytes[unchecked: at] == 0x3f {
            while at < end, bytes[unchecked: at] == 0x3f {
                at = bytes.firstBehindPath(from: at &+ 1, before: end)
            }
            query = HeadRange(pathEnd + 1, at)
        }
        guard at < end else { throw Self.lineExhausted(bytes, end) }
        guard bytes[unchecked: at] == .space, at > targetStart else {
            throw Self.targetFault(bytes[unchecked: at], isEmpty: at == targetStart)
        }
        target = HeadRange(targetStart, at)
        path = HeadRange(targetStart, pathEnd)

        let next = try readVersion(bytes, at + 1, end)
        try settleMethod()
        if bytes[unchecked: targetStart] != 0x2f { try settleForm(bytes) }
        return next
    }

    @inline(__always)
    private static func skipEmptyLines(_ bytes: RawSpan) throws(HeadStop) -> Int {
        var at = 0
        while at < 4, at < bytes.byteCount, bytes[unchecked: at] == .carriageReturn {
            guard at + 1 < bytes.byteCount else { throw .partial }
            guard bytes[unchecked: at + 1] == .lineFeed else { throw .malformed(.lineEnding) }
            at += 2
        }
        return at
    }

    /// The input ended inside the line, or the line is longer than it may be.
    @inline(never)
    private static func lineExhausted(_ bytes: RawSpan, _ end: Int) -> HeadStop {
        guard bytes.byteCount > end else { return .partial }
        return .refused(Refusal(status: 414, reason: .requestLineTooLong))
    }

    @inline(never)
    private static func targetFault(_ byte: UInt8, isEmpty: Bool) -> HeadStop {
        switch byte {
        case .space: .malformed(.targetEmpty)
        case .carriageReturn, .lineFeed: .malformed(isEmpty ? .targetEmpty : .versionMalformed)
        default: .malformed(.targetCharacter)
        }
    }

    /// `HTTP/1.1` CRLF, and nothing between.
    @inline(__always)
    private mutating func readVersion(
        _ bytes: RawSpan, _ at: Int, _ end: Int
    ) throws(HeadStop) -> Int {
        if at + 10 <= end, bytes[unchecked: at + 8] == .carriageReturn,
            bytes[unchecked: at + 9] == .lineFeed, bytes.isWord("HTTP/1.1", at: at)
        {
            version = .http11
            return at + 10
        }
        version = try Self.otherVersion(bytes, at, end)
        return at + 10
    }

    @inline(never)
    private static func otherVersion(
        _ bytes: RawSpan, _ start: Int, _ end: Int
    ) throws(HeadStop) -> HTTPVersion {
        let shape = bytes.extracting(start..<min(start + 10, end))
        for index in 0..<shape.byteCount {
            let byte = shape[at: index]
            switch index {
            case 8:
                if byte == .lineFeed { throw .malformed(.lineEnding) }
                if byte != .carriageReturn { throw .malformed(.versionMalformed) }
            case 9: if byte != .lineFeed { throw .malformed(.lineEnding) }
            case 5, 7: if !byte.isDigit { throw .malformed(.versionMalformed) }
            default:
                if byte != Self.versionShape[index] { throw .malformed(.versionMalformed) }
            }
        }
        guard shape.byteCount == 10 else { throw lineExhausted(bytes, end) }
        switch shape[at: 5] {
        case 0x31: return shape[at: 7] == 0x30 ? .http10 : .http11
        case 0x30: throw .malformed(.versionMalformed)
        default: throw .refused(Refusal(status: 505, reason: .versionUnsupported))
        }
    }

    /// `HTTP/d.d`
    private static var versionShape: [8 of UInt8] {
        [0x48, 0x54, 0x54, 0x50, 0x2f, 0x30, 0x2e, 0x30]
    }

    @inline(__always)
    private func settleMethod() throws(HeadStop) {
        switch method {
        case .connect: throw .refused(Refusal(status: 405, reason: .connectMethod))
        case .trace: throw .refused(Refusal(status: 405, reason: .traceMethod))
        case .get, .head, .post, .put, .delete, .patch, .options, .other: return
        }
    }

    /// A target that does not begin with `/`: `*`, or absolute (RFC 9112 §3.2.2, §3.2.4).
    @inline(never)
    private mutating func settleForm(_ bytes: RawSpan) throws(HeadStop) {
        if bytes[target].equals("*") {
            guard method == .options else { throw .malformed(.asteriskForm) }
            return
        }
        let text = bytes[path]
        let skipped: Int
        if text.byteCount >= 7, text.extracting(0..<7).equalsFolded("http://") {
            skipped = 7
        } else if text.byteCount >= 8, text.extracting(0..<8).equalsFolded("https://") {
            skipped = 8
        } else {
            throw .malformed(bytes.hasScheme(path) ? .absoluteScheme : .targetForm)
        }
        let start = Int(path.start) + skipped
        let end = Int(path.end)
        let slash = bytes.firstNear(0x2f, from: start, before: end)
        let named = HeadRange(start, slash)
        guard Authority.isValid(bytes[named]) else { throw .malformed(.authorityMalformed) }
        authority = named
        path = HeadRange(slash, end)
    }
}

extension RawSpan {
    /// Whether `range` begins with `scheme://`: only to name the fault rightly.
    fileprivate func hasScheme(_ range: HeadRange) -> Bool {
        let text = self[range]
        guard let colon = text.first(.colon), colon > 0, colon + 2 < text.byteCount else {
            return false
        }
        return text[at: colon + 1] == 0x2f && text[at: colon + 2] == 0x2f
    }
}
