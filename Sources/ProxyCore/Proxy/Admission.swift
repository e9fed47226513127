// Owns requests whose admission the application has put off: keeping their head, asking again.
// Called after `admit`, by the application when it knows more, and by deadlines.
// Never reads more of a connection that waits, never lets one wait twice.

extension ProxyLoop {
    /// How the request in `requestHead` came.
    @inline(__always)
    func arrival(_ slot: Int32, hasWaited: Bool) -> Arrival {
        Arrival(
            connection: ConnectionID(slot: slot, generation: nextGeneration()),
            from: ForwardedFields(
                peer: downstreams[slot].client, trusted: downstreams[slot].isTrusted,
                secure: false),
            hasWaited: hasWaited)
    }

    /// How a request that is answered here came.
    func arrival(of exchange: Int32) -> Arrival {
        let slot = exchanges[exchange].downstream
        return Arrival(
            connection: ConnectionID(slot: slot, generation: exchanges[exchange].generation),
            from: ForwardedFields(
                peer: downstreams[slot].client, trusted: downstreams[slot].isTrusted,
                secure: false),
            hasWaited: exchanges[exchange].hasWaited)
    }

    /// Keeps everything that `scratch` holds: head, what came of the body, what is pipelined
    /// behind it. It is parsed again when the application is asked again.
    func putOff(_ slot: Int32, _ arrival: Arrival) {
        guard !arrival.hasWaited else {
            answerAtOnce(
                slot,
                .problem(
                    status: 503, detail: "The request could not be judged in time.",
                    fields: [("Retry-After", "1")]))
            return
        }
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

    /// The application may know by now.
    func admitAgain(_ slot: Int32) {
        scratch.removeAll()
        unstash(downstream: slot)
        downstreams[slot].phase = .head
        let outcome = requestHead.parse(
            scratch.bytes, limits: settings.head, trustedPeer: downstreams[slot].isTrusted)
        guard outcome == .complete else {
            illegalTransition("admission", state: "waiting", event: "\(outcome)")
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
