// Owns the tests of the even clock.
// Called by XCTest.
// Never reads the system's clocks, but to see that they run.

import XCTest

@testable import ProxyCore

final class ClockTests: XCTestCase {
    func testWithoutStepsItIsTheWall() {
        var clock = SteadyClock(wall: 1_000_000, monotonic: 500)
        for passed in stride(from: Milliseconds(0), through: 100_000, by: 333) {
            XCTAssertEqual(
                clock.now(wall: { 1_000_000 + passed }, monotonic: 500 + passed),
                1_000_000 + passed)
        }
    }

    func testTheWallIsReadOnceASecond() {
        var clock = SteadyClock(wall: 0, monotonic: 0)
        var reads = 0
        for passed in 0..<10_000 {
            _ = clock.now(
                wall: {
                    reads += 1
                    return Milliseconds(passed)
                }, monotonic: Milliseconds(passed))
        }
        XCTAssertEqual(reads, 9)
    }

    /// A step is worked off slowly, and then the clock is right.
    func testSteps() {
        for step in [60_000, -60_000, 10, -10] as [Milliseconds] {
            var clock = SteadyClock(wall: 1_000_000, monotonic: 0)
            var last = clock.now(wall: { 1_000_000 }, monotonic: 0)
            for second in 1...3_000 as ClosedRange<Milliseconds> {
                let monotonic = second * 1000
                let now = clock.now(wall: { 1_000_000 + step + monotonic }, monotonic: monotonic)
                XCTAssertLessThanOrEqual(abs(now - last - 1000), SteadyClock.slew)
                last = now
            }
            XCTAssertEqual(last, 1_000_000 + step + 3_000_000)
        }
    }

    func testNeverBackwards() {
        // The slew of a second, a millisecond after the last reading.
        var stepped = SteadyClock(wall: 1_000_000, monotonic: 0)
        let before = stepped.now(wall: { 0 }, monotonic: 999)
        XCTAssertEqual(stepped.now(wall: { 0 }, monotonic: 1_000), before)
        XCTAssertGreaterThan(stepped.now(wall: { 0 }, monotonic: 1_100), before)
        var random = SystemRandomNumberGenerator()
        for _ in 0..<100 {
            var clock = SteadyClock(wall: 1 << 40, monotonic: 0)
            var monotonic: Milliseconds = 0
            var last: Milliseconds = 0
            for _ in 0..<500 {
                monotonic += Milliseconds.random(in: 0...5_000, using: &random)
                let wall = Milliseconds.random(in: 0...1 << 41, using: &random)
                let now = clock.now(wall: { wall }, monotonic: monotonic)
                XCTAssertGreaterThanOrEqual(now, last)
                last = now
            }
        }
    }

    func testTheSystemsClocksRun() {
        XCTAssertGreaterThan(Clock.wall(), 1_600_000_000_000)
        XCTAssertLessThanOrEqual(Clock.monotonic(), Clock.monotonic())
        XCTAssertLessThanOrEqual(Clock.nanoseconds(), Clock.nanoseconds())
    }
}
