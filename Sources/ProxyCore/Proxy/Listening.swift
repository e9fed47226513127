// Owns taking connections in.
// Called by the loop when a listener has somebody waiting.
// Never reads a byte of what a client sends.

extension ProxyLoop {
    /// Starts accepting on `stream`. Before `run`, or on the loop's thread.
    public func listen(on stream: FileDescriptor, shared: Bool) throws(SystemError) {
        let key = EventKey(.listener, slot: Int32(listeners.count), generation: 0)
        try loop.epoll.addLevel(stream, key: key.word, exclusive: shared)
        listeners.append(stream)
    }

    func acceptWaiting(on listener: Int) {
        guard listener < listeners.count else { return }
        for _ in 0..<Limits.acceptsPerTurn {
            switch listeners[listener].accept() {
            case .connection(let stream, let peer):
                adopt(stream, ClientAddress(peer))
            case .none:
                return
            case .exhausted(let error):
                pauseListening(error)
                return
            }
        }
    }

    private func adopt(_ stream: FileDescriptor, _ client: ClientAddress) {
        guard drainingUntil == nil else {
            stream.close()
            return
        }
        let generation = nextGeneration()
        let downstream = Downstream(
            stream: stream, generation: generation, client: client,
            isTrusted: settings.trusted.contains(client))
        guard let slot = downstreams.insert(downstream) else {
            metrics.add(.connectionsRefused, row)
            stream.close()
            return
        }
        stream.disableDelay()
        do throws(SystemError) {
            try loop.epoll.add(stream, key: key(downstream: slot).word)
        } catch {
            metrics.add(.connectionsRefused, row)
            downstreams.remove(slot)
            stream.close()
            return
        }
        metrics.add(.connectionsAccepted, row)
        setDeadline(downstream: slot, after: settings.headerTimeout)
    }

    /// No descriptor is left: the waiting connections stay with the kernel for a moment, instead
    /// of a loop that spins on a listener which it cannot serve.
    private func pauseListening(_ error: SystemError) {
        metrics.add(.acceptsFailed, row)
        // Each listener with somebody waiting comes here in the same turn: one pause for all.
        guard !isListeningPaused else { return }
        isListeningPaused = true
        // One that is not watched just now (it could not be added again) has nothing to remove.
        for listener in listeners { try? loop.epoll.remove(listener) }
        loop.wheel.insert(
            EventKey(.listener, slot: 0, generation: 0).word, due: loop.now + 100)
    }

    func resumeListening() {
        isListeningPaused = false
        var problem: SystemError?
        for (index, listener) in listeners.enumerated() {
            let key = EventKey(.listener, slot: Int32(index), generation: 0)
            do throws(SystemError) {
                try loop.epoll.addLevel(listener, key: key.word, exclusive: true)
            } catch {
                problem = error
            }
        }
        if let problem { pauseListening(problem) }
    }
}

extension ClientAddress {
    init(_ peer: PeerAddress) {
        switch peer {
        case .v4(let number, let port): self.init(v4: number.bigEndian, port: port)
        case .v6(let high, let low, let port): self.init(v6High: high, low: low, port: port)
        case .unix: self = .local
        }
    }
}
