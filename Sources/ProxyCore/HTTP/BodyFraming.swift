// Owns how the end of a message body is found.
// Called by head parsers (to decide it), body readers (to obey it) and writers (to announce it).
// Never counts bytes: that is BodyReader.

/// Where a body ends (RFC 9112 §6.3).
public enum BodyFraming: Equatable, Sendable, BitwiseCopyable {
    case none
    /// Exactly so many bytes.
    case length(UInt64)
    case chunked
    /// To the end of the connection; responses only.
    case untilClose

    /// Whether not one byte of body can follow.
    @inlinable public var isEmpty: Bool {
        switch self {
        case .none, .length(0): true
        case .length, .chunked, .untilClose: false
        }
    }
}
