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
    private struct Network: Sendable, Equatable {
        let family: ClientAddress.Family
        let high: UInt64
        let low: UInt64
        let highMask: UInt64
        let lowMask: UInt64
    }

    private var networks: [Network] = []
    private var trustsLocal = false

    /// Trusts nobody.
    public init() {}

    /// - Parameter entries: `127.0.0.1`, `10.0.0.0/8`, `2001:db8::/32`, or `unix` for the peers of
    ///   Unix sockets. Bits behind the prefix are ignored.
    public init(parsing entries: [String]) throws(TrustedNetworksError) {
        for entry in entries {
            if entry == "unix" || entry == "unix:" {
                trustsLocal = true
            } else {
                networks.append(try Self.network(entry))
            }
        }
    }

    public func contains(_ address: ClientAddress) -> Bool {
        if address.family == .local { return trustsLocal }
        for network in networks where network.family == address.family {
            if address.high & network.highMask == network.high,
                address.low & network.lowMask == network.low
            {
                return true
            }
        }
        return false
    }

    private static func network(_ entry: String) throws(TrustedNetworksError) -> Network {
        let bytes = entry.rawSpan
        let slash = bytes.first(0x2f)
        guard let address = ClientAddress.parse(bytes.extracting(0..<(slash ?? bytes.byteCount)))
        else {
            throw TrustedNetworksError(
                entry: entry, reason: "no address; write 127.0.0.1, 10.0.0.0/8 or unix")
        }
        let width = address.family == .v4 ? 32 : 128
        // ::ffff:10.0.0.0/104 is 10.0.0.0/8.
        let isMapped = address.family == .v4 && bytes.first(.colon) != nil
        var prefix = width
        if let slash {
            guard let number = decimal(bytes.extracting(slash + 1..<bytes.byteCount)),
                number >= (isMapped ? 96 : 0), number <= (isMapped ? 128 : width)
            else {
                throw TrustedNetworksError(
                    entry: entry, reason: "no prefix length; write /0 to /\(width)")
            }
            prefix = isMapped ? number - 96 : number
        }
        return masked(address, prefix)
    }

    private static func masked(_ address: ClientAddress, _ prefix: Int) -> Network {
        let high: UInt64
        let low: UInt64
        if address.family == .v4 {
            high = 0
            low = ones(prefix, of: 32)
        } else {
            high = ones(min(prefix, 64), of: 64)
            low = ones(max(prefix - 64, 0), of: 64)
        }
        return Network(
            family: address.family, high: address.high & high, low: address.low & low,
            highMask: high, lowMask: low)
    }

    /// The mask of the `count` uppermost of `width` bits.
    private static func ones(_ count: Int, of width: Int) -> UInt64 {
        // Smart shifts: 64 places make 0.
        let all = UInt64.max >> UInt64(64 - width)
        return all & ~(all >> UInt64(count))
    }

    private static func decimal(_ text: RawSpan) -> Int? {
        guard text.byteCount > 0, text.byteCount <= 3 else { return nil }
        var number = 0
        for index in 0..<text.byteCount {
            guard text[at: index].isDigit else { return nil }
            number = number * 10 + Int(text[at: index] &- 48)
        }
        return number
    }
}
