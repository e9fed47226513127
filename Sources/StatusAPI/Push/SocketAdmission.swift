// Owns who may open a presence socket, and with what it begins.
// Called by serving before the handshake is answered.
// Never opens anything: the hub does, once the socket is there.

import Presence
import ProxyCore

/// What a socket begins with.
struct Opening: Sendable {
    var identity: Identity
    /// `?cursor=`: where the client stopped listening.
    var resume: Cursor?
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
        _ request: borrowing RequestHead, _ bytes: RawSpan, _ asker: Asker
    ) throws(Problem) -> Opening {
        var opening = Opening(identity: asker.identity, resume: nil)
        guard let query = request.query else { return opening }
        // A cursor that is none of ours means a snapshot, not an error: it may be of an older
        // version.
        opening.resume = try QueryParameters(bytes[query])["cursor"].flatMap { Cursor($0) }
        return opening
    }
}
