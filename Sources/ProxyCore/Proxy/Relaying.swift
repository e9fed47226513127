// Owns reading a response and passing it down.
// Called by the loop when a backend's socket has something to say.
// Never makes an answer of its own.

extension ProxyLoop {
    func upstreamReady(_ slot: Int32, _ readiness: Readiness) {
        let key = key(upstream: slot)
        if upstreams[slot].phase == .connecting {
            guard finishConnecting(slot) else { return }
        }
        if readiness.contains(.writable) {
            upstreams[slot].flags.insert(.writable)
            if !upstreams[slot].isFlushed {
                flushUpstream(slot)
                guard isCurrent(upstream: key) else { return }
                resumeUpload(slot)
                guard isCurrent(upstream: key) else { return }
            }
        }
        if !readiness.isDisjoint(with: [.hangup, .error, .peerEnded]) {
            upstreams[slot].flags.formUnion([.readable, .peerEnded])
        } else if readiness.contains(.readable) {
            upstreams[slot].flags.insert(.readable)
        } else {
            return
        }
        readUpstream(slot)
    }

    /// - Returns: whether the connection stands.
    private func finishConnecting(_ slot: Int32) -> Bool {
        if let error = upstreams[slot].stream.connectError() {
            pool.failedToConnect(upstreams[slot].server, now: loop.now)
            health.failed(upstreams[slot].server, error)
            connectFailed(slot, .connect(error))
            return false
        }
        health.answered(upstreams[slot].server)
        let key = key(upstream: slot)
        upstreams[slot].phase = .busy
        upstreams[slot].deadline = .max
        flushUpstream(slot)
        guard isCurrent(upstream: key) else { return false }
        resumeUpload(slot)
        return isCurrent(upstream: key)
    }

    /// Nothing has left this process: another server may have it, whatever the method.
    func connectFailed(_ slot: Int32, _ error: ProxyError) {
        let exchange = upstreams[slot].exchange
        guard exchanges[exchange].machine.mayConnectElsewhere(atMost: pool.addressCount) else {
            fail(exchange, error)
            return
        }
        moveElsewhere(exchange, from: slot)
    }

    /// The upload may go on where the upstream has taken all of it so far.
    func resumeUpload(_ slot: Int32) {
        let exchange = upstreams[slot].exchange
        guard exchange >= 0, upstreams[slot].isFlushed else { return }
        let downstream = exchanges[exchange].downstream
        guard downstreams[downstream].flags.contains(.readable) else { return }
        if upstreams[slot].phase == .tunnel {
            readTunnel(downstream: downstream)
        } else if exchanges[exchange].machine.request == .streaming {
            readRequestBody(downstream)
        }
    }

    func readUpstream(_ slot: Int32) {
        switch upstreams[slot].phase {
        case .idle:
            // Whatever it says without being asked, or its end: of no use any more. (Not a look
            // that was noted for an exchange which has ended well since.)
            if upstreams[slot].flags.contains(.readable) { dropUpstream(slot) }
        case .busy:
            readResponse(slot)
        case .tunnel:
            readTunnel(upstream: slot)
        case .connecting:
            break
        }
    }

    private func readResponse(_ slot: Int32) {
        let key = key(upstream: slot)
        let exchange = upstreams[slot].exchange
        let downstream = exchanges[exchange].downstream
        var reads = 0
        let id = id(of: exchange)
        // The connection may serve another exchange when this one is over.
        while isCurrent(id), isCurrent(upstream: key), upstreams[slot].exchange == exchange,
            upstreams[slot].phase == .busy, upstreams[slot].flags.contains(.readable)
        {
            // The client takes it slower than it comes: the rest stays with the kernel.
            let backlog = downstreams[downstream].output.count
            guard exchanges[exchange].isHeld ? backlog < Limits.highWater : backlog == 0 else {
                return
            }
            guard reads < Limits.readsPerTurn else {
                lookAgain(upstream: slot)
                return
            }
            reads += 1
            switch fill(upstream: slot) {
            case .bytes:
                upstreams[slot].forgetSent()
                relayResponse(exchange, slot)
            case .nothing:
                return
            case .ended:
                responseStreamEnded(exchange, slot)
                return
            case .broken:
                upstreamBroke(exchange, slot)
                return
            }
        }
    }

