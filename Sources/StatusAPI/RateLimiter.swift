// Owns how often somebody may ask the sidecar itself.
// Called by admission for the sidecar's own endpoints, on every loop.
// Never slows or counts requests that are forwarded.

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

    init(_ rate: Rate, keys: Int = APILimits.rateKeys) {
        cost = max(rate.period * 1000 / Int64(rate.count), 1)
        ahead = max(rate.period * 1000 - cost, 0)
        let rows = max(keys / Self.ways, 1) * Self.ways
        sets = UInt64(rows / Self.ways)
        table = AtomicTable(columns: 2, limit: rows)
        table.ensure(rows: rows)
    }

    /// Counts one request.
    /// - Returns: nil where it may go on, else in how many milliseconds to ask again.
    func count(_ key: RateKey, now: Milliseconds) -> Milliseconds? {
        let time = now * 1000
        let row = row(of: key.word)
        // A clock that was set back must not lock anybody out for longer than an empty allowance.
        let whole = min(table.rows.load(row, Column.whole), time + ahead + cost)
        let used = max(whole, time)
        guard used - time <= ahead else { return (used - time - ahead + 999) / 1000 }
        table.rows.store(row, Column.whole, used + cost)
        return nil
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

/// Who is counted: a user, or for those without a token their address.
struct RateKey {
    let word: Int64

    /// `Hasher` is seeded anew in every process: nobody can choose keys that fall together.
    init(subject: UInt32) {
        var hasher = Hasher()
        hasher.combine(0 as UInt8)
        hasher.combine(subject)
        word = Int64(hasher.finalize()) | 1
    }

    init(address: borrowing ByteBuffer) {
        var hasher = Hasher()
        hasher.combine(1 as UInt8)
        for index in 0..<address.count { hasher.combine(address.bytes[at: index]) }
        word = Int64(hasher.finalize()) | 1
    }
}
