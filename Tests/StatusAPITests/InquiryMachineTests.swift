// Owns what must hold of the machine of inquiries, with the time turned by hand.
// Called by the test runner.
// Never starts a thread, never opens a socket.

import ProxyCore
import XCTest

@testable import StatusAPI

final class InquiryMachineTests: XCTestCase {
    private let start = Asking.start

    private func machine(
        _ change: (inout IntrospectionSettings) throws -> Void = { _ in }
    ) throws -> Inquiries {
        Inquiries(try Asking.settings(nil, change))
    }

    // MARK: One flight

    func testR20AThousandWhoAskAtOnceAreOneQuestion() throws {
        var machine = try machine()
        let called = Tally()
        XCTAssertEqual(machine.ask("a", waiter: { called.add() }), .queued)
        for _ in 1..<1_000 {
            XCTAssertEqual(
                machine.ask("a", sighting: Asking.sighting(), waiter: { called.add() }), .joined)
        }
        let question = try XCTUnwrap(machine.next(start))
        XCTAssertEqual(question.token, Array("a".utf8))
        XCTAssertNil(machine.next(start))
        XCTAssertEqual(machine.ask("a", waiter: { called.add() }), .joined)
        let closing = machine.finish(question.digest, .known(Asking.identity("42")), start)
        XCTAssertEqual(closing.waiters.count, 1_001)
        XCTAssertEqual(closing.sightings.count, InquiryLimits.sightings)
        XCTAssertEqual(machine.waiterCount, 0)
        XCTAssertEqual(machine.totals.open, 0)
        XCTAssertNil(machine.next(start))
        XCTAssertEqual(machine.standing("a"), .known(Asking.identity("42")))
    }

    func testTheSightingsOfOneQuestionAreBoundedAndTheNewestCounts() throws {
        var machine = try machine()
        let more = InquiryLimits.sightings + 5
        for number in 1...more {
            // Only one of the surplus was somebody at work: that must not be lost.
            let activity = number == InquiryLimits.sightings + 1
            _ = machine.ask(
                "a", sighting: Asking.sighting(start + Int64(number), activity: activity))
        }
        let closing = try XCTUnwrap(machine.settle(.known(Asking.identity("42"))))
        XCTAssertEqual(closing.sightings.count, InquiryLimits.sightings)
        XCTAssertEqual(closing.sightings.last?.time, start + Int64(more))
        XCTAssertEqual(closing.sightings.last?.activity, true)
        XCTAssertEqual(closing.sightings.dropLast().map(\.activity).contains(true), false)
        XCTAssertEqual(machine.totals.sightingsCounted, Int64(InquiryLimits.sightings))
        XCTAssertEqual(machine.totals.sightingsLost, 5)
    }

    func testWaitersAreBoundedForOneQuestionAndTogether() throws {
        var machine = try machine()
        for _ in 0..<InquiryLimits.waiters { _ = machine.ask("a", waiter: {}) }
        XCTAssertEqual(machine.ask("a", waiter: {}), .noRoom)
        // A sighting alone takes no place of theirs.
        XCTAssertEqual(machine.ask("a", sighting: Asking.sighting()), .joined)
        var number = 0
        while machine.waiterCount < InquiryLimits.waitersTogether {
            XCTAssertNotEqual(machine.ask("b\(number % 512)", waiter: {}), .noRoom)
            number += 1
        }
        XCTAssertEqual(machine.ask("c", waiter: {}), .noRoom)
        XCTAssertEqual(machine.totals.dropped, 2)
        // Nobody was left waiting for a question that was not put.
        XCTAssertEqual(machine.totals.open, 513)
    }

    func testNoMoreAreUnderWayThanConfigured() throws {
        var machine = try machine { $0.concurrency = 4 }
        for number in 0..<10 { _ = machine.ask("t\(number)", waiter: {}) }
        let taken = (0..<10).compactMap { _ in machine.next(start) }
        XCTAssertEqual(taken.count, 4)
        _ = machine.finish(taken[0].digest, .refused, start)
        XCTAssertNotNil(machine.next(start))
        XCTAssertNil(machine.next(start))
    }

    func testBeyondTheQueueASightingIsDroppedAndCounted() throws {
        var machine = try machine { $0.queued = 8 }
        for number in 0..<8 {
            XCTAssertEqual(machine.ask("t\(number)", sighting: Asking.sighting()), .queued)
        }
        XCTAssertEqual(machine.ask("t8", sighting: Asking.sighting()), .noRoom)
        XCTAssertEqual(machine.ask("t3", sighting: Asking.sighting()), .joined)
        XCTAssertEqual(machine.totals.dropped, 1)
        XCTAssertEqual(machine.totals.sightingsLost, 1)
        XCTAssertEqual(machine.totals.open, 8)
    }

    // MARK: What is known