    private func fill(upstream slot: Int32) -> Fill {
        scratch.removeAll()
        if !upstreams[slot].input.isEmpty {
            scratch.append(upstreams[slot].input)
            upstreams[slot].input.removeAll()
        }
        switch upstreams[slot].stream.receive(into: &scratch, atMost: Limits.readSize) {
        case .bytes(0):
            upstreams[slot].flags.remove(.readable)
            return .ended
        case .bytes(let count):
            if count < Limits.readSize, !upstreams[slot].flags.contains(.peerEnded) {
                upstreams[slot].flags.remove(.readable)
            }
            return .bytes
        case .blocked:
            upstreams[slot].flags.remove(.readable)
            keepPartial(slot)
            return .nothing
        case .failed:
            return .broken
        }
    }

    private func keepPartial(_ slot: Int32) {
        guard !scratch.isEmpty else { return }
        upstreams[slot].input.append(scratch)
    }

    /// `scratch` holds bytes of a response.
    private func relayResponse(_ exchange: Int32, _ slot: Int32) {
        var offset = 0
        while exchanges[exchange].machine.response == .awaited {
            let outcome = responseHead.parse(
                scratch.bytes, from: Int(upstreams[slot].scanned), limits: settings.head,
                toMethod: exchanges[exchange].method)
            switch outcome {
            case .partial:
                upstreams[slot].scanned = Int32(scratch.count)
                keepPartial(slot)
                return
            case .refused(let refusal):
                fail(exchange, .badResponse(refusal))
                return
            case .complete:
                upstreams[slot].scanned = 0
            }
            if responseHead.status == 101 {
                beginTunnel(exchange, slot)
                return
            }
            guard responseHead.isInterim else {
                offset = responseHead.length
                beginResponse(exchange)
                break
            }
            guard relayInterim(exchange) else { return }
            scratch.consume(responseHead.length)
            guard !scratch.isEmpty else { return }
        }
        relayResponseBody(exchange, slot, from: offset)
    }

    /// Passes an interim response on, to a client that knows what it is (RFC 9110 §15.2).
    private func relayInterim(_ exchange: Int32) -> Bool {
        exchanges[exchange].interims += 1
        guard Int(exchanges[exchange].interims) <= Limits.interimResponses else {
            fail(exchange, .interimFlood)
            return false
        }
        // A 100 has been sent from here already, where one was asked for.
        if exchanges[exchange].version == .http11, responseHead.status != 100 {
            HeadWriter.interim(responseHead, scratch.bytes, into: &outgoing)
            let id = id(of: exchange)
            deliver(exchanges[exchange].downstream)
            return isCurrent(id)
        }
        return true
    }

    /// A final response head stands at the start of `scratch`.
    private func beginResponse(_ exchange: Int32) {
        let status = responseHead.status
        exchanges[exchange].status = UInt16(truncatingIfNeeded: status)
        exchanges[exchange].machine.responseStarted()
        if exchanges[exchange].watchesHead {
            application.answered(
                id(of: exchange), &exchanges[exchange].ticket, responseHead, scratch.bytes,
                now: loop.utc)
        }
        sight(exchange, status: status, byUpstream: true)
        exchanges[exchange].upstreamPersists = responseHead.keepAlive
        exchanges[exchange].responseBody = BodyReader(responseHead.framing, limits: settings.head)
        if responseHead.fields.has(.contentEncoding) { exchanges[exchange].watchFailed = true }
        if exchanges[exchange].mayRewrite {
            beginRewriting(exchange)
        } else {
            settle(exchange, downstreamFraming(exchange))
            writeHead(exchange, scratch, .none)
        }
    }

    /// How the body travels on, and whether the client's connection outlives it.
    func settle(_ exchange: Int32, _ framing: BodyFraming) {
        exchanges[exchange].framing = framing
        // An upload still under way cannot be told apart from the next request afterwards.
        exchanges[exchange].persists =
            exchanges[exchange].persists && framing != .untilClose
            && exchanges[exchange].machine.request == .complete && drainingUntil == nil
    }

    /// Writes the head in `responseHead`, which stands at the start of `bytes`.
    func writeHead(_ exchange: Int32, _ bytes: borrowing ByteBuffer, _ change: BodyChange) {
        HeadWriter.response(
            responseHead, bytes.bytes, downstream: exchanges[exchange].version,
            framing: exchanges[exchange].framing, keepAlive: exchanges[exchange].persists,
            change: change, into: &outgoing)
    }

    func downstreamFraming(_ exchange: Int32) -> BodyFraming {
        switch responseHead.framing {
        case .none, .length: responseHead.framing
        case .chunked, .untilClose:
            exchanges[exchange].version == .http11 ? .chunked : .untilClose
        }
    }

