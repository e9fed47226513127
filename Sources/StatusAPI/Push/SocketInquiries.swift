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

    private func standing(
        _ socket: SocketID, _ inquiry: SocketInquiry, now: Milliseconds
    ) -> CredentialOutlook {
        let outlook = service.outlook(inquiry, now: now)
        switch outlook {
        case .good(let until):
            let due = subscribers[socket]?.member?.inquiry?.due ?? now
            subscribers[socket]?.member?.inquiry?.due = min(due, until)
        case .over:
            end(socket, CloseCode.tokenEnded.rawValue, "token ended", .socketsDisowned)
        case .open: break
        }
        return outlook
    }
}

/// What is known at this moment of an opaque credential.
enum CredentialOutlook {
    /// It counts, and is to be looked at again then.
    case good(until: Milliseconds)
    case over
    /// Nobody has been asked lately.
    case open
}

extension PresenceService {
    func outlook(_ inquiry: SocketInquiry, now: Milliseconds) -> CredentialOutlook {
        if tokens.learns, let learnt = engine.learnt(inquiry.digest, now: now) {
            return .good(until: learnt.goodUntil)
        }
        if now < inquiry.continuedUntil { return .good(until: .max) }
        if inquiry.isAskable, let desk {
            switch desk.standing(inquiry.digest, now: now) {
            case .known: return .good(until: .max)
            case .undecided, .unknown: return .open
            case .refused: break
            }
        }
        return .over
    }

    /// Whether the credential of somebody who waits counts for nothing any more.
    func isOver(_ member: inout Member, now: Milliseconds) -> Bool {
        guard !engine.isRevoked(&member.identity, now: now), !member.isExpired(now: now) else {
            return true
        }
        guard let inquiry = member.inquiry else { return false }
        if case .over = outlook(inquiry, now: now) { return true }
        return false
    }
}
