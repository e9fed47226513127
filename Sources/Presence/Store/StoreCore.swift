// Owns what is written when: facts first, then sightings by batches, then the log's housekeeping.
// Called by PresenceStore's thread a turn at a time; by tests with any time they like.
// Never reads a clock, never waits for anything but the disk.

import ProxyCore

/// The store's side of one thread. Not Sendable: PresenceStore guards it.
///
/// Order is what makes it correct. A batch that could not be written comes before every later
/// fact; a fact comes before every batch drained after it; a fact that was taken later than a
/// batch drained after it does not overwrite that batch's rows (StoreWriter).
final class StoreCore {
    private enum Medium {
        /// Memory alone, as configured: every fact counts as kept.
        case memory
        case file(StoreFile, StoreWriter)
        /// No file, or one that must not be touched any more: no fact is kept.
        case none
    }

    private var medium: Medium
    private var source: (any DirtySource)?
    private var flushEvery: Milliseconds = 1_000
    /// Drained and not written: the disk failed in between. At most one batch of each.
    private var unwritten: [StoredUser] = []
    private var unwrittenSeen: [SeenToken] = []
    private var pending: [PendingFact] = []
    private var problem: StoreProblem?
    private var logProblem: StoreProblem?
    private var nextFlush: Milliseconds = .min
    private var nextRetention: Milliseconds = .min
    /// UTC at which the running flush began; nil: none runs.
    private var flushing: Milliseconds?
    /// The moment noted last as one at which everything was written.
    private var stamped: Milliseconds = 0
    /// Pages that the log has grown by since it was last moved, at most.
    private var logPages = 0
    private var retention = Retention()
    /// The moment up to which a former life is known; what its history goes on from.
    private let aliveAt: Milliseconds
    /// Nil: nothing of the past is kept, or nothing can be.
    private var book: HistoryBook?
    private(set) var statistics = StoreStatistics()

    init(memory: Void) {
        medium = .memory
        aliveAt = 0
    }

    init(_ file: StoreFile, aliveAt: Milliseconds = 0) throws(StoreProblem) {
        self.aliveAt = aliveAt
        do throws(DatabaseError) {
            medium = .file(file, try StoreWriter(file.database))
        } catch {
            throw StoreProblem(error)
        }
    }

    init(_ problem: StoreProblem) {
        medium = .none
        aliveAt = 0
        self.problem = problem
    }

    var health: StoreHealth {
        guard let first = problem ?? logProblem else { return .ok }
        return .degraded(first.description)
    }

    var pendingCount: Int { pending.count }

    /// The open database, for tests that make it fail.
    var database: Database? {
        if case .file(let file, _) = medium { file.database } else { nil }
    }

    func start(
        source: any DirtySource, flushEvery: Milliseconds, history: HistoryPlan? = nil
    ) {
        self.source = source
        self.flushEvery = max(flushEvery, 1)
        guard let history else { return }
        do throws(DatabaseError) {
            switch medium {
            case .file(let file, _):
                book = try HistoryBook(history, file.database, aliveAt: aliveAt)
            case .memory:
                let memory = try Database(path: "memory", patience: 0, mode: .memory)
                try Schema.migrate(memory, from: 0, steps: Schema.migrations)
                book = try HistoryBook(
                    history, memory, aliveAt: 0, bound: PresenceLimits.historyInMemory)
            case .none: break
            }
        } catch {
            // Presence is kept all the same.
            problem = problem ?? StoreProblem(error)
        }
    }

    /// Writes what waits and what is due.
    /// - Parameters:
    ///   - now: UTC.
    ///   - tick: milliseconds of a clock that is never set.
    ///   - isAsked: somebody wants to read what is known by now: a flush is due.
    ///   - isLast: the process ends: everything is due.
    /// - Returns: milliseconds until the next turn is due if no fact comes.
    func turn(
        _ facts: [PendingFact], now: Milliseconds, tick: Milliseconds, isAsked: Bool = false,
        isLast: Bool = false
    ) -> Milliseconds {
        guard case .file(let file, let writer) = medium else {
            answer(facts, isMemory)
            return turnMemory(now: now, tick: tick)
        }
        pending += facts
        let isDue = tick >= nextFlush || isAsked || isLast
        if isDue {
            nextFlush = tick + flushEvery
            if flushing == nil { flushing = now }
        }
        // A disk that failed is tried again each flush and not at each fact: a try may take long.
        if problem == nil || isDue {
            do throws(StoreProblem) {
                try write(file, writer, now: now, isLast: isLast)
                problem = nil
                tidy(file.database, now: now, tick: tick)
            } catch {
                fail(error)
            }
        } else {
            giveUpWaiting()
        }
        return flushing == nil ? max(nextFlush - tick, 0) : 0
    }

