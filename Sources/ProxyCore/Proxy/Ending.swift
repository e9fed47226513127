// Owns sending to clients, and every way in which an exchange or a connection ends.
// Called by all the other steps.
// Never reads.

extension ProxyLoop {
    func id(of exchange: Int32) -> ExchangeID {
        ExchangeID(slot: exchange, generation: exchanges[exchange].generation)
    }

    func isCurrent(_ id: ExchangeID) -> Bool {
        exchanges.contains(id.slot) && exchanges[id.slot].generation == id.generation
            && exchanges[id.slot].downstream >= 0
    }

    // MARK: Sending down

    /// Sends what `outgoing` holds, or keeps what the client cannot take now.
    func deliver(_ slot: Int32) {
        guard !outgoing.isEmpty else { return }
        if !downstreams[slot].output.isEmpty || isHeld(slot) {
            downstreams[slot].output.append(outgoing)
            outgoing.removeAll()
            return
        }
        let total = outgoing.count
        let outcome = downstreams[slot].stream.send(outgoing)
        if case .bytes(total) = outcome {
            outgoing.removeAll()
            return
        }
        settle(slot, outcome, 0..<0)
    }

    /// Sends what `outgoing` holds and a piece of `scratch` right behind it, without copying it.
    func deliver(_ slot: Int32, followedBy piece: Range<Int>) {
        if !downstreams[slot].output.isEmpty || isHeld(slot) {
            downstreams[slot].output.append(outgoing)
            downstreams[slot].output.append(scratch, piece)
            outgoing.removeAll()
            return
        }
        let outcome = downstreams[slot].stream.send(outgoing, scratch, piece)
        settle(slot, outcome, piece)
    }

    /// Keeps what was not sent of `outgoing` and of the piece of `scratch`.
    private func settle(_ slot: Int32, _ outcome: Transfer, _ piece: Range<Int>) {
        var sent = 0
        switch outcome {
        case .bytes(let count):
            sent = count
        case .blocked:
            break
        case .failed:
            outgoing.removeAll()
            clientGone(slot)
            return
        }
        let head = outgoing.count
        if sent < head {
            downstreams[slot].output.append(outgoing, from: sent)
            downstreams[slot].output.append(scratch, piece)
        } else if sent < head + piece.count {
            let rest = (piece.lowerBound + sent - head)..<piece.upperBound
            downstreams[slot].output.append(scratch, rest)
        }
        outgoing.removeAll()
        if !downstreams[slot].output.isEmpty { downstreams[slot].flags.remove(.writable) }
    }

    private func isHeld(_ slot: Int32) -> Bool {
        let exchange = downstreams[slot].exchange
        return exchange >= 0 && exchanges[exchange].isHeld
    }

    /// Sends what the client could not take before, and goes on with what waited for it.
    func flushDownstream(_ slot: Int32) {
        guard !isHeld(slot), !downstreams[slot].output.isEmpty else { return }
        let stream = downstreams[slot].stream
        let outcome = stream.send(downstreams[slot].output)
        switch outcome {
        case .bytes(let count):
            downstreams[slot].output.consume(count)
            if downstreams[slot].phase != .linger { touch(slot) }
        case .blocked:
            downstreams[slot].flags.remove(.writable)
            return
        case .failed:
            clientGone(slot)
            return
        }
        guard downstreams[slot].output.isEmpty else {
            downstreams[slot].flags.remove(.writable)
            return
        }
        downstreams[slot].output.shrink(to: 0)
        forgetUnsent(slot)
        outputLeft(slot)
    }

    /// Progress: the present phase may take its whole time again.
    private func touch(_ slot: Int32) {
        switch downstreams[slot].phase {
        case .exchange: setDeadline(downstream: slot, after: settings.responseTimeout)
        case .tunnel: setDeadline(downstream: slot, after: settings.tunnelTimeout)
        case .closing: setDeadline(downstream: slot, after: settings.bodyTimeout)
        case .socket: sockets[downstreams[slot].socket].isStuck = false
        case .head:
            // It takes an answer that is complete here, and is idle from the last byte on. What it
            // has begun to ask has its own time.
            if downstreams[slot].scanned == 0 {
                setDeadline(downstream: slot, after: settings.keepAliveTimeout)
            }
        case .waiting, .gather, .serving, .linger: break
        }
    }

