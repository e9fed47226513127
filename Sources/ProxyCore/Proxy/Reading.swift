// Owns reading from clients: heads, and what follows them.
// Called by the loop when a client's socket has something to say.
// Never decides where a request goes.

extension ProxyLoop {
    /// What one read of a socket into `scratch` came to.
    enum Fill {
        case bytes
        case nothing
        case ended
        case broken
    }

    func downstreamReady(_ slot: Int32, _ readiness: Readiness) {
        if readiness.contains(.writable) || readiness.contains(.error) {
            downstreams[slot].flags.insert(.writable)
            if !downstreams[slot].output.isEmpty {
                let key = key(downstream: slot)
                flushDownstream(slot)
                guard isCurrent(downstream: key) else { return }
            }
        }
        if !readiness.isDisjoint(with: [.hangup, .error]) {
            downstreams[slot].flags.formUnion([.readable, .peerEnded])
            // Both directions are over: nobody is left to answer.
            if downstreams[slot].phase != .tunnel {
                clientGone(slot)
                return
            }
        } else if readiness.contains(.peerEnded) {
            downstreams[slot].flags.formUnion([.readable, .peerEnded])
        } else if readiness.contains(.readable) {
            downstreams[slot].flags.insert(.readable)
        } else {
            return
        }
        let key = key(downstream: slot)
        readDownstream(slot)
        if readiness.contains(.error), isCurrent(downstream: key) { endIfStuck(slot) }
    }

    /// A client that has reset its tunnel takes nothing any more. Where the upstream takes nothing
    /// either, nothing is read, and no read would ever find that out.
    private func endIfStuck(_ slot: Int32) {
        guard downstreams[slot].phase == .tunnel else { return }
        let exchange = downstreams[slot].exchange
        if !upstreams[exchanges[exchange].upstream].isFlushed { endTunnel(exchange) }
    }

    /// Goes on with a connection that was left with work to do.
    func resumeDownstream(_ slot: Int32) {
        if !downstreams[slot].output.isEmpty {
            let key = key(downstream: slot)
            flushDownstream(slot)
            guard isCurrent(downstream: key) else { return }
        }
        if downstreams[slot].phase == .waiting, downstreams[slot].isResumed {
            admitAgain(slot)
            return
        }
        if downstreams[slot].phase == .head, !downstreams[slot].input.isEmpty,
            downstreams[slot].scanned == 0
        {
            scratch.removeAll()
            unstash(downstream: slot)
            takeRequests(slot)
        } else {
            readDownstream(slot)
        }
    }

    func readDownstream(_ slot: Int32) {
        guard downstreams[slot].flags.contains(.readable) else { return }
        switch downstreams[slot].phase {
        case .head: readRequests(slot)
        case .gather: readGathered(slot)
        case .exchange: readRequestBody(slot)
        case .waiting, .serving: noticeHalfClose(slot)
        case .socket: readSocket(slot)
        case .tunnel: readTunnel(downstream: slot)
        case .linger: readLingering(slot)
        case .closing: break
        }
    }

    /// Puts what was kept of the connection into `scratch` and receives behind it.
    func fill(downstream slot: Int32) -> Fill {
        scratch.removeAll()
        unstash(downstream: slot)
        switch downstreams[slot].stream.receive(into: &scratch, atMost: Limits.readSize) {
        case .bytes(0):
            downstreams[slot].flags.remove(.readable)
            downstreams[slot].flags.insert(.endRead)
            return .ended
        case .bytes(let count):
            // A short read has drained the socket; the end of the stream is still to be read.
            if count < Limits.readSize, !downstreams[slot].flags.contains(.peerEnded) {
                downstreams[slot].flags.remove(.readable)
            }
            return .bytes
        case .blocked:
            downstreams[slot].flags.remove(.readable)
            return .nothing
        case .failed:
            return .broken
        }
    }

    /// Moves what was kept behind what `scratch` holds.
    func unstash(downstream slot: Int32) {
        guard !downstreams[slot].input.isEmpty else { return }
        scratch.append(downstreams[slot].input)
        downstreams[slot].input.removeAll()
    }

    /// Keeps `scratch` from `offset` on for later.
    func stash(downstream slot: Int32, from offset: Int) {
        guard offset < scratch.count else {
            downstreams[slot].input.shrink(to: 0)
            return
        }
        downstreams[slot].input.append(scratch, from: offset)
    }

