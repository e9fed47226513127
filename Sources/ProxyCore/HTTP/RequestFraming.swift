// Owns how the body of a request ends, and the request's other promises about its connection.
// Called by RequestHead.parse when the fields have been read.
// Never guesses: what RFC 9112 §6.3 leaves open to two readings is refused.

extension RequestHead {
    /// Fields that most requests do not have.
    static var rare: UInt64 {
        @inline(__always)
        get {
            KnownField.expect.bit | KnownField.via.bit | KnownField.te.bit
                | KnownField.maxForwards.bit
        }
    }

    /// Connection, and the upgrade that it may announce.
    @inline(__always)
    mutating func settleConnection(_ bytes: RawSpan) throws(HeadStop) {
        let options = try HopByHop.connection(bytes, in: &fields, strict: true)
        keepAlive = options.persists(version)
        if fields.has(.upgrade) {
            webSocketUpgrade = offer(bytes, asked: options.contains(.upgrade))
        }
    }

    @inline(__always)
    mutating func settleFraming(_ bytes: RawSpan, trustedPeer: Bool) throws(HeadStop) {
        let framingFields = KnownField.transferEncoding.bit | KnownField.contentLength.bit
        guard fields.hasAny(framingFields) else { return }
        framing = try readFraming(bytes)
        if !framing.isEmpty { try settleBody(trustedPeer: trustedPeer) }
    }

    @inline(never)
    private mutating func settleBody(trustedPeer: Bool) throws(HeadStop) {
        if webSocketUpgrade == .valid { webSocketUpgrade = .invalid }
        guard version == .http10, !trustedPeer else { return }
        switch method {
        case .get, .head, .delete:
            throw .refused(Refusal(status: 413, reason: .bodyInHTTP10))
        case .post, .put, .patch, .options, .trace, .connect, .other: return
        }
    }

    /// RFC 9112 §6.3, without the lenient readings.
    @inline(never)
    private func readFraming(_ bytes: RawSpan) throws(HeadStop) -> BodyFraming {
        if try fields.statesChunked(bytes, version) { return .chunked }
        guard let length = fields.first(.contentLength) else { return .none }
        guard !fields.isRepeated(.contentLength) else { throw .malformed(.lengthRepeated) }
        return .length(try ContentLength.read(bytes[length.value]))
    }

    @inline(never)
    mutating func settleRareFields(_ bytes: RawSpan, refusesOwnVia: Bool) throws(HeadStop) {
        for index in 0..<fields.count {
            let field = fields[index]
            switch field.known {
            case .expect: try settleExpectation(bytes, index)
            case .via:
                if refusesOwnVia, Via.namesUs(bytes, field.value) {
                    throw .refused(Refusal(status: 508, reason: .loop))
                }
            case .te:
                if !acceptsTrailers { acceptsTrailers = bytes.listHas("trailers", field.value) }
            case .maxForwards:
                if method == .options, maxForwards == nil {
                    maxForwards = bytes[field.value].hops
                }
            default: break
            }
        }
    }

    /// RFC 9110 §10.1.1: ignored where it came by 1.0, and where there is no body to wait for.
    private mutating func settleExpectation(_ bytes: RawSpan, _ index: Int) throws(HeadStop) {
        if version == .http11 {
            guard bytes[fields[index].value].matches("100-continue") else {
                throw .refused(Refusal(status: 417, reason: .expectation))
            }
            if !framing.isEmpty, !expectsContinue {
                expectsContinue = true
                return
            }
        }
        fields.drop(index)
    }

    /// RFC 6455 §4.2.1.
    @inline(never)
    private func offer(_ bytes: RawSpan, asked: Bool) -> WebSocketOffer {
        guard let upgrade = fields.first(.upgrade) else { return .none }
        var named = false
        for index in 0..<fields.count where fields[index].known == .upgrade {
            if bytes.listHas("websocket", fields[index].value) { named = true }
        }
        guard named else { return .none }
        guard asked, method == .get, version == .http11,
            !fields.isRepeated(.upgrade), bytes[upgrade.value].matches("websocket"),
            let key = fields.first(.secWebSocketKey), !fields.isRepeated(.secWebSocketKey),
            !key.dropped, bytes[key.value].isWebSocketKey,
            let wire = fields.first(.secWebSocketVersion), !wire.dropped,
            !fields.isRepeated(.secWebSocketVersion), bytes[wire.value].equals("13")
        else { return .invalid }
        return .valid
    }
}

extension RawSpan {
    /// Whether the list in `range` has this member, without parameters.
    func listHas(_ member: StaticString, _ range: HeadRange) -> Bool {
        var list = ListReader(range)
        while let item = list.next(in: self) {
            if self[item].equalsFolded(member) { return true }
        }
        return false
    }

    /// A number of hops, or nil where it is none; more than fit are the most that fit.
    fileprivate var hops: UInt32? {
        guard byteCount > 0 else { return nil }
        var number: UInt64 = 0
        for index in 0..<byteCount {
            let byte = self[unchecked: index]
            guard byte.isDigit else { return nil }
            number = min(number * 10 + UInt64(byte &- 48), UInt64(UInt32.max))
        }
        return UInt32(number)
    }

    /// Sixteen bytes in base64: 22 characters, the last with four unused bits of 0, and `==`.
    fileprivate var isWebSocketKey: Bool {
        guard byteCount == 24, self[at: 22] == 0x3d, self[at: 23] == 0x3d else { return false }
        for index in 0..<22 {
            let byte = self[at: index]
            let letter = byte.lowercasedASCII &- 97 < 26
            guard letter || byte.isDigit || byte == 0x2b || byte == 0x2f else { return false }
        }
        switch self[at: 21] {
        case 0x41, 0x51, 0x67, 0x77: return true
        default: return false
        }
    }
}