    /// The client has taken everything.
    private func outputLeft(_ slot: Int32) {
        switch downstreams[slot].phase {
        case .closing:
            completeClose(slot)
        case .head:
            // Idle from now on, and to be closed if nothing is there.
            if drainingUntil != nil { downstreams[slot].flags.insert(.readable) }
            resumeDownstream(slot)
        case .exchange:
            let upstream = exchanges[downstreams[slot].exchange].upstream
            if upstream >= 0, upstreams[upstream].flags.contains(.readable) {
                readUpstream(upstream)
            }
        case .tunnel:
            tunnelOutputLeft(downstream: slot)
        case .waiting, .gather, .serving, .socket, .linger:
            break
        }
    }

    // MARK: The end of an exchange

    /// The whole response has been handed to the client's side.
    func finish(_ exchange: Int32) {
        let slot = exchanges[exchange].downstream
        let ending = exchanges[exchange].machine.responseEnded(
            upstreamPersists: exchanges[exchange].upstreamPersists,
            clientPersists: exchanges[exchange].persists)
        metrics.count(status: Int(exchanges[exchange].status), row)
        log(exchange, nil)
        if exchanges[exchange].isHeld {
            // The client's side ends when the application releases it.
            detachUpstream(exchange, reuse: ending.upstream == .reuse)
            exchanges[exchange].persists = ending.downstream == .next
            return
        }
        end(exchange, slot, ending)
    }

    func end(_ exchange: Int32, _ slot: Int32, _ ending: ExchangeMachine.Ending) {
        detachUpstream(exchange, reuse: ending.upstream == .reuse)
        freeExchange(exchange)
        endDownstream(slot, ending.downstream)
    }

    private func endDownstream(_ slot: Int32, _ ending: ExchangeMachine.DownstreamEnding) {
        downstreams[slot].exchange = -1
        switch ending {
        case .next:
            if drainingUntil != nil, downstreams[slot].input.isEmpty {
                close(slot, .linger)
                return
            }
            downstreams[slot].phase = .head
            setDeadline(downstream: slot, after: settings.keepAliveTimeout)
            let waits =
                !downstreams[slot].input.isEmpty || downstreams[slot].flags.contains(.readable)
            if waits, downstreams[slot].output.isEmpty { lookAgain(downstream: slot) }
        case .close:
            // Bytes that we never read would turn the close into a reset, and that would destroy
            // the answer on its way.
            let unread =
                !downstreams[slot].input.isEmpty || downstreams[slot].flags.contains(.readable)
            close(slot, unread ? .linger : .plain)
        case .linger:
            close(slot, .linger)
        }
    }

    /// The application lets a held response pass.
    public func release(_ id: ExchangeID) {
        guard isCurrent(id), exchanges[id.slot].isHeld else { return }
        let slot = exchanges[id.slot].downstream
        exchanges[id.slot].isHeld = false
        if exchanges[id.slot].machine.response == .complete {
            let ending: ExchangeMachine.DownstreamEnding =
                exchanges[id.slot].machine.request == .abandoned
                ? .linger : exchanges[id.slot].persists ? .next : .close
            freeExchange(id.slot)
            endDownstream(slot, ending)
        } else {
            setDeadline(downstream: slot, after: settings.responseTimeout)
            let upstream = exchanges[id.slot].upstream
            if upstream >= 0 { lookAgain(upstream: upstream) }
        }
        // Sent in a moment and not here: this may be called in the middle of another exchange,
        // whose bytes stand in the buffers that going on with this one would use.
        if downstreams.contains(slot) { lookAgain(downstream: slot) }
    }

    private func freeExchange(_ exchange: Int32) {
        if exchanges[exchange].isCollecting { endCollecting(exchange) }
        if exchanges[exchange].rewriting != .none { breakOffRewriting(exchange) }
        exchanges[exchange].reset()
        freeExchanges.append(exchange)
    }