    private func readRequests(_ slot: Int32) {
        // An answer that its client has not taken yet: first things first.
        guard downstreams[slot].output.isEmpty else { return }
        switch fill(downstream: slot) {
        case .bytes:
            takeRequests(slot)
        case .nothing:
            if drainingUntil != nil, scratch.isEmpty {
                closeDownstream(slot)
                return
            }
            stash(downstream: slot, from: 0)
        case .ended:
            // Between requests a proper end; within a head there is nobody to answer for sure.
            closeDownstream(slot)
        case .broken:
            closeDownstream(slot)
        }
    }

    /// Takes the requests in `scratch`, one after the other as each is answered.
    func takeRequests(_ slot: Int32) {
        let key = key(downstream: slot)
        for taken in 0..<Limits.readsPerTurn {
            if taken > 0 {
                guard !downstreams[slot].input.isEmpty else { break }
                scratch.removeAll()
                unstash(downstream: slot)
            }
            guard takeHead(slot), isCurrent(downstream: key),
                downstreams[slot].phase == .head, downstreams[slot].output.isEmpty
            else { break }
        }
        guard isCurrent(downstream: key), downstreams[slot].output.isEmpty else { return }
        let isHead = downstreams[slot].phase == .head
        let hasInput =
            isHead && !downstreams[slot].input.isEmpty && downstreams[slot].scanned == 0
        // A read that was filled to the last byte has more behind it, and no event will say so.
        if hasInput || downstreams[slot].flags.contains(.readable) { lookAgain(downstream: slot) }
    }

    /// - Returns: whether a whole head (or a refused one) was there.
    private func takeHead(_ slot: Int32) -> Bool {
        let outcome = requestHead.parse(
            scratch.bytes, from: Int(downstreams[slot].scanned), limits: settings.head,
            trustedPeer: downstreams[slot].isTrusted)
        switch outcome {
        case .complete:
            downstreams[slot].scanned = 0
            metrics.add(.requests, row)
            beginExchange(slot)
            return true
        case .partial:
            if downstreams[slot].scanned == 0 {
                // Absolute from the first byte: a head that drips does not move it.
                setDeadline(downstream: slot, after: settings.headerTimeout)
            }
            downstreams[slot].scanned = Int32(scratch.count)
            stash(downstream: slot, from: 0)
            return false
        case .refused(let refusal):
            downstreams[slot].scanned = 0
            metrics.add(.requests, row)
            refuse(slot, refusal)
            return true
        }
    }

    /// Answers what is not HTTP, or not HTTP that may be passed on, and closes.
    private func refuse(_ slot: Int32, _ refusal: Refusal) {
        metrics.add(.requestsRefused, row)
        accessLog?.line(
            downstreams[slot].client, request: ByteBuffer(), status: refusal.status,
            fault: refusal.reason.rawValue, now: loop.utc)
        // Whatever the address: CONNECT and TRACE are all that is refused so (RFC 9110 §15.5.6).
        let answer = LocalResponse.problem(
            status: refusal.status, detail: refusal.reason.rawValue,
            fields: refusal.status == 405
                ? [("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")] : [])
        metrics.count(status: refusal.status, row)
        let key = key(downstream: slot)
        writeLocal(slot, answer, version: .http11, persists: false, toHead: false)
        guard isCurrent(downstream: key) else { return }
        close(slot, .linger)
    }

    /// A client that waits for our answer has ended its side, or is gone: it cannot be told apart
    /// until we write. It keeps its answer for a while.
    func noticeHalfClose(_ slot: Int32) {
        guard downstreams[slot].flags.contains(.peerEnded) else { return }
        if downstreams[slot].deadline > loop.now + Limits.halfClose {
            setDeadline(downstream: slot, after: Limits.halfClose)
        }
    }

    /// Drops what still comes after our last answer, within bounds (RFC 9112 §9.6).
    private func readLingering(_ slot: Int32) {
        for _ in 0..<Limits.readsPerTurn {
            scratch.removeAll()
            switch downstreams[slot].stream.receive(into: &scratch, atMost: Limits.readSize) {
            case .bytes(let count) where count > 0:
                downstreams[slot].dropped += Int32(count)
                if Int(downstreams[slot].dropped) > Limits.lingerBytes {
                    closeDownstream(slot)
                    return
                }
                if count < Limits.readSize, !downstreams[slot].flags.contains(.peerEnded) {
                    downstreams[slot].flags.remove(.readable)
                    return
                }
            case .blocked:
                downstreams[slot].flags.remove(.readable)
                return
            case .bytes, .failed:
                closeDownstream(slot)
                return
            }
        }
        lookAgain(downstream: slot)
    }
}
