// Owns the reading of a client's frames: framing, unmasking, messages out of fragments.
// Called by the socket code of a loop with whatever bytes have arrived.
// Never answers a frame, never keeps a byte of a message that has been taken.

/// What the bytes so far amount to.
public enum FrameEvent: Sendable, Equatable, BitwiseCopyable {
    /// All bytes are used up and no message is whole.
    case more
    /// A whole message, valid UTF-8; it stands in `message`.
    case text
    /// A whole message; it stands in `message`.
    case binary
    /// The payload stands in `message`, to be sent back in a pong (RFC 6455 §5.5.2).
    case ping
    case pong
    /// The reason stands in `message`. What comes after a close is dropped.
    case close(code: UInt16?)
    /// The peer broke the protocol or a bound: close with this code, read no further.
    case violation(CloseCode)
}

/// An incremental decoder of the frames that a client sends to a server (RFC 6455 §5).
///
/// ```
/// var at = 0
/// while true {
///     switch decoder.next(bytes, at: &at) { case .more: return … }
/// }
/// ```
/// Between messages it owns no memory: its buffer lives from the first byte of a message or a
/// control frame to the call that returns `.more` with none begun. A message costs at most twice
/// `maximumMessage`; memory grows with the bytes that came, not with the length announced.
public struct FrameDecoder: ~Copyable {
    private enum Stage: BitwiseCopyable {
        case header
        case payload
        /// A close or a violation has been reported.
        case ended
    }

    // 32-bit numbers: two hundred thousand of these lie idle in one process.
    private let maximumMessage: UInt32
    /// The message so far, unmasked; behind it the payload of a control frame that interrupts it.
    private var buffer = ByteBuffer()
    private var stage = Stage.header
    private var failure: CloseCode?
    private var header = FrameHeader()
    /// Of the frame whose payload is being read.
    private var current = Opcode.continuation
    private var isFinal = false
    /// Payload bytes of this frame that have yet to come.
    private var remaining: UInt32 = 0
    /// Where this frame's payload begins in the buffer.
    private var frameStart: UInt32 = 0
    /// The masking key, turned so that its first byte meets the next payload byte.
    private var key: UInt32 = 0
    /// What kind of message is being put together; nil between messages.
    private var kind: Opcode?
    private var utf8 = UTF8Stream()
    /// Whether `message` shows something, and from where in the buffer on.
    private var isShown = false
    private var shownStart: UInt32 = 0

    /// - Parameter maximumMessage: bytes of a message, all fragments together; more is 1009.
    ///   At most 1 GiB.
    public init(maximumMessage: Int) {
        precondition(maximumMessage > 0 && maximumMessage <= 1 << 30)
        self.maximumMessage = UInt32(maximumMessage)
    }

    /// What the last event is about, until the next call of `next`.
    public var message: RawSpan {
        @_lifetime(borrow self)
        get { buffer.bytes.extracting((isShown ? Int(shownStart) : buffer.count)..<buffer.count) }
    }

    /// Bytes of memory held now: 0 between messages.
    public var memory: Int { buffer.capacity }

    /// Reads on in `bytes` from `offset`, which is moved behind what was read.
    ///
    /// Called again with the same bytes until it says `.more`. After `.close` everything is
    /// dropped; after `.violation` it says the same again and reads nothing.
    public mutating func next(_ bytes: RawSpan, at offset: inout Int) -> FrameEvent {
        forgetShown()
        while true {
            switch stage {
            case .ended:
                if let failure { return .violation(failure) }
                offset = bytes.byteCount
                buffer = ByteBuffer()
                return .more
            case .header:
                switch header.read(bytes, at: &offset) {
                case .more:
                    if kind == nil { buffer.shrink(to: 0) }
                    return .more
                case .violation(let code):
                    return fail(code)
                case .whole:
                    if let code = begin() { return fail(code) }
                }
            case .payload:
                if let code = take(bytes, at: &offset) { return fail(code) }
                guard remaining == 0 else { return .more }
                stage = .header
                let event = finish()
                if event != .more { return event }
            }
        }
    }

    /// Drops what the last event showed.
    private mutating func forgetShown() {
        guard isShown else { return }
        isShown = false
        buffer.truncate(to: Int(shownStart))
    }

    /// A header is whole: is this frame allowed here, and is there room for it?
    private mutating func begin() -> CloseCode? {
        let frame = header
        header = FrameHeader()
        current = frame.opcode
        isFinal = frame.isFinal
        switch frame.opcode {
        case .close, .ping, .pong:
            break
        case .text, .binary:
            // §5.4: a message's fragments are not interrupted by another message.
            guard kind == nil else { return .protocolError }
            kind = frame.opcode
            utf8 = UTF8Stream()
        case .continuation:
            guard kind != nil else { return .protocolError }
        }
        if !frame.opcode.isControl, frame.length > UInt64(Int(maximumMessage) - buffer.count) {
            return .messageTooBig
        }
        remaining = UInt32(frame.length)
        key = frame.key
        frameStart = UInt32(buffer.count)
        stage = .payload
        return nil
    }

    /// Unmasks what has arrived of the payload (§5.3), and checks text at once: a fault closes
    /// the socket before the rest is read (§8.1).
    private mutating func take(_ bytes: RawSpan, at offset: inout Int) -> CloseCode? {
        let count = min(Int(remaining), bytes.byteCount - offset)
        guard count > 0 else { return nil }
        let fresh = buffer.count
        buffer.append(bytes.extracting(offset..<(offset + count)), masked: key)
        offset += count
        remaining -= UInt32(count)
        let turn = UInt32(count & 3) * 8
        let plain = key.littleEndian
        if turn > 0 { key = UInt32(littleEndian: plain >> turn | plain << (32 - turn)) }
        if !current.isControl, kind == .text {
            var check = utf8
            guard check.accept(buffer.bytes, from: fresh) else { return .invalidPayload }
            utf8 = check
        }
        return nil
    }

    /// The payload of a frame is whole.
    private mutating func finish() -> FrameEvent {
        switch current {
        case .ping:
            show(from: frameStart)
            return .ping
        case .pong:
            show(from: frameStart)
            return .pong
        case .close:
            return finishClose()
        case .text, .binary, .continuation:
            guard isFinal else { return .more }
            let whole = kind
            kind = nil
            if whole == .text, !utf8.isWhole { return fail(.invalidPayload) }
            show(from: 0)
            return whole == .text ? .text : .binary
        }
    }

    /// A close payload is nothing, or a code and a reason in UTF-8 (§5.5.1).
    private mutating func finishClose() -> FrameEvent {
        let start = Int(frameStart)
        let length = buffer.count - start
        guard length > 0 else {
            stage = .ended
            show(from: frameStart)
            return .close(code: nil)
        }
        guard length >= 2 else { return fail(.protocolError) }
        let code =
            UInt16(buffer.bytes[at: start]) << 8 | UInt16(buffer.bytes[at: start + 1])
        guard CloseCode.isValidOnWire(code) else { return fail(.protocolError) }
        var reason = UTF8Stream()
        guard reason.accept(buffer.bytes, from: start + 2), reason.isWhole else {
            return fail(.invalidPayload)
        }
        stage = .ended
        show(from: frameStart + 2)
        return .close(code: code)
    }

    private mutating func show(from start: UInt32) {
        shownStart = start
        isShown = true
    }

    private mutating func fail(_ code: CloseCode) -> FrameEvent {
        stage = .ended
        failure = code
        kind = nil
        buffer = ByteBuffer()
        isShown = false
        return .violation(code)
    }
}
