// Owns the passage of users between memory and the store, both ways.
// Called by the store's thread (drain) and once at the start (restore).
// Never announces anybody at the start; a drain settles whom it hands out, like any read.

public import ProxyCore

extension PresenceEngine: DirtySource {
    public func drainDirty(limit: Int, now: Milliseconds) -> [StoredUser] {
        let words = (users.count + 63) / 64
        guard words > 0, limit > 0 else { return [] }
        var grown = false
        let batch = drained.withLock { cursor in
            var taken: [StoredUser] = []
            for _ in 0..<words {
                cursor = (cursor + 1) % words
                var bits = tables.dirty.take(word: cursor)
                while bits != 0, taken.count < limit {
                    let bit = bits.trailingZeroBitCount
                    bits &= bits &- 1
                    let stored = locked(UInt32(cursor * 64 + bit)) { shard, local in
                        _ = shard.settle(local, now)
                        return shard.stored(local)
                    }
                    taken.append(stored.0)
                    grown = grown || stored.grown
                }
                if bits != 0 {
                    tables.dirty.put(word: cursor, bits)
                    cursor = (cursor + words - 1) % words
                }
                if taken.count >= limit { break }
            }
            return taken
        }
        if grown { tellGrown() }
        return batch
    }

    public func drainSeen(limit: Int) -> [SeenToken] { learnt.drainSeen(limit: limit) }

    /// Loads what a former process kept. Sessions live when it last wrote are presumed so until
    /// one full `offline_after` from the start.
    func restore(_ state: RestoredState) {
        let start = settings.startedAt
        for revocation in state.revocations {
            revocations.insert(revocation.key, expires: revocation.expires, now: start)
        }
        var claims: [UserKey: StoredClaim] = [:]
        for claim in state.claims { claims[UserKey(id: claim.user)] = claim }
        for user in state.users {
            let claim = claims.removeValue(forKey: UserKey(id: user.id))
            restore(user, claim, aliveAt: state.aliveAt)
        }
        for claim in claims.values {
            restore(StoredUser(id: claim.user), claim, aliveAt: state.aliveAt)
        }
        // The one seen longest ago first: it makes room first.
        for token in state.learnt.sorted(by: { $0.seenAt < $1.seenAt }) { restore(token) }
        for continuation in state.continued { restore(continuation) }
    }

    private func restore(_ token: LearntToken) {
        let start = settings.startedAt
        var token = token
        token.seenAt = min(max(token.seenAt, 0), start)
        token.session = Self.sessionTag(token.session)
        guard Self.isUsable(token.user), start < token.goodUntil,
            let subject = subject(making: token.user, name: token.name, now: 0)
        else { return }
        _ = learnt.insert(token.digest, LearntEntry(token, subject), now: start)
    }

    private func restore(_ continuation: StoredContinuation) {
        guard Self.isUsable(continuation.user),
            let subject = subject(making: continuation.user, name: nil, now: 0)
        else { return }
        let key = SessionKey(subject: subject, tag: Self.sessionTag(continuation.tag))
        continued.withLock { continued in
            _ = continued.insert(
                key, Self.sessionTag(continuation.session), expires: continuation.expires,
                now: settings.startedAt)
        }
    }

    /// Between 1970 and the start: a clock that was set back in between, or a damaged file, must
    /// not keep anybody present for years.
    private func bounded(_ user: StoredUser) -> StoredUser {
        let start = settings.startedAt
        func bound(_ time: Milliseconds) -> Milliseconds { min(max(time, 0), start) }
        var user = user
        user.lastSeen = user.lastSeen.map(bound)
        user.lastActive = user.lastActive.map(bound)
        user.since = user.since.map(bound)
        user.loggedOutAt = user.loggedOutAt.map(bound)
        for index in user.sessions.indices {
            user.sessions[index].contact = bound(user.sessions[index].contact)
        }
        return user
    }

    private func restore(_ user: StoredUser, _ claim: StoredClaim?, aliveAt: Milliseconds) {
        guard Self.isUsable(user.id),
            let subject = subject(making: user.id, name: user.name, now: 0)
        else { return }
        let aliveAt = min(max(aliveAt, 0), settings.startedAt)
        let claim = claim.map { claim in
            StoredClaim(
                user: claim.user, status: claim.status,
                setAt: min(max(claim.setAt, 0), settings.startedAt), until: claim.until)
        }
        _ = locked(subject) { shard, local in
            shard.restore(local, bounded(user), claim, aliveAt: aliveAt)
        }
    }
}

