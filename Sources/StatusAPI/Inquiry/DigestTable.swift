// Owns a bounded table of values by token digest, each of which counts until its moment.
// Called by the machine of inquiries, under its lock.
// Never grows beyond its bound: what was put in longest ago makes room.

import ProxyCore

/// A dictionary whose entries also stand in the order in which they were put in.
struct DigestTable<Value> {
    private struct Entry {
        var digest: TokenDigest
        var until: Milliseconds
        /// nil: the place is free.
        var value: Value?
        var before: Int32
        var after: Int32
    }

    private static var none: Int32 { -1 }

    private let limit: Int
    private var places: [TokenDigest: Int32] = [:]
    private var entries: [Entry] = []
    private var free: [Int32] = []
    private var first: Int32 = -1
    private var last: Int32 = -1

    init(limit: Int) {
        self.limit = min(max(limit, 1), Int(Int32.max))
    }

    var count: Int { places.count }

    /// The value, whether or not its moment is past.
    func find(_ digest: TokenDigest) -> (value: Value, until: Milliseconds)? {
        guard let place = places[digest] else { return nil }
        let entry = entries[Int(place)]
        return entry.value.map { ($0, entry.until) }
    }

    /// Puts a value in as the newest.
    mutating func put(_ value: Value, for digest: TokenDigest, until: Milliseconds) {
        remove(digest)
        if places.count >= limit { removeFirst() }
        let entry = Entry(
            digest: digest, until: until, value: value, before: last, after: Self.none)
        let place: Int32
        if let again = free.popLast() {
            place = again
            entries[Int(place)] = entry
        } else {
            place = Int32(entries.count)
            entries.append(entry)
        }
        if last == Self.none { first = place } else { entries[Int(last)].after = place }
        last = place
        places[digest] = place
    }

    mutating func remove(_ digest: TokenDigest) {
        guard let place = places.removeValue(forKey: digest) else { return }
        unlink(place)
    }

    /// Takes out the oldest as far as their moment is before `time`. What is put in always for
    /// the same time is in the order of its moments; anything else goes by the bound.
    mutating func removeEnded(by time: Milliseconds) {
        while first != Self.none, entries[Int(first)].until <= time { removeFirst() }
    }

    private mutating func removeFirst() {
        guard first != Self.none else { return }
        let place = first
        places.removeValue(forKey: entries[Int(place)].digest)
        unlink(place)
    }

    private mutating func unlink(_ place: Int32) {
        let entry = entries[Int(place)]
        entries[Int(place)].value = nil
        if entry.before == Self.none {
            first = entry.after
        } else {
            entries[Int(entry.before)].after = entry.after
        }
        if entry.after == Self.none {
            last = entry.before
        } else {
            entries[Int(entry.after)].before = entry.before
        }
        free.append(place)
        // What a flood has made it grow to is given back.
        if places.isEmpty { self = Self(limit: limit) }
    }
}