    /// Something went wrong: an answer of our own where one can still be given, else the end of
    /// the connection, so that nobody takes half a message for a whole one.
    func fail(_ exchange: Int32, _ error: ProxyError) {
        let slot = exchanges[exchange].downstream
        metrics.count(error: error, row)
        withdrawHeld(exchange, slot)
        withdrawCollected(exchange)
        let isAnswerable = exchanges[exchange].machine.isAnswerable
        let response = error.response()
        if isAnswerable { exchanges[exchange].sentDown = UInt64(response.body.count) }
        log(exchange, error)
        if isAnswerable {
            let id = id(of: exchange)
            // A request that is answered here was never on its way to the upstream.
            if downstreams[slot].phase == .exchange {
                sight(exchange, status: error.status, byUpstream: false)
            }
            exchanges[exchange].isHeld = false
            let ending = exchanges[exchange].machine.answered(
                clientPersists: exchanges[exchange].persists && drainingUntil == nil)
            metrics.count(status: error.status, row)
            outgoing.removeAll()
            writeLocal(
                slot, response, version: exchanges[exchange].version,
                persists: ending.downstream == .next, toHead: exchanges[exchange].method == .head)
            guard isCurrent(id) else { return }
            end(exchange, slot, ending)
        } else {
            metrics.count(status: Int(exchanges[exchange].status), row)
            let isDelimited = exchanges[exchange].framing != .untilClose
            outgoing.removeAll()
            detachUpstream(exchange, reuse: false)
            freeExchange(exchange)
            downstreams[slot].exchange = -1
            // Only a reset tells the end of a close-delimited body from its breaking off.
            abort(slot, reset: !isDelimited)
        }
    }

    /// What was held of a response that has failed never was: an answer of our own can still
    /// take its place.
    private func withdrawHeld(_ exchange: Int32, _ slot: Int32) {
        guard exchanges[exchange].isHeld, exchanges[exchange].machine.response == .streaming else {
            return
        }
        exchanges[exchange].machine.responseWithdrawn()
        downstreams[slot].output.truncate(to: exchanges[exchange].heldFrom)
        // What came before it could not leave while it was held.
        if !downstreams[slot].output.isEmpty { lookAgain(downstream: slot) }
    }

    /// The connection broke before the response was whole.
    func upstreamBroke(_ exchange: Int32, _ slot: Int32) {
        let nothingYet = exchanges[exchange].machine.response == .awaited
        guard nothingYet else {
            fail(exchange, .truncated)
            return
        }
        let wasSilent = upstreams[slot].keepsSent && upstreams[slot].input.isEmpty
        let method = exchanges[exchange].method
        let reused = upstreams[slot].isReused
        guard
            exchanges[exchange].machine.mayRetry(
                reused: reused, idempotent: method.isIdempotent, replayable: wasSilent)
        else {
            fail(exchange, .upstreamClosed)
            return
        }
        metrics.add(.retries, row)
        upstreams[slot].sent = 0
        moveElsewhere(exchange, from: slot)
    }

    /// Gives what was to be sent on one connection to a fresh one.
    func moveElsewhere(_ exchange: Int32, from slot: Int32) {
        var unsent = ByteBuffer()
        swap(&unsent, &upstreams[slot].output)
        detachUpstream(exchange, reuse: false)
        switch acquire(for: exchange, fresh: true) {
        case .connection(let upstream):
            swap(&unsent, &upstreams[upstream].output)
            flushUpstream(upstream)
        case .wait:
            swap(&unsent, &exchanges[exchange].waiting)
        case .failed(let error):
            fail(exchange, error)
        }
    }

    // MARK: The end of connections