    /// The last turns, then closes the file: tidied where all is well, as it is where not.
    func finish(_ facts: [PendingFact], now: Milliseconds, tick: Milliseconds) {
        var left = facts
        // A source that never ends must not keep the process from ending.
        for _ in 0...(PresenceLimits.users / PresenceLimits.dirtyBatch) {
            _ = turn(left, now: now, tick: tick, isLast: true)
            left = []
            if flushing == nil || problem != nil { break }
        }
        guard case .file(let file, _) = medium else { return }
        // The writer's statements must be gone before the connection closes.
        medium = .none
        book = nil
        do throws(DatabaseError) {
            if problem == nil { _ = try file.database.checkpoint(truncate: true) }
            try file.database.close(tidy: problem == nil)
        } catch {
            problem = StoreProblem(error)
        }
    }

    private var isMemory: Bool { if case .memory = medium { true } else { false } }

    private func write(
        _ file: StoreFile, _ writer: StoreWriter, now: Milliseconds, isLast: Bool
    ) throws(StoreProblem) {
        if !pending.isEmpty || hasUnwritten || flushing != nil {
            guard file.isInPlace else {
                throw StoreProblem(path: file.database.path, kind: .displaced)
            }
        }
        try writeUnwritten(file.database, writer, stamp: nil)
        while !pending.isEmpty { try writeFacts(file.database, writer) }
        guard let began = flushing else { return }
        let batch = source?.drainDirty(limit: PresenceLimits.dirtyBatch, now: now) ?? []
        let seen = source?.drainSeen(limit: PresenceLimits.dirtyBatch) ?? []
        unwritten = batch
        unwrittenSeen = seen
        // Behind the users: what handing them out has changed is in it.
        let isRead = book?.drain(now: now) ?? true
        let isAll = isRead && max(batch.count, seen.count) < PresenceLimits.dirtyBatch
        // Only when everything up to the flush's begin is written may that moment be noted. Where
        // nobody moves it is noted now and then: a quiet night is no sync a second.
        let isNoted = !batch.isEmpty || began - stamped >= PresenceLimits.storeIdleStamp || isLast
        try writeUnwritten(file.database, writer, stamp: isAll && isNoted ? began : nil)
        if isAll {
            if isNoted { stamped = began }
            flushing = nil
        }
    }

    private var hasUnwritten: Bool {
        !unwritten.isEmpty || !unwrittenSeen.isEmpty || book?.hasUnwritten == true
    }

    private func writeUnwritten(
        _ database: Database, _ writer: StoreWriter, stamp: Milliseconds?
    ) throws(StoreProblem) {
        guard hasUnwritten || stamp != nil else { return }
        let rows = unwritten.count + unwrittenSeen.count
        try commit(database, rows: rows + 1) { () throws(DatabaseError) in
            try writer.write(unwritten)
            try writer.write(unwrittenSeen)
            try book?.write()
            if let stamp { try writer.writeAlive(at: stamp) }
        }
        statistics.rows += rows
        unwritten = []
        unwrittenSeen = []
        book?.wrote()
        note()
    }

    /// All facts that wait share one commit, and so one sync of the disk.
    private func writeFacts(_ database: Database, _ writer: StoreWriter) throws(StoreProblem) {
        let group = Array(pending.prefix(PresenceLimits.storeFactBatch))
        try commit(database, rows: group.count) { () throws(DatabaseError) in
            for item in group { try writer.write(item.fact) }
        }
        pending.removeFirst(group.count)
        statistics.facts += group.count
        answer(group, true)
    }

