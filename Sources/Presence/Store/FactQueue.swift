// Owns the explicit facts on their way to the disk, and the promise that they are bounded.
// Called by loops (add) and the store's thread (take).
// Never waits: whoever finds it full is told so.

import ProxyCore

/// A fact and whom to tell what became of it. Told once: kept for a later try, it is silent.
struct PendingFact: Sendable {
    let fact: Fact
    let then: @Sendable (Bool) -> Void
}

/// Facts from any thread to the store's.
final class FactQueue: Sendable {
    private struct State {
        var waiting: [PendingFact] = []
        /// Facts that the store's thread holds because the disk failed; they count as well.
        var held = 0
        var refused = 0
        var isClosed = false
    }

    private let state = Lock(State())
    private let limit: Int

    init(limit: Int = PresenceLimits.storeFacts) {
        self.limit = limit
    }

    enum Added { case first, behindOthers, refused }

    /// `first`: the store's thread must be woken.
    func add(_ pending: PendingFact) -> Added {
        state.withLock { state in
            guard !state.isClosed, state.waiting.count + state.held < limit else {
                state.refused += 1
                return .refused
            }
            state.waiting.append(pending)
            return state.waiting.count == 1 ? .first : .behindOthers
        }
    }

    /// Everything that waits, in the order of arrival.
    func take() -> [PendingFact] {
        state.withLock { state in
            guard !state.waiting.isEmpty else { return [] }
            let taken = state.waiting
            state.waiting = []
            // Until `hold` says how many of them stay, they all count.
            state.held += taken.count
            return taken
        }
    }

    /// How many of the taken facts are kept for a later try.
    func hold(_ count: Int) {
        state.withLock { $0.held = count }
    }

    /// Refuses everything from now on.
    func close() {
        state.withLock { $0.isClosed = true }
    }

    var counts: (waiting: Int, refused: Int) {
        state.withLock { ($0.waiting.count + $0.held, $0.refused) }
    }
}
