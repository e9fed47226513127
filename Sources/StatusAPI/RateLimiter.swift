// Owns how much somebody may use up: requests to the sidecar itself, checks of bad signatures.
// Called by admission and identification, on every loop.
// Never slows a request that is forwarded.

public import ProxyCore

/// So many requests in so much time.
public struct Rate: Sendable, Equatable {
    public var count: Int
    public var period: Milliseconds

    public init(count: Int, period: Milliseconds) {
        self.count = max(count, 1)
        self.period = max(period, 1)
    }
}

/// One allowance a key, shared by all loops without a lock.
///
/// The generic cell rate algorithm: a key's word holds when its allowance would be whole again.
/// Two loops that count the same key in the same instant may count once: an allowance, not a
/// security boundary. A set of four rows takes the keys of one hash; the one longest idle makes
/// room, so that a flood of keys forgets others instead of growing.
final class RateLimiter: Sendable {
    private static let ways = 4
    private enum Column {
        static let key = 0
        static let whole = 1
    }

    private let table: AtomicTable
    private let sets: UInt64
    /// Microseconds that one request costs, and that may be used up ahead.
    private let cost: Int64
    private let ahead: Int64
    /// The most that a key can be behind, in microseconds.
    private let debt: Int64

    convenience init(_ rate: Rate, keys: Int = APILimits.rateKeys) {
        let cost = max(rate.period * 1000 / Int64(rate.count), 1)
        self.init(
            cost: cost, ahead: max(rate.period * 1000 - cost, 0), debt: cost, keys: keys)
    }

    /// Microseconds of work that comes to nothing.
    convenience init(vainWork share: Int64, ahead: Int64, keys: Int) {
        let cost = max(1_000_000 / share, 1)
        self.init(cost: cost, ahead: ahead * cost, debt: ahead * cost, keys: keys)
    }

    /// - Parameters:
    ///   - cost: microseconds of waiting that one unit costs.
    ///   - ahead: microseconds that may be used up before anybody waits.
    ///   - debt: microseconds that may be used up beyond it at once.
    private init(cost: Int64, ahead: Int64, debt: Int64, keys: Int) {
        self.cost = cost
        self.ahead = ahead
        self.debt = debt
        let rows = max(keys / Self.ways, 1) * Self.ways
        sets = UInt64(rows / Self.ways)
        table = AtomicTable(columns: 2, limit: rows)
        table.ensure(rows: rows)
    }

    /// Counts one request.
    /// - Returns: nil where it may go on, else in how many milliseconds to ask again.
    func count(_ key: RateKey, now: Milliseconds) -> Milliseconds? {
        let row = row(of: key.word)
        if let wait = wait(row, now) { return wait }
        spend(1, row, now)
        return nil
    }

    /// In how many milliseconds there is something left; nil: now.
    func wait(_ key: RateKey, now: Milliseconds) -> Milliseconds? {
        wait(row(of: key.word), now)
    }

    /// Uses up so many units, be they left or not.
    func spend(_ units: Int, _ key: RateKey, now: Milliseconds) {
        spend(units, row(of: key.word), now)
    }

    private func wait(_ row: Int, _ now: Milliseconds) -> Milliseconds? {
        let used = used(row, now) - now * 1000
        return used <= ahead ? nil : (used - ahead + 999) / 1000
    }

    private func spend(_ units: Int, _ row: Int, _ now: Milliseconds) {
        table.rows.store(row, Column.whole, used(row, now) + Int64(units) * cost)
    }

    /// A clock that was set back must not lock anybody out for longer than an empty allowance.
    private func used(_ row: Int, _ now: Milliseconds) -> Int64 {
        let time = now * 1000
        return max(min(table.rows.load(row, Column.whole), time + ahead + debt), time)
    }

    private func row(of key: Int64) -> Int {
        let first = Int(UInt64(bitPattern: key) % sets) * Self.ways
        var oldest = first
        for row in first..<(first + Self.ways) {
            if table.rows.load(row, Column.key) == key { return row }
            if table.rows.load(row, Column.whole) < table.rows.load(oldest, Column.whole) {
                oldest = row
            }
        }
        table.rows.store(oldest, Column.key, key)
        table.rows.store(oldest, Column.whole, 0)
        return oldest
    }
}

/// Who is counted: a user, a service, or for those without a credential where they are.
struct RateKey {
    let word: Int64

    /// `Hasher` is seeded anew in every process: nobody can choose keys that fall together.
    init(subject: UInt32) {
        var hasher = Hasher()
        hasher.combine(0 as UInt8)
        hasher.combine(subject)
        word = Int64(hasher.finalize()) | 1
    }

    init(service number: Int) {
        var hasher = Hasher()
        hasher.combine(2 as UInt8)
        hasher.combine(number)
        word = Int64(hasher.finalize()) | 1
    }

    /// All peers together.
    static let everybody = RateKey(service: -1)

    /// nil: nobody behind a Unix socket can be told from the others.
    init?(_ client: ClientAddress) {
        guard client.family != .local else { return nil }
        var hasher = Hasher()
        hasher.combine(1 as UInt8)
        hasher.combine(client.network)
        word = Int64(hasher.finalize()) | 1
    }
}
