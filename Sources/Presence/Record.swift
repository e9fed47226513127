// Owns what is kept of each user: the columns that every loop writes, and the row under lock.
// Called by sightings without a lock (columns), by the user's shard with it (rows).
// Never knows the rules.

import ProxyCore

/// The part of a user's row that only the holder of the shard's lock touches.
struct UserRow {
    var id = ""
    var name: String?
    /// When the status began; 0: nothing was ever announced.
    var since: Milliseconds = 0
    /// The moment up to which all changes have been announced.
    var settledAt: Milliseconds = 0
    /// 0: no logout, or a contact since.
    var loggedOutAt: Milliseconds = 0
    /// Head of the list of sessions; -1: none.
    var firstSession: Int32 = -1
    /// Open sockets of sessions that count.
    var sockets: Int32 = 0
    /// Where the shard lists those who are not offline; -1: not there.
    var place: Int32 = -1
    /// The hour in which the user was counted last, see `HourBook`.
    var counted: Int32 = 0
    var status: Status = .offline
    /// Something was heard of the user, or set for them; a token that was only shown is nothing.
    var isKnown = false
}

/// The part that is written on every sighting, without a lock.
///
/// A plain value, like `DirtyBits` and `SessionColumns`: sightings count no reference. `Tables`
/// keeps the memory.
struct UserColumns: Sendable {
    private enum Column {
        static let seen = 0
        static let active = 1
        /// One more than the hint of the session opened last, for callers whose own is out of
        /// date; 0: none was.
        static let hint = 2
        static let labelAt = 3
        static let label = 4
        static let count = 4 + Label.words
    }
    /// Set in `labelAt` while a label is being written.
    private static let writing: Int64 = 1 << 62

    private let rows: AtomicRows

    /// - Parameter table: of `columns` columns.
    init(_ table: AtomicTable) { rows = table.rows }

    static var columns: Int { Column.count }

    /// Moves `last_active` to `now`. False: a change may hang on it: take the lock.
    @inline(__always)
    func touch(_ subject: Int, _ now: Milliseconds, within limit: Milliseconds) -> Bool {
        rows.move(subject, Column.active, to: now, within: limit)
    }

    @inline(__always)
    func see(_ subject: Int, _ now: Milliseconds) {
        rows.advance(subject, Column.seen, to: now)
    }

    /// Points a reference without a good hint to the session opened last, which mostly is the
    /// one. False: it did so already.
    @inline(__always)
    func renew(_ session: inout SessionRef) -> Bool {
        let word = rows.load(Int(session.subject), Column.hint)
        let hint = UInt32(truncatingIfNeeded: word &- 1)
        guard word != 0, hint != session.hint else { return false }
        session.hint = hint
        return true
    }

    func setHint(_ session: SessionRef) {
        rows.store(Int(session.subject), Column.hint, Int64(session.hint) + 1)
    }

    func seen(_ subject: Int) -> Milliseconds { rows.load(subject, Column.seen) }

    func active(_ subject: Int) -> Moment { Moment(word: rows.observe(subject, Column.active)) }

    /// With the lock: `held` where the next activity changes something.
    func setActive(_ subject: Int, _ now: Milliseconds, held: Bool) {
        rows.settle(subject, Column.active, to: now, held: held)
    }

    /// Holds `last_active` where it still is what the caller saw.
    func hold(_ subject: Int, seen: Moment) -> Bool {
        seen.isHeld
            || rows.replace(
                subject, Column.active, expected: seen.word, with: seen.held(true).word)
    }

    /// Samples the label unless one was within the last second. One writer at a time wins.
    @inline(__always)
    func sample(_ subject: Int, _ label: RawSpan, _ now: Milliseconds) {
        let last = rows.load(subject, Column.labelAt)
        guard now - last >= PresenceLimits.labelEvery else { return }
        write(subject, label, now, last)
    }

    /// The label whatever was sampled before; given up where another is just being written.
    func setLabel(_ subject: Int, _ label: RawSpan, _ now: Milliseconds) {
        let last = rows.load(subject, Column.labelAt)
        guard last & Self.writing == 0, now >= last else { return }
        write(subject, label, now, last)
    }

    func setLabel(_ subject: Int, _ label: StaticString, _ now: Milliseconds) {
        setLabel(subject, label.description.rawSpan, now)
    }

    private func write(
        _ subject: Int, _ label: RawSpan, _ now: Milliseconds, _ last: Milliseconds
    ) {
        let claimed = rows.replace(
            subject, Column.labelAt, expected: last, with: now | Self.writing)
        guard claimed else { return }
        for index in 0..<Label.words {
            rows.publish(subject, Column.label + index, Label.word(of: label, index))
        }
        rows.publish(subject, Column.labelAt, now)
    }

    /// The label and when it was taken; nil: none yet, or it is being written this moment.
    func label(_ subject: Int) -> (Label, Milliseconds)? {
        for _ in 0..<3 {
            let before = rows.observe(subject, Column.labelAt)
            guard before > 0 else { return nil }
            guard before & Self.writing == 0 else { continue }
            var words: InlineArray<6, Int64> = .init(repeating: 0)
            for index in 0..<Label.words {
                words[index] = rows.observe(subject, Column.label + index)
            }
            if rows.observe(subject, Column.labelAt) == before {
                return (Label(words: words), before)
            }
        }
        return nil
    }
}

/// One bit a user: changed since the store took it.
struct DirtyBits: Sendable {
    private let rows: AtomicRows

    /// - Parameter table: of one column and a row for 64 users.
    init(_ table: AtomicTable) { rows = table.rows }

    /// Marks after the change has been made. A mark already there needs no write: sightings
    /// have just exchanged a word (a full barrier), so whoever takes the mark later reads it.
    @inline(__always)
    func mark(_ subject: Int) {
        let bit: Int64 = 1 << Int64(subject & 63)
        if rows.observe(subject >> 6, 0) & bit == 0 {
            _ = rows.insert(subject >> 6, 0, bits: bit)
        }
    }

    /// Takes all marks of the 64 users from `word * 64` on.
    func take(word: Int) -> Int64 {
        rows.load(word, 0) == 0 ? 0 : rows.exchange(word, 0, 0)
    }

    /// Puts marks back.
    func put(word: Int, _ bits: Int64) { _ = rows.insert(word, 0, bits: bits) }
}
