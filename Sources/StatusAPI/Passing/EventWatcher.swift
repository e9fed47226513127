// Owns what is learnt from the application's own logins and logouts.
// Called at the response head of a route marked so, and with the body of a login.
// Never changes a byte that passes; in doubt it counts and learns nothing.

import Presence
import ProxyCore

extension PresenceApplication {
    /// At the head of a login's or logout's answer.
    /// - Returns: nil where the request is to be counted like any other.
    func sightEvent(
        _ id: ExchangeID, _ ticket: Ticket, status: Int, now: Milliseconds
    ) -> Passage? {
        let succeeded = (200..<300).contains(status)
        if ticket.flags & Mark.login != 0 {
            if !succeeded { counters.add(.loginFailed) }
            return .pass
        }
        // A logout that failed was a request all the same.
        guard succeeded else { return nil }
        guard ticket.flags & Mark.identified != 0 else {
            counters.add(.logoutAnonymous)
            return .pass
        }
        let number = ticket.flags >> Mark.numberShift
        guard let identity = logouts.take(number, key: ticket.session) else {
            counters.add(.logoutForgotten)
            return .pass
        }
        counters.add(.logoutSeen)
        engine.logout(identity, now: now) { [post] kept in
            post.post(Finished(exchange: id, purpose: .release, kept: kept))
        }
        // The client hears of its logout when the token's revocation survives a crash, or after
        // `Limits.holdTime`.
        return .hold
    }

    /// With the body of a login's answer; nil: too large, broken or content-coded.
    func watchLogin(_ ticket: Ticket, status: Int, body: RawSpan?, now: Milliseconds) {
        guard (200..<300).contains(status) else { return }
        guard let body else { return counters.add(.loginUnreadable) }
        let root: JSONNode
        do {
            root = try JSONReader.read(body, maximumDepth: APILimits.loginDepth)
        } catch {
            return counters.add(.loginNotJSON)
        }
        let paths = router.login(ticket.route)
        let user = Self.text(root, paths.user)
        let name = Self.text(root, paths.name)
        let token = Self.text(root, paths.tokenPaths).flatMap { claims(of: $0, now: now) }
        guard let who = token?.claims.user ?? user else { return counters.add(.loginNoUser) }
        // Later requests are known by the token, so that it decides.
        if let user, !user.rawSpan.equals(who.rawSpan) { counters.add(.loginMismatch) }
        let known = engine.login(
            user: who, name: name ?? token?.claims.name, session: token?.tag, now: now)
        counters.add(known ? .loginSeen : .tokenNoRoom)
    }

    private func claims(
        of token: String, now: Milliseconds
    ) -> (claims: TokenClaims, tag: UInt64)? {
        // Some answers name the scheme too: "Bearer eyJ…".
        var bytes = Array(token.utf8)
        if bytes.count > 7, bytes.rawSpan.extracting(0..<7).equalsFolded("bearer ") {
            bytes.removeFirst(7)
        }
        return identification.claims(of: bytes.rawSpan, now: now)
    }

    /// The first of the paths that leads to a text or a whole number.
    private static func text(_ root: JSONNode, _ paths: [JSONPath]) -> String? {
        for path in paths {
            if let text = path.first(in: root)?.scalar { return text }
        }
        return nil
    }
}

extension JSONNode {
    /// A text, or a whole number as text: `42` and `"42"` are one user. Nil where it is empty.
    var scalar: String? {
        if let integer { return String(integer) }
        return string.flatMap { $0.isEmpty ? nil : $0 }
    }
}
