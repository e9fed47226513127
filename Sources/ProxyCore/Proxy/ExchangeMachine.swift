// Owns the lifecycle of one exchange: what may follow what, and how it ends.
// Called by the loop at every step of a request and its response.
// Never touches a socket: it says what is to be done.

/// How far one exchange is, in both directions.
struct ExchangeMachine: Equatable, Sendable, BitwiseCopyable {
    /// The request on its way up.
    enum Request: Sendable { case streaming, complete, abandoned }
    /// The response on its way down.
    enum Response: Sendable { case awaited, streaming, complete }

    private(set) var request = Request.streaming
    private(set) var response = Response.awaited
    private(set) var attempts: UInt8 = 1

    /// What becomes of the upstream connection at the end.
    enum UpstreamEnding: Sendable { case reuse, close }
    /// What becomes of the client's connection at the end.
    enum DownstreamEnding: Sendable {
        case next
        case close
        /// Close, but read what the client still sends, so that it can read the answer before a
        /// reset destroys it (RFC 9112 §9.6).
        case linger
    }
    struct Ending: Equatable, Sendable {
        let upstream: UpstreamEnding
        let downstream: DownstreamEnding
    }

    /// Whether an answer of our own can still take the place of the response.
    var isAnswerable: Bool { response == .awaited }

    mutating func requestEnded() {
        switch (request, response) {
        case (.streaming, .awaited), (.streaming, .streaming): request = .complete
        case (.complete, _), (.abandoned, _), (.streaming, .complete):
            illegal("requestEnded")
        }
    }

    mutating func responseStarted() {
        switch response {
        case .awaited: response = .streaming
        case .streaming, .complete: illegal("responseStarted")
        }
    }

    /// The response broke off while all of it was still here: nothing of it has left.
    mutating func responseWithdrawn() {
        switch response {
        case .streaming: response = .awaited
        case .awaited, .complete: illegal("responseWithdrawn")
        }
    }

    /// The last byte of the response has been read. An upload that is still under way ends here:
    /// the upstream has said all that it will say (RFC 9110 §7.5), and its connection is in the
    /// middle of a message, so that nothing else may be sent on it.
    mutating func responseEnded(upstreamPersists: Bool, clientPersists: Bool) -> Ending {
        switch (request, response) {
        case (.complete, .streaming):
            response = .complete
            return Ending(
                upstream: upstreamPersists ? .reuse : .close,
                downstream: clientPersists ? .next : .close)
        case (.streaming, .streaming):
            request = .abandoned
            response = .complete
            return Ending(upstream: .close, downstream: .linger)
        case (_, .awaited), (_, .complete), (.abandoned, _):
            illegal("responseEnded")
        }
    }

    /// An answer of our own takes the place of the response.
    mutating func answered(clientPersists: Bool) -> Ending {
        switch (request, response) {
        case (.complete, .awaited):
            response = .complete
            return Ending(upstream: .close, downstream: clientPersists ? .next : .close)
        case (.streaming, .awaited):
            request = .abandoned
            response = .complete
            return Ending(upstream: .close, downstream: .linger)
        case (.abandoned, _), (_, .streaming), (_, .complete):
            illegal("answered")
        }
    }

    /// Whether a broken upstream connection may be replaced by a fresh one: once, and only where
    /// nothing was received, the connection was a kept one that may have been closed meanwhile,
    /// and the request may be sent twice (RFC 9110 §9.2.2) and is still at hand.
    mutating func mayRetry(reused: Bool, idempotent: Bool, replayable: Bool) -> Bool {
        guard response == .awaited, attempts == 1, reused, idempotent, replayable else {
            return false
        }
        attempts += 1
        return true
    }

    /// Whether a request that never left this process may try another connection.
    mutating func mayConnectElsewhere(atMost limit: Int) -> Bool {
        guard response == .awaited, Int(attempts) < limit else { return false }
        attempts += 1
        return true
    }

    private func illegal(_ event: StaticString) -> Never {
        illegalTransition("exchange", state: "\(request)/\(response)", event: "\(event)")
    }
}

/// The one end of an impossible transition: it names both, since release preconditions are mute.
func illegalTransition(_ machine: String, state: String, event: String) -> Never {
    fatalError("\(machine): \(event) in state \(state)")
}
