// Owns statuses that are set by hand, from the admin's word to their end.
// Called by the set-status endpoint, and by sightings that end a claim.
// Never waits for the store: the caller answers when `then` is called.

public import ProxyCore

extension PresenceEngine {
    /// An admin sets a status. In force at once; `then(true)`: it survives a kill -9. A newer
    /// claim replaces an older one.
    /// - Parameters:
    ///   - until: UTC until which it holds whatever the user does; nil: until the user's next
    ///     activity (a login and a logout are such).
    ///   - then: called once, on any thread; false: in force, but it could not be kept.
    /// - Returns: the user's presence now; nil, and `then` is never called: no room for a new
    ///   user, or an unusable id.
    public func claim(
        user: String, status: Status, until: Milliseconds?, now: Milliseconds,
        then: @escaping @Sendable (Bool) -> Void
    ) -> PresenceView? {
        guard Self.isUsable(user), let subject = subject(making: user, name: nil, now: now)
        else { return nil }
        let (view, grown) = explicit.withLock { _ in
            let done = locked(subject) { shard, local in
                let now = shard.settle(local, now)
                shard.claim(local, Claim(status: status, setAt: now, until: until))
                shard.conclude(local, now)
                return shard.view(local, now)
            }
            sink?.commit(
                .claimSet(
                    StoredClaim(user: user, status: status, setAt: done.0.asOf, until: until)),
                then: then)
            return done
        }
        if grown { tellGrown() }
        if sink == nil { then(true) }
        return view
    }

    /// Tells the store that an activity has ended a claim. Nobody waits for it: should it be
    /// lost, `last_active` after `setAt` says the same when the store is loaded.
    func forget(_ claim: StoredClaim) {
        sink?.commit(.claimCleared(user: claim.user, setAt: claim.setAt)) { _ in }
    }
}

extension Shard {
    /// Puts a claim in force. Without an end it takes hold of the next activity.
    mutating func claim(_ local: Int, _ claim: Claim) {
        claims[local] = claim
        if claim.until == nil { tables.users.setActive(subject(local), 0, held: true) }
        if rows[local].since == 0 { rows[local].since = claim.setAt }
    }

    /// An activity: it ends a claim that was to hold until then.
    /// - Returns: the claim that ended.
    mutating func activity(_ local: Int, _ now: Milliseconds) -> StoredClaim? {
        tables.users.setActive(subject(local), now, held: false)
        guard let claim = claims[local], claim.until == nil else { return nil }
        claims[local] = nil
        return StoredClaim(
            user: rows[local].id, status: claim.status, setAt: claim.setAt, until: nil)
    }
}