    func testR20APositiveAnswerHoldsForItsTime() throws {
        var machine = try machine()
        _ = machine.ask("a", sighting: Asking.sighting())
        let identity = Asking.identity("42", until: start + 60_000)
        _ = machine.settle(.known(identity))
        XCTAssertEqual(machine.ask("a", sighting: Asking.sighting()), .known(identity))
        XCTAssertEqual(machine.standing("a", at: start + 59_999), .known(identity))
        XCTAssertEqual(machine.standing("a", at: start + 60_000), .unknown)
        XCTAssertEqual(machine.ask("a", waiter: {}, at: start + 60_000), .queued)
    }

    func testR20ARefusalHoldsTenSeconds() throws {
        var machine = try machine()
        _ = machine.ask("a", sighting: Asking.sighting())
        let closing = try XCTUnwrap(machine.settle(.refused))
        XCTAssertTrue(closing.sightings.isEmpty)
        XCTAssertEqual(machine.totals.sightingsLost, 1)
        XCTAssertEqual(machine.ask("a", waiter: {}, at: start + 9_999), .settled)
        XCTAssertEqual(machine.standing("a", at: start + 9_999), .refused)
        XCTAssertEqual(machine.standing("a", at: start + 10_000), .unknown)
    }

    func testWhoseItWasIsRememberedForADay() throws {
        var machine = try machine()
        _ = machine.ask("a", waiter: {})
        _ = machine.settle(.known(Asking.identity("42", until: start + 1_000)))
        XCTAssertEqual(machine.standing("a", at: start + 1_000), .unknown)
        XCTAssertEqual(machine.owner(Asking.digest("a"))?.user, "42")
        // That the server cannot say takes nothing away; its refusal does, and a logout.
        _ = machine.ask("a", waiter: {}, at: start + 1_000)
        _ = machine.settle(.unclear, at: start + 1_000)
        XCTAssertEqual(machine.owner(Asking.digest("a"))?.user, "42")
        machine.tidy(start + 1_000 + 86_399_999)
        XCTAssertEqual(machine.owner(Asking.digest("a"))?.user, "42")
        machine.tidy(start + 1_000 + 86_400_000)
        XCTAssertNil(machine.owner(Asking.digest("a")))
        for end in [true, false] {
            _ = machine.ask("b", waiter: {})
            _ = machine.settle(.known(Asking.identity("42", until: start)))
            if end {
                machine.forget(Asking.digest("b"), refusal: false)
            } else {
                _ = machine.ask("b", waiter: {})
                _ = machine.settle(.refused)
            }
            XCTAssertNil(machine.owner(Asking.digest("b")))
        }
    }

    func testARefusalEndsWhatWasKnown() throws {
        var machine = try machine()
        _ = machine.ask("a", waiter: {})
        _ = machine.settle(.known(Asking.identity("42", until: start + 1_000)))
        _ = machine.ask("a", waiter: {}, at: start + 1_000)
        _ = machine.settle(.refused, at: start + 1_000)
        XCTAssertEqual(machine.standing("a", at: start + 1_000), .refused)
        XCTAssertEqual(machine.standing("a", at: start + 11_000), .unknown)
    }

    func testR20UndecidedIsAskedAgainMoreAndMoreSeldom() throws {
        var machine = try machine()
        var now = start
        for wait: Milliseconds in [5_000, 10_000, 20_000, 30_000, 30_000] {
            XCTAssertEqual(machine.ask("a", waiter: {}, at: now), .queued)
            _ = machine.settle(.unclear, at: now)
            XCTAssertEqual(machine.standing("a", at: now), .undecided(until: now + wait))
            XCTAssertEqual(machine.ask("a", waiter: {}, at: now + wait - 1), .settled)
            now += wait
            XCTAssertEqual(machine.standing("a", at: now), .unknown)
        }
        // One good answer, and it begins anew.
        _ = machine.ask("a", waiter: {}, at: now)
        _ = machine.settle(.known(Asking.identity("42", until: now + 1)), at: now)
        _ = machine.ask("a", waiter: {}, at: now + 1)
        _ = machine.settle(.unclear, at: now + 1)
        XCTAssertEqual(machine.standing("a", at: now + 1), .undecided(until: now + 5_001))
    }

    // MARK: Forgetting

    func testWhatIsForgottenInFlightCountsForNothing() throws {
        var machine = try machine()
        _ = machine.ask("a", sighting: Asking.sighting())
        let question = try XCTUnwrap(machine.next(start))
        machine.forget(question.digest, refusal: false)
        let closing = machine.finish(question.digest, .known(Asking.identity("42")), start)
        XCTAssertTrue(closing.sightings.isEmpty)
        XCTAssertEqual(machine.standing("a"), .unknown)
        XCTAssertEqual(machine.totals.open, 0)
        XCTAssertEqual(machine.totals.sightingsLost, 1)
    }

