// Owns what a logout ends: a token, its session, and with it perhaps all of the user's.
// Called when the backend has answered a logout request with success.
// Never acknowledges before the revocation is kept: `then` is the acknowledgement.

public import ProxyCore

extension PresenceEngine {
    /// A successful logout. The token is revoked until it expires; with the scope `user` all
    /// sessions of the user count for nothing until new contact, with `session` this one does.
    /// The sockets concerned are ordered to close.
    ///
    /// The logout is the user's own act: it is `last_active`, and it ends a claim without end.
    /// - Parameter then: called once, on any thread; true: the revocation survives a kill -9.
    public func logout(
        _ identity: Identity, now: Milliseconds, then: @escaping @Sendable (Bool) -> Void
    ) {
        let revocation = StoredRevocation(key: identity.revocation, expires: identity.expires)
        let (isFirst, grown) = explicit.withLock { _ in
            let isFirst = revocations.insert(
                identity.revocation, expires: identity.expires, now: now)
            learnt.remove(identity.revocation.digest)
            guard isFirst else {
                // Revoked before: it ends nothing more, but must be kept all the same.
                sink?.commit(.revoked(revocation), then: then)
                return (false, false)
            }
            let (user, grown) = locked(identity.subject) { shard, local in
                let now = shard.settle(local, now)
                shard.logOut(identity.session, now, settings.logoutScope)
                return shard.stored(local)
            }
            sink?.commit(.loggedOut(user: user, revocation: revocation), then: then)
            return (true, grown)
        }
        if grown { tellGrown() }
        if isFirst {
            orderClose(
                subject: identity.subject,
                session: settings.logoutScope == .user ? nil : identity.session.tag)
        }
        if sink == nil { then(true) }
    }
}

extension Shard {
    /// Ends the session, or all, of a user who has been settled at `now`.
    mutating func logOut(_ session: SessionRef, _ now: Milliseconds, _ scope: LogoutScope) {
        let local = Shard.local(Int(session.subject))
        if scope == .user {
            dropAll(local)
        } else {
            dropSession(local, tagged: Shard.loginTag)
        }
        bar(session, now)
        tables.users.see(Int(session.subject), now)
        _ = activity(local, now)
        if devices(local, now) == 0 { rows[local].loggedOutAt = now }
        conclude(local, now)
    }
}
