// Owns the 2 to 14 bytes before a client's payload: reading them as they arrive, and their rules.
// Called by the frame decoder.
// Never looks at a payload.

/// The header of one client frame (RFC 6455 §5.2), collected byte by byte.
struct FrameHeader: BitwiseCopyable {
    enum Outcome: BitwiseCopyable {
        case more
        case whole
        case violation(CloseCode)
    }

    private(set) var opcode = Opcode.continuation
    private(set) var isFinal = false
    private(set) var length: UInt64 = 0
    /// The masking key in memory order.
    private(set) var key: UInt32 = 0
    private var count: UInt8 = 0
    /// Bytes of the extended length: 0, 2 or 8.
    private var lengthBytes: UInt8 = 0

    /// Reads on until the header is whole or broken; `offset` moves behind what was read.
    mutating func read(_ bytes: RawSpan, at offset: inout Int) -> Outcome {
        while offset < bytes.byteCount {
            let byte = bytes[at: offset]
            offset += 1
            count += 1
            switch count {
            case 1:
                guard acceptType(byte) else { return .violation(.protocolError) }
            case 2:
                guard acceptLength(byte) else { return .violation(.protocolError) }
            case 3..<(3 + lengthBytes):
                length = length << 8 | UInt64(byte)
                guard count < 2 + lengthBytes || isMinimal else {
                    return .violation(.protocolError)
                }
            default:
                let place = UInt32(count - 3 - lengthBytes)
                key = UInt32(littleEndian: key.littleEndian | UInt32(byte) << (place * 8))
                if place == 3 { return .whole }
            }
        }
        return .more
    }

    /// FIN, RSV1–3, opcode. No extension is ever agreed to, so that every RSV bit is a fault.
    private mutating func acceptType(_ byte: UInt8) -> Bool {
        guard byte & 0x70 == 0, let opcode = Opcode(rawValue: byte & 0x0f) else { return false }
        self.opcode = opcode
        isFinal = byte & 0x80 != 0
        return isFinal || !opcode.isControl  // §5.4: control frames are never fragmented
    }

    /// MASK and the short length.
    private mutating func acceptLength(_ byte: UInt8) -> Bool {
        guard byte & 0x80 != 0 else { return false }  // §5.1: a client masks every frame
        let short = byte & 0x7f
        switch short {
        case 126: lengthBytes = 2
        case 127: lengthBytes = 8
        default: length = UInt64(short)
        }
        return lengthBytes == 0 || !opcode.isControl  // §5.5: at most 125 bytes
    }

    /// §5.2: the shortest form, and the highest bit of a 64-bit length is zero.
    private var isMinimal: Bool {
        lengthBytes == 2 ? length > 125 : length > 0xffff && length >> 63 == 0
    }
}
