// Owns the tests of the history: what the store keeps of who was there when.
// Called by the test runner.
// Never waits for time: the store's turns are taken by hand.

import ProxyCore
import XCTest

@testable import Presence

final class HistoryTests: XCTestCase {
    private let folder = StoreFolder()
    private let start: Milliseconds = 1_800_000_000_000
    private let day: Milliseconds = 86_400_000

    override func tearDown() { folder.remove() }

    private struct Life {
        let store: PresenceStore
        let engine: PresenceEngine
        var tick: Milliseconds = 0
    }

    private func life(
        _ name: String? = "p.sqlite3", at now: Milliseconds, keep: Milliseconds? = 2_592_000_000,
        capacity: PresenceCapacity = PresenceCapacity()
    ) -> Life {
        let (store, problem) = PresenceStore.open(path: name.map { folder.file($0) })
        XCTAssertNil(problem)
        let engine = PresenceEngine(
            settings: PresenceSettings(startedAt: now), restored: store.load(), epoch: 7,
            sink: store, capacity: capacity)
        let plan = HistoryPlan(
            source: engine, keep: keep, startedAt: now, tolerance: 120_000)
        store.prepare(source: engine, flushEvery: 1_000, history: plan)
        return Life(store: store, engine: engine)
    }

    private func see(_ user: String, in life: Life, at now: Milliseconds) {
        _ = life.engine.login(user: user, name: nil, session: 1, now: now)
    }

    private func turn(_ life: inout Life, at now: Milliseconds) {
        life.tick += 10_000
        life.engine.sweep(now: now)
        _ = life.store.turn(now: now, tick: life.tick)
    }

    private func ask(
        _ life: inout Life, _ user: String, from: Milliseconds, to: Milliseconds,
        limit: Int = 1_000, now: Milliseconds? = nil
    ) -> HistoryAnswer? {
        let answer = Lock<HistoryAnswer?>(nil)
        let isTaken = life.store.history(of: user, from: from, to: to, limit: limit) { found in
            answer.withLock { $0 = found }
        }
        XCTAssertTrue(isTaken)
        life.tick += 1
        _ = life.store.turn(now: now ?? to, tick: life.tick)
        return answer.withLock { $0 }
    }

    private func history(
        _ life: inout Life, _ user: String, from: Milliseconds, to: Milliseconds,
        limit: Int = 1_000, now: Milliseconds? = nil, file: StaticString = #filePath,
        line: UInt = #line
    ) -> UserHistory {
        let answer = ask(&life, user, from: from, to: to, limit: limit, now: now)
        guard case .found(let history) = answer else {
            XCTFail("\(String(describing: answer))", file: file, line: line)
            return UserHistory(from: 0, to: 0)
        }
        return history
    }

    private func interval(
        _ status: Status, _ from: Milliseconds, _ to: Milliseconds?
    ) -> HistoryInterval {
        HistoryInterval(status: status, from: start + from, to: to.map { start + $0 })
    }

    func testIntervalsAndTheTotal() {
        var life = life(at: start)
        see("a", in: life, at: start + 1_000)
        turn(&life, at: start + 2_000)
        life.engine.sweep(now: start + 130_000)
        _ = life.engine.claim(
            user: "a", status: .away, until: start + 300_000, now: start + 200_000
        ) { _ in }
        see("a", in: life, at: start + 290_000)
        // What was not flushed yet is in the answer all the same.
        let all = history(&life, "a", from: start, to: start + 350_000)
        XCTAssertEqual(
            all.intervals,
            [
                interval(.online, 1_000, 121_000), interval(.away, 200_000, 300_000),
                interval(.online, 300_000, nil),
            ])
        XCTAssertEqual(all.online, 120_000 + 50_000)
        XCTAssertEqual([all.from, all.to], [start, start + 350_000])
        XCTAssertFalse(all.isCut)
        XCTAssertEqual(all.gaps, [])
        // Cut to the window; a window that ends before now has no open end.
        let part = history(
            &life, "a", from: start + 100_000, to: start + 310_000, now: start + 350_000)
        XCTAssertEqual(
            part.intervals,
            [
                interval(.online, 100_000, 121_000), interval(.away, 200_000, 300_000),
                interval(.online, 300_000, 310_000),
            ])
        XCTAssertEqual(part.online, 21_000 + 10_000)
        let between = history(
            &life, "a", from: start + 130_000, to: start + 190_000, now: start + 350_000)
        XCTAssertEqual(between.intervals, [])
        XCTAssertEqual(history(&life, "nobody", from: start, to: start + 350_000).intervals, [])
        life.store.stop()
    }

