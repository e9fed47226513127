// Owns the store's figures: reading at the start, writing, the latency of a fact.
// Called by hand: STORE_MEASURE=1 swift test -c release --filter StoreMeasurements
// Never a test of anything: the figures are printed, the machine decides them.

import ProxyCore
import XCTest

@testable import Presence

final class StoreMeasurements: XCTestCase {
    private let folder = StoreFolder()

    override func tearDown() { folder.remove() }

    override func setUpWithError() throws {
        guard ProcessInfo.processInfo.environment["STORE_MEASURE"] != nil else {
            throw XCTSkip("set STORE_MEASURE to measure")
        }
    }

    /// `seen` must differ from round to round: SQLite leaves a page alone that would not change.
    private func people(_ numbers: some Sequence<Int>, seen: Milliseconds) -> [StoredUser] {
        numbers.map { number in
            StoredUser(
                id: "\(number)", name: "user number \(number)", lastSeen: seen,
                lastActive: seen, status: .online, since: 1_800_000_000_000,
                sessions: [
                    StoredSession(
                        tag: UInt64(number) &* 0x9E37_79B9_7F4A_7C15,
                        contact: seen, saidAway: false, open: false)
                ])
        }
    }

    @discardableResult private func time<R>(_ label: String, _ count: Int, _ body: () throws -> R)
        rethrows -> R
    {
        let began = Clock.nanoseconds()
        let result = try body()
        let seconds = Double(Clock.nanoseconds() - began) / 1e9
        print(
            String(
                format: "MEASURED %@: %.3f s, %.0f a second", label, seconds,
                Double(count) / seconds))
        return result
    }

    private func drainAll(_ store: PresenceStore, tick: Milliseconds) {
        while store.turn(now: tick, tick: tick) == 0 {}
    }

    func testAMillionUsers() throws {
        let count = 1_000_000
        let source = FakeSource()
        let (store, _) = PresenceStore.open(path: folder.file())
        store.prepare(source: source, flushEvery: 1_000)
        let start: Milliseconds = 1_800_000_000_000
        let all = people(0..<count, seen: start)
        source.change(all)
        time("first write of \(count) users", count) { drainAll(store, tick: 0) }
        source.change(people(0..<count, seen: start + 1))
        time("rewrite of \(count) users", count) { drainAll(store, tick: 2_000) }
        source.change(people(0..<count, seen: start + 2).shuffled())
        time("rewrite in random order", count) { drainAll(store, tick: 4_000) }
        source.change(people((0..<count).shuffled().prefix(33_000), seen: start + 3))
        time("one flush of 33,000 random users", 33_000) { drainAll(store, tick: 6_000) }
        source.change(
            people((0..<count).shuffled().prefix(33_000).sorted(), seen: start + 5))
        time("the same in the order of the table", 33_000) { drainAll(store, tick: 7_000) }
        source.change(people(0..<1_000, seen: start + 4))
        time("one flush of 1,000 users", 1_000) { drainAll(store, tick: 9_000) }
        time("stop", 1) { store.stop() }
        print("MEASURED file: \(try folder.bytes().count / 1_048_576) MiB")
        let again = time("open and read", count) { PresenceStore.open(path: folder.file()).store }
        XCTAssertEqual(again.load().users.count, count)
        again.stop()
    }

    func testLatencyOfFacts() throws {
        for lanes in [1, 32] {
            let (store, _) = PresenceStore.open(path: folder.file("l\(lanes)"))
            try store.start(source: FakeSource(), flushEvery: 1_000)
            let took = Lock([Int64]())
            let threads = try (0..<lanes).map { lane in
                try Thread(name: "lane") {
                    let done = DispatchSemaphore(value: 0)
                    for number in 0..<500 {
                        let began = Clock.nanoseconds()
                        let claim = StoredClaim(
                            user: "\(lane).\(number)", status: .away, setAt: 1, until: nil)
                        store.commit(.claimSet(claim)) { _ in done.signal() }
                        done.wait()
                        took.withLock { $0.append(Clock.nanoseconds() - began) }
                    }
                }
            }
            time("\(lanes) askers, 500 facts each", lanes * 500) {
                for thread in threads { thread.join() }
            }
            let sorted = took.withLock { $0.sorted() }
            print(
                "MEASURED p50 \(sorted[sorted.count / 2] / 1_000) µs, p99",
                "\(sorted[sorted.count * 99 / 100] / 1_000) µs, commits \(store.statistics.commits)"
            )
            store.stop()
        }
    }

    func testWhatASyncCosts() throws {
        for mode in ["FULL", "NORMAL"] {
            let file = try StoreFile(path: folder.file(mode))
            try file.database.execute("PRAGMA synchronous = \(mode)")
            var writer: StoreWriter? = try StoreWriter(file.database)
            try time("500 commits of 100 rows, synchronous=\(mode)", 500) {
                for round in 0..<500 as Range<Milliseconds> {
                    let batch = people(0..<100, seen: round)
                    try file.database.transaction { () throws(DatabaseError) in
                        try writer?.write(batch)
                    }
                }
            }
            writer = nil
            try file.database.close(tidy: true)
        }
    }
}