    /// Parts the exchange from its upstream connection, which goes back to the pool or away.
    func detachUpstream(_ exchange: Int32, reuse: Bool) {
        if exchanges[exchange].isWaiting {
            exchanges[exchange].isWaiting = false
            waiters.removeAll { $0 == exchange }
        }
        let slot = exchanges[exchange].upstream
        guard slot >= 0 else { return }
        exchanges[exchange].upstream = -1
        upstreams[slot].exchange = -1
        let isClean =
            reuse && upstreams[slot].phase == .busy && upstreams[slot].isFlushed
            && upstreams[slot].input.isEmpty && !upstreams[slot].flags.contains(.peerEnded)
            && !upstreams[slot].flags.contains(.readable) && drainingUntil == nil
        guard isClean else {
            dropUpstream(slot)
            return
        }
        upstreams[slot].phase = .idle
        upstreams[slot].output.removeAll()
        upstreams[slot].sent = 0
        upstreams[slot].keepsSent = false
        upstreams[slot].output.shrink(to: Limits.idleBuffer)
        setDeadline(upstream: slot, after: settings.upstreamIdle)
        pool.park(slot, of: upstreams[slot].server)
        if !waiters.isEmpty { serveWaiters() }
    }

    /// Closes a connection to the backend that serves nobody.
    func dropUpstream(_ slot: Int32) {
        let exchange = upstreams[slot].exchange
        if exchange >= 0 { exchanges[exchange].upstream = -1 }
        pool.closed(slot, of: upstreams[slot].server, wasIdle: upstreams[slot].phase == .idle)
        upstreams[slot].stream.close()
        upstreams.remove(slot)
        if !waiters.isEmpty { serveWaiters() }
    }

    /// A tunnel's exchange is over; its connections are closed by the caller.
    func finishTunnel(_ exchange: Int32) {
        let slot = exchanges[exchange].downstream
        log(exchange, nil)
        freeExchange(exchange)
        downstreams[slot].exchange = -1
    }

    /// The client has left in the middle of something.
    func clientGone(_ slot: Int32) {
        let exchange = downstreams[slot].exchange
        if downstreams[slot].phase == .waiting { abandonAdmission(slot) }
        if exchange >= 0 {
            metrics.count(error: .clientGone, row)
            if downstreams[slot].phase == .tunnel { metrics.add(.tunnelsClosed, row) }
            log(exchange, .clientGone)
            let id = id(of: exchange)
            let wasServing = downstreams[slot].phase == .serving
            detachUpstream(exchange, reuse: false)
            freeExchange(exchange)
            downstreams[slot].exchange = -1
            if wasServing { application.abandoned(id) }
        }
        closeDownstream(slot)
    }

    /// Closes after the output has left.
    func close(_ slot: Int32, _ kind: Downstream.Close) {
        downstreams[slot].phase = .closing
        downstreams[slot].close = kind
        if downstreams[slot].output.isEmpty {
            completeClose(slot)
        } else {
            setDeadline(downstream: slot, after: settings.bodyTimeout)
        }
    }

    private func completeClose(_ slot: Int32) {
        switch downstreams[slot].close {
        case .plain:
            closeDownstream(slot)
        case .linger:
            guard !downstreams[slot].flags.contains(.endRead) else {
                closeDownstream(slot)
                return
            }
            downstreams[slot].stream.shutdownWrite()
            downstreams[slot].phase = .linger
            downstreams[slot].input.removeAll()
            downstreams[slot].input.shrink(to: 0)
            setDeadline(downstream: slot, after: Limits.lingerTime)
            if downstreams[slot].flags.contains(.readable) { lookAgain(downstream: slot) }
        }
    }

    /// Breaks a connection off in the middle of a message.
    private func abort(_ slot: Int32, reset: Bool) {
        if reset { downstreams[slot].stream.resetOnClose() }
        closeDownstream(slot)
    }

    /// Closes at once.
    func closeDownstream(_ slot: Int32) {
        precondition(downstreams[slot].exchange < 0)
        if downstreams[slot].socket >= 0 { socketLost(slot) }
        waitsNoMore(slot)
        forgetUnsent(slot)
        metrics.add(.connectionsClosed, row)
        downstreams[slot].stream.close()
        downstreams.remove(slot)
    }

    func log(_ exchange: Int32, _ error: ProxyError?) {
        guard let accessLog else { return }
        let client = exchanges[exchange].loggedClient
        let status = error?.status ?? Int(exchanges[exchange].status)
        let bytes = exchanges[exchange].sentDown
        let took = loop.now - exchanges[exchange].began
        accessLog.line(
            client, request: exchanges[exchange].logged, status: status, bytes: bytes,
            took: took, fault: error?.cause, now: loop.utc)
    }
}
