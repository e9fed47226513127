// Owns who may open a presence socket or an event stream, and with what it begins.
// Called by serving before the handshake is answered.
// Never opens anything: the hub does, once the socket is there.

import Presence
import ProxyCore

/// What a socket or a stream begins with.
struct Opening: Sendable {
    var owner: SocketOwner
    var isStream = false
    /// `?cursor=`, of a stream `Last-Event-ID` or `?since=`: where the client stopped listening.
    var resume: Cursor?
    /// `?subscription=`: whether it listens to all from the beginning; nil: as configured.
    var listensToAll: Bool?

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
        _ endpoint: Endpoint, _ request: borrowing RequestHead, _ bytes: RawSpan,
        _ asker: Asker, _ arrival: Arrival, now: Milliseconds
    ) throws(Problem) -> Opening {
        let isStream = endpoint == .events
        var owner = owner(asker, now: now)
        if case .user(var member) = owner, let inquiry = member.inquiry {
            let question = question(request, bytes, asker.shown, arrival)
            member.inquiry = SocketInquiry(
                digest: inquiry.digest, question: question, isAskable: question != nil,
                due: inquiry.due)
            owner = .user(member)
        }
        var opening = Opening(owner: owner, isStream: isStream)
        // A cursor that is none of ours means a snapshot, not an error: it may be of an older
        // version.
        if let query = request.query {
            let parameters = try QueryParameters(bytes[query])
            opening.resume = parameters[isStream ? "since" : "cursor"].flatMap { Cursor($0) }
            if !isStream { opening.listensToAll = try Self.subscription(parameters) }
        }
        // What a browser says when it comes back is newer than the address that it was given.
        if isStream, let last = request.fields.value("last-event-id", in: bytes) {
            opening.resume = last.text().flatMap { Cursor($0) }
        }
        return opening
    }

    private static func subscription(_ parameters: QueryParameters) throws(Problem) -> Bool? {
        switch parameters["subscription"] {
        case "all": true
        case "none": false
        case nil: nil
        default: throw .badRequest("'subscription' must be 'all' or 'none'.")
        }
    }

    /// Whose a reader of changes is.
    func owner(_ asker: Asker, now: Milliseconds) -> SocketOwner {
        switch asker.who {
        case .service(let number): return .service(number, isAdmin: asker.isAdmin)
        case .user(let identity, _):
            var member = Member(identity)
            if asker.isJudged {
                member.inquiry = SocketInquiry(
                    digest: identity.revocation.tokenDigest, question: nil,
                    isAskable: service.desk != nil, due: now + APILimits.opaqueSocketCheck)
            }
            return .user(member)
        }
    }
}