    func testTheTimeBeforeTheFirstStartIsNotKnown() throws {
        for name in ["first.sqlite3", nil] {
            var life = life(name, at: start)
            see("a", in: life, at: start + 1_000)
            let found = history(&life, "a", from: start - day, to: start + 2_000)
            XCTAssertEqual(found.gaps, [HistoryGap(from: start - day, to: start)])
            XCTAssertEqual(found.intervals, [interval(.online, 1_000, nil)])
            if name != nil { try folder.copy("first.sqlite3", to: "second") }
            life.store.stop()
        }
        // The next start with the same file is no first one.
        var again = life("second", at: start + 60_000)
        let found = history(&again, "a", from: start - 1_000, to: start + 61_000)
        XCTAssertEqual(found.gaps, [HistoryGap(from: start - 1_000, to: start)])
        again.store.stop()
    }

    func testALimitSaysSoAndCanBeGoneOnFrom() {
        var life = life(at: start)
        for round in 0..<10 {
            let begin = start + Milliseconds(round) * 200_000
            see("a", in: life, at: begin)
            turn(&life, at: begin + 150_000)
        }
        let now = start + 3_000_000
        var from = start
        var seen: [HistoryInterval] = []
        for _ in 0..<10 {
            let part = history(&life, "a", from: from, to: now, limit: 3)
            seen += part.intervals
            guard part.isCut else { break }
            XCTAssertEqual(part.to, part.intervals.last?.to)
            from = part.to
        }
        XCTAssertEqual(seen.count, 10)
        XCTAssertEqual(seen, history(&life, "a", from: start, to: now).intervals)
        life.store.stop()
    }

    func testIntervalsOverManyDaysAndRetention() {
        var life = life(at: start, keep: 10 * day)
        for number in 0..<20 {
            let begin = start + Milliseconds(number) * day
            see("a", in: life, at: begin)
            see("b", in: life, at: begin)
            turn(&life, at: begin + 200_000)
        }
        // One that lasts over several days stands where it ends.
        _ = life.engine.claim(
            user: "a", status: .online, until: start + 23 * day, now: start + 20 * day
        ) { _ in }
        turn(&life, at: start + 23 * day + 1)
        let now = start + 24 * day
        let window = history(
            &life, "a", from: start + 21 * day, to: start + 22 * day, now: now)
        XCTAssertEqual(window.intervals, [interval(.online, 21 * day, 22 * day)])
        XCTAssertEqual(window.online, day)
        let kept = history(&life, "a", from: start, to: now)
        XCTAssertEqual(kept.from, now - 10 * day, "older times are not kept")
        XCTAssertEqual(kept.intervals.count, 7)
        // The rows themselves go, by whole days.
        for _ in 0..<3 { turn(&life, at: now) }
        let oldest = Lock<Int64?>(nil)
        XCTAssertNoThrow(
            try life.store.withDatabase { database in
                let day = try database.integer("SELECT min(day) FROM intervals")
                oldest.withLock { $0 = day }
            })
        XCTAssertEqual(oldest.withLock { $0 }, (now - 10 * day) / day)
        life.store.stop()
    }

