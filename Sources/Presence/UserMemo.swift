// Owns remembering which user an id names, for whoever looks up the same ids again and again.
// Called by lists that pass; one a loop.
// Never a word about presence: only the number of a user, which never changes.

import ProxyCore

/// Users by the bytes of their ids: a page of a thousand people asks for the same ones at each
/// refresh, and the index of all users hashes carefully and takes a lock.
///
/// A user's number is never reused, so that what is remembered stays true. That nobody has an id is
/// true only until the next user is made.
public struct UserMemo: Sendable {
    private struct Entry: BitwiseCopyable {
        /// The id's bytes and, uppermost in `high`, how many they are; 0: nothing stands here.
        var low: UInt64 = 0
        var high: UInt64 = 0
        /// `nobody`: no user had the id when `users` had been made.
        var subject: UInt32 = 0
        var users: UInt32 = 0
    }

    private static let nobody = UInt32.max
    private var entries: [Entry] = []

    public init() {}

    /// The number of the user with this id; nil: there is none.
    mutating func subject(of id: RawSpan, in table: UserTable) -> UInt32? {
        guard let (low, high) = Self.words(id) else { return id.text().flatMap { table.find($0) } }
        if entries.isEmpty {
            entries = Array(repeating: Entry(), count: PresenceLimits.memo)
        }
        let place = Self.place(low, high)
        let entry = entries[place]
        let users = table.insertions
        if entry.low == low, entry.high == high {
            if entry.subject != Self.nobody { return entry.subject }
            if entry.users == users { return nil }
        }
        // Counted before it is looked for: whoever is made meanwhile is looked for again.
        let found = id.text().flatMap { table.find($0) }
        entries[place] = Entry(
            low: low, high: high, subject: found ?? Self.nobody, users: users)
        return found
    }

    /// The bytes of a short id as two words; nil: it is empty or longer.
    private static func words(_ id: RawSpan) -> (UInt64, UInt64)? {
        guard (1...15).contains(id.byteCount) else { return nil }
        var low: UInt64 = 0
        var high = UInt64(id.byteCount) << 56
        for index in 0..<min(id.byteCount, 8) {
            low |= UInt64(id[unchecked: index]) << UInt64(index * 8)
        }
        for index in 8..<max(id.byteCount, 8) {
            high |= UInt64(id[unchecked: index]) << UInt64((index - 8) * 8)
        }
        return (low, high)
    }

    private static func place(_ low: UInt64, _ high: UInt64) -> Int {
        var hash = (low ^ high &* 0x9e37_79b9_7f4a_7c15) &* 0xbf58_476d_1ce4_e5b9
        hash ^= hash >> 32
        return Int(truncatingIfNeeded: hash) & (PresenceLimits.memo - 1)
    }
}
