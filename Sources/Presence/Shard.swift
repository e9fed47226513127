// Owns the users of one shard: their rows, claims and deadlines, and who of them is present.
// Called by the engine with the shard's lock; every change of status happens here.
// Never calls a listener or the store: the engine does, after the lock.

import ProxyCore

/// One of the parts into which users are dealt by their number, each under its own lock.
struct Shard {
    static let count = 64

    let tables: Tables
    let number: Int
    var rows: [UserRow] = []
    var claims: [Int: Claim] = [:]
    /// Subjects that are not offline, in no order.
    var present: [UInt32] = []
    var online = 0
    /// Users who show up in listings.
    var known = 0
    var deadlines = Deadlines()
    /// The journal has grown since `takeGrown`.
    private var grown = false

    init(_ tables: Tables, number: Int) {
        self.tables = tables
        self.number = number
    }

    static func number(of subject: Int) -> Int { subject % count }
    static func local(_ subject: Int) -> Int { subject / count }
    func subject(_ local: Int) -> Int { local * Self.count + number }

    /// Whether listeners have something to hear, once.
    mutating func takeGrown() -> Bool {
        defer { grown = false }
        return grown
    }

    /// Makes the row of a new user. Subjects of one shard may arrive out of order.
    mutating func place(_ subject: Int, id: String, name: String?, now: Milliseconds) {
        let local = Self.local(subject)
        while rows.count <= local {
            rows.append(UserRow())
            deadlines.grow()
        }
        rows[local].id = id
        rows[local].name = name
        rows[local].settledAt = now
    }

    // MARK: Time

    /// Announces every change of this user up to `now`, each with the moment at which it took
    /// place, and drops what has ended.
    /// - Returns: the user's time: `now`, or the latest moment already settled where another
    ///   loop's clock is ahead.
    mutating func settle(_ local: Int, _ now: Milliseconds) -> Milliseconds {
        let now = max(now, rows[local].settledAt)
        let outlook = hold(local, now)
        while let change = outlook.nextChange(after: rows[local].settledAt), change <= now {
            announce(local, outlook.status(at: change), since: change)
            rows[local].settledAt = change
        }
        rows[local].settledAt = now
        if let until = claims[local]?.until, until <= now { claims[local] = nil }
        dropEnded(local, now)
        return now
    }

    /// The outlook of a user, with every ending up to `now` made certain: what has ended is
    /// held, so that no sighting can revive it without the lock (see `Moment`).
    private func hold(_ local: Int, _ now: Milliseconds) -> Outlook {
        let subject = subject(local)
        var active = tables.users.active(subject)
        while Rules.idle(lastActive: active.time, tables.settings) <= now,
            !tables.users.hold(subject, seen: active)
        {
            active = tables.users.active(subject)
        }
        var outlook = Outlook(
            lastActive: active.time, claim: claims[local], tables.settings)
        forEachSession(local) { slot in
            guard !tables.sessions.state(slot).barred else { return }
            while true {
                let contact = tables.sessions.contact(slot)
                let facts = tables.sessions.facts(slot, contact: contact.time)
                let ended = Rules.end(of: facts, tables.settings) <= now
                if ended, !tables.sessions.hold(slot, seen: contact) { continue }
                return outlook.add(facts, tables.settings)
            }
        }
        return outlook
    }

    /// The outlook of a user who has just been settled.
    func outlook(_ local: Int) -> Outlook {
        var outlook = Outlook(
            lastActive: tables.users.active(subject(local)).time, claim: claims[local],
            tables.settings)
        forEachSession(local) { slot in
            guard !tables.sessions.state(slot).barred else { return }
            let contact = tables.sessions.contact(slot).time
            outlook.add(tables.sessions.facts(slot, contact: contact), tables.settings)
        }
        return outlook
    }

    /// After facts were changed at `now`: announces what that changed and arms the deadline.
    mutating func conclude(_ local: Int, _ now: Milliseconds) {
        let outlook = outlook(local)
        makeKnown(local)
        announce(local, outlook.status(at: now), since: now)
        rearm(local, outlook, now)
        tables.dirty.mark(subject(local))
    }

    mutating func makeKnown(_ local: Int) {
        guard !rows[local].isKnown else { return }
        rows[local].isKnown = true
        known += 1
    }

    /// The next moment at which this user must be looked at.
    mutating func rearm(_ local: Int, _ outlook: Outlook, _ now: Milliseconds) {
        var next = outlook.nextChange(after: now) ?? .max
        forEachSession(local) { slot in
            let state = tables.sessions.state(slot)
            if state.barred {
                next = min(next, tables.sessions.mark(slot))
                return
            }
            let contact = tables.sessions.contact(slot).time
            let facts = tables.sessions.facts(slot, contact: contact)
            next = min(next, Rules.end(of: facts, tables.settings))
        }
        if next < .max { deadlines.arm(local, by: next) }
    }

    // MARK: Status

    /// Writes a status into the row and the journal, where it is another.
    private mutating func announce(_ local: Int, _ status: Status, since: Milliseconds) {
        let previous = rows[local].status
        guard status != previous else { return }
        let subject = subject(local)
        setStatus(local, status, since: since)
        if (status == .online) != (previous == .online) {
            tables.hours.note(
                online: status == .online, counted: &rows[local].counted, at: since)
        }
        tables.journal.append(
            Change(
                subject: UInt32(subject), status: status, previous: previous, since: since))
        tables.dirty.mark(subject)
        grown = true
    }

    /// Writes a status without telling anybody, as when the store is loaded.
    mutating func setStatus(_ local: Int, _ status: Status, since: Milliseconds) {
        let previous = rows[local].status
        rows[local].status = status
        rows[local].since = since
        if previous == .online { online -= 1 }
        if status == .online { online += 1 }
        if previous == .offline, status != .offline {
            rows[local].place = Int32(present.count)
            present.append(UInt32(subject(local)))
        } else if previous != .offline, status == .offline {
            leavePresent(local)
        }
    }

    private mutating func leavePresent(_ local: Int) {
        let place = Int(rows[local].place)
        rows[local].place = -1
        guard let last = present.popLast(), place < present.count else { return }
        present[place] = last
        rows[Self.local(Int(last))].place = Int32(place)
    }
}
