// Owns writing the history: who had which status from when to when.
// Called by StoreCore, inside and outside its transactions, with changes from the journal.
// Never loses a change in silence: what the journal had no room for is marked as a gap.

import ProxyCore

/// The history's side of the store's thread. Lives shorter than its database.
///
/// The journal itself is the queue: it holds `PresenceLimits.journal` changes, and this reads on
/// from a cursor of its own. Who is present stands in one table, closed intervals in another.
final class HistoryBook {
    private enum Work {
        /// Of this life's first moment: what a former life left open is closed or goes on.
        case begin(present: [StatusMark], aliveAt: Milliseconds)
        case marks([StatusMark])
        /// Changes since the moment are lost: who is present now is all that is known.
        case gap(since: Milliseconds, until: Milliseconds, present: [StatusMark])
    }

    let plan: HistoryPlan
    let database: Database
    private var open: Statement
    private var enter: Statement
    private var leave: Statement
    private var interval: Statement
    private var gap: Statement
    private var hour: Statement

    /// Read from the engine and not written yet, and where the journal goes on behind it.
    private var unwritten: [Work] = []
    private var hours: [HourTally] = []
    private var cursor: Cursor
    /// UTC of the last moment at which nothing was waiting.
    private var readAt: Milliseconds
    /// Intervals at most, in memory alone; nil: the disk is the operator's.
    let bound: Int?
    /// Closed intervals written, and times at which changes were lost.
    private(set) var written = 0
    private(set) var gaps = 0
    /// What ended earlier has made room in memory.
    var horizon: Milliseconds = 0
    private var held = 0

    /// Before traffic begins: who is present now was so when the former life ended.
    init(
        _ plan: HistoryPlan, _ database: Database, aliveAt: Milliseconds, bound: Int? = nil
    ) throws(DatabaseError) {
        self.plan = plan
        self.database = database
        self.bound = bound
        cursor = plan.source.end
        readAt = plan.startedAt
        open = try database.prepare("SELECT status, since FROM present WHERE user = ?")
        enter = try database.prepare(
            "INSERT OR REPLACE INTO present (user, status, since) VALUES (?, ?, ?)")
        leave = try database.prepare("DELETE FROM present WHERE user = ?")
        interval = try database.prepare(
            """
            INSERT OR REPLACE INTO intervals (day, user, began, ended, status)
            VALUES (?, ?, ?, ?, ?)
            """)
        gap = try database.prepare("INSERT OR REPLACE INTO gaps (began, ended) VALUES (?, ?)")
        hour = try database.prepare(
            "INSERT OR REPLACE INTO hours (hour, peak, peak_at, users) VALUES (?, ?, ?, ?)")
        let present = plan.keep == nil ? [] : plan.source.allPresent()
        unwritten = [.begin(present: present, aliveAt: aliveAt)]
    }

    var hasUnwritten: Bool { !unwritten.isEmpty || !hours.isEmpty }

    /// Takes what has changed, a batch of it.
    /// - Returns: whether that was all.
    func drain(now: Milliseconds) -> Bool {
        hours += plan.source.drainHours()
        guard plan.keep != nil else { return true }
        guard unwritten.count <= 1 else { return false }
        let limit = PresenceLimits.dirtyBatch
        switch plan.source.changes(since: cursor, limit: limit) {
        case .marks(let marks, let next):
            cursor = next
            if !marks.isEmpty { unwritten.append(.marks(marks)) }
            let isAll = marks.count < limit
            if isAll { readAt = now }
            return isAll
        case .lost(let next):
            // Before the picture is taken: what changes meanwhile comes again.
            cursor = next
            let since = readAt
            readAt = now
            gaps += 1
            unwritten.append(.gap(since: since, until: now, present: plan.source.allPresent()))
            return false
        }
    }

    /// Writes what was taken, in a transaction of the caller's.
    func write() throws(DatabaseError) {
        for work in unwritten {
            switch work {
            case .begin(let present, let aliveAt): try begin(present, aliveAt: aliveAt)
            case .marks(let marks): for mark in marks { try write(mark) }
            case .gap(let since, let until, let present):
                try writeGap(from: since, to: until)
                try reconcile(present, known: until, until: until)
            }
        }
        for tally in hours {
            hour.bind(1, tally.hour)
            hour.bind(2, Int64(tally.peak))
            hour.bind(3, tally.peakAt)
            hour.bind(4, Int64(tally.users))
            try hour.run()
        }
    }

    /// The transaction is on the disk.
    func wrote() {
        unwritten = []
        hours = []
    }

    private func write(_ mark: StatusMark) throws(DatabaseError) {
        var since = mark.since
        if let before = try presence(of: mark.user) {
            guard before.status != mark.status else { return }
            since = max(since, before.since)
            try close(before, at: since)
        }
        if mark.status == .offline {
            leave.bind(1, mark.user)
            try leave.run()
        } else {
            try write(open: StatusMark(user: mark.user, status: mark.status, since: since))
        }
    }

    private func presence(of user: String) throws(DatabaseError) -> StatusMark? {
        open.bind(1, user)
        defer { open.reset() }
        guard try open.step() else { return nil }
        return StatusMark(
            user: user, status: Self.status(open.integer(0)), since: open.integer(1))
    }

