// Owns the tests of the cache of verdicts: bounds, expiry, collisions.
// Called by the test run.
// Never depends on a random seed.

import XCTest

@testable import ProxyCore

final class VerdictCacheTests: XCTestCase {
    private struct Words: BitwiseCopyable, Equatable {
        var subject: UInt64
        var session: UInt64
    }

    private func token(_ number: Int, length: Int = 200) -> String {
        var random = SplitMix(seed: UInt64(number) &+ 1)
        let bytes = (0..<(length * 3 / 4)).map { _ in UInt8.random(in: 0...255, using: &random) }
        return TokenFixture.base64(bytes)
    }

    private func cache(entries: Int, bytes: Int = 1 << 20, buckets: Int? = nil) -> VerdictCache<
        Words
    > {
        VerdictCache(entries: entries, bytes: bytes, seeds: (11, 22, 33), buckets: buckets)
    }

    private func insert(_ cache: VerdictCache<Words>, _ text: String, _ subject: UInt64) -> Int32? {
        cache.insert(
            text.rawSpan, Words(subject: subject, session: 0), expires: testNow + 1000,
            now: testNow)
    }

    private func subject(_ cache: VerdictCache<Words>, _ text: String) -> UInt64? {
        cache.find(text.rawSpan, now: testNow).map { cache[$0].subject }
    }

    func testFindsWhatWasInserted() throws {
        let cache = cache(entries: 64)
        for number in 0..<64 { _ = insert(cache, token(number), UInt64(number)) }
        for number in 0..<64 { XCTAssertEqual(subject(cache, token(number)), UInt64(number)) }
        XCTAssertNil(subject(cache, token(64)))
        XCTAssertNil(subject(cache, ""))
        XCTAssertNil(subject(cache, String(token(3).dropLast())))
        XCTAssertNil(subject(cache, token(3) + "A"))
        XCTAssertEqual(cache.count, 64)
        let random = VerdictCache<Words>(entries: 4, bytes: 4096)
        XCTAssertNotNil(insert(random, token(1), 1))
        XCTAssertEqual(subject(random, token(1)), 1)
    }

    func testUpdateInPlace() throws {
        let cache = cache(entries: 4)
        let entry = try XCTUnwrap(insert(cache, token(1), 5))
        cache[entry].session = 77
        cache[entry].subject += 1
        XCTAssertEqual(cache[entry], Words(subject: 6, session: 77))
        XCTAssertEqual(subject(cache, token(1)), 6)
        let again = cache.insert(
            token(1).rawSpan, Words(subject: 9, session: 9), expires: testNow + 5000, now: testNow)
        XCTAssertEqual(again, entry)
        XCTAssertEqual(cache.expires(entry), testNow + 5000)
        XCTAssertEqual(cache.count, 1)
    }

    func testExpiry() {
        let cache = cache(entries: 4)
        _ = insert(cache, token(1), 1)
        XCTAssertNotNil(cache.find(token(1).rawSpan, now: testNow + 999))
        XCTAssertNil(cache.find(token(1).rawSpan, now: testNow + 1000))
        XCTAssertEqual(cache.count, 0)
        XCTAssertEqual(cache.byteCount, 0)
        XCTAssertNil(cache.find(token(1).rawSpan, now: testNow))
        XCTAssertNil(
            cache.insert(
                token(1).rawSpan, Words(subject: 1, session: 1), expires: testNow, now: testNow))
    }

    func testAFloodStaysWithinBothBounds() {
        let byEntries = cache(entries: 100)
        let byBytes = cache(entries: 10_000, bytes: 5000)
        for number in 0..<2_000 {
            let text = token(number, length: 40 + number % 300)
            XCTAssertNotNil(insert(byEntries, text, UInt64(number)))
            XCTAssertNotNil(insert(byBytes, text, UInt64(number)))
            guard byEntries.count <= 100, byBytes.byteCount <= 5000 else {
                return XCTFail("bounds broken at \(number)")
            }
            guard subject(byEntries, text) == UInt64(number), subject(byBytes, text) != nil else {
                return XCTFail("the newest is not there at \(number)")
            }
        }
        XCTAssertGreaterThan(byEntries.count, 90)
        XCTAssertGreaterThan(byBytes.byteCount, 4500)
    }

    func testTheUsedOutliveAFlood() {
        let cache = cache(entries: 100)
        for number in 0..<10 { _ = insert(cache, token(number), UInt64(number)) }
        for number in 100..<1000 {
            _ = insert(cache, token(number), UInt64(number))
            for used in 0..<10 where subject(cache, token(used)) != UInt64(used) {
                return XCTFail("token \(used) lost at \(number)")
            }
        }
    }

    /// However often a token was found, its death lets it go before the living.
    func testTheDeadGoFirst() {
        let cache = cache(entries: 10)
        for number in 0..<10 {
            cache.insert(
                token(number).rawSpan, Words(subject: UInt64(number), session: 0),
                expires: testNow + (number == 7 ? 10 : 1000), now: testNow)
            XCTAssertNotNil(subject(cache, token(number)))
        }
        cache.insert(
            token(10).rawSpan, Words(subject: 10, session: 0), expires: testNow + 1000,
            now: testNow + 10)
        for number in 0...10 where number != 7 {
            XCTAssertNotNil(cache.find(token(number).rawSpan, now: testNow + 10), "\(number)")
        }
    }

