// Owns the proof that what expires is bounded and ends when it should.
// Called by the test runner.
// Never knows what the values mean.

import ProxyCore
import XCTest

@testable import Presence

final class ExpiringTests: XCTestCase {
    func testValuesEndAtTheirMoment() {
        var table = Expiring<Int, String>(limit: 10)
        XCTAssertTrue(table.insert(1, "a", expires: 100, now: 0))
        XCTAssertEqual(table.value(1, now: 99), "a")
        XCTAssertNil(table.value(1, now: 100))
        XCTAssertFalse(table.insert(1, "b", expires: 200, now: 50), "replaced")
        XCTAssertEqual(table.value(1, now: 150), "b", "the old end is not its end")
        table.insert(2, "c", expires: 300, now: 150)
        XCTAssertEqual(table.value(1, now: 150), "b", "nor does it take the new value along")
        XCTAssertTrue(table.insert(3, "d", expires: 150, now: 150))
        XCTAssertNil(table.value(3, now: 0), "over when it came")
    }

    func testTheSoonestMakesRoom() {
        var table = Expiring<Int, Int>(limit: 3)
        for (key, expires) in [(1, 500), (2, 300), (3, 400), (4, 350)] {
            table.insert(key, key, expires: Milliseconds(expires), now: 0)
        }
        XCTAssertEqual((1...4).map { table.value($0, now: 0) }, [1, nil, 3, 4])
        XCTAssertEqual(table.lost, 1)
        table.remove(4)
        table.insert(5, 5, expires: 600, now: 0)
        XCTAssertEqual(table.lost, 1, "the place of the one removed was free")
        XCTAssertEqual(table.count, 3)
    }

    func testMovingOneKeyForEverStaysBounded() {
        var table = Expiring<Int, Int>(limit: 8)
        table.insert(0, 0, expires: .max, now: 0)
        for step in 1..<10_000 {
            table.insert(1, step, expires: Milliseconds(step * 2), now: Milliseconds(step))
            if step % 3 == 0 { table.remove(1) }
        }
        XCTAssertEqual(table.value(0, now: 20_000), 0)
        XCTAssertEqual(table.lost, 0)
    }

    /// Revocations that a login has lifted end late: they must not push out those that hold.
    func testWhatWasRemovedPushesNobodyOut() {
        var table = Expiring<Int, Int>(limit: 100)
        for _ in 0..<1_000 {
            table.insert(0, 0, expires: 1_000_000, now: 0)
            table.remove(0)
        }
        for key in 1...50 { table.insert(key, key, expires: Milliseconds(1_000 + key), now: 0) }
        XCTAssertEqual(table.count, 50)
        XCTAssertEqual(table.lost, 0)
        XCTAssertEqual((1...50).compactMap { table.value($0, now: 0) }, Array(1...50))
    }

    func testAgainstAPlainDictionary() {
        var table = Expiring<Int, Int>(limit: 1_000_000)
        var plain: [Int: (Int, Milliseconds)] = [:]
        var random = SystemRandomNumberGenerator()
        for step in 0..<20_000 {
            let now = Milliseconds(step)
            let key = Int.random(in: 0..<300, using: &random)
            if step % 7 == 0 {
                table.remove(key)
                plain[key] = nil
            } else {
                let expires = now + .random(in: 1...500, using: &random)
                table.insert(key, step, expires: expires, now: now)
                plain[key] = (step, expires)
            }
            let asked = Int.random(in: 0..<300, using: &random)
            let wanted = plain[asked].flatMap { now < $0.1 ? $0.0 : nil }
            XCTAssertEqual(table.value(asked, now: now), wanted)
        }
    }
}
