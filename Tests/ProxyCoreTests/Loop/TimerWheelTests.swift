// Owns the tests of the timer wheel, against a plain list of deadlines.
// Called by XCTest.
// Never reads a clock: time is turned by hand.

import XCTest

@testable import ProxyCore

final class TimerWheelTests: XCTestCase {
    func testNeverEarlyAndAtMostOneTickLate() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<100 {
            let tick = Milliseconds([1, 7, 32, 1000].randomElement(using: &random)!)
            let size = [1, 2, 8, 64].randomElement(using: &random)!
            live(tick, size, &random)
        }
    }

    private func live(
        _ tick: Milliseconds, _ size: Int, _ random: inout SystemRandomNumberGenerator
    ) {
        var now = Milliseconds.random(in: 0...10_000_000, using: &random)
        var wheel = TimerWheel(tick: tick, size: size, now: now)
        // Due, and when it was noted.
        var model: [UInt64: (due: Milliseconds, noted: Milliseconds)] = [:]
        var next: UInt64 = 0
        let round = tick * Milliseconds(size)
        for _ in 0..<150 {
            for _ in 0..<Int.random(in: 0...4, using: &random) {
                // Past ones too, and ones that go round the wheel many times.
                let due = now + Milliseconds.random(in: -tick...round * 5, using: &random)
                wheel.insert(next, due: due)
                model[next] = (due, now)
                next += 1
            }
            check(wheel, model.values.map(\.due).min(), now, tick)
            let sleeps = Int.random(in: 0..<20, using: &random) == 0
            now += sleeps ? round * 3 : Milliseconds.random(in: 0...tick * 4, using: &random)
            var expired: [UInt64] = []
            XCTAssertTrue(wheel.expire(now: now, into: &expired))
            for key in expired {
                guard let (due, _) = model.removeValue(forKey: key) else {
                    return XCTFail("\(key) came twice")
                }
                XCTAssertLessThanOrEqual(due, now, "early")
            }
            for (due, noted) in model.values {
                XCTAssertGreaterThan(max(due, noted) + tick, now, "more than a tick late")
            }
            XCTAssertEqual(wheel.count, model.count)
        }
    }

    /// Sleeping as long as it says misses nothing by more than the tick.
    private func check(
        _ wheel: TimerWheel, _ first: Milliseconds?, _ now: Milliseconds, _ tick: Milliseconds
    ) {
        guard let delay = wheel.delay(now: now) else { return XCTAssertNil(first) }
        XCTAssertGreaterThanOrEqual(delay, 0)
        XCTAssertLessThanOrEqual(now + delay, max(first ?? 0, now) + tick)
    }

    func testALoopThatSleepsAsToldTakesFewTurns() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<50 {
            var now: Milliseconds = 123
            var wheel = TimerWheel(tick: 32, size: 64, now: now)
            var dues: [Milliseconds] = []
            for key in 0..<20 {
                let due = now + Milliseconds.random(in: 0...100_000, using: &random)
                wheel.insert(UInt64(key), due: due)
                dues.append(due)
            }
            var turns = 0
            var seen = 0
            while let delay = wheel.delay(now: now), turns < 10_000 {
                now += delay
                var expired: [UInt64] = []
                wheel.expire(now: now, into: &expired)
                for key in expired { XCTAssertLessThan(now, dues[Int(key)] + 32) }
                seen += expired.count
                turns += 1
                // No busy loop: after a look there is time to sleep.
                if let next = wheel.delay(now: now) { XCTAssertGreaterThan(next, 0) }
            }
            XCTAssertEqual(seen, 20)
            // At most once a round of the wheel for each bucket that holds something.
            XCTAssertLessThan(turns, 20 * (100_000 / (32 * 64) + 2))
        }
    }

    func testABoundedExpireGoesOnWhereItStopped() {
        var random = SystemRandomNumberGenerator()
        for limit in [1, 3, 50] {
            var wheel = TimerWheel(tick: 10, size: 16, now: 0)
            let dues = (0..<200).map { _ in Milliseconds.random(in: 0...2_000, using: &random) }
            for (key, due) in dues.enumerated() { wheel.insert(UInt64(key), due: due) }
            var seen: Set<UInt64> = []
            for calls in 0... {
                var expired: [UInt64] = []
                let isDone = wheel.expire(now: 1_000, limit: limit, into: &expired)
                XCTAssertLessThanOrEqual(expired.count, limit)
                for key in expired {
                    XCTAssertTrue(seen.insert(key).inserted)
                    XCTAssertLessThanOrEqual(dues[Int(key)], 1_000)
                }
                if isDone { break }
                XCTAssertEqual(wheel.delay(now: 1_000), 0, "what is left is due at once")
                guard calls < 1_000 else { return XCTFail("it never ends") }
            }
            XCTAssertEqual(seen.count, dues.count { $0 <= 1_000 })
            XCTAssertEqual(wheel.count, 200 - seen.count)
        }
    }

    func testAfterALongSleepEverythingComesOnce() {
        var wheel = TimerWheel(tick: 32, size: 8, now: 0)
        for key in 0..<100 { wheel.insert(UInt64(key), due: Milliseconds(key) * 50) }
        wheel.insert(1_000, due: 10_000_000)
        var expired: [UInt64] = []
        wheel.expire(now: 9_000_000, into: &expired)
        XCTAssertEqual(expired.sorted(), (0..<100).map { UInt64($0) })
        XCTAssertEqual(wheel.count, 1)
        expired = []
        wheel.expire(now: 10_000_031, into: &expired)
        XCTAssertEqual(expired, [1_000])
        XCTAssertNil(wheel.delay(now: 10_000_031))
    }

    func testTheSameKeyManyTimes() {
        var wheel = TimerWheel(tick: 10, size: 4, now: 0)
        for due in [5, 5, 100] as [Milliseconds] { wheel.insert(1, due: due) }
        var expired: [UInt64] = []
        wheel.expire(now: 20, into: &expired)
        XCTAssertEqual(expired, [1, 1])
        wheel.expire(now: 110, into: &expired)
        XCTAssertEqual(expired, [1, 1, 1])
    }

    func testEventKeys() {
        for kind in [EventKey.Kind.mailbox, .listener, .downstream, .upstream] {
            for slot in [0, 1, -1, .max, .min] as [Int32] {
                for generation in [0, 1, 0xff_ffff, 0x1ff_ffff] as [UInt32] {
                    let key = EventKey(kind, slot: slot, generation: generation)
                    XCTAssertEqual(EventKey(word: key.word), key)
                    XCTAssertEqual(key.kind, kind)
                    XCTAssertEqual(key.slot, slot)
                    XCTAssertEqual(key.generation, generation & 0xff_ffff)
                }
            }
        }
    }
}