extension Shard {
    /// What the store keeps of a user who has been settled.
    func stored(_ local: Int) -> StoredUser {
        let row = rows[local]
        let subject = subject(local)
        let active = tables.users.active(subject).time
        var seen = max(tables.users.seen(subject), active)
        var sessions: [StoredSession] = []
        forEachSession(local) { slot in
            let state = tables.sessions.state(slot)
            let contact = tables.sessions.contact(slot).time
            seen = max(seen, contact)
            guard !state.barred else { return }
            sessions.append(
                StoredSession(
                    tag: tables.sessions.tag(slot), contact: contact, saidAway: state.saidAway,
                    open: state.sockets > 0))
        }
        return StoredUser(
            id: row.id, name: row.name, lastSeen: seen == 0 ? nil : seen,
            lastActive: active == 0 ? nil : active, status: row.status,
            since: row.since == 0 ? nil : row.since,
            loggedOutAt: row.loggedOutAt == 0 ? nil : row.loggedOutAt, sessions: sessions)
    }

    /// Fills a new row, brings its status up to `aliveAt` by the facts and from there to the
    /// start by the presumption, and tells nobody.
    mutating func restore(
        _ local: Int, _ user: StoredUser, _ claim: StoredClaim?, aliveAt: Milliseconds
    ) {
        let subject = subject(local)
        var seen = max(user.lastSeen ?? 0, user.lastActive ?? 0)
        tables.users.setActive(subject, user.lastActive ?? 0, held: false)
        makeKnown(local)
        rows[local].loggedOutAt = user.loggedOutAt ?? 0
        if let claim, claim.until != nil || user.lastActive ?? .min <= claim.setAt {
            self.claim(
                local, Claim(status: claim.status, setAt: claim.setAt, until: claim.until))
        }
        setStatus(local, user.status, since: user.since ?? 0)
        var past = Outlook(
            lastActive: user.lastActive, claim: claims[local], tables.settings)
        for session in user.sessions {
            let contact = session.open ? max(session.contact, aliveAt) : session.contact
            seen = max(seen, contact)
            let facts = SessionFacts(contact: contact, saidAway: session.saidAway)
            past.add(facts, tables.settings)
            if aliveAt < Rules.end(of: facts, tables.settings) {
                presume(subject, session, contact: contact)
            }
        }
        tables.users.see(subject, seen)
        catchUp(local, past, from: user.since ?? aliveAt, to: aliveAt)
        let start = tables.settings.startedAt
        catchUp(local, outlook(local), from: aliveAt, to: start)
        rows[local].settledAt = start
        // Whoever left in this hour was counted in it before.
        if rows[local].status != .online {
            rows[local].counted = tables.hours.counted(since: rows[local].since)
        }
        rearm(local, outlook(local), start)
    }

    private mutating func presume(
        _ subject: Int, _ stored: StoredSession, contact: Milliseconds
    ) {
        var session = SessionRef(
            subject: UInt32(subject), hint: SessionRef.noHint,
            tag: max(stored.tag, Shard.loginTag))
        guard let slot = open(&session) else { return }
        var state = SessionState(word: 0)
        state.saidAway = stored.saidAway
        state.presumed = true
        tables.sessions.set(slot, state, mark: 0, contact: contact)
    }

    /// Follows an outlook quietly. Where it starts from another status than was stored (a claim
    /// is kept at once, a status with the next flush), that one began with the claim.
    private mutating func catchUp(
        _ local: Int, _ outlook: Outlook, from start: Milliseconds, to end: Milliseconds
    ) {
        var moment = start
        while let change = outlook.nextChange(after: moment), change <= end {
            note(local, outlook.status(at: change), since: change)
            moment = change
        }
        note(local, outlook.status(at: end), since: claims[local]?.setAt ?? end)
    }

    private mutating func note(_ local: Int, _ status: Status, since: Milliseconds) {
        guard status != rows[local].status else { return }
        setStatus(local, status, since: since)
    }
}
