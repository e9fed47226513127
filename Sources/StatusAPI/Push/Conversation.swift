// Owns what a client may say on its socket, and the answers.
// Called by the loop's application for each text message.
// Never closes a socket for a message that it does not understand.

import Presence
import ProxyCore

extension Hub {
    func message(_ socket: SocketID, _ text: RawSpan, now: Milliseconds) {
        guard var subscriber = subscribers[socket], !subscriber.isClosing else { return }
        if var member = subscriber.member {
            guard !engine.isRevoked(&member.identity, now: now), !member.isExpired(now: now)
            else {
                return end(
                    socket, CloseCode.tokenEnded.rawValue, "token expired or revoked",
                    .socketsRevoked)
            }
            subscriber.member = member
            subscribers[socket] = subscriber
        }
        // Whoever speaks at once is answered in order: the snapshot comes first.
        welcome(socket, now: now)
        do throws(Problem) {
            if let wait = service.limiter?.count(subscriber.rateKey, now: now) {
                counters.add(.rateLimited)
                throw .tooMany(retryAfter: wait)
            }
            try obey(try ClientMessage(text), socket, now: now)
            counters.add(.socketMessages)
        } catch {
            counters.add(.socketMessagesBad)
            send(socket, SocketMessages.error(error.detail))
        }
    }

    private func obey(
        _ message: ClientMessage, _ socket: SocketID, now: Milliseconds
    ) throws(Problem) {
        switch message {
        case .heartbeat(let status): try heartbeat(socket, status, now: now)
        case .subscribeAll: begin(socket, .all, now: now)
        case .subscribe(let users):
            guard audience.named + users.count <= APILimits.subscribedTotal else {
                throw .unavailable("Too many users are asked for by name.", retryAfter: nil)
            }
            // A new list, and at once the state of those on it: changes alone would leave gaps.
            begin(socket, .list(users.map { Array($0.utf8) }), now: now)
        }
    }

    private func heartbeat(
        _ socket: SocketID, _ status: Status, now: Milliseconds
    ) throws(Problem) {
        guard var session = subscribers[socket]?.member?.identity.session else {
            throw Asker.noPerson
        }
        let view = engine.heartbeat(&session, status: status, now: now)
        subscribers[socket]?.member?.identity.session = session
        counters.add(.heartbeats)
        send(socket, SocketMessages.heartbeat(view, now: now))
    }
}
