// Owns the grammar of Host and of the authority of an absolute target.
// Called by the request head when its fields have been read.
// Never resolves or lowers a name: it travels on as it came.

/// `host [ ":" port ]` (RFC 9110 §7.2).
enum Authority {
    /// Stricter than the grammar: no user information, no percent-encoding, no sub-delimiters
    /// (a comma would join two hosts into one), no empty port.
    static func isValid(_ text: RawSpan) -> Bool {
        let count = text.byteCount
        guard count > 0 else { return false }
        var at = 0
        if text[at: 0] == 0x5b {
            guard let close = text.first(0x5d),
                let address = ClientAddress.parse(text.extracting(1..<close)),
                text.extracting(1..<close).first(.colon) != nil, address.family != .local
            else { return false }
            at = close + 1
        } else {
            while at < count, text[unchecked: at].isOf(.host) { at += 1 }
            guard at > 0 else { return false }
        }
        if at == count { return true }
        guard text[at: at] == .colon else { return false }
        return isPort(text.extracting(at + 1..<count))
    }

    /// 1...65535 in at most five digits.
    private static func isPort(_ text: RawSpan) -> Bool {
        guard text.byteCount > 0, text.byteCount <= 5 else { return false }
        var port = 0
        for index in 0..<text.byteCount {
            guard text[unchecked: index].isDigit else { return false }
            port = port * 10 + Int(text[unchecked: index] &- 48)
        }
        return port > 0 && port <= 65535
    }
}

extension RequestHead {
    /// Exactly one Host (none is allowed in 1.0), well-formed, and the same as an absolute
    /// target's (RFC 9112 §3.2).
    @inline(__always)
    mutating func settleHost(_ bytes: RawSpan) throws(HeadStop) {
        guard let host = fields.first(.host) else {
            if version == .http10 { return }
            throw .malformed(.hostMissing)
        }
        guard !fields.isRepeated(.host) else { throw .malformed(.hostRepeated) }
        guard Authority.isValid(bytes[host.value]) else { throw .malformed(.hostMalformed) }
        if let authority, !bytes[authority].equalsFolded(bytes[host.value]) {
            throw .malformed(.authorityMismatch)
        }
        authority = host.value
    }
}
