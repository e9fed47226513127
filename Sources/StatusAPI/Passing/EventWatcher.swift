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
        let succeeded = Self.isSuccess(status)
        if ticket.flags & Mark.login != 0 {
            if !succeeded { counters.add(.loginFailed) }
            return .pass
        }
        // A logout that failed was a request all the same.
        guard succeeded else { return nil }
        guard ticket.flags & (Mark.identified | Mark.former) != 0 else {
            counters.add(.logoutAnonymous)
            return .pass
        }
        let number = ticket.flags >> Mark.numberShift
        guard var identity = logouts.take(number, key: ticket.session) else {
            counters.add(.logoutForgotten)
            return .pass
        }
        // What was heard of an opaque credential ends long before the credential does, and the
        // application may go on taking it. It is lifted by a login that gives it out again.
        if service.tokens.learns, ticket.flags & (Mark.judged | Mark.former) != 0 {
            identity.extend(until: now + PresenceLimits.learntUnseen)
        }
        counters.add(.logoutSeen)
        service.desk?.forget(identity.revocation.tokenDigest)
        engine.logout(identity, now: now) { [post] kept in
            post.post(Finished(exchange: id, purpose: .release, kept: kept))
        }
        // The client hears of its logout when the token's revocation survives a crash, or after
        // `Limits.holdTime`.
        return .hold
    }

    /// What is made for browsers answers a form by sending them on: 303, and 302 where it is older.
    /// The other redirects say that nothing was done yet (RFC 9110 §15.4).
    static func isSuccess(_ status: Int) -> Bool {
        (200..<300).contains(status) || status == 302 || status == 303
    }

    /// With the body of a login's answer; nil: too large, broken or content-coded.
    func watchLogin(_ ticket: Ticket, status: Int, body: RawSpan?, now: Milliseconds) {
        let issuing = unpark(ticket)
        guard Self.isSuccess(status) else { return }
        let paths = router.login(ticket.route)
        let answer: LoginAnswer
        do {
            answer = try LoginAnswer(
                body, head: issuing?.issued, paths: paths, tokens: issued, now: now)
        } catch {
            return counters.add(error == .notJSON ? .loginNotJSON : .loginUnreadable)
        }
        if answer.hasToken, answer.token == nil { counters.add(.loginTokenUnusable) }
        // Who has signed in is here once and then a stranger: a place is misspelt, or missing.
        let lacksToken =
            !paths.token.isEmpty && !answer.hasToken && (200..<300).contains(status)
        let claims = answer.token?.claims
        guard let who = claims?.user ?? answer.user else {
            return counters.add(lacksToken ? .loginNoToken : .loginNoUser)
        }
        // Later requests are known by the token, so that it decides.
        if let user = answer.user, !user.rawSpan.equals(who.rawSpan) {
            counters.add(.loginMismatch)
        }
        let name = answer.name ?? claims?.name
        let tag = answer.token?.tag(of: who)
        let known = engine.login(user: who, name: name, session: tag, now: now)
        counters.add(known ? (lacksToken ? .loginNoToken : .loginSeen) : .tokenNoRoom)
        guard known, let tag, case .opaque(let digest)? = answer.token else { return }
        // A session cookie may have been nobody's until now.
        service.desk?.forget(digest, refusal: true)
        // Nothing that passes in an answer makes anybody an admin.
        let token = LearntToken(
            digest: digest, user: who, name: name, session: tag, expires: answer.expires,
            seenAt: now)
        counters.add(engine.learn(token, now: now) ? .loginLearnt : .loginTokenUnusable)
    }
}
