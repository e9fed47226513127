// Owns the address of a client as a plain value.
// Called by the listener, forwarding, limits and logs.
// Never resolves a name.

/// An IPv4 or IPv6 address and port, or the other end of a Unix socket.
///
/// An IPv4 address inside IPv6 (`::ffff:1.2.3.4`) is the IPv4 address: a dual-stack listener must
/// not make two clients of one.
public struct ClientAddress: Sendable, Equatable, Hashable, BitwiseCopyable {
    public enum Family: UInt8, Sendable, BitwiseCopyable { case local, v4, v6 }

    public let family: Family
    /// 0 where it is not known.
    public let port: UInt16
    /// The address as one 128-bit number; IPv4 in the low 32 bits.
    let high: UInt64
    let low: UInt64

    init(family: Family, port: UInt16, high: UInt64, low: UInt64) {
        self.family = family
        self.port = port
        self.high = high
        self.low = low
    }

    /// The other end of a Unix socket.
    public static var local: ClientAddress {
        ClientAddress(family: .local, port: 0, high: 0, low: 0)
    }

    public init() { self = .local }

    /// - Parameters:
    ///   - bytes: in network order, as sent.
    ///   - port: in host order.
    public init(v4 bytes: [4 of UInt8], port: UInt16) {
        var number: UInt64 = 0
        for index in 0..<4 { number = number << 8 | UInt64(bytes[index]) }
        self.init(family: .v4, port: port, high: 0, low: number)
    }

    /// - Parameters:
    ///   - number: `sin_addr.s_addr`, in network order as the kernel gives it.
    ///   - port: in host order.
    public init(v4 number: UInt32, port: UInt16) {
        self.init(family: .v4, port: port, high: 0, low: UInt64(UInt32(bigEndian: number)))
    }

    /// - Parameters:
    ///   - bytes: `sin6_addr`, in network order; a v4-mapped one becomes IPv4.
    ///   - port: in host order.
    public init(v6 bytes: [16 of UInt8], port: UInt16) {
        var high: UInt64 = 0
        var low: UInt64 = 0
        for index in 0..<8 {
            high = high << 8 | UInt64(bytes[index])
            low = low << 8 | UInt64(bytes[index + 8])
        }
        self.init(v6High: high, low: low, port: port)
    }

    /// The 128 bits of an IPv6 address as two numbers in host order.
    public init(v6High high: UInt64, low: UInt64, port: UInt16) {
        if high == 0, low >> 32 == 0xffff {
            self.init(family: .v4, port: port, high: 0, low: low & 0xffff_ffff)
        } else {
            self.init(family: .v6, port: port, high: high, low: low)
        }
    }

    /// The same address without its port, for counting clients.
    public var withoutPort: ClientAddress {
        ClientAddress(family: family, port: 0, high: high, low: low)
    }

    /// What one client cannot leave: an IPv4 address, the first 64 bits of an IPv6 one (whoever
    /// has one address there has them all).
    public var network: ClientAddress {
        ClientAddress(family: family, port: 0, high: high, low: family == .v6 ? 0 : low)
    }
}
