// Owns requests whose admission the application has put off: keeping their head, asking again.
// Called after `admit`, by the application when it knows more, and by deadlines.
// Never reads more of a connection that waits, never lets one wait twice.

extension ProxyLoop {
    /// How the request in `requestHead` came.
    @inline(__always)
    func arrival(_ slot: Int32, hasWaited: Bool) -> Arrival {
        Arrival(
            connection: ConnectionID(slot: slot, generation: nextGeneration()),
            from: peer(slot), hasWaited: hasWaited)
    }

    /// How a request that is answered here came.
    func arrival(of exchange: Int32) -> Arrival {
        let slot = exchanges[exchange].downstream
        return Arrival(
            connection: ConnectionID(slot: slot, generation: exchanges[exchange].generation),
            from: peer(slot), hasWaited: exchanges[exchange].hasWaited)
    }

    @inline(__always)
    private func peer(_ slot: Int32) -> ForwardedFields {
        ForwardedFields(
            peer: downstreams[slot].client, trusted: downstreams[slot].isTrusted, secure: false)
    }

    /// Who sent the request in `requestHead`, for the log: behind trusted peers whoever they say
    /// that it was.
    func loggedClient(_ slot: Int32) -> ClientAddress {
        Self.client(of: requestHead, scratch, peer(slot), settings.trusted)
    }

    private static func client(
        of head: borrowing RequestHead, _ bytes: borrowing ByteBuffer, _ from: ForwardedFields,
        _ networks: TrustedNetworks
    ) -> ClientAddress {
        from.client(of: head, bytes.bytes, networks: networks)
    }

    /// Keeps everything that `scratch` holds: head, what came of the body, what is pipelined
    /// behind it. It is parsed again when the application is asked again.
    func putOff(_ slot: Int32, _ arrival: Arrival) {
        guard !arrival.hasWaited, waitingBytes + scratch.count <= Limits.waitingBytes else {
            answerAtOnce(
                slot,
                .problem(
                    status: 503, detail: "The request could not be judged in time.",
                    fields: [("Retry-After", "1")]))
            return
        }
        downstreams[slot].waits = Int32(scratch.count)
        waitingBytes += scratch.count
        stash(downstream: slot, from: 0)
        downstreams[slot].phase = .waiting
        downstreams[slot].admission = arrival.connection.generation
        downstreams[slot].isResumed = false
        setDeadline(downstream: slot, after: Limits.admissionTime)
        if resumedEarly == arrival.connection { resume(arrival.connection) }
        resumedEarly = nil
        noticeHalfClose(slot)
    }

    public func resume(_ connection: ConnectionID) {
        let slot = connection.slot
        guard downstreams.contains(slot) else { return }
        guard downstreams[slot].phase == .waiting else {
            resumedEarly = connection
            return
        }
        guard downstreams[slot].admission == connection.generation else { return }
        // Asked in a moment and not here: this may be called in the middle of another exchange,
        // whose bytes stand in the buffers that this one would use.
        downstreams[slot].isResumed = true
        lookAgain(downstream: slot)
    }

    /// Its bytes are kept for waiting no more.
    func waitsNoMore(_ slot: Int32) {
        waitingBytes -= Int(downstreams[slot].waits)
        downstreams[slot].waits = 0
    }

    /// The application may know by now.
    func admitAgain(_ slot: Int32) {
        waitsNoMore(slot)
        scratch.removeAll()
        unstash(downstream: slot)
        downstreams[slot].phase = .head
        guard readAgain(slot) else {
            illegalTransition("admission", state: "waiting", event: "a head that is none")
        }
        let key = key(downstream: slot)
        beginExchange(slot, hasWaited: true)
        // Answered at once: what is pipelined behind it has its turn.
        guard isCurrent(downstream: key), downstreams[slot].phase == .head,
            downstreams[slot].output.isEmpty
        else { return }
        if !downstreams[slot].input.isEmpty || downstreams[slot].flags.contains(.readable) {
            lookAgain(downstream: slot)
        }
    }

    /// Its client has left: what would have been an exchange leaves a line.
    func abandonAdmission(_ slot: Int32) {
        metrics.count(error: .clientGone, row)
        guard let accessLog else { return }
        scratch.removeAll()
        unstash(downstream: slot)
        guard readAgain(slot) else { return }
        var request = ByteBuffer()
        Self.writeRequest(requestHead, scratch, into: &request)
        let error = ProxyError.clientGone
        accessLog.line(
            loggedClient(slot), request: request, status: error.status,
            fault: error.cause, now: loop.utc)
    }

    /// The head was whole before: parsed again, its ranges stand for this buffer.
    private func readAgain(_ slot: Int32) -> Bool {
        let isTrusted = downstreams[slot].isTrusted
        return Self.isWhole(scratch, settings.head, isTrusted, in: &requestHead)
    }

    private static func isWhole(
        _ bytes: borrowing ByteBuffer, _ limits: HeadLimits, _ isPeerTrusted: Bool,
        in head: inout RequestHead
    ) -> Bool {
        head.parse(bytes.bytes, limits: limits, trustedPeer: isPeerTrusted) == .complete
    }

    /// It has waited long enough.
    func waitExpired(_ slot: Int32) {
        // A client that has ended its side is most likely gone.
        if downstreams[slot].flags.contains(.peerEnded), !downstreams[slot].isResumed {
            clientGone(slot)
        } else {
            admitAgain(slot)
        }
    }
}
