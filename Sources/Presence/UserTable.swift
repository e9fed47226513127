// Owns the way from a user's id to the user's number.
// Called by enrolment and by reads that come with an id.
// Never reuses a number, never forgets a user.

import ProxyCore
import Synchronization

/// A user id, equal byte for byte: claims are compared as code points (RFC 8259 §8.3), while
/// `String` takes composed and decomposed letters for the same.
struct UserKey: Hashable {
    let id: String

    static func == (left: UserKey, right: UserKey) -> Bool {
        left.id.rawSpan.equals(right.id.rawSpan)
    }

    func hash(into hasher: inout Hasher) {
        let bytes = id.rawSpan
        var place = 0
        var word: UInt64 = 0
        while place < bytes.byteCount {
            word = word << 8 | UInt64(bytes[unchecked: place])
            place += 1
            if place & 7 == 0 {
                hasher.combine(word)
                word = 0
            }
        }
        hasher.combine(word)
        hasher.combine(place)
    }
}

/// The index of all users, dealt by hash so that its growth never stops everybody.
final class UserTable: Sendable {
    private static let parts = 64

    private let index: [Lock<[UserKey: UInt32]>]
    private let made = Lock(0)
    /// Users whose columns exist; a subject below it may be read.
    private let published = Atomic<Int>(0)
    /// Grows after a user can be found, and comes round after 2^32 of them.
    private let inserted = Atomic<UInt32>(0)
    private let tables: Tables

    init(_ tables: Tables) {
        self.tables = tables
        index = (0..<Self.parts).map { _ in Lock([:]) }
    }

    /// Numbers handed out so far. The row of the very latest may be in the making: then it has
    /// no id yet.
    var count: Int { published.load(ordering: .acquiring) }

    /// While it is the same, whoever was not found is still not there.
    var insertions: UInt32 { inserted.load(ordering: .acquiring) }

    func find(_ id: String) -> UInt32? {
        let key = UserKey(id: id)
        return part(of: key).withLock { $0[key] }
    }

    /// The user's number, made where there is none. `place` fills the new row; it runs under
    /// the lock of this part of the index and may take a shard's.
    /// - Returns: nil: the table is full.
    func findOrMake(_ id: String, place: (Int) -> Void) -> UInt32? {
        let key = UserKey(id: id)
        return part(of: key).withLock { part in
            if let subject = part[key] { return subject }
            guard let subject = make() else { return nil }
            place(subject)
            part[key] = UInt32(subject)
            inserted.wrappingAdd(1, ordering: .releasing)
            return UInt32(subject)
        }
    }

    private func make() -> Int? {
        made.withLock { made in
            guard made < tables.capacity.users else { return nil }
            tables.ensure(users: made + 1)
            made += 1
            published.store(made, ordering: .releasing)
            return made - 1
        }
    }

    private func part(of key: UserKey) -> Lock<[UserKey: UInt32]> {
        index[Int(UInt(bitPattern: key.hashValue) % UInt(Self.parts))]
    }
}
