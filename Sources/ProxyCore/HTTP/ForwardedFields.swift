// Owns what the upstream is told of the client: X-Forwarded-For, -Proto and -Host.
// Called by the head writer, and by the loop to learn the client's address.
// Never believes a peer that is not trusted, never inserts a byte that the parser has not passed.

/// What is known of the connection that a request came by.
public struct ForwardedFields: Sendable, BitwiseCopyable {
    public let peer: ClientAddress
    /// The peer is one of `trusted_proxies`.
    public let trusted: Bool
    /// The request came by TLS.
    public let secure: Bool

    public init(peer: ClientAddress, trusted: Bool, secure: Bool) {
        self.peer = peer
        self.trusted = trusted
        self.secure = secure
    }

    /// Who sent the request: the peer, or behind trusted peers the rightmost address of
    /// X-Forwarded-For that is not trusted itself. What is no address ends the walk: whatever
    /// stands left of it is hearsay.
    public func client(
        of head: borrowing RequestHead, _ bytes: RawSpan, networks: TrustedNetworks
    ) -> ClientAddress {
        guard trusted, head.fields.has(.xForwardedFor) else { return peer }
        var client = peer
        var hops = 0
        var index = head.fields.count - 1
        while index >= 0 {
            let field = head.fields[index]
            index -= 1
            guard field.known == .xForwardedFor, !field.dropped else { continue }
            var end = Int(field.value.end)
            while end > Int(field.value.start) {
                let start = bytes.hopStart(Int(field.value.start), end)
                let hop = bytes[bytes.trimmed(HeadRange(start, end))]
                end = start - 1
                if hop.byteCount == 0 { continue }
                hops += 1
                guard hops <= Limits.forwardedHops, let address = Self.hop(hop) else {
                    return client
                }
                client = address
                if !networks.contains(address) { return client }
            }
        }
        return client
    }

    /// One member of X-Forwarded-For: an address, by some proxies with a port.
    private static func hop(_ text: RawSpan) -> ClientAddress? {
        if text[at: 0] == 0x5b {
            guard let close = text.first(0x5d) else { return nil }
            return ClientAddress.parse(text.extracting(1..<close))
        }
        guard let colon = text.first(.colon), text.first(.colon, from: colon + 1) == nil else {
            return ClientAddress.parse(text)
        }
        return ClientAddress.parse(text.extracting(0..<colon))
    }

    // MARK: Writing

    /// The fields of these names that the upstream does not get as they came. From a peer that
    /// is not trusted all of them, and every other `X-Forwarded-` name with them (`withholds`).
    func skipped(_ head: borrowing RequestHead) -> UInt64 {
        if trusted { return KnownField.xForwardedFor.bit }
        return KnownField.xForwardedFor.bit | KnownField.xForwardedProto.bit
            | KnownField.xForwardedHost.bit | KnownField.xForwardedPort.bit
            | KnownField.xForwardedPrefix.bit | KnownField.xForwardedURI.bit
            | KnownField.xRealIP.bit | KnownField.forwarded.bit
    }

    /// Names of the same family that servers also believe (`X-Forwarded-Ssl`, `-Protocol`, …).
    @inline(__always)
    func withholds(_ name: RawSpan) -> Bool {
        !trusted && name.byteCount > 12 && name.extracting(0..<12).isFolded("x-forwarded-")
    }

    /// Writes our own, after everything that Connection nominates has been taken out.
    func write(
        _ head: borrowing RequestHead, _ bytes: RawSpan, into out: inout ByteBuffer
    ) {
        writeFor(head, bytes, into: &out)
        if !trusted || head.fields.value(.xForwardedProto, in: bytes) == nil {
            out.append(secure ? "X-Forwarded-Proto: https\r\n" : "X-Forwarded-Proto: http\r\n")
        }
        if let authority = head.authority,
            !trusted || head.fields.value(.xForwardedHost, in: bytes) == nil
        {
            out.append("X-Forwarded-Host: ")
            out.append(bytes[authority])
            out.append("\r\n")
        }
    }

    /// What a trusted peer says, then the peer. The other end of a Unix socket has no address:
    /// it adds nothing, and alone it makes no field.
    private func writeFor(
        _ head: borrowing RequestHead, _ bytes: RawSpan, into out: inout ByteBuffer
    ) {
        var isOpen = false
        if trusted, head.fields.has(.xForwardedFor) {
            for index in 0..<head.fields.count {
                let field = head.fields[index]
                guard field.known == .xForwardedFor, !field.dropped, !field.value.isEmpty else {
                    continue
                }
                out.append(isOpen ? ", " : "X-Forwarded-For: ")
                out.append(bytes[field.value])
                isOpen = true
            }
        }
        if peer.family != .local {
            out.append(isOpen ? ", " : "X-Forwarded-For: ")
            peer.text(into: &out)
            isOpen = true
        }
        if isOpen { out.append("\r\n") }
    }
}

extension RawSpan {
    /// Where the last member of the list in `start..<end` begins.
    fileprivate func hopStart(_ start: Int, _ end: Int) -> Int {
        var at = end
        while at > start, self[at: at - 1] != .comma { at -= 1 }
        return at
    }
}
