// Owns which users a listing lets pass, in which order, and keeping the first of them.
// Called by the queries.
// Never keeps more than a page's end asks for.

import ProxyCore

/// A query's conditions, prepared.
struct UserFilter {
    private let statuses: Set<Status>?
    private let seenAfter: Milliseconds?
    private let seenBefore: Milliseconds?
    private let needle: [UInt8]
    private let isPlain: Bool

    init(_ query: UserQuery) {
        statuses = query.statuses
        seenAfter = query.seenAfter
        seenBefore = query.seenBefore
        needle = Array((query.search ?? "").lowercased().utf8)
        isPlain = needle.allSatisfy { $0 < 0x80 }
    }

    var mayBeOffline: Bool { statuses?.contains(.offline) ?? true }

    func passes(_ row: UserRow, seen: Milliseconds?) -> Bool {
        if let statuses, !statuses.contains(row.status) { return false }
        if let seenAfter, seen ?? .min < seenAfter { return false }
        if let seenBefore {
            guard let seen, seen < seenBefore else { return false }
        }
        return needle.isEmpty || has(row.id) || row.name.map(has) ?? false
    }

    /// Letters of other alphabets than the Latin need `lowercased`, which allocates: only where
    /// the search holds one.
    private func has(_ text: String) -> Bool {
        isPlain ? has(in: text.rawSpan) : has(in: text.lowercased().rawSpan)
    }

    private func has(in bytes: RawSpan) -> Bool {
        var start = 0
        while start + needle.count <= bytes.byteCount {
            var place = 0
            while place < needle.count,
                bytes[unchecked: start + place].lowercasedASCII == needle[place]
            {
                place += 1
            }
            if place == needle.count { return true }
            start += 1
        }
        return false
    }
}

/// The first users of an ordering, of however many are offered.
struct Selection {
    struct Entry {
        let subject: UInt32
        let id: String
        let seen: Milliseconds
        /// Lower-cased name, where the ordering needs it; nil comes last.
        let name: String?
    }

    private let ordering: UserQuery.Ordering
    private let keep: Int
    /// A heap, last of the ordering on top, so that it is the one to go.
    private var heap: [Entry] = []
    /// All that were offered.
    private(set) var count = 0

    init(_ ordering: UserQuery.Ordering, keep: Int) {
        self.ordering = ordering
        self.keep = keep
    }

    mutating func offer(subject: UInt32, id: String, name: String?, seen: Milliseconds) {
        count += 1
        guard keep > 0 else { return }
        let entry = Entry(
            subject: subject, id: id, seen: seen,
            name: ordering == .name ? name?.lowercased() : nil)
        if heap.count < keep {
            heap.append(entry)
            rise()
        } else if precedes(entry, heap[0]) {
            heap[0] = entry
            sink()
        }
    }

    func sorted() -> [Entry] { heap.sorted(by: precedes) }

    private func precedes(_ left: Entry, _ right: Entry) -> Bool {
        switch ordering {
        case .userID: break
        case .lastSeen: if left.seen != right.seen { return left.seen < right.seen }
        case .lastSeenDescending: if left.seen != right.seen { return left.seen > right.seen }
        case .name:
            if left.name != right.name {
                guard let one = left.name else { return false }
                guard let other = right.name else { return true }
                return NaturalOrder.bytesPrecede(one, other)
            }
        }
        return NaturalOrder.precedes(left.id, right.id)
    }

    private mutating func rise() {
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard precedes(heap[parent], heap[child]) else { return }
            heap.swapAt(parent, child)
            child = parent
        }
    }

    private mutating func sink() {
        var parent = 0
        while true {
            var last = parent
            for child in [parent * 2 + 1, parent * 2 + 2]
            where child < heap.count && precedes(heap[last], heap[child]) {
                last = child
            }
            guard last != parent else { return }
            heap.swapAt(parent, last)
            parent = last
        }
    }
}

/// The order of user ids: those of digits alone by length and then by bytes, which for numbers
/// without leading zeros is their value, however long; after them all others by their bytes.
enum NaturalOrder {
    static func precedes(_ left: String, _ right: String) -> Bool {
        let leftIsNumber = isNumber(left)
        guard leftIsNumber == isNumber(right) else { return leftIsNumber }
        if leftIsNumber, left.utf8.count != right.utf8.count {
            return left.utf8.count < right.utf8.count
        }
        return bytesPrecede(left, right)
    }

    static func bytesPrecede(_ left: String, _ right: String) -> Bool {
        left.utf8.lexicographicallyPrecedes(right.utf8)
    }

    private static func isNumber(_ id: String) -> Bool {
        !id.isEmpty && id.utf8.allSatisfy { $0 &- 48 < 10 }
    }
}
