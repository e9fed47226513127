// Owns the way into a loop from other threads.
// Called by anybody who has something for a loop: the store, the presence engine, signals.
// Never runs anything on the sender's thread.

/// Work for one loop, run there in the order in which it came.
///
/// Bounded by its senders: each of them either answers a request that the loop itself is waiting
/// for (`limits.connections` of them at most) or coalesces (`wake()`).
public final class Mailbox: Sendable {
    public typealias Letter = @Sendable () -> Void

    /// Nil: the loop has ended.
    private let letters = Lock<[Letter]?>([])
    let counter: EventCounter

    public init() throws(SystemError) {
        counter = try EventCounter()
    }

    deinit { counter.descriptor.close() }

    /// Runs `letter` on the loop's thread, in its next turn; never, where the loop has ended.
    public func post(_ letter: @escaping Letter) {
        let wasEmpty = letters.withLock { letters in
            letters?.append(letter)
            return letters?.count == 1
        }
        if wasEmpty { counter.signal() }
    }

    /// Makes the loop take a turn (its application's `turn` runs), whatever there is to do.
    public func wake() {
        counter.signal()
    }

    /// Takes what has come. On the loop's thread.
    func collect() -> [Letter] {
        counter.clear()
        return letters.withLock { letters in
            guard let collected = letters else { return [] }
            letters = []
            return collected
        }
    }

    /// Drops what has come and whatever comes: nobody will read it. On the loop's thread.
    func close() {
        letters.withLock { $0 = nil }
    }
}
