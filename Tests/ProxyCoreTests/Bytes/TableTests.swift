// Owns the tests of the tables of the core: slots, rows of atomics, short texts.
// Called by XCTest.
// Never touches what a table forbids: that ends the process.

import XCTest

@testable import ProxyCore

final class TableTests: XCTestCase {
    private final class Tally {
        var ended: [Int] = []
    }

    private struct Guest: ~Copyable {
        let number: Int
        let tally: Tally
        var visits = 0
        init(_ number: Int, _ tally: Tally) {
            self.number = number
            self.tally = tally
        }
        deinit { tally.ended.append(number) }
    }

    func testSlotsAreReusedAndElementsEndOnce() {
        let tally = Tally()
        do {
            let slab = Slab<Guest>(limit: 3)
            for number in 0..<3 { XCTAssertEqual(slab.insert(Guest(number, tally)), Int32(number)) }
            XCTAssertNil(slab.insert(Guest(99, tally)))
            XCTAssertEqual(tally.ended, [99], "what is refused is dropped")
            slab[1].visits += 5
            XCTAssertEqual(slab[1].visits, 5)
            slab.remove(1)
            XCTAssertEqual(tally.ended, [99, 1])
            XCTAssertFalse(slab.contains(1))
            XCTAssertEqual(slab.slots, [0, 2])
            XCTAssertEqual(slab.insert(Guest(3, tally)), 1)
            XCTAssertEqual(slab[1].visits, 0)
            XCTAssertEqual(slab.count, 3)
            for bad in [-1, 3, 1000, .min, .max] as [Int32] { XCTAssertFalse(slab.contains(bad)) }
        }
        XCTAssertEqual(tally.ended.sorted(), [0, 1, 2, 3, 99])
    }

    func testElementsDoNotMove() {
        let slab = Slab<Int>(limit: 10_000)
        let first = slab.insert(7)!
        let place = withUnsafePointer(to: &slab[first]) { $0 }
        for number in 0..<9_999 { XCTAssertNotNil(slab.insert(number)) }
        XCTAssertNil(slab.insert(0))
        XCTAssertEqual(withUnsafePointer(to: &slab[first]) { $0 }, place)
        XCTAssertEqual(slab[first], 7)
    }

    func testRandomLifeOfASlab() {
        var random = SystemRandomNumberGenerator()
        let slab = Slab<Int>(limit: 600)
        var model: [Int32: Int] = [:]
        for step in 0..<10_000 {
            if Int.random(in: 0..<3, using: &random) > 0 || model.isEmpty {
                if let slot = slab.insert(step) {
                    XCTAssertNil(model[slot])
                    model[slot] = step
                } else {
                    XCTAssertEqual(model.count, 600)
                }
            } else if let slot = model.keys.randomElement(using: &random) {
                XCTAssertEqual(slab.remove(slot), model.removeValue(forKey: slot))
            }
            XCTAssertEqual(slab.count, model.count)
        }
        XCTAssertEqual(slab.slots, model.keys.sorted())
        for (slot, value) in model { XCTAssertEqual(slab[slot], value) }
    }

    func testShortTexts() {
        XCTAssertTrue(ShortText().isEmpty)
        XCTAssertEqual(ShortText().bytes.byteCount, 0)
        let long = (0..<100).map { UInt8($0) }
        for first in [0, 1, 10, 47, 48, 49, 100] {
            for second in [0, 1, 10, 38, 47, 48, 49, 100] {
                let one = Array(long[..<first])
                let two = Array(long[..<second])
                let text = ShortText(one.rawSpan, two.rawSpan)
                XCTAssertEqual(text.bytes.array(), Array((one + two).prefix(48)))
                XCTAssertEqual(text.isEmpty, first + second == 0)
            }
        }
    }

    // MARK: Rows of atomics

    func testRowsHoldWhatWasStored() {
        let limit = 3 * AtomicTable.chunkRows
        let table = AtomicTable(columns: 3, limit: limit)
        let rows = table.rows
        let places = [1, AtomicTable.chunkRows, AtomicTable.chunkRows + 1, limit]
        for wanted in places {
            table.ensure(rows: wanted)
            table.ensure(rows: 1)
            for column in 0..<3 {
                XCTAssertEqual(rows.load(wanted - 1, column), 0)
                rows.store(wanted - 1, column, Int64(wanted * 10 + column))
            }
        }
        for wanted in places {
            for column in 0..<3 {
                XCTAssertEqual(rows.load(wanted - 1, column), Int64(wanted * 10 + column))
            }
        }
    }

    func testOperationsOnAWord() {
        let table = AtomicTable(columns: 1, limit: 1)
        table.ensure(rows: 1)
        let rows = table.rows
        XCTAssertEqual(rows.insert(0, 0, bits: 5), 0)
        XCTAssertEqual(rows.insert(0, 0, bits: 2), 5)
        XCTAssertEqual(rows.exchange(0, 0, 40), 7)
        rows.add(0, 0, 2)
        XCTAssertEqual(rows.observe(0, 0), 42)
        XCTAssertFalse(rows.replace(0, 0, expected: 41, with: 1))
        XCTAssertTrue(rows.replace(0, 0, expected: 42, with: 50))
        XCTAssertFalse(rows.advance(0, 0, to: 50))
        XCTAssertFalse(rows.advance(0, 0, to: 49))
        XCTAssertTrue(rows.advance(0, 0, to: 51))
        rows.publish(0, 0, -1)
        XCTAssertEqual(rows.load(0, 0), -1)
        withExtendedLifetime(table) {}
    }

    /// One thread makes room while others read and write what is there.
    func testRowsGrowWhileOthersUseThem() throws {
        let count = 8 * AtomicTable.chunkRows
        let table = AtomicTable(columns: 2, limit: count)
        let made = Board(0)
        let threads = try (0..<3).map { number in
            try ProxyCore.Thread(name: "user") {
                var seen = 0
                while seen < count, made.await({ $0 > seen }) {
                    seen = made.now
                    for row in stride(from: number, to: seen, by: 701) {
                        _ = table.rows.insert(row, 0, bits: 1 << Int64(number))
                        table.rows.advance(row, 1, to: Int64(number))
                    }
                }
            }
        }
        for rows in stride(from: 512, through: count, by: 512) {
            table.ensure(rows: rows)
            made.change { $0 = rows }
        }
        for thread in threads { thread.join() }
        for row in 0..<3 { XCTAssertEqual(table.rows.load(row, 0), 1 << Int64(row)) }
    }
}
