// Owns the names of frame types and close codes of RFC 6455.
// Called by the decoder, the encoder and whoever ends a socket.
// Never decides when a socket ends.

/// The frame types (RFC 6455 §5.2); every other value is reserved.
public enum Opcode: UInt8, Sendable, BitwiseCopyable {
    case continuation = 0x0
    case text = 0x1
    case binary = 0x2
    case close = 0x8
    case ping = 0x9
    case pong = 0xa

    /// Close, ping and pong: short, whole, and allowed between the fragments of a message (§5.5).
    @inlinable public var isControl: Bool { rawValue & 0x8 != 0 }
}

/// Why a socket ends: the codes that we send (RFC 6455 §7.4.1, the IANA registry, our own 44xx).
public enum CloseCode: UInt16, Sendable, BitwiseCopyable {
    case normal = 1000
    /// Draining: reconnect, another process answers.
    case goingAway = 1001
    case protocolError = 1002
    /// A binary message where only text has a meaning.
    case unsupportedData = 1003
    /// Text that is not UTF-8.
    case invalidPayload = 1007
    case policyViolation = 1008
    case messageTooBig = 1009
    case internalError = 1011
    /// Too many sockets.
    case tryAgainLater = 1013
    /// The token expired or was revoked.
    case tokenEnded = 4401
    /// No pong within its time.
    case noPong = 4408
    /// The reader was too slow and would have lost state: start anew.
    case tooSlow = 4429

    /// Whether a close frame may carry this code (§7.4.2): not the three that only stand for the
    /// absence of one (1005, 1006, 1015), nothing unassigned below 3000, nothing above 4999.
    public static func isValidOnWire(_ code: UInt16) -> Bool {
        switch code {
        case 1000...1003, 1007...1014, 3000...4999: true
        default: false
        }
    }
}
