// Owns the writing of a server's frames.
// Called by the hub, which encodes a message once for all its sockets, and by socket code.
// Never masks (RFC 6455 §5.1: a server must not), never fragments.

/// Writes unmasked, unfragmented frames (RFC 6455 §5.2).
public enum FrameEncoder {
    /// Bytes of a control frame's payload at most (§5.5).
    public static let controlLimit = 125

    /// A text message; the caller vouches for UTF-8.
    public static func text(_ payload: RawSpan, into out: inout ByteBuffer) {
        frame(.text, payload, into: &out)
    }

    public static func binary(_ payload: RawSpan, into out: inout ByteBuffer) {
        frame(.binary, payload, into: &out)
    }

    /// - Parameter payload: at most `controlLimit` bytes; the rest is cut off.
    public static func ping(_ payload: RawSpan, into out: inout ByteBuffer) {
        frame(.ping, payload.extracting(first: controlLimit), into: &out)
    }

    /// - Parameter payload: that of the ping, at most `controlLimit` bytes.
    public static func pong(_ payload: RawSpan, into out: inout ByteBuffer) {
        frame(.pong, payload.extracting(first: controlLimit), into: &out)
    }

    /// A close frame with a code and a reason, which is cut at a character where it is too long.
    public static func close(
        _ code: CloseCode, reason: StaticString = "", into out: inout ByteBuffer
    ) {
        close(code.rawValue, reason: "\(reason)".rawSpan, into: &out)
    }

    /// Answers a close: the same code back (§5.5.1). A code that no frame may carry goes without.
    public static func close(
        _ code: UInt16?, reason: RawSpan, into out: inout ByteBuffer
    ) {
        guard let code, CloseCode.isValidOnWire(code) else {
            return header(.close, length: 0, into: &out)
        }
        var end = min(reason.byteCount, controlLimit - 2)
        while end > 0, end < reason.byteCount, reason[at: end] & 0xc0 == 0x80 { end -= 1 }
        header(.close, length: end + 2, into: &out)
        out.append(UInt8(truncatingIfNeeded: code >> 8))
        out.append(UInt8(truncatingIfNeeded: code))
        out.append(reason.extracting(0..<end))
    }

    /// The header alone, for a payload that is written behind it.
    public static func header(
        _ opcode: Opcode, length: Int, isFinal: Bool = true, into out: inout ByteBuffer
    ) {
        out.reserve(10)
        out.append(opcode.rawValue | (isFinal ? 0x80 : 0))
        let size: Int
        switch length {
        case ...125:
            return out.append(UInt8(truncatingIfNeeded: length))
        case ...0xffff:
            out.append(126)
            size = 2
        default:
            out.append(127)
            size = 8
        }
        for place in stride(from: size - 1, through: 0, by: -1) {
            out.append(UInt8(truncatingIfNeeded: length >> (place * 8)))
        }
    }

    private static func frame(_ opcode: Opcode, _ payload: RawSpan, into out: inout ByteBuffer) {
        out.reserve(payload.byteCount + 10)
        header(opcode, length: payload.byteCount, into: &out)
        out.append(payload)
    }
}
