// Owns what is learnt of answers that replace a token by another.
// Called at the head of a refresh request, at the head of its answer and with its body.
// Never makes anybody active: clients refresh by themselves.

import Presence
import ProxyCore

/// Whose session a refresh goes on with.
private enum Previous {
    case session(SessionRef)
    /// The request showed no token that says so.
    case unknown
    /// The request's token was revoked: what it opened is over.
    case ended
}

extension PresenceApplication {
    /// At the head of a refresh request whose token does not count. It may have expired just now,
    /// and is kept until the application has accepted the refresh: whoever only asks costs no
    /// cryptography.
    func beginRefresh(_ ticket: inout Ticket, showing token: RawSpan) {
        guard token.byteCount <= Limits.tokenBytes else { return }
        park(Issuing(shown: token.array()), &ticket)
    }

    /// At the head of the answer of a login or refresh route that may show its token there.
    func headOfLogin(
        _ ticket: inout Ticket, _ head: borrowing ResponseHead, _ bytes: RawSpan,
        now: Milliseconds
    ) {
        guard ticket.flags & (Mark.login | Mark.refresh) != 0,
            (200..<300).contains(head.status),
            let found = HeadTokens.first(
                of: router.login(ticket.route).token, head, bytes, now: now)
        else { return }
        var issuing = unpark(ticket) ?? Issuing()
        issuing.issued = found
        park(issuing, &ticket)
    }

    /// With the body of a refresh's answer; nil: too large, broken or content-coded.
    func watchRefresh(_ ticket: Ticket, status: Int, body: RawSpan?, now: Milliseconds) {
        let issuing = unpark(ticket)
        guard (200..<300).contains(status) else { return counters.add(.refreshFailed) }
        let answer: LoginAnswer
        do {
            answer = try LoginAnswer(
                body, head: issuing?.issued, paths: router.login(ticket.route), tokens: issued,
                now: now)
        } catch {
            return counters.add(.refreshUnread)
        }
        let previous = previous(ticket, issuing, now: now)
        guard let token = answer.token,
            let user = token.claims?.user ?? answer.user ?? owner(of: previous, now: now)
        else { return counters.add(.refreshUnread) }
        carryOn(previous, user: user, token, answer, now: now)
    }

    private func carryOn(
        _ previous: Previous, user: String, _ token: IssuedToken, _ answer: LoginAnswer,
        now: Milliseconds
    ) {
        let tag = token.tag(of: user)
        let old: SessionRef?
        switch previous {
        case .session(let session): old = session
        case .unknown: old = nil
        // Its own session, so that no other one is taken for it.
        case .ended:
            old = engine.subject(of: user).map { SessionRef(subjectWord: UInt64($0), tag: tag) }
        }
        func goOn(_ expires: Milliseconds, isKept: Bool) -> SessionRef? {
            engine.continueSession(
                of: user, from: old, as: tag, expires: expires, isKept: isKept, now: now)
        }
        switch token {
        case .signed(let claims, _):
            let session = goOn(claims.goodUntil, isKept: true)
            counters.add(session == nil ? .tokenNoRoom : .refreshSeen)
        case .opaque(let digest):
            var learnt = LearntToken(
                digest: digest, user: user, name: answer.name, session: tag,
                expires: answer.expires, seenAt: now)
            guard now < learnt.goodUntil else { return counters.add(.refreshUnread) }
            guard let session = goOn(learnt.goodUntil, isKept: false) else {
                return counters.add(.tokenNoRoom)
            }
            learnt.session = session.tag
            counters.add(engine.learn(learnt, now: now) ? .refreshSeen : .tokenNoRoom)
        }
    }

    private func previous(
        _ ticket: Ticket, _ issuing: Issuing?, now: Milliseconds
    ) -> Previous {
        if ticket.flags & Mark.identified != 0 {
            return .session(SessionRef(subjectWord: ticket.subject, tag: ticket.session))
        }
        guard let shown = issuing?.shown,
            let (claims, digest) = issued.past(shown.rawSpan, now: now)
        else { return .unknown }
        let found = engine.enroll(
            user: claims.user, name: claims.name, session: SessionNames.tag(claims, digest),
            revocation: SessionNames.revocation(claims, digest), expires: claims.goodUntil,
            isAdmin: claims.isAdmin, now: now)
        switch found {
        case .identity(let identity): return .session(identity.session)
        case .revoked: return .ended
        case .full, .unusableID: return .unknown
        }
    }

    private func owner(of previous: Previous, now: Milliseconds) -> String? {
        guard case .session(let session) = previous else { return nil }
        return engine.view(subject: session.subject, now: now).userID
    }

    // MARK: What waits

    /// A ticket whose token counts keeps its session's tag as the key; others have none, and the
    /// key takes its place. The number takes the place of an entry's, which is needed no more:
    /// a refresh that succeeds is not a 401 that ends the entry.
    private func park(_ issuing: Issuing, _ ticket: inout Ticket) {
        if ticket.flags & Mark.identified == 0 {
            issues += 1
            ticket.session = issues
        }
        let number = self.issuing.park(issuing, key: ticket.session)
        let marks = ticket.flags & (1 << Mark.numberShift - 1)
        ticket.flags = marks | number << Mark.numberShift
    }

    func unpark(_ ticket: Ticket) -> Issuing? {
        guard ticket.session != 0 else { return nil }
        return issuing.take(ticket.flags >> Mark.numberShift, key: ticket.session)
    }
}
