// Owns the explicit facts on their way to the disk, and the promise that they are bounded.
// Called by loops (add) and the store's thread (take).
// Never waits, never answers by itself: whoever finds it full is told by the store's thread.

import ProxyCore

/// A fact and whom to tell what became of it; nil: told already, kept for a later try.
struct PendingFact: Sendable {
    let fact: Fact
    var then: (@Sendable (Bool) -> Void)?
}

/// Facts from any thread to the store's.
final class FactQueue: Sendable {
    private struct State {
        var waiting: [PendingFact] = []
        /// Facts taken by the store's thread and not written yet; they count as well.
        var held = 0
        var refusals: [@Sendable (Bool) -> Void] = []
        var refused = 0
        var isClosed = false
    }

    private let state = Lock(State())
    private let limit: Int
    private let refusalLimit: Int

    init(
        limit: Int = PresenceLimits.storeFacts, refusalLimit: Int = PresenceLimits.storeRefusals
    ) {
        self.limit = limit
        self.refusalLimit = refusalLimit
    }

    /// - Returns: whether the store's thread must be woken.
    func add(_ fact: Fact, then: @escaping @Sendable (Bool) -> Void) -> Bool {
        state.withLock { state in
            let wasQuiet = state.waiting.isEmpty && state.refusals.isEmpty
            guard !state.isClosed, state.waiting.count + state.held < limit else {
                state.refused += 1
                // Beyond this bound nobody is told; those who wait have a time limit of their own.
                guard !state.isClosed, state.refusals.count < refusalLimit else { return false }
                state.refusals.append(then)
                return wasQuiet
            }
            state.waiting.append(PendingFact(fact: fact, then: then))
            return wasQuiet
        }
    }

    /// Everything that waits, in the order of arrival, and those to be told that theirs did not
    /// fit. What is taken counts until `hold` says otherwise.
    func take() -> (facts: [PendingFact], refusals: [@Sendable (Bool) -> Void]) {
        state.withLock { state in
            let taken = (state.waiting, state.refusals)
            state.held += state.waiting.count
            state.waiting = []
            state.refusals = []
            return taken
        }
    }

    /// How many of the taken facts are not written yet.
    func hold(_ count: Int) {
        state.withLock { $0.held = count }
    }

    /// Refuses everything from now on, and tells nobody: the thread that would is ending.
    func close() {
        state.withLock { $0.isClosed = true }
    }

    var isClosed: Bool { state.withLock { $0.isClosed } }

    var counts: (waiting: Int, refused: Int) {
        state.withLock { ($0.waiting.count + $0.held, $0.refused) }
    }
}
