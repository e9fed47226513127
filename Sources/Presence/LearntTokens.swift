// Owns the table of learnt tokens in memory: found by digest, bounded, the one unseen longest first.
// Called by the engine's Learning page, from any thread.
// Never knows a name or an id: a user is a number here.

import ProxyCore

/// A row as whoever looks it up sees it.
struct LearntEntry: Sendable, Equatable {
    var subject: UInt32
    var session: UInt64
    var isAdmin: Bool
    /// `.max`: no end was told.
    var expires: Milliseconds
    var seen: Milliseconds

    var goodUntil: Milliseconds { min(expires, seen.plus(PresenceLimits.learntUnseen)) }
}

/// Learnt tokens. A look-up, of unknown tokens above all, takes the lock of one of 64 parts; what
/// changes the table takes `order` first and then the part's.
///
/// Rows are words in chunks that never move, and a part's buckets are few, so that growth never
/// stops those who look up. A row costs 88 bytes, its bucket 4 to 8, its user some 40.
final class LearntTokens: Sendable {
    private enum Column {
        /// Four words of the digest.
        static let digest = 0
        static let session = 4
        static let expires = 5
        static let seen = 6
        /// The user in the low half, `adminBit`.
        static let owner = 7
        /// The next row of the bucket; -1: none.
        static let chain = 8
        /// Neighbours among all, and among those of the user: see `RowList`.
        static let order = 9
        static let kin = 10
        static let count = 11
    }
    private static let adminBit: Int64 = 1 << 32
    static let parts = 64

    /// Rows of one part, found by the digest.
    private struct Part {
        var buckets: [Int32] = [Int32](repeating: -1, count: 8)
        var count = 0
    }

    private struct Order {
        var free: [Int32] = []
        var made = 0
        var all = RowList()
        var users: [UInt32: RowList] = [:]
        var evicted = 0
        /// Where the last drain stopped, in words of the dirty bits.
        var drained = 0
    }

    private let index: [Lock<Part>]
    private let order = Lock(Order())
    private let table: AtomicTable
    private let dirtyTable: AtomicTable
    private let dirty: DirtyBits
    private let limit: Int
    private let userLimit: Int

    private var rows: AtomicRows { table.rows }

    /// - Parameters:
    ///   - limit: tokens of all users.
    ///   - userLimit: tokens of one user, so that one account cannot push out all others.
    init(limit: Int, userLimit: Int = PresenceLimits.learntPerUser) {
        self.limit = max(limit, 1)
        self.userLimit = max(userLimit, 1)
        table = AtomicTable(columns: Column.count, limit: self.limit)
        dirtyTable = AtomicTable(columns: 1, limit: self.limit / 64 + 1)
        dirty = DirtyBits(dirtyTable)
        index = (0..<Self.parts).map { _ in Lock(Part()) }
    }

    var count: Int { order.withLock { $0.all.count } }

    /// Tokens that made room for others.
    var evicted: Int { order.withLock { $0.evicted } }

    // MARK: Looking up

    func find(_ digest: TokenDigest) -> LearntEntry? {
        index[Self.part(digest)].withLock { part in
            slot(digest, part).map(entry)
        }
    }

    // MARK: Changing

    /// Adds a token, or replaces what was known of it.
    /// - Returns: those that had to make room: unseen for too long, or longer than all others.
    func insert(
        _ digest: TokenDigest, _ entry: LearntEntry, now: Milliseconds
    ) -> [TokenDigest] {
        order.withLock { order in
            if let slot = find(digest, &order) { remove(slot, &order) }
            var gone = trim(&order, for: entry.subject, now: now)
            guard let slot = row(&order, &gone) else { return gone }
            write(entry, digest, to: slot)
            order.all.append(slot, rows, Column.order)
            order.users[entry.subject, default: RowList()].append(slot, rows, Column.kin)
            enter(slot, digest)
            return gone
        }
    }

    /// - Returns: what was known of it; nil: nothing.
    @discardableResult
    func remove(_ digest: TokenDigest) -> LearntEntry? {
        order.withLock { order in
            guard let slot = find(digest, &order) else { return nil }
            let entry = entry(slot)
            remove(slot, &order)
            return entry
        }
    }

    /// Notes that a token was shown; it is now the one seen last.
    func see(_ digest: TokenDigest, now: Milliseconds) {
        order.withLock { order in
            guard let slot = find(digest, &order) else { return }
            let row = Int(slot)
            guard rows.advance(row, Column.seen, to: now) else { return }
            let owner = subject(slot)
            order.all.remove(slot, rows, Column.order)
            order.all.append(slot, rows, Column.order)
            order.users[owner]?.remove(slot, rows, Column.kin)
            order.users[owner]?.append(slot, rows, Column.kin)
            dirty.mark(row)
        }
    }

    /// When tokens were seen, of up to `limit` whose time has moved since they were handed out.
    func drainSeen(limit: Int) -> [SeenToken] {
        order.withLock { order in
            let words = (order.made + 63) / 64
            var taken: [SeenToken] = []
            guard words > 0, limit > 0 else { return [] }
            for _ in 0..<words {
                order.drained = (order.drained + 1) % words
                var bits = dirty.take(word: order.drained)
                while bits != 0, taken.count < limit {
                    let row = order.drained * 64 + bits.trailingZeroBitCount
                    bits &= bits &- 1
                    taken.append(
                        SeenToken(digest: digest(row), seenAt: rows.load(row, Column.seen)))
                }
                guard bits != 0 else { continue }
                dirty.put(word: order.drained, bits)
                order.drained = (order.drained + words - 1) % words
                break
            }
            return taken
        }
    }

    // MARK: With `order` held

