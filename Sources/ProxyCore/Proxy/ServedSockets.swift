// Owns the WebSockets that end here, and what streams (ServedStreams) share with them.
// Called when the application accepts one, and by the loop when its client says something.
// Never knows what a message means.

/// One WebSocket or stream that this process serves.
struct ServedSocket: ~Copyable {
    enum Form: Sendable {
        case webSocket
        /// An answer that goes on.
        case stream(chunked: Bool, idle: StaticString)
    }

    let downstream: Int32
    let generation: UInt32
    let form: Form
    var decoder: FrameDecoder
    /// Bytes of the last message that was longer than its bound: it may be taken slowly.
    var excused = 0
    /// Of a stream: output has waited since the last look, and nothing of it has left.
    var isStuck = false
    /// A ping is out, and nothing has come since.
    var isAwaitingPong = false
    /// Our close frame is out.
    var isClosing = false
    var end = SocketEnd.lost

    init(
        _ form: Form = .webSocket, downstream: Int32, generation: UInt32, maximumMessage: Int
    ) {
        self.form = form
        self.downstream = downstream
        self.generation = generation
        decoder = FrameDecoder(maximumMessage: maximumMessage)
    }

    borrowing func copyMessage(into out: inout ByteBuffer) {
        out.append(decoder.message)
    }

    borrowing func writePong(into out: inout ByteBuffer) {
        FrameEncoder.pong(decoder.message, into: &out)
    }
}

extension ProxyLoop {
    /// How long a peer may take to answer our close frame.
    static var closeTime: Milliseconds { 2_000 }

    func openSocket(
        _ exchange: Int32, _ slot: Int32, _ fields: [(name: StaticString, value: String)]
    ) {
        let key = Self.short(.secWebSocketKey, of: requestHead.fields, scratch)
        guard requestHead.webSocketUpgrade == .valid, !key.isEmpty else {
            let upgrade = LocalResponse.problem(
                status: 426, detail: "This address speaks WebSocket (RFC 6455).",
                fields: [("Upgrade", "websocket")])
            respond(exchange, upgrade)
            return
        }
        guard drainingUntil == nil else {
            respond(
                exchange,
                .problem(status: 503, detail: "Restarting.", fields: [("Retry-After", "5")]))
            return
        }
        let socket = sockets.insert(
            ServedSocket(
                downstream: slot, generation: nextGeneration(),
                maximumMessage: settings.socketMessage))
        guard let socket else {
            respond(
                exchange,
                .problem(
                    status: 503, detail: "Too many sockets.", fields: [("Retry-After", "5")]))
            return
        }
        outgoing.append("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n")
        outgoing.append("Connection: Upgrade\r\nSec-WebSocket-Accept: ")
        Handshake.accept(key: key.bytes, into: &outgoing)
        outgoing.append("\r\n")
        for field in fields {
            guard field.value.rawSpan.isFieldValue else {
                metrics.add(.fieldsOmitted, row)
                continue
            }
            outgoing.append(field.name)
            outgoing.append(": ")
            outgoing.append(field.value)
            outgoing.append("\r\n")
        }
        outgoing.append("\r\n")
        metrics.count(status: 101, row)
        becomeSocket(exchange, slot, socket, lookAfter: settings.pingEvery)
    }

    /// The connection belongs to the socket now; `outgoing` holds what it begins with.
    func becomeSocket(
        _ exchange: Int32, _ slot: Int32, _ socket: Int32, lookAfter pause: Milliseconds
    ) {
        let ticket = exchanges[exchange].ticket
        end(exchange, slot, .init(upstream: .close, downstream: .next))
        downstreams[slot].phase = .socket
        downstreams[slot].socket = socket
        setDeadline(downstream: slot, after: pause)
        let key = key(downstream: slot)
        deliver(slot)
        guard isCurrent(downstream: key) else { return }
        metrics.add(.socketsOpened, row)
        application.socketOpened(id(socket: socket), ticket, now: loop.utc)
        guard isCurrent(downstream: key), downstreams[slot].phase == .socket else { return }
        if !downstreams[slot].input.isEmpty || downstreams[slot].flags.contains(.readable) {
            downstreams[slot].flags.insert(.readable)
            lookAgain(downstream: slot)
        }
    }

    func id(socket: Int32) -> SocketID {
        SocketID(slot: socket, generation: sockets[socket].generation)
    }

    func isCurrent(socket id: SocketID) -> Bool {
        sockets.contains(id.slot) && sockets[id.slot].generation == id.generation
    }

    func readSocket(_ slot: Int32) {
        let id = id(socket: downstreams[slot].socket)
        if case .stream = sockets[id.slot].form { return readStream(slot) }
        for _ in 0..<Limits.readsPerTurn {
            guard downstreams[slot].flags.contains(.readable) else { return }
            switch fill(downstream: slot) {
            case .bytes:
                sockets[id.slot].isAwaitingPong = false
                takeFrames(id, slot)
                guard isCurrent(socket: id) else { return }
            case .nothing:
                guard !scratch.isEmpty else { return }
                takeFrames(id, slot)
                return
            case .ended, .broken:
                closeDownstream(slot)
                return
            }
        }
        lookAgain(downstream: slot)
    }

