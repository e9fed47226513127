// Owns the request methods and protocol versions that framing and routing depend on.
// Called by the head parser, retry rules and routers.
// Never rewrites a method: an unknown one travels on as it came.

/// A request method (RFC 9110 §9). Names are case-sensitive: `get` is `.other`.
public enum Method: UInt8, Sendable, BitwiseCopyable {
    case get, head, post, put, delete, patch, options, trace, connect, other

    public init(_ name: RawSpan) {
        switch name.byteCount {
        case 3:
            self = name.equals("GET") ? .get : name.equals("PUT") ? .put : .other
        case 4:
            self = name.equals("POST") ? .post : name.equals("HEAD") ? .head : .other
        case 5:
            self = name.equals("PATCH") ? .patch : name.equals("TRACE") ? .trace : .other
        case 6:
            self = name.equals("DELETE") ? .delete : .other
        case 7:
            self =
                name.equals("OPTIONS") ? .options : name.equals("CONNECT") ? .connect : .other
        default:
            self = .other
        }
    }

    /// Asks for no change of state (RFC 9110 §9.2.1).
    @inlinable public var isSafe: Bool {
        switch self {
        case .get, .head, .options, .trace: true
        case .post, .put, .delete, .patch, .connect, .other: false
        }
    }

    /// Twice does what once does, so that it may be sent again (RFC 9110 §9.2.2).
    @inlinable public var isIdempotent: Bool {
        switch self {
        case .get, .head, .options, .trace, .put, .delete: true
        case .post, .patch, .connect, .other: false
        }
    }
}

/// The protocol of a message. A minor version above 1 is treated as 1.1 (RFC 9110 §2.5).
public enum HTTPVersion: UInt8, Sendable, BitwiseCopyable {
    case http10, http11
}
