// Owns sending a request on: choosing a connection, writing the head.
// Called by the reading side when a head is whole, and by both sockets as they move.
// Never reads a response.

extension ProxyLoop {
    /// A whole request head stands at the start of `scratch`.
    /// - Parameter hasWaited: the application has put it off before.
    func beginExchange(_ slot: Int32, hasWaited: Bool = false) {
        if requestHead.method == .options, requestHead.maxForwards == 0 {
            // For the last hop itself, and that is us (RFC 9110 §7.6.2).
            answerAtOnce(slot, LocalResponse(status: 204))
            return
        }
        let arrival = arrival(slot, hasWaited: hasWaited)
        let admission = application.admit(
            requestHead, scratch.bytes, arrival: arrival, now: loop.utc)
        switch admission {
        case .wait:
            putOff(slot, arrival)
        case .refuse(let response):
            answerAtOnce(slot, response)
        case .serve(let ticket, let bodyLimit):
            guard let exchange = open(slot, ticket, arrival) else { return }
            gather(exchange, slot, bodyLimit: bodyLimit)
        case .forward(let ticket, let watch):
            if let limit = settings.bodyLimit, case .length(let length) = requestHead.framing,
                length > limit
            {
                metrics.add(.requestsRefused, row)
                answerAtOnce(slot, ProxyError.bodyTooLarge.response())
                return
            }
            guard let exchange = open(slot, ticket, arrival) else { return }
            exchanges[exchange].watchLimit = watch.body
            exchanges[exchange].watchesHead = watch.fields
            exchanges[exchange].mayRewrite =
                watch.rewrites && requestHead.webSocketUpgrade != .valid
            if watch.isVolatile, exchanges[exchange].mayRewrite { keepConditions(exchange) }
            forward(exchange, slot, arrival.from)
        }
    }

    /// Makes the exchange of the request in `requestHead`.
    private func open(_ slot: Int32, _ ticket: Ticket, _ arrival: Arrival) -> Int32? {
        guard let exchange = freeExchanges.popLast() ?? exchanges.insert(Exchange()) else {
            answerAtOnce(slot, ProxyError.overloaded.response())
            return nil
        }
        fillExchange(&exchanges[exchange], slot, ticket, arrival)
        downstreams[slot].exchange = exchange
        downstreams[slot].phase = .exchange
        return exchange
    }

    private func fillExchange(
        _ exchange: inout Exchange, _ slot: Int32, _ ticket: Ticket, _ arrival: Arrival
    ) {
        exchange.generation = arrival.connection.generation
        exchange.downstream = slot
        exchange.ticket = ticket
        exchange.hasWaited = arrival.hasWaited
        exchange.method = requestHead.method
        exchange.version = requestHead.version
        exchange.persists = requestHead.keepAlive && drainingUntil == nil
        exchange.requestBody = BodyReader(requestHead.framing, limits: settings.head)
        exchange.isUploadChunked = requestHead.framing == .chunked
        exchange.began = loop.now
        exchange.label = Self.label(requestHead, scratch.bytes)
        if accessLog != nil {
            Self.writeRequest(requestHead, scratch, into: &exchange.logged)
            exchange.loggedClient = loggedClient(slot)
        }
    }

    private static func label(_ head: borrowing RequestHead, _ bytes: RawSpan) -> ShortText {
        // With the space behind the method, which the parser has proved to be there.
        let method = Int(head.methodName.start)..<Int(head.methodName.end) + 1
        return ShortText(bytes.extracting(method), bytes[head.path])
    }

    /// Method and path: never the query, where tokens may stand.
    static func writeRequest(
        _ head: borrowing RequestHead, _ bytes: borrowing ByteBuffer, into out: inout ByteBuffer
    ) {
        out.append(bytes, head.methodName.indices)
        out.append(" ")
        out.append(bytes, head.path.indices)
    }

