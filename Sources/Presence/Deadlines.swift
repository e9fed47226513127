// Owns when each user of a shard must be looked at again.
// Called by the shard with its lock.
// Never called by a sighting: an entry that fires too early is armed anew by whoever looks.

import ProxyCore

/// A hashed wheel of deadlines for the items 0, 1, 2…, at most one each.
///
/// Arming, disarming and firing cost a few words each. A deadline beyond one turn of the wheel
/// stays in its bucket and is passed over once a turn.
struct Deadlines {
    /// Width of a bucket. Firing is exact all the same: a bucket is searched by its deadlines.
    static let tick: Milliseconds = 256
    /// One turn is 131 s, a little more than the default `offline_after`.
    static let buckets = 512
    private static let none: Int32 = -1
    private static let unarmed = Milliseconds.max

    private struct Entry {
        var due = Deadlines.unarmed
        var next = Deadlines.none
        var previous = Deadlines.none
    }

    private var heads = [Int32](repeating: Deadlines.none, count: Deadlines.buckets)
    private var entries: [Entry] = []
    /// The bucket that was looked at last.
    private var reached: Int64 = 0
    /// Items armed now.
    private(set) var count = 0

    /// Makes room for one item more.
    mutating func grow() { entries.append(Entry()) }

    func due(of item: Int) -> Milliseconds? {
        let due = entries[item].due
        return due == Self.unarmed ? nil : due
    }

    /// Fires at `due` or earlier: an earlier deadline stays, since whoever it wakes arms anew.
    mutating func arm(_ item: Int, by due: Milliseconds) {
        let due = max(due, reached * Self.tick)
        guard due < entries[item].due else { return }
        disarm(item)
        let bucket = Self.bucket(due)
        entries[item] = Entry(due: due, next: heads[bucket])
        if heads[bucket] != Self.none { entries[Int(heads[bucket])].previous = Int32(item) }
        heads[bucket] = Int32(item)
        count += 1
    }

    mutating func disarm(_ item: Int) {
        let entry = entries[item]
        guard entry.due != Self.unarmed else { return }
        if entry.previous == Self.none {
            heads[Self.bucket(entry.due)] = entry.next
        } else {
            entries[Int(entry.previous)].next = entry.next
        }
        if entry.next != Self.none { entries[Int(entry.next)].previous = entry.previous }
        entries[item] = Entry()
        count -= 1
    }

    /// Disarms up to `limit` items that are due at `now` and appends them to `fired`.
    /// - Returns: whether there may be more.
    mutating func fire(at now: Milliseconds, limit: Int, into fired: inout [Int]) -> Bool {
        let last = now / Self.tick
        guard last >= reached else { return false }
        var left = limit
        for tick in max(reached, last - Int64(Self.buckets) + 1)...last {
            reached = tick
            var item = heads[Int(tick % Int64(Self.buckets))]
            while item != Self.none {
                let next = entries[Int(item)].next
                if entries[Int(item)].due <= now {
                    guard left > 0 else { return true }
                    disarm(Int(item))
                    fired.append(Int(item))
                    left -= 1
                }
                item = next
            }
        }
        return false
    }

    private static func bucket(_ due: Milliseconds) -> Int {
        Int((due / tick) % Int64(buckets))
    }
}
