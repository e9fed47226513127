// Owns the store's thread, and the face that the rest of the program sees of it.
// Called by the assembly (open, load, start, stop), the engine (commit), readiness and metrics.
// Never makes a caller wait for the disk, but for open, load and stop.

import Glibc
public import ProxyCore

/// Keeps presence in an SQLite file, or in memory alone.
///
/// Use: `open`, `load` into the engine, `start` with the engine as source, `stop` at the end.
///
/// A file that cannot be used is left as it is. The store then runs without one: `health` says
/// why, and every fact is answered `false`. A disk that fails later is tried again each flush;
/// until then facts are answered `false`, but kept (up to `PresenceLimits.storeFacts`) and
/// written when it is back.
///
/// Each commit is synced to the disk (`synchronous=FULL`), sightings as well as facts: it costs
/// one sync a flush and lets `flushEvery` hold for power cuts too.
public final class PresenceStore: FactSink, HistoryKeeper, Sendable {
    private struct Published {
        var health = StoreHealth.ok
        var statistics = StoreStatistics()
        var thread: Thread?
        var restored = RestoredState()
    }

    private let core: Lock<StoreCore>
    private let queue: FactQueue
    private let requests = HistoryRequests()
    private let published = Lock(Published())
    /// Nil: the system has no descriptor left for it; `start` reports it.
    private let wake: EventCounter?

    /// Opens and reads everything; takes seconds where there are millions of users.
    /// - Parameter path: nil: memory alone.
    /// - Returns: a store in any case, and why it does not write where it does not.
    public static func open(path: String?) -> (store: PresenceStore, problem: StoreProblem?) {
        open(path: path, queue: FactQueue())
    }

    static func open(
        path: String?, queue: FactQueue
    ) -> (store: PresenceStore, problem: StoreProblem?) {
        guard let path else {
            return (PresenceStore(StoreCore(memory: ()), RestoredState(), queue), nil)
        }
        var restored = RestoredState()
        do throws(StoreProblem) {
            let file = try StoreFile(path: path)
            let (state, damage) = StoreReader.read(file.database)
            restored = state
            if let damage { throw StoreProblem(damage) }
            return (
                PresenceStore(try StoreCore(file, aliveAt: state.aliveAt), restored, queue), nil
            )
        } catch {
            // What could be read of a damaged file still counts, revocations above all.
            return (PresenceStore(StoreCore(error), restored, queue), error)
        }
    }

    private init(_ core: sending StoreCore, _ restored: RestoredState, _ queue: FactQueue) {
        let health = core.health
        self.core = Lock(core)
        self.queue = queue
        wake = try? EventCounter()
        published.withLock {
            $0.health = health
            $0.restored = restored
        }
    }

    deinit { wake?.descriptor.close() }

    /// What a former process left. The store forgets it: the second call gives nothing.
    public func load() -> RestoredState {
        published.withLock { published in
            let restored = published.restored
            published.restored = RestoredState()
            return restored
        }
    }

    /// Starts the thread. Facts committed earlier have waited for it.
    /// - Parameters:
    ///   - flushEvery: milliseconds between two flushes of sightings.
    ///   - history: what is kept of the past; call before traffic begins.
    ///   - clock: UTC in milliseconds, the same that the engine is told.
    ///   - healthChanged: called on the store's thread.
    public func start(
        source: any DirtySource, flushEvery: Milliseconds, history: HistoryPlan? = nil,
        clock: @escaping @Sendable () -> Milliseconds = Clock.wall,
        healthChanged: @escaping @Sendable (StoreHealth) -> Void = { _ in }
    ) throws(SystemError) {
        prepare(source: source, flushEvery: flushEvery, history: history)
        guard let wake else { throw SystemError(call: "eventfd", code: EMFILE) }
        let thread = try Thread(name: "store") { [self] in
            run(wake, clock, healthChanged)
        }
        published.withLock { $0.thread = thread }
    }

    /// Queues the fact; returns at once. `then` is called on the store's thread: true once the
    /// fact survives a kill -9 and a power cut (or the store is memory alone), false where the
    /// disk does not have it. Not called at all after `stop`, nor where tens of thousands wait
    /// for a disk that hangs.
    public func commit(_ fact: Fact, then: @escaping @Sendable (Bool) -> Void) {
        if queue.add(fact, then: then) { wake?.signal() }
    }

    /// Queues the question; returns at once. `then` is called on the store's thread.
    public func history(
        of user: String, from: Milliseconds, to: Milliseconds?, limit: Int,
        then: @escaping @Sendable (HistoryAnswer) -> Void
    ) -> Bool {
        let request = HistoryRequest(user: user, from: from, to: to, limit: limit, then: then)
        guard requests.add(request) else { return false }
        wake?.signal()
        return true
    }

    /// Writes everything, closes the file and ends the thread. Commits nothing afterwards.
    /// - Returns: whether everything is on the disk.
    @discardableResult
    public func stop() -> StoreHealth {
        queue.close()
        let thread = published.withLock { published in
            let thread = published.thread
            published.thread = nil
            return thread
        }
        if let thread {
            wake?.signal()
            thread.join()
        } else {
            finish(now: Clock.wall(), tick: Clock.monotonic())
        }
        return health
    }

    /// Whether what presence learns reaches the disk.
    public var health: StoreHealth { published.withLock { $0.health } }

    public var statistics: StoreStatistics {
        var statistics = published.withLock { $0.statistics }
        (statistics.factsWaiting, statistics.factsRefused) = queue.counts
        return statistics
    }

    // MARK: The thread's turns; tests take them without a thread.

    func prepare(
        source: any DirtySource, flushEvery: Milliseconds, history: HistoryPlan? = nil
    ) {
        core.withLock { $0.start(source: source, flushEvery: flushEvery, history: history) }
    }

    /// One turn. Returns milliseconds until the next is due.
    func turn(now: Milliseconds, tick: Milliseconds) -> Milliseconds {
        let (facts, refusals) = queue.take()
        for refused in refusals { refused(false) }
        let asked = requests.take()
        return core.withLock { core in
            // With the users, so that after a crash neither knows more than the other.
            let wait = core.turn(facts, now: now, tick: tick, isAsked: !asked.isEmpty)
            core.answer(asked, now: now)
            publish(core)
            return wait
        }
    }

    func finish(now: Milliseconds, tick: Milliseconds) {
        let (facts, refusals) = queue.take()
        for refused in refusals { refused(false) }
        core.withLock { core in
            core.finish(facts, now: now, tick: tick)
            publish(core)
        }
    }

    /// For tests that make the disk fail.
    func withDatabase(_ body: (Database) throws -> Void) throws {
        try core.withLock { core in
            if let database = core.database { try body(database) }
        }
    }

    private func publish(_ core: StoreCore) {
        queue.hold(core.pendingCount)
        let (health, statistics) = (core.health, core.statistics)
        published.withLock {
            $0.health = health
            $0.statistics = statistics
        }
    }

    private func run(
        _ wake: EventCounter, _ clock: @Sendable () -> Milliseconds,
        _ healthChanged: @Sendable (StoreHealth) -> Void
    ) {
        var known = health
        while !queue.isClosed {
            let wait = turn(now: clock(), tick: Clock.monotonic())
            if health != known {
                known = health
                healthChanged(known)
            }
            wake.wait(atMost: wait)
        }
        finish(now: clock(), tick: Clock.monotonic())
        if health != known { healthChanged(health) }
    }
}
