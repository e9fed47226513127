// Owns the body of a request on its way up: collecting its beginning, streaming the rest.
// Called when a head has been written, and by both sockets as they move.
// Never keeps more of a body than its beginning.

extension ProxyLoop {
    /// More of a request body may be there.
    func readRequestBody(_ slot: Int32) {
        let exchange = downstreams[slot].exchange
        let id = id(of: exchange)
        var reads = 0
        while isCurrent(id), downstreams[slot].flags.contains(.readable) {
            guard exchanges[exchange].machine.request == .streaming else {
                noticeHalfClose(slot)
                return
            }
            guard mayReadRequest(exchange) else { return }
            guard reads < Limits.readsPerTurn else {
                lookAgain(downstream: slot)
                return
            }
            reads += 1
            switch fill(downstream: slot) {
            case .bytes:
                var offset = 0
                guard relayRequest(exchange, from: &offset) else { return }
                stash(downstream: slot, from: offset)
                passOn(exchange)
            case .nothing:
                stash(downstream: slot, from: 0)
                return
            case .ended, .broken:
                clientGone(slot)
                return
            }
        }
    }

    /// Whether the upstream has taken what came before: nothing is read that cannot be passed on.
    private func mayReadRequest(_ exchange: Int32) -> Bool {
        let upstream = exchanges[exchange].upstream
        if upstream < 0 { return exchanges[exchange].waiting.count < Limits.highWater }
        return upstreams[upstream].isFlushed
    }

    /// Writes what `scratch` holds of the request body from `offset` on into the upstream's
    /// output, framed anew: no chunk line of a client travels on (RFC 9112 §7.1).
    /// - Returns: false where the exchange has failed.
    func relayRequest(_ exchange: Int32, from offset: inout Int) -> Bool {
        guard exchanges[exchange].machine.request == .streaming else { return true }
        let upstream = exchanges[exchange].upstream
        let before = exchanges[exchange].received
        while true {
            switch exchanges[exchange].requestBody.next(scratch.bytes, at: &offset) {
            case .data(let start, let end):
                let piece = Int(start)..<Int(end)
                exchanges[exchange].received += UInt64(piece.count)
                if let limit = settings.bodyLimit, exchanges[exchange].received > limit {
                    fail(exchange, .bodyTooLarge)
                    return false
                }
                let chunked = exchanges[exchange].isUploadChunked
                if upstream >= 0 {
                    BodyWriter.append(
                        scratch, piece, chunked: chunked, to: &upstreams[upstream].output)
                } else {
                    BodyWriter.append(
                        scratch, piece, chunked: chunked, to: &exchanges[exchange].waiting)
                }
            case .more:
                return watchRate(exchange, moved: exchanges[exchange].received > before)
            case .end:
                if exchanges[exchange].isUploadChunked {
                    if upstream >= 0 {
                        upstreams[upstream].output.append("0\r\n\r\n")
                    } else {
                        exchanges[exchange].waiting.append("0\r\n\r\n")
                    }
                }
                exchanges[exchange].machine.requestEnded()
                allow(exchange, settings.responseTimeout)
                return true
            case .malformed(let refusal):
                fail(exchange, .badBody(refusal))
                return false
            }
        }
    }

    /// A body has an idle time and a least rate, never a total time: uploads may be long.
    private func watchRate(_ exchange: Int32, moved: Bool) -> Bool {
        let received = exchanges[exchange].received
        let elapsed = loop.now - exchanges[exchange].began
        if elapsed > settings.bodyTimeout,
            Int64(clamping: received) * 1000 < settings.minimumRate * elapsed
        {
            fail(exchange, .bodyTooSlow)
            return false
        }
        if moved || elapsed == 0 { allow(exchange, settings.bodyTimeout) }
        return true
    }

    /// The upload has moved: the next step has its whole time. A response that is held keeps the
    /// time that it may be held.
    private func allow(_ exchange: Int32, _ pause: Milliseconds) {
        guard !exchanges[exchange].isHeld else { return }
        setDeadline(
            downstream: exchanges[exchange].downstream,
            after: exchanges[exchange].isCollecting ? collectingPause(exchange, pause) : pause)
    }

    // MARK: Collecting

    /// A client that sends its body slowly holds no connection while the beginning of it comes:
    /// backends have few, and a worker each. Up to `Limits.highWater` bytes are collected. A body
    /// that is known to be no longer is collected whole; any other may be a stream that somebody
    /// waits for, and goes on after `Limits.collectTime` at the latest.
    func beginCollecting(_ exchange: Int32) {
        exchanges[exchange].isCollecting = true
        exchanges[exchange].isStream = true
        if case .length(let count) = requestHead.framing, count <= UInt64(Limits.highWater) {
            exchanges[exchange].isStream = false
        }
        collecting += 1
    }

    func endCollecting(_ exchange: Int32) {
        exchanges[exchange].isCollecting = false
        collecting -= 1
    }

    /// Sends what has come of the request, or the whole beginning once it is there.
    func passOn(_ exchange: Int32) {
        let upstream = exchanges[exchange].upstream
        if upstream >= 0 {
            flushUpstream(upstream)
        } else if exchanges[exchange].isCollecting,
            exchanges[exchange].machine.request == .complete
                || exchanges[exchange].waiting.count >= Limits.highWater
        {
            sendCollected(exchange)
        }
    }

    private func sendCollected(_ exchange: Int32) {
        endCollecting(exchange)
        switch acquire(for: exchange) {
        case .connection(let upstream): start(exchange, on: upstream)
        case .wait:
            let isWhole = exchanges[exchange].machine.request == .complete
            allow(exchange, isWhole ? settings.responseTimeout : settings.bodyTimeout)
        case .failed(let error): fail(exchange, error)
        }
    }

    /// A stream has its own time; whichever comes first.
    private func collectingPause(_ exchange: Int32, _ pause: Milliseconds) -> Milliseconds {
        guard exchanges[exchange].isStream else { return pause }
        return min(pause, max(exchanges[exchange].began + Limits.collectTime - loop.now, 0))
    }

    /// - Returns: whether the time that has come was that of collecting.
    func collectingExpired(_ exchange: Int32) -> Bool {
        guard exchanges[exchange].isCollecting, exchanges[exchange].isStream,
            loop.now >= exchanges[exchange].began + Limits.collectTime
        else { return false }
        sendCollected(exchange)
        return true
    }
}

/// Writes pieces of a body.
enum BodyWriter {
    /// - Parameter chunked: as one chunk (RFC 9112 §7.1), else as it is.
    static func append(
        _ bytes: borrowing ByteBuffer, _ piece: Range<Int>, chunked: Bool,
        to out: inout ByteBuffer
    ) {
        guard !piece.isEmpty else { return }
        guard chunked else {
            out.append(bytes, piece)
            return
        }
        out.append(hexadecimal: UInt64(piece.count))
        out.append("\r\n")
        out.append(bytes, piece)
        out.append("\r\n")
    }
}
