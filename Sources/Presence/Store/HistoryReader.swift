// Owns reading one user's history back.
// Called by StoreCore for each question, once what waited has been written.
// Never reads more than was asked for: the rows of one user in a day stand together.

import ProxyCore

extension HistoryBook {
    /// - Parameters:
    ///   - to: nil: now.
    ///   - limit: intervals at most.
    func read(
        _ user: String, from: Milliseconds, to: Milliseconds?, limit: Int, now: Milliseconds
    ) throws(DatabaseError) -> UserHistory {
        let kept = max(plan.keep.map { now - $0 } ?? now, horizon)
        var history = UserHistory(from: max(from, kept), to: min(to ?? now, now))
        guard history.from < history.to else {
            history.from = min(history.from, history.to)
            return history
        }
        var marks = try closed(user, in: history, limit: limit + 1, now: now)
        if marks.count <= limit, let last = try lasting(user, before: history.to) {
            let isOpen = history.to == now
            marks.append(
                HistoryInterval(
                    status: last.status, from: last.since, to: isOpen ? nil : history.to))
        }
        if marks.count > limit {
            history.isCut = true
            marks.removeLast(marks.count - limit)
            if let end = marks.last?.to { history.to = min(history.to, end) }
        }
        for mark in marks {
            var mark = mark
            mark.from = max(mark.from, history.from)
            mark.to = mark.to.map { min($0, history.to) }
            if mark.status == .online { history.online += (mark.to ?? history.to) - mark.from }
            history.intervals.append(mark)
        }
        history.gaps = try gaps(in: history)
        return history
    }

    /// Intervals that have ended, in order: they stand under the day in which they did.
    private func closed(
        _ user: String, in history: UserHistory, limit: Int, now: Milliseconds
    ) throws(DatabaseError) -> [HistoryInterval] {
        var found: [HistoryInterval] = []
        var rows = try database.prepare(
            """
            SELECT began, ended, status FROM intervals
            WHERE day = ? AND user = ? AND ended > ? ORDER BY began LIMIT ?
            """)
        let first = Self.day(of: history.from)
        for day in first...max(Self.day(of: now), first) {
            rows.bind(1, day)
            rows.bind(2, user)
            rows.bind(3, history.from)
            rows.bind(4, Int64(limit - found.count))
            while try rows.step() {
                // The first that begins behind the end: all that follow do.
                guard rows.integer(0) < history.to else {
                    rows.reset()
                    return found
                }
                found.append(
                    HistoryInterval(
                        status: Self.status(rows.integer(2)), from: rows.integer(0),
                        to: rows.integer(1)))
            }
            if found.count >= limit { break }
        }
        return found
    }

    private func lasting(
        _ user: String, before end: Milliseconds
    ) throws(DatabaseError) -> StatusMark? {
        var row = try database.prepare(
            "SELECT status, since FROM present WHERE user = ? AND since < ?")
        row.bind(1, user)
        row.bind(2, end)
        guard try row.step() else { return nil }
        return StatusMark(
            user: user, status: Self.status(row.integer(0)), since: row.integer(1))
    }

    private func gaps(in history: UserHistory) throws(DatabaseError) -> [HistoryGap] {
        var rows = try database.prepare(
            "SELECT began, ended FROM gaps WHERE ended > ? AND began < ? ORDER BY began LIMIT ?")
        rows.bind(1, history.from)
        rows.bind(2, history.to)
        rows.bind(3, Int64(PresenceLimits.storeHistoryGaps))
        var gaps: [HistoryGap] = []
        while try rows.step() {
            gaps.append(
                HistoryGap(
                    from: max(rows.integer(0), history.from),
                    to: min(rows.integer(1), history.to)))
        }
        return gaps
    }
}
