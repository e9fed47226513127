// Owns a source of changed users, and somebody who waits for facts to be kept.
// Called by the store's tests.
// Never forgets what it handed out, so that tests can count it.

import ProxyCore

@testable import Presence

final class FakeSource: DirtySource {
    private struct State {
        var waiting: [StoredUser] = []
        var next = 0
        var drains = 0
        var seen: [SeenToken] = []
    }

    private let state = Lock(State())

    func change(_ users: [StoredUser]) { state.withLock { $0.waiting += users } }

    func drainDirty(limit: Int, now: Milliseconds) -> [StoredUser] {
        state.withLock { state in
            state.drains += 1
            let batch = Array(state.waiting[state.next...].prefix(limit))
            state.next += batch.count
            return batch
        }
    }

    func see(_ tokens: [SeenToken]) { state.withLock { $0.seen += tokens } }

    func drainSeen(limit: Int) -> [SeenToken] {
        state.withLock { state in
            let taken = Array(state.seen.prefix(limit))
            state.seen.removeFirst(taken.count)
            return taken
        }
    }

    var drains: Int { state.withLock { $0.drains } }
    var waiting: Int { state.withLock { $0.waiting.count - $0.next } }
}

/// Collects what `then` was called with, in order.
final class Answers: Sendable {
    private let state = Lock([String]())

    func note(_ name: String) -> @Sendable (Bool) -> Void {
        { kept in self.state.withLock { $0.append("\(name) \(kept)") } }
    }

    var all: [String] { state.withLock { $0 } }
}

func user(
    _ id: String, seen: Milliseconds = 1_000, sessions: [StoredSession] = []
) -> StoredUser {
    StoredUser(
        id: id, name: "name of \(id)", lastSeen: seen, lastActive: seen - 1, status: .online,
        since: seen - 2, loggedOutAt: nil, sessions: sessions)
}

func revocation(_ number: UInt64, expires: Milliseconds = 9_000) -> StoredRevocation {
    StoredRevocation(
        key: RevocationKey(number, 2 << 60, .max, number &* 0x9E37_79B9_7F4A_7C15),
        expires: expires)
}
