// Owns logouts by credentials of which it is only known whose they were when last asked about.
// Called by admission, for routes marked as logouts.
// Never lets such a credential count as its owner's: it can end a session, and nothing else.

import Presence
import ProxyCore

extension PresenceApplication {
    /// A logout may be the first request for hours, long after what the application said of its
    /// credential has ceased to hold: to ask first would keep the client waiting, and to ask
    /// afterwards is too late. So whose it was decides what a *successful* logout ends.
    ///
    /// - Returns: nil where nobody ever owned it.
    func ticketOfFormerOwner(
        _ token: RawSpan, _ rule: Rule, _ route: UInt32, now: Milliseconds
    ) -> Ticket? {
        guard rule.flags & Mark.logout != 0, let desk = service.desk else { return nil }
        let digest = TokenDigest.of(token)
        guard let owner = desk.owner(of: digest) else { return nil }
        let enrollment = engine.enroll(
            user: owner.user, name: nil, session: owner.session,
            revocation: RevocationKey(digest), expires: now + InquiryLimits.refusedTime,
            isAdmin: false, now: now)
        guard case .identity(let identity) = enrollment else { return nil }
        let number = logouts.park(identity, key: identity.session.tag)
        return Ticket(
            route: route, flags: rule.flags | Mark.former | number << Mark.numberShift,
            subject: identity.session.subjectWord, session: identity.session.tag,
            note: rule.note)
    }
}