    /// Takes out what is over anyway, and of a user who has too many the one unseen longest.
    private func trim(
        _ order: inout Order, for subject: UInt32, now: Milliseconds
    ) -> [TokenDigest] {
        var gone: [TokenDigest] = []
        // Two for each that comes: the table cannot fill with what is over.
        for _ in 0..<2 where order.all.first >= 0 && entry(order.all.first).goodUntil <= now {
            gone.append(remove(order.all.first, &order))
        }
        if let kin = order.users[subject], kin.count >= userLimit {
            gone.append(remove(kin.first, &order))
            order.evicted += 1
        }
        return gone
    }

    private func row(_ order: inout Order, _ gone: inout [TokenDigest]) -> Int32? {
        if order.all.count >= limit {
            gone.append(remove(order.all.first, &order))
            order.evicted += 1
        }
        if let slot = order.free.popLast() { return slot }
        guard order.made < limit else { return nil }
        table.ensure(rows: order.made + 1)
        dirtyTable.ensure(rows: order.made / 64 + 1)
        order.made += 1
        return Int32(order.made - 1)
    }

    @discardableResult
    private func remove(_ slot: Int32, _ order: inout Order) -> TokenDigest {
        let digest = digest(Int(slot))
        let owner = subject(slot)
        order.all.remove(slot, rows, Column.order)
        order.users[owner]?.remove(slot, rows, Column.kin)
        if order.users[owner]?.count == 0 { order.users[owner] = nil }
        leave(slot, digest)
        order.free.append(slot)
        return digest
    }

    /// The row cannot change while `order` is held, which the parameter stands for.
    private func find(_ digest: TokenDigest, _ order: inout Order) -> Int32? {
        index[Self.part(digest)].withLock { slot(digest, $0) }
    }

    private func write(_ entry: LearntEntry, _ digest: TokenDigest, to slot: Int32) {
        let row = Int(slot)
        let words = digest.words
        rows.store(row, Column.digest, Int64(bitPattern: words.0))
        rows.store(row, Column.digest + 1, Int64(bitPattern: words.1))
        rows.store(row, Column.digest + 2, Int64(bitPattern: words.2))
        rows.store(row, Column.digest + 3, Int64(bitPattern: words.3))
        rows.store(row, Column.session, Int64(bitPattern: entry.session))
        rows.store(row, Column.expires, entry.expires)
        rows.store(row, Column.seen, entry.seen)
        rows.store(
            row, Column.owner, Int64(entry.subject) | (entry.isAdmin ? Self.adminBit : 0))
    }

    // MARK: Rows and buckets

    private static func part(_ digest: TokenDigest) -> Int { Int(digest.words.0 >> 58) }

    /// A digest is evenly spread by itself: its second word chooses the bucket.
    private static func bucket(_ digest: TokenDigest, _ count: Int) -> Int {
        Int(digest.words.1 & UInt64(count - 1))
    }

    private func slot(_ digest: TokenDigest, _ part: borrowing Part) -> Int32? {
        var slot = part.buckets[Self.bucket(digest, part.buckets.count)]
        while slot >= 0 {
            if self.digest(Int(slot)) == digest { return slot }
            slot = Int32(truncatingIfNeeded: rows.load(Int(slot), Column.chain))
        }
        return nil
    }

    private func enter(_ slot: Int32, _ digest: TokenDigest) {
        index[Self.part(digest)].withLock { part in
            if part.count >= part.buckets.count { grow(&part) }
            link(slot, Self.bucket(digest, part.buckets.count), &part)
            part.count += 1
        }
    }

    private func leave(_ slot: Int32, _ digest: TokenDigest) {
        index[Self.part(digest)].withLock { part in
            let bucket = Self.bucket(digest, part.buckets.count)
            let next = rows.load(Int(slot), Column.chain)
            part.count -= 1
            guard part.buckets[bucket] != slot else {
                part.buckets[bucket] = Int32(truncatingIfNeeded: next)
                return
            }
            var before = Int(part.buckets[bucket])
            while before >= 0, rows.load(before, Column.chain) != Int64(slot) {
                before = Int(rows.load(before, Column.chain))
            }
            if before >= 0 { rows.store(before, Column.chain, next) }
        }
    }

    private func grow(_ part: inout Part) {
        let old = part.buckets
        part.buckets = [Int32](repeating: -1, count: old.count * 2)
        for head in old {
            var slot = head
            while slot >= 0 {
                let next = Int32(truncatingIfNeeded: rows.load(Int(slot), Column.chain))
                link(slot, Self.bucket(digest(Int(slot)), part.buckets.count), &part)
                slot = next
            }
        }
    }

    private func link(_ slot: Int32, _ bucket: Int, _ part: inout Part) {
        rows.store(Int(slot), Column.chain, Int64(part.buckets[bucket]))
        part.buckets[bucket] = slot
    }

    private func digest(_ row: Int) -> TokenDigest {
        func word(_ index: Int) -> UInt64 {
            UInt64(bitPattern: rows.load(row, Column.digest + index))
        }
        return TokenDigest(words: (word(0), word(1), word(2), word(3)))
    }

    private func subject(_ slot: Int32) -> UInt32 {
        UInt32(truncatingIfNeeded: rows.load(Int(slot), Column.owner))
    }

    private func entry(_ slot: Int32) -> LearntEntry {
        let row = Int(slot)
        return LearntEntry(
            subject: subject(slot),
            session: UInt64(bitPattern: rows.load(row, Column.session)),
            isAdmin: rows.load(row, Column.owner) & Self.adminBit != 0,
            expires: rows.load(row, Column.expires), seen: rows.load(row, Column.seen))
    }
}
