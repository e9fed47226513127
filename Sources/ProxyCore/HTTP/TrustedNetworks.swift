// Owns the list of peers whose forwarding fields are believed.
// Called once a connection for its peer, and for the hops of X-Forwarded-For.
// Never trusts by default: Unix sockets too must be named.

/// Why an entry of `trusted_proxies` cannot be used.
public struct TrustedNetworksError: Error, Sendable, Equatable {
    public let entry: String
    public let reason: String
}

/// Addresses and networks, and perhaps the peers of Unix sockets.
public struct TrustedNetworks: Sendable, Equatable {
    public init() {}

    /// - Parameter entries: `127.0.0.1`, `10.0.0.0/8`, `2001:db8::/32`, or `unix` for Unix sockets.
    public init(parsing entries: [String]) throws(TrustedNetworksError) {}

    public func contains(_ address: ClientAddress) -> Bool { false }
}
