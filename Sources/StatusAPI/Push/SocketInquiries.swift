// Owns looking anew at sockets that were opened with an opaque credential.
// Called by a socket's clock, and when an answer has come.
// Never closes a socket because nobody could be asked.

import Presence
import ProxyCore

extension Hub {
    /// Looks whether the credential still counts, and asks where that is not known.
    /// - Returns: false: it does not, and the socket is being closed.
    func inquire(_ socket: SocketID, _ inquiry: SocketInquiry, now: Milliseconds) -> Bool {
        subscribers[socket]?.member?.inquiry?.due = now + APILimits.opaqueSocketCheck
        switch standing(socket, inquiry, now: now) {
        case .good: return true
        case .over: return false
        case .open: break
        }
        if let question = inquiry.question {
            // No room: it is looked at again in some minutes.
            _ = service.desk?.ask(
                question, sighting: nil, waiter: { [post] in post.post(socket) }, now: now)
        }
        return true
    }

    /// The answer about the credential of a socket is there.
    func inquired(_ socket: SocketID, now: Milliseconds) {
        guard let subscriber = subscribers[socket], !subscriber.isClosing,
            let inquiry = subscriber.member?.inquiry
        else { return }
        _ = standing(socket, inquiry, now: now)
    }

    private enum Outlook { case good, over, open }

    private func standing(
        _ socket: SocketID, _ inquiry: SocketInquiry, now: Milliseconds
    ) -> Outlook {
        if service.tokens.learns, let learnt = engine.learnt(inquiry.digest, now: now) {
            let due = subscribers[socket]?.member?.inquiry?.due ?? now
            subscribers[socket]?.member?.inquiry?.due = min(due, learnt.goodUntil)
            return .good
        }
        if now < inquiry.continuedUntil { return .good }
        if inquiry.question != nil, let desk = service.desk {
            switch desk.standing(inquiry.digest, now: now) {
            case .known: return .good
            case .undecided, .unknown: return .open
            case .refused: break
            }
        }
        end(socket, CloseCode.tokenEnded.rawValue, "token ended", .socketsDisowned)
        return .over
    }
}
