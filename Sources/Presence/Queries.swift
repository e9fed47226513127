// Owns reading: one user, some, a page of all, and how many there are.
// Called by the endpoints and by whoever turns changes into messages.
// Never shows what a later announcement contradicts: what is read is settled first.

public import ProxyCore
import Synchronization

extension PresenceEngine {
    /// The presence of a user by id; of one never seen too.
    public func view(user: String, now: Milliseconds) -> PresenceView {
        guard let subject = users.find(user) else { return .unknown(user, asOf: now) }
        return view(subject: subject, now: now)
    }

    /// The presence of a user by the number that changes and identities carry.
    public func view(subject: UInt32, now: Milliseconds) -> PresenceView {
        with(subject) { shard, local in
            guard local < shard.rows.count else { return .unknown("", asOf: now) }
            let now = shard.settle(local, now)
            return shard.view(local, now)
        }
    }

    /// The little that a list shows of each of its users, by the bytes of the id.
    public func brief(
        user id: RawSpan, memo: inout UserMemo, now: Milliseconds
    ) -> PresenceBrief {
        guard let subject = memo.subject(of: id, in: users) else { return .unknown }
        return with(subject) { shard, local in
            guard local < shard.rows.count else { return .unknown }
            let now = shard.settle(local, now)
            return PresenceBrief(
                status: shard.rows[local].status, lastSeen: shard.lastSeen(local, now))
        }
    }

    /// In the order of the ids given.
    public func views(users: [String], now: Milliseconds) -> [PresenceView] {
        users.map { view(user: $0, now: now) }
    }

    /// In the order of the subjects given.
    public func views(subjects: [UInt32], now: Milliseconds) -> [PresenceView] {
        subjects.map { view(subject: $0, now: now) }
    }

    /// How many have which status. Settles what is due first, so that it is exact.
    public func counts(now: Milliseconds) -> PresenceCounts {
        settleDue(now)
        var counts = PresenceCounts(
            online: 0, away: 0, offline: 0, sockets: tables.sockets.load(ordering: .relaxed))
        for shard in shards {
            shard.withLock { shard in
                counts.online += shard.online
                counts.away += shard.present.count - shard.online
                counts.offline += shard.known - shard.present.count
            }
        }
        return counts
    }

    /// A page of users, and how many match. Users of whom nothing was heard and for whom nothing
    /// was set are not listed.
    ///
    /// Without `offline` among the statuses the cost is proportional to those present. Else all
    /// rows are visited, some 50 ns each, in short holds of the locks.
    public func page(_ query: UserQuery, now: Milliseconds) -> UserPage {
        settleDue(now)
        let offset = max(query.offset, 0)
        let limit = max(query.limit, 0)
        let (end, overflow) = offset.addingReportingOverflow(limit)
        var selection = Selection(query.ordering, keep: overflow ? .max : end)
        let filter = UserFilter(query)
        collect(filter, now, into: &selection)
        let wanted = selection.sorted().dropFirst(offset)
        return UserPage(
            count: selection.count,
            results: wanted.map { view(subject: $0.subject, now: now) })
    }

    /// Visits all users, or those present where nobody else can match.
    private func collect(
        _ filter: UserFilter, _ now: Milliseconds, into selection: inout Selection
    ) {
        let all = filter.mayBeOffline
        for shard in shards {
            var start = 0
            var more = true
            while more {
                more = shard.withLock { shard in
                    let count = all ? shard.rows.count : shard.present.count
                    let end = min(start + PresenceLimits.rowsPerHold, count)
                    guard start < end else { return false }
                    for place in start..<end {
                        let local = all ? place : Shard.local(Int(shard.present[place]))
                        shard.offer(local, filter, now, &selection)
                    }
                    start = end
                    return true
                }
            }
        }
    }
}

extension Shard {
    /// Offers a user to a listing, if the filter lets pass.
    func offer(
        _ local: Int, _ filter: UserFilter, _ now: Milliseconds, _ selection: inout Selection
    ) {
        let row = rows[local]
        guard row.isKnown else { return }
        let seen = lastSeen(local, now)
        guard filter.passes(row, seen: seen) else { return }
        selection.offer(
            subject: UInt32(subject(local)), id: row.id, name: row.name, seen: seen ?? 0)
    }

    /// An open socket is contact, so it is now; nil: never.
    func lastSeen(_ local: Int, _ now: Milliseconds) -> Milliseconds? {
        if rows[local].sockets > 0 { return now }
        let subject = subject(local)
        // A sighting moves the session's contact first: the column may be a moment behind.
        var seen = max(tables.users.seen(subject), tables.users.active(subject).time)
        forEachSession(local) { slot in
            seen = max(seen, tables.sessions.contact(slot).time)
        }
        return seen == 0 ? nil : seen
    }

    /// The picture of a user who has been settled at `now`.
    func view(_ local: Int, _ now: Milliseconds) -> PresenceView {
        let row = rows[local]
        let subject = subject(local)
        let active = tables.users.active(subject).time
        let devices = devices(local, now)
        return PresenceView(
            userID: row.id, name: row.name, status: row.status, lastSeen: lastSeen(local, now),
            lastActive: active == 0 ? nil : active, since: row.since == 0 ? nil : row.since,
            devices: devices, cause: cause(local, now, devices: devices), asOf: now,
            subject: UInt32(subject))
    }

    private func cause(_ local: Int, _ now: Milliseconds, devices: Int) -> Cause {
        let row = rows[local]
        let subject = subject(local)
        if let claim = claims[local], now < claim.until ?? .max { return .setByAdmin }
        if row.loggedOutAt > 0, devices == 0 { return .loggedOut(at: row.loggedOutAt) }
        if let (label, at) = tables.users.label(subject),
            row.sockets == 0 || now - at < tables.settings.offlineAfter
        {
            return .sighted(label, at: at)
        }
        if row.sockets > 0 { return .openSocket }
        if devices > 0 { return .presumed }
        let seen = tables.users.seen(subject)
        return seen == 0 ? .nothing : .seen(at: seen)
    }
}