    private func takeFrames(_ id: SocketID, _ slot: Int32) {
        var offset = 0
        while isCurrent(socket: id) {
            switch sockets[id.slot].decoder.next(scratch.bytes, at: &offset) {
            case .more:
                return
            case .text:
                guard !sockets[id.slot].isClosing else { continue }
                // Copied out, so that the socket may change while the application handles it.
                var text = ByteBuffer()
                sockets[id.slot].copyMessage(into: &text)
                application.socketMessage(id, text.bytes, now: loop.utc)
            case .binary:
                close(id, code: CloseCode.unsupportedData.rawValue, reason: "text messages only")
            case .ping:
                var pong = ByteBuffer()
                sockets[id.slot].writePong(into: &pong)
                _ = queue(slot, pong.bytes)
            case .pong:
                break
            case .close(let code):
                peerCloses(id, slot, code)
                return
            case .violation(let code):
                close(id, code: code.rawValue, reason: "")
                // Nothing behind a violation can be understood.
                guard isCurrent(socket: id) else { return }
                endSocket(id, slot)
                return
            }
        }
    }

    private func peerCloses(_ id: SocketID, _ slot: Int32, _ code: UInt16?) {
        if !sockets[id.slot].isClosing {
            // 1005 stands for a close frame without a code (RFC 6455 §7.1.5).
            sockets[id.slot].end = .closed(code: code ?? 1005)
            var reply = ByteBuffer()
            FrameEncoder.close(code, reason: RawSpan(), into: &reply)
            guard queue(slot, reply.bytes), isCurrent(socket: id) else { return }
        }
        endSocket(id, slot)
    }

    /// Both sides have said that it is over.
    func endSocket(_ id: SocketID, _ slot: Int32) {
        dropSocket(slot)
        close(slot, .linger)
    }

    /// Sends frames, or keeps them for a slow reader within its bound.
    func queue(_ slot: Int32, _ frames: RawSpan) -> Bool {
        let backlog = downstreams[slot].output.count
        let socket = downstreams[slot].socket
        guard backlog == 0 else {
            // One message may be longer than the bound, and while it is taken what comes behind it
            // waits within its own.
            let room = sockets[socket].excused + Limits.socketBacklog
            guard backlog + frames.byteCount <= room else { return false }
            downstreams[slot].output.append(frames)
            return true
        }
        let isLong = frames.byteCount > Limits.socketBacklog
        sockets[socket].excused = isLong ? frames.byteCount : 0
        switch downstreams[slot].stream.send(frames) {
        case .bytes(let count):
            guard count < frames.byteCount else { return true }
            downstreams[slot].output.append(frames.extracting(count..<frames.byteCount))
        case .blocked:
            downstreams[slot].output.append(frames)
        case .failed:
            closeDownstream(slot)
            return false
        }
        downstreams[slot].flags.remove(.writable)
        return true
    }

    public func send(_ socket: SocketID, frames: RawSpan) -> Bool {
        guard isCurrent(socket: socket), !sockets[socket.slot].isClosing else { return false }
        let slot = sockets[socket.slot].downstream
        if case .stream(let chunked, _) = sockets[socket.slot].form {
            return queue(slot, piece: frames, chunked: chunked)
        }
        return queue(slot, frames)
    }

    public func close(_ socket: SocketID, code: UInt16, reason: String) {
        guard isCurrent(socket: socket), !sockets[socket.slot].isClosing else { return }
        let slot = sockets[socket.slot].downstream
        sockets[socket.slot].isClosing = true
        sockets[socket.slot].end = .closed(code: code)
        if case .stream(let chunked, _) = sockets[socket.slot].form {
            return endStream(socket, slot, chunked: chunked)
        }
        var frame = ByteBuffer()
        FrameEncoder.close(code, reason: reason.rawSpan, into: &frame)
        // Past its bound too: the reader is too slow for anything but this.
        if downstreams[slot].output.isEmpty {
            guard queue(slot, frame.bytes) else { return }
        } else {
            downstreams[slot].output.append(frame.bytes)
        }
        setDeadline(downstream: slot, after: Self.closeTime)
    }

    func socketExpired(_ slot: Int32) {
        let id = id(socket: downstreams[slot].socket)
        if case .stream(let chunked, let idle) = sockets[id.slot].form {
            streamExpired(id, slot, chunked: chunked, idle)
        } else if sockets[id.slot].isClosing {
            closeDownstream(slot)
        } else if sockets[id.slot].isAwaitingPong {
            close(id, code: CloseCode.noPong.rawValue, reason: "no pong")
        } else {
            var ping = ByteBuffer()
            FrameEncoder.ping(RawSpan(), into: &ping)
            sockets[id.slot].isAwaitingPong = true
            setDeadline(downstream: slot, after: settings.pingEvery)
            _ = queue(slot, ping.bytes)
        }
    }

    /// The connection is going: tells the application.
    func socketLost(_ slot: Int32) {
        dropSocket(slot)
    }

    private func dropSocket(_ slot: Int32) {
        let socket = downstreams[slot].socket
        guard socket >= 0 else { return }
        let id = id(socket: socket)
        let end = sockets[socket].end
        downstreams[slot].socket = -1
        sockets.remove(socket)
        metrics.add(.socketsClosed, row)
        application.socketClosed(id, end, now: loop.utc)
    }
}
