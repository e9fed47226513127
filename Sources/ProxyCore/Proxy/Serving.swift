// Owns requests that are answered here: collecting their body, writing the answer.
// Called after admission, and by the application when it answers later.
// Never knows what an answer says.

extension ProxyLoop {
    /// Answers the request in `requestHead` without an exchange.
    func answerAtOnce(_ slot: Int32, _ response: LocalResponse) {
        let isWhole = requestHead.framing.isEmpty
        let persists = isWhole && requestHead.keepAlive && drainingUntil == nil
        let key = key(downstream: slot)
        metrics.count(status: response.status, row)
        if let accessLog {
            var request = ByteBuffer()
            Self.writeRequest(requestHead, scratch, into: &request)
            accessLog.line(
                loggedClient(slot), request: request, status: response.status,
                bytes: UInt64(response.body.count), now: loop.utc)
        }
        writeLocal(
            slot, response, version: requestHead.version, persists: persists,
            toHead: requestHead.method == .head)
        guard isCurrent(downstream: key) else { return }
        if persists {
            stash(downstream: slot, from: requestHead.length)
            setDeadline(downstream: slot, after: settings.keepAliveTimeout)
        } else {
            close(slot, isWhole && scratch.count == requestHead.length ? .plain : .linger)
        }
    }

    /// Begins to collect the body of the request in `requestHead`.
    func gather(_ exchange: Int32, _ slot: Int32, bodyLimit: Int) {
        exchanges[exchange].watchLimit = bodyLimit
        downstreams[slot].phase = .gather
        if case .length(let length) = requestHead.framing, length > UInt64(bodyLimit) {
            fail(exchange, .bodyTooLarge)
            return
        }
        let id = id(of: exchange)
        if requestHead.expectsContinue, scratch.count == requestHead.length {
            HeadWriter.continueInterim(into: &outgoing)
            deliver(slot)
            guard isCurrent(id) else { return }
        }
        setDeadline(downstream: slot, after: settings.bodyTimeout)
        serveIfWhole(exchange, slot)
    }

    /// More of such a body may be there.
    func readGathered(_ slot: Int32) {
        let exchange = downstreams[slot].exchange
        switch fill(downstream: slot) {
        case .bytes:
            // The head was whole before: parsed again, its ranges stand for this buffer.
            let outcome = requestHead.parse(
                scratch.bytes, limits: settings.head, trustedPeer: downstreams[slot].isTrusted)
            guard outcome == .complete else {
                fail(exchange, .badBody(Refusal(status: 400, reason: .targetForm)))
                return
            }
            let id = id(of: exchange)
            serveIfWhole(exchange, slot)
            if isCurrent(id), downstreams[slot].phase == .gather,
                downstreams[slot].flags.contains(.readable)
            {
                lookAgain(downstream: slot)
            }
        case .nothing:
            stash(downstream: slot, from: 0)
        case .ended, .broken:
            clientGone(slot)
        }
    }

    /// Takes what `scratch` holds of the body behind the head.
    private func serveIfWhole(_ exchange: Int32, _ slot: Int32) {
        var offset = requestHead.length
        while true {
            switch exchanges[exchange].requestBody.next(scratch.bytes, at: &offset) {
            case .data(let start, let end):
                exchanges[exchange].waiting.append(scratch, Int(start)..<Int(end))
                guard exchanges[exchange].waiting.count <= exchanges[exchange].watchLimit else {
                    fail(exchange, .bodyTooLarge)
                    return
                }
            case .more:
                // Of what came the head alone is kept: were the body read anew with each piece,
                // one that drips would cost its length for every byte.
                scratch.truncate(to: requestHead.length)
                stash(downstream: slot, from: 0)
                // After a full read the kernel does not tell again that there is more.
                if downstreams[slot].flags.contains(.readable) { lookAgain(downstream: slot) }
                return
            case .malformed(let refusal):
                fail(exchange, .badBody(refusal))
                return
            case .end:
                exchanges[exchange].machine.requestEnded()
                stash(downstream: slot, from: offset)
                body.removeAll()
                swap(&body, &exchanges[exchange].waiting)
                serve(exchange, slot)
                return
            }
        }
    }

    private func serve(_ exchange: Int32, _ slot: Int32) {
        let service = application.serve(
            id(of: exchange), exchanges[exchange].ticket, requestHead, scratch.bytes,
            body: body.bytes, arrival: arrival(of: exchange), now: loop.utc)
        switch service {
        case .answer(let response):
            respond(exchange, response)
        case .later:
            downstreams[slot].phase = .serving
            setDeadline(downstream: slot, after: settings.responseTimeout)
        case .parked(let time):
            downstreams[slot].phase = .serving
            setDeadline(downstream: slot, after: max(time, settings.responseTimeout))
        case .webSocket(let fields):
            openSocket(exchange, slot, fields)
        case .stream(let response, let idle):
            openStream(exchange, slot, response, idle: idle)
        }
    }

    public func answer(_ id: ExchangeID, with response: LocalResponse) {
        guard isCurrent(id) else { return }
        let slot = exchanges[id.slot].downstream
        guard downstreams[slot].phase == .serving else { return }
        respond(id.slot, response)
    }

    /// Ends an exchange with an answer made here.
    func respond(_ exchange: Int32, _ response: LocalResponse) {
        let slot = exchanges[exchange].downstream
        let id = id(of: exchange)
        let ending = exchanges[exchange].machine.answered(
            clientPersists: exchanges[exchange].persists && drainingUntil == nil)
        exchanges[exchange].status = UInt16(clamping: response.status)
        exchanges[exchange].sentDown = UInt64(response.body.count)
        metrics.count(status: response.status, row)
        log(exchange, nil)
        writeLocal(
            slot, response, version: exchanges[exchange].version,
            persists: ending.downstream == .next, toHead: exchanges[exchange].method == .head)
        guard isCurrent(id) else { return }
        end(exchange, slot, ending)
    }

    /// Writes an answer made here.
    func writeLocal(
        _ slot: Int32, _ response: LocalResponse, version: HTTPVersion, persists: Bool,
        toHead: Bool
    ) {
        refreshDate()
        let omitted = HeadWriter.local(
            response, version: version, keepAlive: persists, headRequest: toHead,
            date: date.bytes, into: &outgoing)
        if omitted > 0 { metrics.add(.fieldsOmitted, row, by: Int64(omitted)) }
        if !toHead { outgoing.append(response.body) }
        deliver(slot)
    }
}
