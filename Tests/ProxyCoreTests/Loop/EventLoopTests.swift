// Owns the tests of a loop's turning, and of the way into it from other threads.
// Called by XCTest.
// Never waits without a bound.

import XCTest

@testable import ProxyCore

final class EventLoopTests: XCTestCase {
    /// Counts turns and keeps what it is told.
    private final class Handler: EventHandler {
        var turns = 0
        var expired: [EventKey] = []
        var endOfTurn: (Handler) -> Milliseconds? = { _ in nil }
        func ready(_ key: EventKey, _ readiness: Readiness) {}
        func expired(_ key: EventKey) { expired.append(key) }
        func turnEnded() -> Milliseconds? {
            turns += 1
            return endOfTurn(self)
        }
    }

    /// A loop on a thread of its own.
    private final class Running: @unchecked Sendable {
        let loop: EventLoop
        let handler: Handler
        private let hasEnded = Board(false)
        private var thread: ProxyCore.Thread?

        init(_ handler: Handler = Handler(), before: (EventLoop) -> Void = { _ in }) throws {
            self.handler = handler
            loop = try EventLoop()
            before(loop)
            thread = try ProxyCore.Thread(name: "turning") { [self] in
                loop.run(self.handler)
                hasEnded.change { $0 = true }
            }
        }

        func stop() {
            loop.mailbox.post { [self] in loop.stop() }
            guard hasEnded.await({ $0 }) else { return XCTFail("the loop does not end") }
            thread?.join()
            thread = nil
        }
    }

    func testLettersComeInOrderFromManySenders() throws {
        let running = try Running()
        let seen = Board<[Int: [Int]]>([:])
        let mailbox = running.loop.mailbox
        let senders = try (0..<4).map { sender in
            try ProxyCore.Thread(name: "sender") {
                for number in 0..<1_000 {
                    mailbox.post { seen.change { $0[sender, default: []].append(number) } }
                }
            }
        }
        for sender in senders { sender.join() }
        XCTAssertTrue(seen.await { $0.values.reduce(0) { $0 + $1.count } == 4_000 })
        for sender in 0..<4 { XCTAssertEqual(seen.now[sender], Array(0..<1_000)) }
        running.stop()
    }

    func testLettersToAnEndedLoopAreLetGo() throws {
        final class Load: Sendable {}
        let mailbox = try Mailbox()
        weak var waiting: Load?
        weak var late: Load?
        do {
            let load = Load()
            waiting = load
            mailbox.post { _ = load }
        }
        XCTAssertNotNil(waiting)
        mailbox.close()
        do {
            let load = Load()
            late = load
            mailbox.post { _ = load }
        }
        XCTAssertNil(waiting)
        XCTAssertNil(late)
        XCTAssertTrue(mailbox.collect().isEmpty)
    }

    func testALetterMayPostAnother() throws {
        let running = try Running()
        let seen = Board(0)
        let mailbox = running.loop.mailbox
        @Sendable func next(_ left: Int) {
            seen.change { $0 += 1 }
            if left > 1 { mailbox.post { next(left - 1) } }
        }
        mailbox.post { next(100) }
        XCTAssertTrue(seen.await { $0 == 100 })
        running.stop()
    }

    func testWakingMakesATurn() throws {
        let handler = Handler()
        let turns = Board(0)
        handler.endOfTurn = { handler in
            turns.change { $0 = handler.turns }
            return nil
        }
        let running = try Running(handler)
        for _ in 0..<50 {
            let before = turns.now
            running.loop.mailbox.wake()
            XCTAssertTrue(turns.await { $0 > before })
        }
        running.stop()
    }

    func testDeadlinesAndWishesWakeTheLoop() throws {
        let handler = Handler()
        let seen = Board<[EventKey]>([])
        let wishes = Board(0)
        handler.endOfTurn = { handler in
            seen.change { $0 = handler.expired }
            return wishes.change { count in
                count += 1
                return count < 5 ? 10 : nil
            }
        }
        let keys = (0..<5).map { EventKey(.upstream, slot: $0, generation: 1) }
        let running = try Running(handler) { loop in
            for (place, key) in keys.enumerated() {
                loop.wheel.insert(key.word, due: loop.now + Milliseconds(place) * 40)
            }
        }
        XCTAssertTrue(seen.await { $0.count == 5 })
        XCTAssertEqual(seen.now, keys)
        XCTAssertTrue(wishes.await { $0 >= 5 })
        running.stop()
        // What was due did not make it spin.
        XCTAssertLessThan(handler.turns, 100)
    }

    /// Nothing to do: it sleeps, whatever stands far in the wheel.
    func testAnIdleLoopTakesNoTurns() throws {
        let running = try Running { $0.wheel.insert(1, due: $0.now + 50_000) }
        let answers = Board(0)
        for number in 1...3 {
            running.loop.mailbox.post { answers.change { $0 += 1 } }
            XCTAssertTrue(answers.await { $0 == number })
        }
        running.stop()
        XCTAssertLessThan(running.handler.turns, 12)
    }
}
