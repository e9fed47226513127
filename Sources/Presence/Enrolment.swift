// Owns how users and tokens become known, and whether a token still counts.
// Called on a miss of a verdict cache, at each request's head, and when a login succeeds.
// Never counts a token that was only shown as a sighting.

public import ProxyCore
import Synchronization

extension PresenceEngine {
    /// Makes a verified token known; the user's row is made where it is new. Counts as no
    /// sighting.
    /// - Parameter tag: first 8 bytes of SHA-256(user id, 0, session key).
    public func enroll(
        user: String, name: String?, session tag: UInt64, revocation: RevocationKey,
        expires: Milliseconds, isAdmin: Bool, now: Milliseconds
    ) -> Enrollment {
        // The epoch first: a revocation after it makes `isRevoked` look again.
        let epoch = revocations.epoch
        guard !revocations.contains(revocation, now: now) else { return .revoked }
        guard Self.isUsable(user) else { return .unusableID }
        guard let subject = subject(making: user, name: name, now: now) else { return .full }
        var session = SessionRef(
            subject: subject, hint: SessionRef.noHint,
            tag: self.session(tag, of: subject, now: now))
        with(subject) { shard, local in
            shard.rename(local, name)
            shard.unbar(&session)
            _ = shard.find(&session)
        }
        return .identity(
            Identity(
                session: session, revocation: revocation, expires: expires, isAdmin: isAdmin,
                epoch: epoch))
    }

    /// Whether the token has been revoked since it was last found good. One load where nothing
    /// has been revoked meanwhile. Ask at each request's head.
    public func isRevoked(_ identity: inout Identity, now: Milliseconds) -> Bool {
        let epoch = revocations.epoch
        guard epoch != identity.epoch else { return false }
        guard !revocations.contains(identity.revocation, now: now) else { return true }
        identity.epoch = epoch
        // Another token of the same session may have been revoked: this one counts all the same.
        var session = identity.session
        with(session.subject) { shard, _ in shard.unbar(&session) }
        identity.session = session
        return false
    }

    /// A successful login: online at once. `session`: the tag of the new token's session, where
    /// the answer showed the token; the first session seen takes the login over where not.
    /// - Returns: false: no room for the user, or an unusable id.
    @discardableResult
    public func login(
        user: String, name: String?, session tag: UInt64?, now: Milliseconds
    ) -> Bool {
        guard Self.isUsable(user),
            let subject = subject(making: user, name: name, now: now)
        else { return false }
        let tag = tag.map { self.session($0, of: subject, now: now) } ?? Shard.loginTag
        var session = SessionRef(subject: subject, hint: SessionRef.noHint, tag: tag)
        let ended: StoredClaim? = with(subject) { shard, local in
            let now = shard.settle(local, now)
            shard.rename(local, name)
            shard.unbar(&session)
            _ = shard.contact(&session, now) { $0.saidAway = false }
            let ended = shard.activity(local, now)
            tables.users.setLabel(Int(subject), "login", now)
            shard.conclude(local, now)
            return ended
        }
        if let ended { forget(ended) }
        return true
    }

    /// The row of a user, where there is one.
    public func subject(of user: String) -> UInt32? { users.find(user) }

    /// The row of a user, made where there is none; nil: the table is full.
    func subject(making user: String, name: String?, now: Milliseconds) -> UInt32? {
        if let subject = users.find(user) { return subject }
        let made = users.findOrMake(user) { subject in
            shards[Shard.number(of: subject)].withLock { shard in
                shard.place(subject, id: user, name: name.map(Shard.bounded), now: now)
            }
        }
        if made == nil { tables.untrackedUsers.wrappingAdd(1, ordering: .relaxed) }
        return made
    }

    static func isUsable(_ user: String) -> Bool {
        !user.isEmpty && user.utf8.count <= PresenceLimits.userID
    }

    /// Tags 0 and 1 mean a free row and a login; a hash that yields them is moved aside.
    static func sessionTag(_ tag: UInt64) -> UInt64 { tag > 1 ? tag : tag + 2 }
}

extension Shard {
    /// A name newly learnt; nil: nothing was learnt.
    mutating func rename(_ local: Int, _ name: String?) {
        guard let name, name != rows[local].name else { return }
        rows[local].name = Self.bounded(name)
        if rows[local].isKnown { tables.dirty.mark(subject(local)) }
    }

    /// Cut at a character.
    static func bounded(_ name: String) -> String {
        guard name.utf8.count > PresenceLimits.name else { return name }
        var kept = ""
        var size = 0
        for character in name {
            size += character.utf8.count
            guard size <= PresenceLimits.name else { break }
            kept.append(character)
        }
        return kept
    }
}
