// Owns the one computation of the opening handshake.
// Called where a socket is accepted, ours or (to check it) an upstream's.
// Never reads a head: whether an upgrade is asked for and well-formed is HTTP's business.

/// The opening handshake (RFC 6455 §4.2.2).
public enum Handshake {
    /// Appends the value of `Sec-WebSocket-Accept` for a `Sec-WebSocket-Key`: base64 of the SHA-1
    /// of the key as sent and the fixed GUID.
    public static func accept(key: RawSpan, into out: inout ByteBuffer) {
        var message = ByteBuffer(capacity: key.byteCount + 36)
        message.append(key)
        message.append("258EAFA5-E914-47DA-95CA-C5AB0DC85B11")
        var digest = ByteBuffer(capacity: 20)
        DigestContext(.sha1).append(message.bytes, to: &digest)
        Base64.encode(digest.bytes, into: &out)
    }

    /// Whether a key is base64 of 16 bytes (§4.1): 22 characters and two of padding.
    public static func isKey(_ key: RawSpan) -> Bool {
        guard key.byteCount == 24, key[at: 22] == 0x3d, key[at: 23] == 0x3d else { return false }
        for index in 0..<22 {
            switch key[at: index] {
            case 0x41...0x5a, 0x61...0x7a, 0x30...0x39, 0x2b, 0x2f: continue
            default: return false
            }
        }
        return true
    }
}