    func testTooLongIsNotKept() {
        let cache = cache(entries: 4, bytes: 100)
        XCTAssertNil(insert(cache, token(1, length: 120), 1))
        XCTAssertNotNil(insert(cache, token(2, length: 100), 1))
        XCTAssertNotNil(insert(cache, token(3, length: 100), 1))
        XCTAssertEqual(cache.count, 1)
        let wide = self.cache(entries: 4, bytes: 1 << 20)
        XCTAssertNil(insert(wide, String(repeating: "a", count: Limits.tokenBytes + 1), 1))
        XCTAssertNil(insert(wide, "", 1))
    }

    /// The same last bytes and length: one hash, two tokens.
    func testCollisions() {
        let cache = cache(entries: 1000)
        let tail = token(1, length: 64)
        func twin(_ number: Int) -> String { "\(1_000_000 + number)" + tail }
        XCTAssertEqual(cache.hash(twin(1).rawSpan), cache.hash(twin(2).rawSpan))
        _ = insert(cache, twin(1), 1)
        XCTAssertNil(subject(cache, twin(2)))
        _ = insert(cache, twin(2), 2)
        XCTAssertEqual(subject(cache, twin(1)), 1)
        XCTAssertEqual(subject(cache, twin(2)), 2)
        // A chain is bounded, and its newest members stay.
        for number in 3..<500 { _ = insert(cache, twin(number), UInt64(number)) }
        XCTAssertEqual(cache.count, 8)
        XCTAssertEqual(subject(cache, twin(499)), 499)
        XCTAssertEqual(subject(cache, twin(492)), 492)
        XCTAssertNil(subject(cache, twin(491)))
    }

    func testOneBucket() {
        let cache = cache(entries: 100, buckets: 1)
        for number in 0..<8 { _ = insert(cache, token(number), UInt64(number)) }
        for number in 0..<8 { XCTAssertEqual(subject(cache, token(number)), UInt64(number)) }
        // Out of the middle, the front and the end of a chain.
        for number in [3, 7, 0] {
            if let entry = cache.find(token(number).rawSpan, now: testNow) { cache.remove(entry) }
        }
        for number in 0..<8 {
            let wanted = [3, 7, 0].contains(number) ? nil : UInt64(number)
            XCTAssertEqual(subject(cache, token(number)), wanted)
        }
        XCTAssertEqual(cache.count, 5)
        cache.removeAll()
        XCTAssertEqual(cache.count, 0)
        XCTAssertEqual(cache.byteCount, 0)
        for number in 0..<8 { _ = insert(cache, token(number), 1) }
        XCTAssertEqual(cache.count, 8)
    }

    func testShortTokens() {
        let cache = cache(entries: 100)
        for length in 1...30 {
            _ = insert(cache, String(repeating: "a", count: length), UInt64(length))
        }
        for length in 1...30 {
            let text = String(repeating: "a", count: length)
            XCTAssertEqual(subject(cache, text), UInt64(length))
            atPageEnd(Array(text.utf8)) { XCTAssertNotNil(cache.find($0, now: testNow)) }
        }
        XCTAssertNotEqual(cache.hash("a".rawSpan), cache.hash("a\0".rawSpan))
    }

    func testRemoveTwiceIsOnce() throws {
        let cache = cache(entries: 4)
        let entry = try XCTUnwrap(insert(cache, token(1), 1))
        cache.remove(entry)
        cache.remove(entry)
        XCTAssertEqual(cache.count, 0)
        XCTAssertNotEqual(insert(cache, token(2), 2), insert(cache, token(3), 3))
    }

    /// Against a model: the cache may forget, it must never be wrong.
    func testRandomly() {
        var random = SplitMix(seed: 42)
        let cache = cache(entries: 37, bytes: 6000, buckets: 8)
        var model: [Int: (value: UInt64, expires: Milliseconds)] = [:]
        var hits = 0
        for step in 0..<8_000 {
            let number = Int.random(in: 0..<80, using: &random)
            let text = token(number, length: 50 + number)
            let now = testNow + Milliseconds(step / 3)
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<3:
                let expires = now + .random(in: 1...500, using: &random)
                cache.insert(
                    text.rawSpan, Words(subject: UInt64(step), session: 0), expires: expires,
                    now: now)
                model[number] = (UInt64(step), expires)
            case 3:
                if let entry = cache.find(text.rawSpan, now: now) { cache.remove(entry) }
                model[number] = nil
            default:
                guard let entry = cache.find(text.rawSpan, now: now) else { continue }
                hits += 1
                XCTAssertEqual(cache[entry].subject, model[number]?.value)
                XCTAssertLessThan(now, model[number]?.expires ?? 0)
            }
            XCTAssertLessThanOrEqual(cache.byteCount, 6000)
            XCTAssertLessThanOrEqual(cache.count, 37)
        }
        XCTAssertGreaterThan(hits, 800)
    }
}
