// Owns a bounded dictionary whose entries end each at a moment of its own.
// Called by the revocations and the continued sessions, under their locks.
// Never grows beyond its bound: what ends soonest makes room.

import ProxyCore

/// Values by key, each until it expires. Adding and forgetting cost the logarithm of the count.
struct Expiring<Key: Hashable & Sendable, Value: Sendable> {
    private struct Entry {
        let expires: Milliseconds
        let key: Key
    }

    private struct Held {
        var expires: Milliseconds
        var value: Value
    }

    private var values: [Key: Held] = [:]
    /// A heap by expiry, soonest first. What was removed or moved leaves its old entry behind,
    /// until that comes to the top or there are as many of them as of the others.
    private var order: [Entry] = []
    private let limit: Int
    /// Entries that made room for others before they had ended.
    private(set) var lost = 0

    init(limit: Int) { self.limit = max(limit, 1) }

    var count: Int { values.count }

    /// The value that holds at `now`.
    func value(_ key: Key, now: Milliseconds) -> Value? {
        guard let held = values[key], now < held.expires else { return nil }
        return held.value
    }

    /// Adds a value, or replaces it and its end. What ends at `now` or before is not kept.
    /// - Returns: whether the key had no value.
    @discardableResult
    mutating func insert(
        _ key: Key, _ value: Value, expires: Milliseconds, now: Milliseconds
    ) -> Bool {
        while let first = order.first, first.expires <= now { removeFirst() }
        guard now < expires else { return values.removeValue(forKey: key) == nil }
        let before = values.updateValue(Held(expires: expires, value: value), forKey: key)
        guard before?.expires != expires else { return false }
        // This key's own value is among them by now.
        while values.count > limit {
            if removeFirst() { lost += 1 }
        }
        if order.count >= 2 * max(values.count, 32) { compact() }
        order.append(Entry(expires: expires, key: key))
        rise()
        return before == nil
    }

    mutating func remove(_ key: Key) { values[key] = nil }

    /// Leaves what was left behind out. A sorted array is a heap.
    private mutating func compact() {
        order.removeAll { values[$0.key]?.expires != $0.expires }
        order.sort { $0.expires < $1.expires }
    }

    /// - Returns: whether a value went with it.
    @discardableResult
    private mutating func removeFirst() -> Bool {
        let first = order[0]
        let last = order.removeLast()
        if !order.isEmpty {
            order[0] = last
            sink()
        }
        guard values[first.key]?.expires == first.expires else { return false }
        values[first.key] = nil
        return true
    }

    private mutating func rise() {
        var child = order.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard order[child].expires < order[parent].expires else { return }
            order.swapAt(child, parent)
            child = parent
        }
    }

    private mutating func sink() {
        var parent = 0
        while true {
            var least = parent
            for child in [parent * 2 + 1, parent * 2 + 2]
            where child < order.count && order[child].expires < order[least].expires {
                least = child
            }
            guard least != parent else { return }
            order.swapAt(least, parent)
            parent = least
        }
    }
}