    func testWhoAsksAfterItWasForgottenHearsANewAnswer() throws {
        var machine = try machine()
        let called = Tally()
        _ = machine.ask("a", sighting: Asking.sighting(), waiter: { called.add() })
        let first = try XCTUnwrap(machine.next(start))
        machine.forget(first.digest, refusal: false)
        XCTAssertEqual(machine.ask("a", sighting: Asking.sighting(start + 1)), .joined)
        XCTAssertNil(machine.next(start), "one flight at a time")
        let old = machine.finish(first.digest, .known(Asking.identity("old")), start)
        XCTAssertTrue(old.waiters.isEmpty)
        XCTAssertEqual(machine.standing("a"), .unknown)
        let again = try XCTUnwrap(machine.next(start))
        let new = machine.finish(again.digest, .known(Asking.identity("new")), start)
        XCTAssertEqual(new.sightings.map(\.time), [start + 1])
        XCTAssertEqual(new.waiters.count, 1)
        XCTAssertEqual(machine.standing("a"), .known(Asking.identity("new")))
    }

    func testWhatIsForgottenBeforeItWasSentIsNotSent() throws {
        var machine = try machine()
        _ = machine.ask("a", sighting: Asking.sighting())
        machine.forget(Asking.digest("a"), refusal: false)
        XCTAssertNil(machine.next(start))
        XCTAssertEqual(machine.totals.open, 0)
    }

    func testALogoutKeepsARefusalAndALoginDoesNot() throws {
        var machine = try machine()
        _ = machine.ask("a", waiter: {})
        _ = machine.settle(.refused)
        machine.forget(Asking.digest("a"), refusal: false)
        XCTAssertEqual(machine.standing("a"), .refused)
        machine.forget(Asking.digest("a"), refusal: true)
        XCTAssertEqual(machine.standing("a"), .unknown)
        _ = machine.ask("b", waiter: {})
        _ = machine.settle(.known(Asking.identity("42")))
        machine.forget(Asking.digest("b"), refusal: false)
        XCTAssertEqual(machine.standing("b"), .unknown)
    }

    // MARK: A flood

    func testAFloodOfInventedTokensKeepsWithinItsBounds() throws {
        var machine = try machine { $0.queued = 64 }
        _ = machine.ask("mine", waiter: {})
        _ = machine.settle(.known(Asking.identity("42", until: start + 10_000_000)))
        for number in 0..<1_000_000 as Range<UInt64> {
            let digest = TokenDigest(words: (number, number &* 0x9E37_79B9, 3, 4))
            let question = Question(
                digest: digest, token: [0x78], place: .cookie("s"), host: [], secure: true)
            _ = machine.ask(question, Asking.sighting(), nil, start)
            // The server keeps up with a tenth of them.
            if number % 10 == 0 { _ = machine.settle(number % 20 == 0 ? .refused : .unclear) }
        }
        XCTAssertLessThanOrEqual(machine.totals.open, 64)
        XCTAssertEqual(machine.judgedCount, InquiryLimits.judged)
        XCTAssertGreaterThan(machine.totals.dropped, 800_000)
        XCTAssertEqual(
            machine.standing("mine"), .known(Asking.identity("42", until: start + 10_000_000)))
        // And what it has cost is given back in time.
        while machine.settle(.refused, at: start + 1) != nil {}
        machine.tidy(start + 200_000)
        XCTAssertEqual(machine.judgedCount, 0)
        XCTAssertEqual(machine.totals.open, 0)
    }

    func testOwnersAreBounded() throws {
        var machine = try machine { $0.known = 100 }
        for number in 0..<1_000 {
            _ = machine.ask("t\(number)", waiter: {})
            _ = machine.settle(.known(Asking.identity("u\(number)")))
        }
        XCTAssertEqual(machine.totals.remembered, 100)
        XCTAssertEqual(machine.standing("t999"), .known(Asking.identity("u999")))
        XCTAssertEqual(machine.standing("t0"), .unknown)
    }

    func testWhoHadAnOwnerGoesBeforeAFloodThatDoesNotStarve() throws {
        var machine = try machine { $0.queued = 40 }
        for number in 0..<8 {
            _ = machine.ask("owner\(number)", waiter: {})
            _ = machine.settle(.known(Asking.identity("u", until: start + 1)))
        }
        let now = start + 1
        for number in 0..<100 { _ = machine.ask("junk\(number)", waiter: {}, at: now) }
        for number in 0..<8 {
            XCTAssertEqual(machine.ask("owner\(number)", waiter: {}, at: now), .queued)
        }
        var order: [String] = []
        while let question = machine.next(now) {
            order.append(String(decoding: question.token, as: UTF8.self))
            _ = machine.finish(question.digest, .refused, now)
        }
        XCTAssertEqual(order.count, 48)
        XCTAssertEqual(order.prefix(12).filter { $0.hasPrefix("owner") }.count, 8)
        XCTAssertGreaterThan(order.prefix(8).filter { $0.hasPrefix("junk") }.count, 0)
    }
}
