// Owns what the engine does with tokens that a login has shown: learn, find, forget.
// Called by whoever reads logins, identifies requests and sees the application's 401.
// Never waits for the store; what it changes goes there in the order in which it took effect.

public import ProxyCore

extension PresenceEngine {
    /// Makes the token one of this user: who shows it is that user, in that session.
    ///
    /// A token that was revoked counts again: some applications give the same one out at each
    /// login. At the bound the token that was unseen longest makes room, of the user first.
    /// - Parameter then: called once, on any thread; true: it survives a kill -9.
    /// - Returns: false, and `then` is never called: no room for the user, an unusable id, or a
    ///   token that has expired.
    @discardableResult
    public func learn(
        _ token: LearntToken, now: Milliseconds,
        then: @escaping @Sendable (Bool) -> Void = { _ in }
    ) -> Bool {
        guard Self.isUsable(token.user), now < token.goodUntil,
            let subject = subject(making: token.user, name: token.name, now: now)
        else { return false }
        var token = token
        token.name = token.name.map(Shard.bounded)
        token.session = Self.sessionTag(token.session)
        with(subject) { shard, local in shard.rename(local, token.name) }
        explicit.withLock { _ in
            revocations.lift(RevocationKey(token.digest))
            let gone = learnt.insert(token.digest, LearntEntry(token, subject), now: now)
            for digest in gone { sink?.commit(.tokenForgotten(digest)) { _ in } }
            sink?.commit(.tokenLearnt(token), then: then)
        }
        if sink == nil { then(true) }
        return true
    }

    /// What is known of a token; nil: nothing, or nothing that counts any more. Takes one lock
    /// of many; a token that was not seen for an hour is noted as seen.
    public func learnt(_ digest: TokenDigest, now: Milliseconds) -> LearntToken? {
        guard var entry = learnt.find(digest) else { return nil }
        guard now < entry.goodUntil else {
            forgetToken(digest, now: now)
            return nil
        }
        if now - entry.seen >= PresenceLimits.learntSeenEvery {
            learnt.see(digest, now: now)
            entry.seen = now
        }
        return with(entry.subject) { shard, local in
            LearntToken(
                digest: digest, user: shard.rows[local].id, name: shard.rows[local].name,
                isAdmin: entry.isAdmin, session: entry.session,
                expires: entry.expires == .max ? nil : entry.expires, seenAt: entry.seen)
        }
    }

    /// The token counts for nothing from now on: the application has said 401 to it. Costs a
    /// look-up where it was not known anyway.
    /// - Returns: whether it was known.
    @discardableResult
    public func forgetToken(_ digest: TokenDigest, now: Milliseconds) -> Bool {
        guard learnt.find(digest) != nil else { return false }
        return explicit.withLock { _ in
            guard learnt.remove(digest) != nil else { return false }
            sink?.commit(.tokenForgotten(digest)) { _ in }
            return true
        }
    }
}

extension LearntEntry {
    init(_ token: LearntToken, _ subject: UInt32) {
        self.init(
            subject: subject, session: token.session, isAdmin: token.isAdmin,
            expires: token.expires ?? .max, seen: token.seenAt)
    }
}
