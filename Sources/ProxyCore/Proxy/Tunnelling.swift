// Owns connections that have become something else: bytes pass both ways untouched.
// Called when an upstream has accepted an upgrade, and by both sockets as they move.
// Never looks into what passes.

extension ProxyLoop {
    /// A 101 stands at the start of `scratch`.
    func beginTunnel(_ exchange: Int32, _ upstream: Int32) {
        guard exchanges[exchange].upgrades, responseHead.switchesToWebSocket,
            isAccepted(exchange)
        else {
            fail(exchange, .badUpgrade)
            return
        }
        let slot = exchanges[exchange].downstream
        let id = id(of: exchange)
        exchanges[exchange].status = 101
        exchanges[exchange].machine.responseStarted()
        sight(exchange, status: 101, byUpstream: true)
        exchanges[exchange].isHeld = false
        metrics.count(status: 101, row)
        metrics.add(.tunnelsOpened, row)
        HeadWriter.response(
            responseHead, scratch.bytes, downstream: .http11, framing: .none, keepAlive: true,
            into: &outgoing)
        outgoing.append(scratch, from: responseHead.length)
        downstreams[slot].phase = .tunnel
        upstreams[upstream].phase = .tunnel
        setDeadline(downstream: slot, after: settings.tunnelTimeout)
        deliver(slot)
        guard isCurrent(id) else { return }
        // What the client sent behind its request waited for this.
        if !downstreams[slot].input.isEmpty {
            upstreams[upstream].output.append(downstreams[slot].input)
            downstreams[slot].input.removeAll()
            flushUpstream(upstream)
            guard isCurrent(id) else { return }
        }
        readTunnel(downstream: slot)
        guard isCurrent(id) else { return }
        readTunnel(upstream: upstream)
    }

    /// Whether the upstream proved that it understood the handshake (RFC 6455 §4.1).
    private func isAccepted(_ exchange: Int32) -> Bool {
        let accept = Self.short(.secWebSocketAccept, of: responseHead.fields, scratch)
        let key = exchanges[exchange].key
        var expected = ByteBuffer(capacity: 32)
        Handshake.accept(key: key.bytes, into: &expected)
        return accept.bytes.equals(expected.bytes)
    }

    /// A short field value, copied; empty where the field is missing. (Longer than
    /// `ShortText.capacity` it is cut, and then it is no handshake's key or answer.)
    static func short(
        _ field: KnownField, of fields: borrowing FieldTable, _ bytes: borrowing ByteBuffer
    ) -> ShortText {
        guard let value = fields.value(field, in: bytes.bytes) else { return ShortText() }
        return ShortText(value, RawSpan())
    }

    func readTunnel(downstream slot: Int32) {
        let exchange = downstreams[slot].exchange
        let upstream = exchanges[exchange].upstream
        let id = id(of: exchange)
        var reads = 0
        while downstreams[slot].flags.contains(.readable), upstreams[upstream].isFlushed {
            guard reads < Limits.readsPerTurn else {
                lookAgain(downstream: slot)
                return
            }
            reads += 1
            switch fill(downstream: slot) {
            case .bytes:
                setDeadline(downstream: slot, after: settings.tunnelTimeout)
                exchanges[exchange].received += UInt64(scratch.count)
                upstreams[upstream].output.append(scratch)
                flushUpstream(upstream)
                guard isCurrent(id) else { return }
            case .nothing:
                return
            case .ended:
                upstreams[upstream].flags.insert(.endAfterOutput)
                settleTunnel(exchange)
                return
            case .broken:
                endTunnel(exchange)
                return
            }
        }
    }

    func readTunnel(upstream: Int32) {
        let exchange = upstreams[upstream].exchange
        let slot = exchanges[exchange].downstream
        let id = id(of: exchange)
        var reads = 0
        settleTunnel(exchange)
        guard isCurrent(id) else { return }
        while upstreams[upstream].flags.contains(.readable), downstreams[slot].output.isEmpty {
            guard reads < Limits.readsPerTurn else {
                lookAgain(upstream: upstream)
                return
            }
            reads += 1
            scratch.removeAll()
            switch upstreams[upstream].stream.receive(into: &scratch, atMost: Limits.readSize) {
            case .bytes(0):
                upstreams[upstream].flags.remove(.readable)
                upstreams[upstream].flags.insert(.endRead)
                downstreams[slot].flags.insert(.endAfterOutput)
                settleTunnel(exchange)
                return
            case .bytes(let count):
                if count < Limits.readSize, !upstreams[upstream].flags.contains(.peerEnded) {
                    upstreams[upstream].flags.remove(.readable)
                }
                setDeadline(downstream: slot, after: settings.tunnelTimeout)
                exchanges[exchange].sentDown += UInt64(count)
                outgoing.append(scratch)
                deliver(slot)
                guard isCurrent(id) else { return }
            case .blocked:
                upstreams[upstream].flags.remove(.readable)
                return
            case .failed:
                endTunnel(exchange)
                return
            }
        }
    }

    /// The client has taken everything: more may come, or the end.
    func tunnelOutputLeft(downstream slot: Int32) {
        let exchange = downstreams[slot].exchange
        let upstream = exchanges[exchange].upstream
        if upstream >= 0 { readTunnel(upstream: upstream) }
    }

    /// Passes a half-close on when what came before it has left; with both over, the tunnel ends.
    private func settleTunnel(_ exchange: Int32) {
        let slot = exchanges[exchange].downstream
        let upstream = exchanges[exchange].upstream
        if upstreams[upstream].flags.contains(.endAfterOutput), upstreams[upstream].isFlushed,
            !upstreams[upstream].flags.contains(.ended)
        {
            upstreams[upstream].flags.insert(.ended)
            upstreams[upstream].stream.shutdownWrite()
        }
        if downstreams[slot].flags.contains(.endAfterOutput), downstreams[slot].output.isEmpty,
            !downstreams[slot].flags.contains(.ended)
        {
            downstreams[slot].flags.insert(.ended)
            downstreams[slot].stream.shutdownWrite()
        }
        if upstreams[upstream].flags.contains(.ended), downstreams[slot].flags.contains(.ended) {
            endTunnel(exchange)
        }
    }

    func endTunnel(_ exchange: Int32) {
        let slot = exchanges[exchange].downstream
        metrics.add(.tunnelsClosed, row)
        detachUpstream(exchange, reuse: false)
        finishTunnel(exchange)
        closeDownstream(slot)
    }
}
