// Owns the tests of when keys are fetched, on a clock that the test turns.
// Called by XCTest.
// Never fetches anything.

import XCTest

@testable import ProxyCore

final class KeyRefreshTests: XCTestCase {
    private let start: Milliseconds = 1_000_000

    /// A plan whose first question went well at `start`, without jitter.
    private func fresh() -> KeyRefresh {
        var plan = KeyRefresh(now: start)
        XCTAssertTrue(plan.begin(now: start))
        plan.succeeded(now: start, chance: 0)
        return plan
    }

    func testR14TheFirstQuestionIsDueAtOnce() {
        var plan = KeyRefresh(now: start)
        XCTAssertEqual(plan.next, start)
        XCTAssertTrue(plan.begin(now: start))
    }

    func testR14AnAnswerIsKeptForTenMinutesLessSomeChance() {
        var plan = fresh()
        XCTAssertEqual(plan.next, start + 600_000)
        XCTAssertFalse(plan.begin(now: start + 599_999))
        XCTAssertTrue(plan.begin(now: start + 600_000))
        var earliest = Milliseconds.max
        var latest = Milliseconds.min
        for chance in stride(from: UInt64(0), to: 200_000, by: 1) {
            var plan = KeyRefresh(now: 0)
            XCTAssertTrue(plan.begin(now: 0))
            plan.succeeded(now: 0, chance: chance &* 0x9E37_79B9_7F4A_7C15)
            earliest = min(earliest, plan.next ?? 0)
            latest = max(latest, plan.next ?? 0)
        }
        XCTAssertGreaterThanOrEqual(earliest, 540_000)
        XCTAssertLessThan(earliest, 541_000)
        XCTAssertLessThanOrEqual(latest, 600_000)
        XCTAssertGreaterThan(latest, 599_000)
    }

    func testR15OneQuestionAtATime() {
        var plan = KeyRefresh(now: start)
        XCTAssertTrue(plan.begin(now: start))
        XCTAssertNil(plan.next)
        for later in [0, 1, 30_000, 600_000, 10_000_000] as [Milliseconds] {
            XCTAssertFalse(plan.want(now: start + later))
            XCTAssertFalse(plan.begin(now: start + later))
        }
        plan.succeeded(now: start + 5_000, chance: 0)
        XCTAssertEqual(plan.next, start + 605_000)
    }

    func testR15AnUnknownKeyIDAsksAtOnceAndThenEveryThirtySecondsAtMost() {
        var plan = fresh()
        let first = start + 7
        XCTAssertTrue(plan.want(now: first))
        XCTAssertFalse(plan.want(now: first), "the second one finds it planned")
        XCTAssertTrue(plan.begin(now: first))
        plan.succeeded(now: first + 10, chance: 0)
        // A flood of made-up ids: the whole next half minute, every millisecond.
        for time in (first + 10)..<(first + 30_000) {
            plan.want(now: time)
            XCTAssertFalse(plan.begin(now: time))
        }
        XCTAssertEqual(plan.next, first + 30_000)
        XCTAssertTrue(plan.begin(now: first + 30_000))
    }

    func testR15AFloodOfUnknownKeyIDsAsksTwiceAMinute() {
        var plan = fresh()
        var questions: [Milliseconds] = []
        for time in stride(from: start, through: start + 600_000, by: 100) {
            plan.want(now: time)
            guard plan.begin(now: time) else { continue }
            questions.append(time)
            plan.succeeded(now: time, chance: 0)
        }
        XCTAssertEqual(questions.count, 21)
        for (earlier, later) in zip(questions, questions.dropFirst()) {
            XCTAssertGreaterThanOrEqual(later - earlier, KeyRefresh.spacing)
        }
    }

    func testR15AnUnknownKeyIDNeverPutsAQuestionOff() {
        var plan = fresh()
        XCTAssertTrue(plan.want(now: start + 590_000))
        XCTAssertTrue(plan.begin(now: start + 590_000))
        plan.failed(now: start + 590_010, chance: 0)
        let retry = start + 590_010 + KeyRefresh.shortestWait
        XCTAssertEqual(plan.next, retry)
        XCTAssertFalse(plan.want(now: start + 590_020), "the retry comes before the spacing ends")
        XCTAssertEqual(plan.next, retry)
    }

    func testR15AnUnknownKeyIDCutsALongBackOffShort() {
        var plan = fresh()
        var now = start + 600_000
        for _ in 0..<12 {
            XCTAssertTrue(plan.begin(now: now))
            plan.failed(now: now, chance: .max)
            now = plan.next ?? 0
        }
        XCTAssertGreaterThan(now, start + 1_000_000)
        let asked = now - 100_000
        XCTAssertTrue(plan.want(now: asked))
        XCTAssertTrue(plan.begin(now: asked))
    }

    func testR14FailuresBackOffWithinBoundsAndWithChance() {
        // No chance, all of it, and something between.
        for (chance, share) in [(UInt64(0), 0.5), (.max, nil), (12_345, nil)] as [(UInt64, Double?)]
        {
            var plan = KeyRefresh(now: 0)
            var now: Milliseconds = 0
            var ceiling: Milliseconds = 2_000
            for attempt in 0..<70 {
                XCTAssertTrue(plan.begin(now: now))
                plan.failed(now: now, chance: chance)
                let wait = (plan.next ?? 0) - now
                XCTAssertGreaterThanOrEqual(wait, KeyRefresh.shortestWait, "\(attempt)")
                XCTAssertLessThanOrEqual(wait, KeyRefresh.longestWait, "\(attempt)")
                XCTAssertGreaterThanOrEqual(wait, ceiling / 2, "\(attempt)")
                XCTAssertLessThanOrEqual(wait, ceiling, "\(attempt)")
                if let share { XCTAssertEqual(wait, Milliseconds(Double(ceiling) * share)) }
                now += wait
                ceiling = min(ceiling * 2, KeyRefresh.longestWait)
            }
        }
        // Two sidecars that failed together do not come back together.
        var waits: Set<Milliseconds> = []
        for chance in UInt64(0)..<1_000 {
            var plan = KeyRefresh(now: 0)
            XCTAssertTrue(plan.begin(now: 0))
            plan.failed(now: 0, chance: chance &* 0x9E37_79B9_7F4A_7C15)
            waits.insert(plan.next ?? 0)
        }
        XCTAssertGreaterThan(waits.count, 500)
    }

    func testR14ASuccessEndsTheBackOff() {
        var plan = KeyRefresh(now: 0)
        var now: Milliseconds = 0
        for _ in 0..<9 {
            XCTAssertTrue(plan.begin(now: now))
            plan.failed(now: now, chance: 0)
            now = plan.next ?? 0
        }
        XCTAssertTrue(plan.begin(now: now))
        plan.succeeded(now: now, chance: 0)
        now = plan.next ?? 0
        XCTAssertTrue(plan.begin(now: now))
        plan.failed(now: now, chance: 0)
        XCTAssertEqual(plan.next, now + KeyRefresh.shortestWait)
    }
}