    private func forward(_ exchange: Int32, _ slot: Int32, _ forwarded: ForwardedFields) {
        if requestHead.webSocketUpgrade == .valid {
            exchanges[exchange].upgrades = true
            exchanges[exchange].key = Self.short(.secWebSocketKey, of: requestHead.fields, scratch)
        }
        if hasReserved { reserveFields(exchange) }
        let plain = exchanges[exchange].mayRewrite
        let unconditional = exchanges[exchange].isVolatile
        var upstream: Int32 = -1
        if isAtHand || collecting >= Limits.collecting {
            switch acquire(for: exchange) {
            case .connection(let found):
                upstream = found
            case .wait:
                break
            case .failed(let error):
                stash(downstream: slot, from: requestHead.length)
                fail(exchange, error)
                return
            }
        } else {
            beginCollecting(exchange)
        }
        if upstream >= 0 {
            HeadWriter.request(
                requestHead, scratch.bytes, forwarded: forwarded, expectation: false,
                plain: plain, unconditional: unconditional, own: ownFields.bytes,
                into: &upstreams[upstream].output)
            upstreams[upstream].keepsSent =
                upstreams[upstream].isReused && requestHead.framing.isEmpty
                && requestHead.method.isIdempotent
        } else {
            HeadWriter.request(
                requestHead, scratch.bytes, forwarded: forwarded, expectation: false,
                plain: plain, unconditional: unconditional, own: ownFields.bytes,
                into: &exchanges[exchange].waiting)
        }
        relayFirst(exchange, slot)
    }

    /// Whether nothing of the request is still to come.
    private var isAtHand: Bool {
        switch requestHead.framing {
        case .none: true
        case .length(let count): count <= UInt64(scratch.count - requestHead.length)
        case .chunked, .untilClose: false
        }
    }

    /// What came of the body with the head.
    private func relayFirst(_ exchange: Int32, _ slot: Int32) {
        setDeadline(downstream: slot, after: settings.responseTimeout)
        var offset = requestHead.length
        let expects = requestHead.expectsContinue
        let id = id(of: exchange)
        guard relayRequest(exchange, from: &offset) else { return }
        stash(downstream: slot, from: offset)
        if expects, exchanges[exchange].machine.request == .streaming,
            exchanges[exchange].received == 0
        {
            // From here and not from the upstream: many backends never send it, and the client
            // would sit out its own timeout (RFC 9110 §10.1.1 lets an intermediary do so).
            HeadWriter.continueInterim(into: &outgoing)
            deliver(slot)
            guard isCurrent(id) else { return }
        }
        passOn(exchange)
        // The head may have come with a full read: the kernel tells once that there is more.
        if isCurrent(id), exchanges[exchange].machine.request == .streaming,
            downstreams[slot].flags.contains(.readable)
        {
            lookAgain(downstream: slot)
        }
    }

    /// Takes the reserved names out of the client's head and asks the application for its own.
    /// Where anything is wrong with those none is sent: half an identity is worse than none.
    private func reserveFields(_ exchange: Int32) {
        requestHead.fields.drop(reserved, scratch.bytes)
        ownFields.removeAll()
        application.writeFields(exchanges[exchange].ticket, into: &ownFields)
        guard !reserved.admits(ownFields.bytes) else { return }
        ownFields.removeAll()
        metrics.add(.fieldsOmitted, row)
    }

    // MARK: Connections

    enum Acquisition {
        case connection(Int32)
        /// All permitted connections are busy; the exchange stands in the queue.
        case wait
        case failed(ProxyError)
    }

