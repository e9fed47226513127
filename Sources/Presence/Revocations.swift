// Owns the tokens that count for nothing although they have not expired.
// Called by logout (insert), by enrolment and each request's head (look-ups).
// Never knows a token: only what it is revoked by.

import ProxyCore
import Synchronization

/// A bounded set of revoked tokens, each until it expires.
final class Revocations: Sendable {
    private let held: Lock<Expiring<RevocationKey, Void>>
    /// Moves with every revocation: whoever was found good at this value still is.
    private let moves = Atomic<UInt64>(0)

    /// - Parameter limit: beyond it the one that expires soonest makes room: it has the least
    ///   left to do.
    init(limit: Int) {
        held = Lock(Expiring(limit: limit))
    }

    var epoch: UInt64 { moves.load(ordering: .acquiring) }
    var count: Int { held.withLock { $0.count } }
    /// Revocations that made room for others before they had expired.
    var forgotten: Int { held.withLock { $0.lost } }

    func contains(_ key: RevocationKey, now: Milliseconds) -> Bool {
        held.withLock { $0.value(key, now: now) != nil }
    }

    /// Revokes until `expires`.
    /// - Returns: false: the token was revoked already.
    @discardableResult
    func insert(_ key: RevocationKey, expires: Milliseconds, now: Milliseconds) -> Bool {
        let isNew = held.withLock { held in
            guard held.value(key, now: now) == nil else { return false }
            held.insert(key, (), expires: expires, now: now)
            return true
        }
        moves.wrappingAdd(1, ordering: .releasing)
        return isNew
    }

    /// The application has handed the token out again: it counts as any other.
    func lift(_ key: RevocationKey) {
        held.withLock { $0.remove(key) }
    }
}
