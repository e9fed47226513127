// Owns answers that go on: their framing, their end, and what keeps them from falling silent.
// Called when the application begins one, by its `send` and `close`, and by deadlines.
// Never knows what they say.

extension ProxyLoop {
    /// Begins an answer of unknown length: chunked, or for HTTP/1.0 to the end of the connection,
    /// which is over with it either way.
    func openStream(
        _ exchange: Int32, _ slot: Int32, _ response: LocalResponse, idle: StaticString
    ) {
        guard drainingUntil == nil else {
            respond(
                exchange,
                .problem(status: 503, detail: "Restarting.", fields: [("Retry-After", "5")]))
            return
        }
        let version = exchanges[exchange].version
        let framing: BodyFraming = version == .http11 ? .chunked : .untilClose
        exchanges[exchange].status = UInt16(clamping: response.status)
        if exchanges[exchange].method == .head {
            respondToHead(exchange, slot, response, framing)
            return
        }
        let chunked = framing == .chunked
        let socket = sockets.insert(
            ServedSocket(
                .stream(chunked: chunked, idle: idle), downstream: slot,
                generation: nextGeneration(), maximumMessage: settings.socketMessage))
        guard let socket else {
            respond(
                exchange,
                .problem(
                    status: 503, detail: "Too many streams.", fields: [("Retry-After", "5")]))
            return
        }
        writeHead(response, version, framing)
        if !response.body.isEmpty {
            Self.frame(response.body.rawSpan, chunked: chunked, into: &outgoing)
        }
        metrics.count(status: response.status, row)
        // It is logged as it begins: how it ends, nobody waits for.
        log(exchange, nil)
        becomeSocket(exchange, slot, socket, lookAfter: settings.streamIdle)
    }

    /// The head that GET would have, and nothing else (RFC 9110 §9.3.2).
    private func respondToHead(
        _ exchange: Int32, _ slot: Int32, _ response: LocalResponse, _ framing: BodyFraming
    ) {
        let id = id(of: exchange)
        let ending = exchanges[exchange].machine.answered(clientPersists: false)
        metrics.count(status: response.status, row)
        log(exchange, nil)
        writeHead(response, exchanges[exchange].version, framing)
        deliver(slot)
        guard isCurrent(id) else { return }
        end(exchange, slot, ending)
    }

    private func writeHead(
        _ response: LocalResponse, _ version: HTTPVersion, _ framing: BodyFraming
    ) {
        refreshDate()
        let omitted = HeadWriter.local(
            response, version: version, keepAlive: false, framing: framing, headRequest: false,
            date: date.bytes, into: &outgoing)
        if omitted > 0 { metrics.add(.fieldsOmitted, row, by: Int64(omitted)) }
    }

    /// One chunk (RFC 9112 §7.1), or the bytes as they are.
    private static func frame(_ bytes: RawSpan, chunked: Bool, into out: inout ByteBuffer) {
        guard chunked else {
            out.append(bytes)
            return
        }
        out.append(hexadecimal: UInt64(bytes.byteCount))
        out.append("\r\n")
        out.append(bytes)
        out.append("\r\n")
    }

    /// Sends a piece, or keeps it for a slow reader within its bound.
    func queue(_ slot: Int32, piece bytes: RawSpan, chunked: Bool) -> Bool {
        // No bytes would be the last chunk.
        guard chunked, bytes.byteCount > 0 else { return queue(slot, bytes) }
        // Taken out while it is used: a connection that breaks may make the application send.
        var framed = ByteBuffer()
        swap(&framed, &piece)
        framed.removeAll()
        Self.frame(bytes, chunked: true, into: &framed)
        let isTaken = queue(slot, framed.bytes)
        framed.shrink(to: Limits.readSize)
        swap(&framed, &piece)
        return isTaken
    }

    /// The last chunk, past the bound too, and the end of the connection once all has left.
    func endStream(_ id: SocketID, _ slot: Int32, chunked: Bool) {
        if chunked {
            let last: StaticString = "0\r\n\r\n"
            if downstreams[slot].output.isEmpty {
                var frame = ByteBuffer()
                frame.append(last)
                guard queue(slot, frame.bytes), isCurrent(socket: id) else { return }
            } else {
                downstreams[slot].output.append(last)
            }
        }
        endSocket(id, slot)
    }

    /// Drops what the client still says: the connection ends with this answer. One that has ended
    /// its side is gone.
    func readStream(_ slot: Int32) {
        for _ in 0..<Limits.readsPerTurn {
            guard downstreams[slot].flags.contains(.readable) else { return }
            switch fill(downstream: slot) {
            case .bytes:
                downstreams[slot].dropped += Int32(scratch.count)
                guard Int(downstreams[slot].dropped) <= Limits.lingerBytes else {
                    closeDownstream(slot)
                    return
                }
            case .nothing:
                return
            case .ended, .broken:
                closeDownstream(slot)
                return
            }
        }
        lookAgain(downstream: slot)
    }

    /// Time for a sign of life; who has taken nothing since the last one is cut off.
    func streamExpired(_ id: SocketID, _ slot: Int32, chunked: Bool, _ idle: StaticString) {
        guard downstreams[slot].output.isEmpty || !sockets[id.slot].isStuck else {
            closeDownstream(slot)
            return
        }
        setDeadline(downstream: slot, after: settings.streamIdle)
        guard downstreams[slot].output.isEmpty else {
            sockets[id.slot].isStuck = true
            return
        }
        sockets[id.slot].isStuck = false
        var sign = ByteBuffer()
        sign.append(idle)
        _ = queue(slot, piece: sign.bytes, chunked: chunked)
    }
}