    private func commit(
        _ database: Database, rows: Int, _ body: () throws(DatabaseError) -> Void
    ) throws(StoreProblem) {
        let began = Clock.nanoseconds()
        do throws(DatabaseError) {
            try database.transaction(body)
        } catch {
            throw StoreProblem(error)
        }
        statistics.commits += 1
        statistics.lastCommitMicroseconds = Int((Clock.nanoseconds() - began) / 1_000)
        logPages += rows + 1
    }

    /// Retention and the log, after those who wait have their answers.
    private func tidy(_ database: Database, now: Milliseconds, tick: Milliseconds) {
        do throws(DatabaseError) {
            if tick >= nextRetention {
                nextRetention = tick + PresenceLimits.storeRetentionEvery
                statistics.pruned += try database.transaction { () throws(DatabaseError) in
                    try retention.pass(database, now: now) + (book?.prune(now: now) ?? 0)
                }
            }
            guard logPages >= PresenceLimits.storeLogPages else { return }
            statistics.logPages = try database.checkpoint(truncate: false).logged
            logPages = 0
            logProblem = nil
        } catch {
            statistics.failures += 1
            logProblem = StoreProblem(error)
        }
    }

    private func fail(_ cause: StoreProblem) {
        statistics.failures += 1
        problem = cause
        flushing = nil
        giveUpWaiting()
        guard !cause.isPassing else { return }
        // Writing into a damaged file can only damage more.
        medium = .none
        pending = []
        unwritten = []
        unwrittenSeen = []
        book = nil
    }

    /// Tells everybody who waits that the disk does not have it; the facts stay.
    private func giveUpWaiting() {
        answer(pending, false)
        for index in pending.indices { pending[index].then = nil }
    }

    private func answer(_ facts: [PendingFact], _ kept: Bool) {
        for fact in facts { fact.then?(kept) }
    }

    // MARK: History

    private func note() {
        guard let book else { return }
        (statistics.intervals, statistics.historyGaps) = (book.written, book.gaps)
    }

    /// Without a file: the history alone has anything to write.
    private func turnMemory(now: Milliseconds, tick: Milliseconds) -> Milliseconds {
        guard let book, isMemory else { return .max }
        guard tick >= nextFlush else { return nextFlush - tick }
        nextFlush = tick + flushEvery
        do throws(DatabaseError) {
            try catchUp(book, now: now)
            if tick >= nextRetention {
                nextRetention = tick + PresenceLimits.storeRetentionEvery
                _ = try book.prune(now: now)
            }
        } catch {
            statistics.failures += 1
        }
        return flushEvery
    }

    /// Writes all that has changed up to now.
    private func catchUp(_ book: HistoryBook, now: Milliseconds) throws(DatabaseError) {
        var isAll = false
        // A source that never ends must not keep those who wait.
        for _ in 0..<PresenceLimits.journal / PresenceLimits.dirtyBatch where !isAll {
            isAll = book.drain(now: now)
            guard book.hasUnwritten else { break }
            try book.database.transaction { () throws(DatabaseError) in
                try book.write()
                try book.makeRoom()
            }
            book.wrote()
            logPages += 1
        }
        note()
    }

    /// Answers questions about histories, with what is known up to now.
    func answer(_ requests: [HistoryRequest], now: Milliseconds) {
        guard !requests.isEmpty else { return }
        guard let book else {
            let failed = problem.map { HistoryAnswer.failed($0.description) }
            for request in requests { request.then(failed ?? .notKept) }
            return
        }
        guard book.plan.keep != nil else {
            for request in requests { request.then(.notKept) }
            return
        }
        for request in requests { book.plan.source.settle(request.user, now: now) }
        do throws(DatabaseError) {
            try catchUp(book, now: now)
        } catch {
            statistics.failures += 1
            for request in requests { request.then(.failed(StoreProblem(error).description)) }
            return
        }
        for request in requests {
            do throws(DatabaseError) {
                request.then(
                    .found(
                        try book.read(
                            request.user, from: request.from, to: request.to,
                            limit: request.limit, now: now)))
            } catch {
                request.then(.failed(StoreProblem(error).description))
            }
        }
    }
}
