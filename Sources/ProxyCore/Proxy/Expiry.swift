// Owns what happens when a connection has taken too long.
// Called by the loop when a deadline comes.
// Never sets how long anything may take: that is ProxySettings and Limits.

extension ProxyLoop {
    func downstreamExpired(_ slot: Int32) {
        guard isDue(downstream: slot) else { return }
        let exchange = downstreams[slot].exchange
        switch downstreams[slot].phase {
        case .head where downstreams[slot].scanned > 0:
            metrics.add(.requestsRefused, row)
            let late = LocalResponse.problem(
                status: 408, detail: "The request did not arrive in time.")
            let key = key(downstream: slot)
            writeLocal(slot, late, version: .http11, persists: false, toHead: false)
            guard isCurrent(downstream: key) else { return }
            close(slot, .linger)
        case .waiting:
            waitExpired(slot)
        case .head, .linger, .closing:
            closeDownstream(slot)
        case .gather:
            fail(exchange, .bodyTimeout)
        case .serving:
            clientGone(slot)
        case .exchange:
            exchangeExpired(exchange, slot)
        case .tunnel:
            endTunnel(exchange)
        case .socket:
            socketExpired(slot)
        }
    }

    private func exchangeExpired(_ exchange: Int32, _ slot: Int32) {
        if collectingExpired(exchange) { return }
        if exchanges[exchange].isHeld {
            // The disk is slower than the app may be: the answer goes out, and is counted.
            metrics.add(.holdsExpired, row)
            release(id(of: exchange))
        } else if downstreams[slot].flags.contains(.peerEnded) {
            clientGone(slot)
        } else if exchanges[exchange].isWaiting {
            fail(exchange, .noConnection)
        } else if exchanges[exchange].machine.request == .streaming,
            exchanges[exchange].machine.response == .awaited
        {
            // Who has stopped: a client that sends nothing, or a backend that takes nothing?
            let upstream = exchanges[exchange].upstream
            let isTaken = upstream < 0 || upstreams[upstream].isFlushed
            fail(exchange, isTaken ? .bodyTimeout : .responseTimeout)
        } else if !downstreams[slot].output.isEmpty {
            // The client, not the upstream, has stopped.
            clientGone(slot)
        } else {
            fail(exchange, .responseTimeout)
        }
    }

    func upstreamExpired(_ slot: Int32) {
        guard isDue(upstream: slot) else { return }
        switch upstreams[slot].phase {
        case .idle:
            dropUpstream(slot)
        case .connecting:
            pool.failedToConnect(upstreams[slot].server, now: loop.now)
            health.failed(upstreams[slot].server, .timedOut("connect"))
            connectFailed(slot, .connectTimeout)
        case .busy, .tunnel:
            // The exchange has its own deadline.
            upstreams[slot].deadline = .max
            upstreams[slot].armed = .max
        }
    }
}