    /// Tells the application of the response, once.
    func sight(_ exchange: Int32, status: Int, byUpstream: Bool) {
        guard !exchanges[exchange].isSighted else { return }
        exchanges[exchange].isSighted = true
        let label = exchanges[exchange].label
        let passage = application.sight(
            id(of: exchange), &exchanges[exchange].ticket, status: status,
            byUpstream: byUpstream, request: label.bytes, now: loop.utc)
        guard case .hold = passage else { return }
        exchanges[exchange].isHeld = true
        let downstream = exchanges[exchange].downstream
        exchanges[exchange].heldFrom = downstreams[downstream].output.count
        setDeadline(downstream: downstream, after: Limits.holdTime)
    }

    private func relayResponseBody(_ exchange: Int32, _ slot: Int32, from start: Int) {
        var offset = start
        let downstream = exchanges[exchange].downstream
        let id = id(of: exchange)
        var chunked = exchanges[exchange].framing == .chunked
        while true {
            switch exchanges[exchange].responseBody.next(scratch.bytes, at: &offset) {
            case .data(let start, let end):
                let piece = Int(start)..<Int(end)
                if exchanges[exchange].rewriting != .none {
                    if takePiece(exchange, piece) { continue }
                    guard isCurrent(id) else { return }
                    chunked = exchanges[exchange].framing == .chunked
                }
                exchanges[exchange].sentDown += UInt64(piece.count)
                if exchanges[exchange].watchLimit > 0 { watch(exchange, piece) }
                if !chunked, piece.count > Limits.copiedBody {
                    deliver(downstream, followedBy: piece)
                    guard isCurrent(id) else { return }
                } else {
                    BodyWriter.append(scratch, piece, chunked: chunked, to: &outgoing)
                }
            case .more:
                if !outgoing.isEmpty { deliver(downstream) }
                guard isCurrent(id) else { return }
                if !exchanges[exchange].isHeld {
                    setDeadline(downstream: downstream, after: settings.responseTimeout)
                }
                return
            case .end:
                finishResponse(exchange, slot, surplus: offset < scratch.count)
                return
            case .malformed(let refusal):
                fail(exchange, .badResponse(refusal))
                return
            }
        }
    }

    /// The last byte of the response is here: the application hears first, so that what the client
    /// learns is already true.
    private func finishResponse(_ exchange: Int32, _ slot: Int32, surplus: Bool) {
        let id = id(of: exchange)
        if exchanges[exchange].rewriting != .none {
            finishRewriting(exchange)
            guard isCurrent(id) else { return }
        }
        if exchanges[exchange].framing == .chunked { outgoing.append("0\r\n\r\n") }
        if exchanges[exchange].watchLimit > 0 { showWatched(exchange) }
        // More than was announced: whatever it is, no answer to anything that we sent.
        if surplus { exchanges[exchange].upstreamPersists = false }
        deliver(exchanges[exchange].downstream)
        guard isCurrent(id) else { return }
        finish(exchange)
    }

    /// The upstream's stream is over: a legal end of a close-delimited body, or a fault.
    private func responseStreamEnded(_ exchange: Int32, _ slot: Int32) {
        exchanges[exchange].upstreamPersists = false
        guard exchanges[exchange].machine.response == .streaming else {
            upstreamBroke(exchange, slot)
            return
        }
        guard exchanges[exchange].responseBody.endOfStream() else {
            fail(exchange, .truncated)
            return
        }
        finishResponse(exchange, slot, surplus: false)
    }

    /// Copies what passes for the application, within the bound that it asked for.
    private func watch(_ exchange: Int32, _ piece: Range<Int>) {
        guard !exchanges[exchange].watchFailed else { return }
        let held = exchanges[exchange].watched.count
        guard held + piece.count <= exchanges[exchange].watchLimit else {
            exchanges[exchange].watchFailed = true
            exchanges[exchange].watched.removeAll()
            return
        }
        exchanges[exchange].watched.append(scratch, piece)
    }

    private func showWatched(_ exchange: Int32) {
        // Put aside for the call: the application may answer somebody else meanwhile.
        var unsent = ByteBuffer()
        swap(&unsent, &outgoing)
        defer { swap(&unsent, &outgoing) }
        let id = id(of: exchange)
        let ticket = exchanges[exchange].ticket
        let status = Int(exchanges[exchange].status)
        guard !exchanges[exchange].watchFailed else {
            application.watched(id, ticket, status: status, body: nil, now: loop.utc)
            return
        }
        // Taken out for the call, so that the exchange may change meanwhile.
        var shown = ByteBuffer()
        swap(&shown, &exchanges[exchange].watched)
        application.watched(id, ticket, status: status, body: shown.bytes, now: loop.utc)
    }
}
