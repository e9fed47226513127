// Owns what happens to asking while no server answers, with the time turned by hand.
// Called by the test runner.
// Never opens a socket.

import ProxyCore
import XCTest

@testable import StatusAPI

final class InquiryBreakerTests: XCTestCase {
    private let start = Asking.start

    /// A machine whose server has been silent so often that asking pauses.
    private func paused(_ machine: inout Inquiries, at now: Milliseconds) throws -> InquiryClosing {
        for number in 1..<InquiryLimits.failures {
            _ = machine.ask("silent\(number)", waiter: {}, at: now)
            let closing = try XCTUnwrap(machine.settle(.silent, at: now))
            XCTAssertNil(closing.news)
        }
        _ = machine.ask("last", waiter: {}, at: now)
        return try XCTUnwrap(machine.settle(.silent, at: now))
    }

    func testR20ADeadServerIsNotHammered() throws {
        var machine = Inquiries(try Asking.settings())
        let closing = try paused(&machine, at: start)
        XCTAssertEqual(closing.news, .paused(until: start + 1_000))
        XCTAssertEqual(machine.standing("new"), .undecided(until: start + 1_000))
        XCTAssertEqual(machine.ask("new", sighting: Asking.sighting()), .settled)
        XCTAssertNil(machine.next(start + 999))
        // Six thousand credentials a minute, for ten minutes: so few are asked about.
        var sent = 0
        for step in 1...60_000 as ClosedRange<Int64> {
            let now = start + step * 10
            _ = machine.ask("t\(step)", sighting: Asking.sighting(now), at: now)
            while machine.settle(.silent, at: now) != nil { sent += 1 }
        }
        XCTAssertLessThanOrEqual(sent, 26)
        XCTAssertGreaterThanOrEqual(sent, 20)
    }

    func testAfterThePauseOneQuestionTries() throws {
        var machine = Inquiries(try Asking.settings())
        _ = try paused(&machine, at: start)
        let now = start + 1_000
        for number in 0..<10 {
            XCTAssertEqual(machine.ask("n\(number)", waiter: {}, at: now), .queued)
        }
        let attempt = try XCTUnwrap(machine.next(now))
        XCTAssertNil(machine.next(now), "one tries, the others wait")
        let closing = machine.finish(attempt.digest, .refused, now)
        XCTAssertEqual(closing.news, .resumed)
        XCTAssertNotNil(machine.next(now))
    }

    func testTheTryAfterAPauseIsAboutOneWhoHadAnOwner() throws {
        // Whichever turn it would be.
        for turns in 0..<InquiryLimits.turns {
            var machine = Inquiries(try Asking.settings())
            _ = machine.ask("owned", waiter: {})
            _ = machine.settle(.known(Asking.identity("42", until: start + 1)))
            for number in 0..<turns {
                _ = machine.ask("turn\(number)", waiter: {})
                _ = machine.settle(.refused)
            }
            _ = try paused(&machine, at: start)
            let now = start + 1_000
            for number in 0..<10 { _ = machine.ask("n\(number)", waiter: {}, at: now) }
            XCTAssertEqual(machine.ask("owned", waiter: {}, at: now), .queued)
            XCTAssertEqual(machine.next(now)?.digest, Asking.digest("owned"), "\(turns)")
        }
    }

    func testAtTheBeginningOfAPauseNobodyIsLeftWaiting() throws {
        var machine = Inquiries(try Asking.settings { $0.concurrency = 1 })
        for number in 1..<InquiryLimits.failures {
            _ = machine.ask("silent\(number)", waiter: {})
            _ = machine.settle(.silent)
        }
        for number in 0..<20 {
            _ = machine.ask("n\(number)", sighting: Asking.sighting(), waiter: {})
        }
        let closing = try XCTUnwrap(machine.settle(.silent))
        XCTAssertEqual(closing.waiters.count, 20)
        XCTAssertTrue(closing.sightings.isEmpty)
        XCTAssertEqual(machine.totals.sightingsLost, 20)
        XCTAssertEqual(machine.totals.open, 0)
        XCTAssertFalse(machine.hasQueued)
    }

    func testAServerThatAnswersAnythingIsThere() throws {
        var machine = Inquiries(try Asking.settings())
        for number in 0..<100 {
            _ = machine.ask("t\(number)", waiter: {})
            let outcome: InquiryOutcome = number % InquiryLimits.failures == 0 ? .unclear : .silent
            XCTAssertNil(try XCTUnwrap(machine.settle(outcome)).news)
        }
        XCTAssertEqual(machine.standing("new"), .unknown)
        XCTAssertEqual(machine.totals.pauses, 0)
    }

    func testThePauseGrowsToItsBound() {
        var breaker = InquiryBreaker()
        var now = start
        for _ in 1..<InquiryLimits.failures { XCTAssertFalse(breaker.silent(now)) }
        for pause: Milliseconds in [1, 2, 4, 8, 16, 30, 30] {
            XCTAssertTrue(breaker.silent(now))
            XCTAssertEqual(breaker.pausedUntil(now), now + pause * 1_000)
            XCTAssertFalse(breaker.admits(now + pause * 1_000 - 1))
            now += pause * 1_000
            XCTAssertTrue(breaker.admits(now))
            breaker.begin()
            XCTAssertFalse(breaker.admits(now))
        }
        breaker.answered()
        XCTAssertTrue(breaker.admits(now))
        XCTAssertFalse(breaker.silent(now))
    }
}
