// Owns the tokens that count for nothing although they have not expired.
// Called by logout (insert), by enrolment and each request's head (look-ups).
// Never knows a token: only what it is revoked by.

import ProxyCore
import Synchronization

/// A bounded set of revoked tokens, each until it expires.
final class Revocations: Sendable {
    private struct Entry {
        let expires: Milliseconds
        let key: RevocationKey
    }

    private struct Held {
        var expires: [RevocationKey: Milliseconds] = [:]
        /// A heap by expiry, soonest first.
        var order: [Entry] = []
    }

    private let held = Lock(Held())
    private let limit: Int
    /// Moves with every revocation: whoever was found good at this value still is.
    private let moves = Atomic<UInt64>(0)
    private let lost = Atomic<Int>(0)

    init(limit: Int) {
        self.limit = max(limit, 1)
    }

    var epoch: UInt64 { moves.load(ordering: .acquiring) }
    var count: Int { held.withLock { $0.order.count } }
    /// Revocations that made room for others before they had expired.
    var forgotten: Int { lost.load(ordering: .relaxed) }

    func contains(_ key: RevocationKey, now: Milliseconds) -> Bool {
        held.withLock { held in
            guard let expires = held.expires[key] else { return false }
            return now < expires
        }
    }

    /// Revokes until `expires`. At the bound the one that expires soonest makes room: it has the
    /// least left to do.
    /// - Returns: false: the token was revoked already.
    @discardableResult
    func insert(_ key: RevocationKey, expires: Milliseconds, now: Milliseconds) -> Bool {
        let isNew = held.withLock { held in
            while let first = held.order.first, first.expires <= now { Self.removeFirst(&held) }
            guard now < expires else { return true }
            guard held.expires[key] == nil else { return false }
            if held.order.count >= limit {
                Self.removeFirst(&held)
                lost.wrappingAdd(1, ordering: .relaxed)
            }
            held.expires[key] = expires
            held.order.append(Entry(expires: expires, key: key))
            Self.rise(&held.order)
            return true
        }
        moves.wrappingAdd(1, ordering: .releasing)
        return isNew
    }

    private static func removeFirst(_ held: inout Held) {
        held.expires[held.order[0].key] = nil
        let last = held.order.removeLast()
        guard !held.order.isEmpty else { return }
        held.order[0] = last
        sink(&held.order)
    }

    private static func rise(_ order: inout [Entry]) {
        var child = order.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard order[child].expires < order[parent].expires else { return }
            order.swapAt(child, parent)
            child = parent
        }
    }

    private static func sink(_ order: inout [Entry]) {
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
