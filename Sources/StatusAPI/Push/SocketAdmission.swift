// Owns who may open a presence socket, and with what it begins.
// Called by serving before the handshake is answered.
// Never opens anything: the hub does, once the socket is there.

import Presence
import ProxyCore

/// What a socket begins with.
struct Opening: Sendable {
    var owner: SocketOwner
    /// `?cursor=`: where the client stopped listening.
    var resume: Cursor?

    /// What tells it from another one in the same parking place.
    var key: UInt64 {
        switch owner {
        case .user(let member): member.identity.session.tag
        case .service(let number, _): UInt64(number)
        }
    }
}

extension PresenceApplication {
    func checkHandshake(_ request: borrowing RequestHead, _ bytes: RawSpan) throws(Problem) {
        switch request.webSocketUpgrade {
        case .none: throw .upgradeRequired
        case .invalid: throw .badRequest("The WebSocket handshake is not proper (RFC 6455 §4.2.1).")
        case .valid: break
        }
        guard !service.settings.origins.isEmpty,
            let origin = request.fields.value(.origin, in: bytes)
        else { return }
        // Scheme and host are lower case in an Origin (RFC 6454 §6.2): bytes are compared.
        guard service.settings.origins.contains(where: { origin.equals($0.rawSpan) }) else {
            throw .forbidden("This origin may not open a socket.")
        }
    }

    func opening(
        _ request: borrowing RequestHead, _ bytes: RawSpan, _ asker: Asker, _ arrival: Arrival,
        now: Milliseconds
    ) throws(Problem) -> Opening {
        let owner: SocketOwner
        switch asker.who {
        case .service(let number): owner = .service(number, isAdmin: asker.isAdmin)
        case .user(let identity, _):
            var member = Member(identity)
            if asker.isJudged {
                member.inquiry = SocketInquiry(
                    digest: identity.revocation.tokenDigest,
                    question: question(request, bytes, asker.shown, arrival),
                    due: now + APILimits.opaqueSocketCheck)
            }
            owner = .user(member)
        }
        var opening = Opening(owner: owner, resume: nil)
        guard let query = request.query else { return opening }
        // A cursor that is none of ours means a snapshot, not an error: it may be of an older
        // version.
        opening.resume = try QueryParameters(bytes[query])["cursor"].flatMap { Cursor($0) }
        return opening
    }
}