    /// Finds or opens a connection and gives it to the exchange.
    func acquire(for exchange: Int32, fresh: Bool = false) -> Acquisition {
        while true {
            switch pool.choose(now: loop.now, fresh: fresh) {
            case .reuse(let upstream):
                // The event that tells of it may be still to come. A connection that has ended is
                // of no use, and bytes that nobody asked for would be taken for the answer.
                guard !upstreams[upstream].stream.hasInput else {
                    pool.refused(upstreams[upstream].server)
                    upstreams[upstream].flags.insert(.readable)
                    lookAgain(upstream: upstream)
                    continue
                }
                upstreams[upstream].phase = .busy
                upstreams[upstream].isReused = true
                upstreams[upstream].exchange = exchange
                exchanges[exchange].upstream = upstream
                return .connection(upstream)
            case .open(let server):
                switch connect(to: server) {
                case .connection(let upstream):
                    upstreams[upstream].exchange = exchange
                    exchanges[exchange].upstream = upstream
                    return .connection(upstream)
                case .failed(let error):
                    guard
                        exchanges[exchange].machine.mayConnectElsewhere(atMost: pool.addressCount)
                    else { return .failed(error) }
                case .wait:
                    return .failed(.overloaded)
                }
            case .full:
                guard waiters.count < Limits.waiters else { return .failed(.noConnection) }
                waiters.append(exchange)
                exchanges[exchange].isWaiting = true
                return .wait
            case .none:
                return .failed(.connect(SystemError(call: "connect", code: 111)))
            }
        }
    }

    private func connect(to server: Int) -> Acquisition {
        let stream: FileDescriptor
        do throws(SystemError) {
            stream = try pool.address(of: server).connect()
        } catch {
            pool.failedToConnect(server, now: loop.now)
            health.failed(server, error)
            return .failed(.connect(error))
        }
        let generation = nextGeneration()
        guard
            let upstream = upstreams.insert(
                Upstream(stream: stream, generation: generation, server: server))
        else {
            stream.close()
            return .failed(.overloaded)
        }
        do throws(SystemError) {
            try loop.epoll.add(stream, key: key(upstream: upstream).word)
        } catch {
            upstreams.remove(upstream)
            stream.close()
            return .failed(.connect(error))
        }
        pool.opened(server)
        metrics.add(.upstreamConnects, row)
        setDeadline(upstream: upstream, after: settings.connectTimeout)
        return .connection(upstream)
    }

    /// A connection has become free: the longest waiting exchange gets it.
    func serveWaiters() {
        while let exchange = waiters.first {
            guard exchanges[exchange].isWaiting else {
                waiters.removeFirst()
                continue
            }
            waiters.removeFirst()
            exchanges[exchange].isWaiting = false
            switch acquire(for: exchange) {
            case .connection(let upstream):
                start(exchange, on: upstream)
                return
            case .wait:
                return
            case .failed(let error):
                fail(exchange, error)
            }
        }
    }

    /// What the exchange has kept so far goes to its connection.
    func start(_ exchange: Int32, on upstream: Int32) {
        swap(&upstreams[upstream].output, &exchanges[exchange].waiting)
        let isWhole = exchanges[exchange].machine.request == .complete
        upstreams[upstream].keepsSent =
            upstreams[upstream].isReused && isWhole && exchanges[exchange].received == 0
            && exchanges[exchange].method.isIdempotent
        // The time before is over: the backend, or the client, has all of its own.
        setDeadline(
            downstream: exchanges[exchange].downstream,
            after: isWhole ? settings.responseTimeout : settings.bodyTimeout)
        let key = key(upstream: upstream)
        flushUpstream(upstream)
        if isCurrent(upstream: key) { resumeUpload(upstream) }
    }

    /// Sends what the upstream can take.
    func flushUpstream(_ slot: Int32) {
        guard upstreams[slot].phase != .connecting, !upstreams[slot].isFlushed else { return }
        let outcome = upstreams[slot].sendPending()
        switch outcome {
        case .bytes:
            break
        case .blocked:
            return
        case .failed:
            // What the upstream said before it closed is still to be read: an early refusal.
            upstreams[slot].flags.formUnion([.readable, .peerEnded])
            // Where all of it is kept for a retry, it stays whole.
            if !upstreams[slot].keepsSent { upstreams[slot].output.removeAll() }
            readUpstream(slot)
        }
    }
}
