// Owns a list of rows of a table, whose links stand in a column of those rows.
// Called by tables that forget in an order, under their lock.
// Never allocates: to move a row to the end costs a few words.

import ProxyCore

/// A list of rows, each in it at most once. A row's link holds its neighbours: the one before in
/// the low half, the one behind in the high half.
struct RowList {
    private(set) var first: Int32 = -1
    private(set) var last: Int32 = -1
    private(set) var count = 0

    mutating func append(_ row: Int32, _ rows: AtomicRows, _ column: Int) {
        rows.store(Int(row), column, Self.link(before: last, behind: -1))
        if last >= 0 {
            let before = Self.before(rows.load(Int(last), column))
            rows.store(Int(last), column, Self.link(before: before, behind: row))
        } else {
            first = row
        }
        last = row
        count += 1
    }

    mutating func remove(_ row: Int32, _ rows: AtomicRows, _ column: Int) {
        let link = rows.load(Int(row), column)
        let before = Self.before(link)
        let behind = Self.behind(link)
        if before >= 0 {
            let outer = Self.before(rows.load(Int(before), column))
            rows.store(Int(before), column, Self.link(before: outer, behind: behind))
        } else {
            first = behind
        }
        if behind >= 0 {
            let outer = Self.behind(rows.load(Int(behind), column))
            rows.store(Int(behind), column, Self.link(before: before, behind: outer))
        } else {
            last = before
        }
        count -= 1
    }

    private static func link(before: Int32, behind: Int32) -> Int64 {
        Int64(behind) << 32 | Int64(UInt32(bitPattern: before))
    }

    private static func before(_ link: Int64) -> Int32 { Int32(truncatingIfNeeded: link) }

    private static func behind(_ link: Int64) -> Int32 { Int32(truncatingIfNeeded: link >> 32) }
}