    func testAShortRestartGoesOn() throws {
        var first = life("first", at: start)
        see("stays", in: first, at: start + 1_000)
        see("left", in: first, at: start + 1_000)
        turn(&first, at: start + 60_000)
        try folder.copy("first", to: "second")
        // Killed; nobody is offline before one full offline_after from the start.
        let again = start + 90_000
        var second = life("second", at: again)
        turn(&second, at: again)
        XCTAssertEqual(
            history(&second, "stays", from: start, to: again + 1).intervals,
            [interval(.online, 1_000, nil)])
        see("stays", in: second, at: again + 5_000)
        turn(&second, at: again + 121_000)
        XCTAssertEqual(
            history(&second, "stays", from: start, to: again + 121_000).intervals,
            [interval(.online, 1_000, nil)])
        let left = history(&second, "left", from: start, to: again + 121_000)
        XCTAssertEqual(left.intervals, [interval(.online, 1_000, 90_000 + 120_000)])
        XCTAssertEqual(left.gaps, [])
        second.store.stop()
    }

    func testALongPauseEndsWhatWasOpen() throws {
        var first = life("first", at: start)
        see("a", in: first, at: start + 1_000)
        turn(&first, at: start + 60_000)
        try folder.copy("first", to: "second")
        let again = start + 8 * 3_600_000
        var second = life("second", at: again)
        turn(&second, at: again + 1_000)
        let found = history(&second, "a", from: start, to: again + 1_000)
        // Known until the last flush; presumed from the start, as everybody is told.
        XCTAssertEqual(
            found.intervals,
            [
                interval(.online, 1_000, 60_000), interval(.online, again - start, nil),
            ])
        XCTAssertEqual(found.gaps, [HistoryGap(from: start + 60_000, to: again)])
        turn(&second, at: again + 130_000)
        XCTAssertEqual(
            history(&second, "a", from: again, to: again + 130_000).intervals.last?.to,
            again + 120_000)
        second.store.stop()
    }

    func testAnEndThatNobodySawIsKnownAfterTheRestart() throws {
        var first = life("first", at: start)
        see("a", in: first, at: start + 1_000)
        turn(&first, at: start + 2_000)
        // The flush notes the moment; the user's end fell before it and was not announced.
        _ = first.store.turn(now: start + 120_900, tick: first.tick + 10_000)
        try folder.copy("first", to: "second")
        let again = start + 150_000
        var second = life("second", at: again)
        turn(&second, at: again + 130_000)
        let found = history(&second, "a", from: start, to: again + 130_000)
        XCTAssertEqual(found.intervals.count, 1)
        XCTAssertNotNil(found.intervals.first?.to)
        second.store.stop()
    }

    func testChangesThatTheJournalHasLostAreAGap() {
        var capacity = PresenceCapacity()
        capacity.journal = 8
        var life = life(at: start, capacity: capacity)
        see("stays", in: life, at: start + 1_000)
        turn(&life, at: start + 2_000)
        for number in 0..<20 { see("u\(number)", in: life, at: start + 10_000) }
        turn(&life, at: start + 11_000)
        turn(&life, at: start + 12_000)
        XCTAssertEqual(life.store.statistics.historyGaps, 1)
        for user in ["stays", "u0", "u19"] {
            let found = history(&life, user, from: start, to: start + 20_000)
            XCTAssertEqual(found.gaps, [HistoryGap(from: start + 2_000, to: start + 11_000)])
            XCTAssertEqual(found.intervals.count, 1, user)
            XCTAssertNil(found.intervals.first?.to, user)
        }
        life.store.stop()
    }

