// Owns the tests of an exchange's lifecycle, as one table.
// Called by XCTest.
// Never provokes an illegal pair: that ends the process, on purpose.

import XCTest

@testable import ProxyCore

final class ExchangeMachineTests: XCTestCase {
    /// Every state that can be reached, by the steps that lead there.
    private func machine(_ steps: String) -> ExchangeMachine {
        var machine = ExchangeMachine()
        for step in steps {
            switch step {
            case "q": machine.requestEnded()
            case "r": machine.responseStarted()
            case "w": machine.responseWithdrawn()
            case "e": _ = machine.responseEnded(upstreamPersists: true, clientPersists: true)
            default: _ = machine.answered(clientPersists: true)
            }
        }
        return machine
    }

    func testStates() {
        for (steps, request, response) in [
            ("", ExchangeMachine.Request.streaming, ExchangeMachine.Response.awaited),
            ("q", .complete, .awaited), ("r", .streaming, .streaming),
            ("qr", .complete, .streaming), ("rq", .complete, .streaming),
            ("re", .abandoned, .complete), ("qre", .complete, .complete),
            ("rqe", .complete, .complete), ("a", .abandoned, .complete),
            ("qa", .complete, .complete), ("qrw", .complete, .awaited),
            ("rw", .streaming, .awaited), ("qrwa", .complete, .complete),
        ] {
            XCTAssertEqual(machine(steps).request, request, steps)
            XCTAssertEqual(machine(steps).response, response, steps)
            XCTAssertEqual(machine(steps).isAnswerable, response == .awaited, steps)
        }
    }

    func testEndings() {
        for upstream in [true, false] {
            for client in [true, false] {
                var whole = machine("qr")
                XCTAssertEqual(
                    whole.responseEnded(upstreamPersists: upstream, clientPersists: client),
                    .init(upstream: upstream ? .reuse : .close, downstream: client ? .next : .close)
                )
                // In the middle of a request nothing can follow, whatever both want.
                var early = machine("r")
                XCTAssertEqual(
                    early.responseEnded(upstreamPersists: upstream, clientPersists: client),
                    .init(upstream: .close, downstream: .linger))
            }
        }
        for client in [true, false] {
            var own = machine("q")
            XCTAssertEqual(
                own.answered(clientPersists: client),
                .init(upstream: .close, downstream: client ? .next : .close))
            var early = machine("")
            XCTAssertEqual(
                early.answered(clientPersists: client),
                .init(upstream: .close, downstream: .linger))
        }
    }

    func testRetryOnceAndOnlyWhereAllHolds46() {
        for bits in 0..<8 {
            var one = machine("q")
            let may = one.mayRetry(
                reused: bits & 1 != 0, idempotent: bits & 2 != 0, replayable: bits & 4 != 0)
            XCTAssertEqual(may, bits == 7)
            XCTAssertFalse(
                may && one.mayRetry(reused: true, idempotent: true, replayable: true))
        }
        for steps in ["r", "qr", "qre", "a"] {
            var late = machine(steps)
            XCTAssertFalse(late.mayRetry(reused: true, idempotent: true, replayable: true))
            XCTAssertFalse(late.mayConnectElsewhere(atMost: 9))
        }
    }

    func testConnectsElsewhereAreCounted() {
        var one = machine("")
        XCTAssertFalse(one.mayConnectElsewhere(atMost: 1))
        XCTAssertTrue(one.mayConnectElsewhere(atMost: 3))
        XCTAssertTrue(one.mayConnectElsewhere(atMost: 3))
        XCTAssertFalse(one.mayConnectElsewhere(atMost: 3))
        // A connect that failed has used up the retry.
        XCTAssertFalse(one.mayRetry(reused: true, idempotent: true, replayable: true))
    }
}
