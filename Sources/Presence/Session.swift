// Owns the rows of all live sessions: contact, sockets, what the client said of itself.
// Called by sightings without a lock (`touch`), by a user's shard with its lock (all else).
// Never knows a status.

import ProxyCore

extension SessionRef {
    static let slotBits: UInt32 = 23
    static let slotMask: UInt32 = (1 << slotBits) - 1
    /// No row is known.
    static let noHint = slotMask

    /// Where the session was last found; nil: nowhere yet.
    var slot: Int? {
        let slot = hint & Self.slotMask
        return slot == Self.noHint ? nil : Int(slot)
    }

    /// Which use of the row that was, as far as the bits reach.
    var generation: Int64 { Int64(hint >> Self.slotBits) }

    static func hint(slot: Int, generation: Int64) -> UInt32 {
        UInt32(slot) | UInt32(truncatingIfNeeded: generation) << slotBits
    }
}

/// What a session row says beyond its times.
struct SessionState: Equatable {
    private static let saidAwayBit: Int64 = 1
    private static let presumedBit: Int64 = 2
    private static let barredBit: Int64 = 4
    private static let closedBit: Int64 = 8
    private static let socketShift: Int64 = 8

    var word: Int64

    var saidAway: Bool {
        get { word & Self.saidAwayBit != 0 }
        set { set(Self.saidAwayBit, newValue) }
    }
    /// Live before the restart, not heard of since.
    var presumed: Bool {
        get { word & Self.presumedBit != 0 }
        set { set(Self.presumedBit, newValue) }
    }
    /// Logged out: counts for nothing until a token that is not revoked is shown.
    var barred: Bool {
        get { word & Self.barredBit != 0 }
        set { set(Self.barredBit, newValue) }
    }
    /// The last socket closed, and nothing came after.
    var closed: Bool {
        get { word & Self.closedBit != 0 }
        set { set(Self.closedBit, newValue) }
    }
    var sockets: Int {
        get { Int(word >> Self.socketShift) }
        set { word = word & 0xff | Int64(newValue) << Self.socketShift }
    }
    /// Whether a contact alone changes nothing here, so that it needs no lock.
    var isPlain: Bool { !presumed && !barred && !closed }

    private mutating func set(_ bit: Int64, _ on: Bool) {
        word = on ? word | bit : word & ~bit
    }
}

/// The columns of the session rows, for sightings.
struct SessionColumns: Sendable {
    enum Column {
        static let contact = 0
        static let tag = 1
        /// Owner in the low, next of the owner's list in the high half.
        static let link = 2
        static let state = 3
        /// When the last socket closed; of a barred session until when it is remembered.
        static let mark = 4
        static let count = 5
    }

    let rows: AtomicRows

    /// Moves the contact of a plain live session to `now`. False: take the lock.
    ///
    /// The contact is observed before the tag: where the row has been recycled in between, the
    /// tag differs, or the contact's generation has moved on and the exchange fails.
    @inline(__always)
    func touch(_ session: SessionRef, _ now: Milliseconds, within limit: Milliseconds) -> Bool {
        guard let slot = session.slot else { return false }
        let word = rows.observe(slot, Column.contact)
        guard rows.observe(slot, Column.tag) == Int64(bitPattern: session.tag),
            rows.load(slot, Column.link) & 0xffff_ffff == Int64(session.subject)
        else { return false }
        return rows.advance(slot, Column.contact, from: word, to: now, within: limit)
    }
}

/// All session rows, each in the list of its user. All but `columns` and `count` needs the lock of
/// the owner's shard.
final class SessionTable: Sendable {
    private typealias Column = SessionColumns.Column

    private struct Slots {
        var free: [Int32] = []
        var made = 0
        var used = 0
    }

    let columns: SessionColumns
    private let table: AtomicTable
    private let slots = Lock(Slots())
    private let limit: Int

    init(limit: Int) {
        self.limit = min(limit, PresenceLimits.sessions)
        table = AtomicTable(columns: Column.count, limit: self.limit)
        columns = SessionColumns(rows: table.rows)
    }

    private var rows: AtomicRows { columns.rows }

    /// Rows in use.
    var count: Int { slots.withLock { $0.used } }

    func isOf(_ session: SessionRef, _ slot: Int) -> Bool {
        rows.load(slot, Column.tag) == Int64(bitPattern: session.tag)
            && rows.load(slot, Column.link) & 0xffff_ffff == Int64(session.subject)
    }

    func tag(_ slot: Int) -> UInt64 { UInt64(bitPattern: rows.load(slot, Column.tag)) }

    func contact(_ slot: Int) -> Moment { Moment(word: rows.observe(slot, Column.contact)) }

    func hint(_ slot: Int) -> UInt32 {
        SessionRef.hint(slot: slot, generation: contact(slot).generation)
    }

    func mark(_ slot: Int) -> Milliseconds { rows.load(slot, Column.mark) }

    func state(_ slot: Int) -> SessionState { SessionState(word: rows.load(slot, Column.state)) }

    func next(_ slot: Int) -> Int { Int(rows.load(slot, Column.link) >> 32) }

    func setNext(_ slot: Int, _ next: Int) {
        let owner = rows.load(slot, Column.link) & 0xffff_ffff
        rows.store(slot, Column.link, owner | Int64(next) << 32)
    }

    /// Writes what is known beyond the contact; a state that a contact would change takes hold.
    func set(_ slot: Int, _ state: SessionState, mark: Milliseconds, contact: Milliseconds) {
        rows.store(slot, Column.state, state.word)
        rows.store(slot, Column.mark, mark)
        rows.settle(slot, Column.contact, to: contact, held: !state.isPlain)
    }

    /// Holds the contact where it still is what the caller saw.
    func hold(_ slot: Int, seen: Moment) -> Bool {
        seen.isHeld
            || rows.replace(
                slot, Column.contact, expected: seen.word, with: seen.held(true).word)
    }

    func facts(_ slot: Int, contact: Milliseconds) -> SessionFacts {
        let state = state(slot)
        return SessionFacts(
            contact: contact, sockets: state.sockets, saidAway: state.saidAway,
            disconnectedAt: state.closed ? mark(slot) : nil, presumed: state.presumed)
    }

    /// A row for a session, held until `set`; nil: none is left.
    func take(owner: UInt32, tag: UInt64, next: Int) -> Int? {
        let slot: Int? = slots.withLock { slots in
            if let slot = slots.free.popLast() {
                slots.used += 1
                return Int(slot)
            }
            guard slots.made < limit else { return nil }
            table.ensure(rows: slots.made + 1)
            slots.made += 1
            slots.used += 1
            return slots.made - 1
        }
        guard let slot else { return nil }
        rows.store(slot, Column.link, Int64(owner) | Int64(next) << 32)
        rows.publish(slot, Column.tag, Int64(bitPattern: tag))
        return slot
    }

    /// Gives a row back. The tag goes first and the generation moves on: see `touch`.
    func give(_ slot: Int) {
        rows.publish(slot, Column.tag, 0)
        while true {
            let seen = contact(slot)
            let fresh = Moment(time: 0, held: true, generation: seen.generation + 1)
            if rows.replace(slot, Column.contact, expected: seen.word, with: fresh.word) { break }
        }
        rows.store(slot, Column.state, 0)
        rows.store(slot, Column.mark, 0)
        slots.withLock { slots in
            slots.free.append(Int32(slot))
            slots.used -= 1
        }
    }
}