    func testInMemoryTheOldestMakeRoom() throws {
        let memory = try Database(path: "memory", patience: 0, mode: .memory)
        try Schema.migrate(memory, from: 0, steps: Schema.migrations)
        let engine = PresenceEngine(settings: PresenceSettings(startedAt: start), epoch: 7)
        let plan = HistoryPlan(
            source: engine, keep: day, startedAt: start, tolerance: 120_000)
        let book = try HistoryBook(plan, memory, aliveAt: 0, bound: 20)
        for round in 0..<40 {
            let begin = start + Milliseconds(round) * 200_000
            _ = engine.login(user: "a", name: nil, session: 1, now: begin)
            engine.sweep(now: begin + 150_000)
            _ = book.drain(now: begin + 150_000)
            try book.write()
            try book.makeRoom()
            book.wrote()
        }
        let now = start + 8_000_000
        let found = try book.read("a", from: start, to: now, limit: 100, now: now)
        XCTAssertLessThanOrEqual(found.intervals.count, 20)
        XCTAssertGreaterThan(found.intervals.count, 10)
        XCTAssertEqual(found.from, book.horizon, "and the answer says from when on it knows")
        XCTAssertGreaterThan(book.horizon, start)
    }

    func testWithoutAFileItIsKeptInMemory() {
        var life = life(nil, at: start)
        see("a", in: life, at: start + 1_000)
        turn(&life, at: start + 150_000)
        XCTAssertEqual(
            history(&life, "a", from: start, to: start + 150_000).intervals,
            [interval(.online, 1_000, 121_000)])
        life.store.stop()
    }

    func testNoneIsKeptWhereNoneIsWanted() throws {
        var first = life("p", at: start)
        see("a", in: first, at: start + 1_000)
        turn(&first, at: start + 150_000)
        first.store.stop()
        var second = life("p", at: start + 200_000, keep: nil)
        XCTAssertEqual(
            ask(&second, "a", from: start, to: start + 200_000), .notKept)
        turn(&second, at: start + 210_000)
        try second.store.withDatabase {
            XCTAssertEqual(try $0.integer("SELECT count(*) FROM intervals"), 0)
            XCTAssertEqual(try $0.integer("SELECT count(*) FROM present"), 0)
        }
        second.store.stop()
    }

    func testAStoreThatFailsSaysSo() throws {
        var life = life(at: start)
        see("a", in: life, at: start + 1_000)
        turn(&life, at: start + 2_000)
        try life.store.withDatabase { try $0.execute("DROP TABLE intervals") }
        let answer = ask(&life, "a", from: start, to: start + 10_000)
        guard case .failed = answer else { return XCTFail("\(String(describing: answer))") }
        life.store.stop()
        try folder.write(Data("no database at all, but some text".utf8), "bad")
        let (broken, problem) = PresenceStore.open(path: folder.file("bad"))
        XCTAssertNotNil(problem)
        var none = Life(store: broken, engine: life.engine)
        broken.prepare(
            source: life.engine, flushEvery: 1_000,
            history: HistoryPlan(
                source: life.engine, keep: day, startedAt: start, tolerance: 120_000))
        guard case .failed = ask(&none, "a", from: start, to: start + 1) else {
            return XCTFail("no failure")
        }
        broken.stop()
    }

    func testTheHoursOutliveARestart() throws {
        var first = life("first", at: start)
        see("a", in: first, at: start + 1_000)
        see("b", in: first, at: start + 1_000)
        turn(&first, at: start + 2_000)
        try folder.copy("first", to: "second")
        let second = life("second", at: start + 3_000)
        let hours = second.engine.onlineHours(now: start + 3_000)
        XCTAssertEqual(hours.hours.last?.peak, 2)
        XCTAssertEqual(hours.hours.last?.users, 2)
        XCTAssertEqual(hours.peakToday?.peakAt, start + 1_000)
        second.store.stop()
    }

    func testTooManyQuestionsAreRefused() {
        let life = life(at: start)
        for _ in 0..<PresenceLimits.storeHistoryRequests {
            XCTAssertTrue(life.store.history(of: "a", from: 0, to: 1, limit: 1) { _ in })
        }
        XCTAssertFalse(life.store.history(of: "a", from: 0, to: 1, limit: 1) { _ in })
        life.store.stop()
    }
}
