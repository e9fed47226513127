// Owns deadlines: which key is due when.
// Called by event loops for connections and by presence for people.
// Never reads a clock, never knows what a key stands for.

/// A hashed timing wheel: insertion and expiry cost the same however many deadlines there are.
///
/// Deadlines are not cancelled. Whoever owns a key checks on expiry whether the deadline still
/// stands and inserts the key again where it has moved; so traffic never touches the wheel.
public struct TimerWheel: Sendable {
    private struct Entry {
        let due: Milliseconds
        let key: UInt64
    }

    private var buckets: [[Entry]]
    private let tick: Milliseconds
    private let mask: Int
    /// The tick looked at last.
    private var cursor: Milliseconds
    /// A tick before which no bucket holds anything: a turn of a busy loop costs one comparison.
    private var next = Milliseconds.max
    public private(set) var count = 0

    /// - Parameters:
    ///   - tick: the resolution in milliseconds: a key expires up to one tick late, never early.
    ///   - size: buckets, a power of two; longer deadlines go round more than once.
    ///   - now: the time at the start, of the clock that `insert` and `expire` will use.
    public init(tick: Milliseconds, size: Int, now: Milliseconds) {
        precondition(tick > 0 && size > 0 && size & (size - 1) == 0)
        self.tick = tick
        mask = size - 1
        buckets = Array(repeating: [], count: size)
        cursor = now / tick
    }

    /// Notes that `key` is due at `due`.
    public mutating func insert(_ key: UInt64, due: Milliseconds) {
        // Rounded up, so that all of a bucket is due when its tick begins; and always behind the
        // cursor, whose bucket has been looked at already.
        let slot = max((due + tick - 1) / tick, cursor + 1)
        buckets[Int(truncatingIfNeeded: slot) & mask].append(Entry(due: due, key: key))
        next = min(next, slot)
        count += 1
    }

    /// Takes the keys due at or before `now`, at most `limit` of them a call, into `expired`.
    /// - Returns: whether all of them were taken.
    @discardableResult
    public mutating func expire(
        now: Milliseconds, limit: Int = .max, into expired: inout [UInt64]
    ) -> Bool {
        let last = now / tick
        guard last >= next else {
            cursor = max(cursor, last)
            return true
        }
        defer { next = firstOccupied() }
        // After a long sleep one round visits every bucket once.
        if last - cursor > Milliseconds(mask) { cursor = last - Milliseconds(mask) }
        while cursor <= last {
            let place = Int(truncatingIfNeeded: cursor) & mask
            var index = 0
            while index < buckets[place].count {
                guard buckets[place][index].due <= now else {
                    index += 1
                    continue
                }
                guard expired.count < limit else { return false }
                expired.append(buckets[place][index].key)
                buckets[place].swapAt(index, buckets[place].count - 1)
                buckets[place].removeLast()
                count -= 1
            }
            if buckets[place].isEmpty, buckets[place].capacity > 64 { buckets[place] = [] }
            if cursor == last { break }
            cursor += 1
        }
        return true
    }

    /// Milliseconds until something may be due, or nil where nothing is noted. Never later than
    /// the truth; up to one round of the wheel earlier.
    public func delay(now: Milliseconds) -> Milliseconds? {
        count > 0 ? max(next * tick - now, 0) : nil
    }

    private func firstOccupied() -> Milliseconds {
        guard count > 0 else { return .max }
        // What a bounded `expire` left behind is due at once.
        let start = cursor
        for step in 0...(mask + 1) {
            let place = Int(truncatingIfNeeded: start + Milliseconds(step)) & mask
            guard !buckets[place].isEmpty else { continue }
            if step > 0 || buckets[place].contains(where: { $0.due <= start * tick }) {
                return start + Milliseconds(step)
            }
        }
        return start + 1
    }
}
