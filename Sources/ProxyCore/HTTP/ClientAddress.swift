// Owns the address of a client as a plain value.
// Called by the listener, forwarding and logs.
// Never resolves a name.

/// An IPv4 or IPv6 address and port, or the other end of a Unix socket.
public struct ClientAddress: Sendable, Equatable, BitwiseCopyable {
    public init() {}
}