    private func write(open mark: StatusMark) throws(DatabaseError) {
        enter.bind(1, mark.user)
        enter.bind(2, Int64(mark.status.rawValue))
        enter.bind(3, mark.since)
        try enter.run()
    }

    private func close(_ mark: StatusMark, at end: Milliseconds) throws(DatabaseError) {
        guard end > mark.since else { return }
        interval.bind(1, Self.day(of: end))
        interval.bind(2, mark.user)
        interval.bind(3, mark.since)
        interval.bind(4, end)
        interval.bind(5, Int64(mark.status.rawValue))
        try interval.run()
        written += 1
        held += 1
    }

    private func writeGap(from: Milliseconds, to: Milliseconds) throws(DatabaseError) {
        guard to > from else { return }
        gap.bind(1, from)
        gap.bind(2, to)
        try gap.run()
    }

    // MARK: Beginnings

    /// What a former life left open goes on where the engine presumes so; after a long pause it
    /// ended when that life was last seen, and who is presumed present is so from the start.
    private func begin(
        _ present: [StatusMark], aliveAt: Milliseconds
    ) throws(DatabaseError) {
        guard plan.keep != nil else {
            try database.execute("DELETE FROM present")
            return
        }
        let start = plan.startedAt
        // Of the time before the first line of it a history says nothing.
        if try isBlank() { try writeGap(from: 0, to: start) }
        guard aliveAt > 0, start - aliveAt > plan.tolerance else {
            return try reconcile(present, known: aliveAt, until: start)
        }
        try writeGap(from: aliveAt, to: start)
        for before in try allOpen() { try close(before, at: max(before.since, aliveAt)) }
        try database.execute("DELETE FROM present")
        for mark in present {
            try write(
                open: StatusMark(user: mark.user, status: mark.status, since: start))
        }
    }

    private func isBlank() throws(DatabaseError) -> Bool {
        let rows = try database.integer(
            """
            SELECT EXISTS (SELECT 1 FROM intervals) + EXISTS (SELECT 1 FROM present)
                + EXISTS (SELECT 1 FROM gaps) + EXISTS (SELECT 1 FROM hours)
            """)
        return rows == 0
    }

    /// Makes the table of those present what the engine says.
    /// - Parameter known: when those ended of whom the engine does not know it.
    private func reconcile(
        _ present: [StatusMark], known: Milliseconds, until now: Milliseconds
    ) throws(DatabaseError) {
        let staying = Set(present.map { UserKey(id: $0.user) })
        for before in try allOpen() where !staying.contains(UserKey(id: before.user)) {
            let mark = plan.source.mark(of: before.user)
            // Back already: that comes with the next batch.
            let isEnd = mark.status == .offline && mark.since > 0
            let end = isEnd ? min(mark.since, now) : known
            try write(StatusMark(user: before.user, status: .offline, since: end))
        }
        for mark in present { try write(mark) }
    }

    private func allOpen() throws(DatabaseError) -> [StatusMark] {
        var rows = try database.prepare("SELECT user, status, since FROM present")
        var all: [StatusMark] = []
        while try rows.step() {
            all.append(
                StatusMark(
                    user: rows.text(0), status: Self.status(rows.integer(1)),
                    since: rows.integer(2)))
        }
        return all
    }

    static func day(of moment: Milliseconds) -> Int64 { max(moment, 0) / 86_400_000 }

    static func status(_ value: Int64) -> Status {
        UInt8(exactly: value).flatMap(Status.init(rawValue:)) ?? .offline
    }

    // MARK: Forgetting

    /// Deletes what is too old, some rows a pass, in a transaction of the caller's.
    /// - Returns: rows deleted.
    func prune(now: Milliseconds) throws(DatabaseError) -> Int {
        var first = try database.prepare("DELETE FROM hours WHERE hour < ?")
        first.bind(1, HourTally.hour(of: now) - 2 * Int64(PresenceLimits.hours))
        try first.run()
        let oldest = plan.keep.map { now - $0 } ?? .max
        var gaps = try database.prepare("DELETE FROM gaps WHERE ended < ?")
        gaps.bind(1, oldest)
        try gaps.run()
        // Whole days: the oldest rows stand together, so that finding them costs nothing.
        var rows = try database.prepare(
            """
            DELETE FROM intervals WHERE (day, user, began) IN
                (SELECT day, user, began FROM intervals WHERE day < ? LIMIT ?)
            """)
        rows.bind(1, oldest == .max ? .max : Self.day(of: oldest))
        rows.bind(2, Int64(PresenceLimits.storeHistoryPrune))
        try rows.run()
        return database.changes
    }

    /// In memory: the oldest make room where there are too many.
    func makeRoom() throws(DatabaseError) {
        guard let bound, held > bound else { return }
        let tenth = max(bound / 10, 1)
        let last = try database.integer(
            "SELECT max(ended) FROM (SELECT ended FROM intervals ORDER BY ended LIMIT \(tenth))")
        var rows = try database.prepare("DELETE FROM intervals WHERE ended <= ?")
        rows.bind(1, last)
        try rows.run()
        horizon = max(horizon, last ?? 0)
        held = Int(try database.integer("SELECT count(*) FROM intervals") ?? 0)
    }
}
