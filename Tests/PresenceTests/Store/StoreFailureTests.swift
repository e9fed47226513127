// Owns the proof that a failing disk costs neither facts nor sightings, and that all recovers.
// Called by the test runner.
// Never waits for time: turns are taken by hand.

import ProxyCore
import XCTest

@testable import Presence

final class StoreFailureTests: XCTestCase {
    private let folder = StoreFolder()
    private let answers = Answers()
    private let source = FakeSource()

    override func tearDown() { folder.remove() }

    private func open(_ queue: FactQueue = FactQueue()) -> PresenceStore {
        let (store, problem) = PresenceStore.open(path: folder.file(), queue: queue)
        XCTAssertNil(problem)
        store.prepare(source: source, flushEvery: 1_000)
        return store
    }

    private func stored() throws -> RestoredState {
        try folder.copy(to: "copy")
        let (store, problem) = PresenceStore.open(path: folder.file("copy"))
        XCTAssertNil(problem)
        defer { store.stop() }
        return store.load()
    }

    private func setRoom(_ store: PresenceStore, pages: Int?) throws {
        try store.withDatabase { database in
            let used = try database.integer("PRAGMA page_count") ?? 0
            let limit = pages.map { used + Int64($0) } ?? 1 << 30
            _ = try database.integer("PRAGMA max_page_count = \(limit)")
        }
    }

    private func many(_ count: Int) -> [StoredUser] { (0..<count).map { user("user-\($0)") } }

    func testFullDiskKeepsEverythingAndRecovers() throws {
        let store = open()
        _ = store.turn(now: 1_000, tick: 0)
        try setRoom(store, pages: 2)
        source.change(many(3_000))
        let rows = store.statistics.rows
        XCTAssertEqual(store.turn(now: 2_000, tick: 1_000), 1_000, "tried again at the next flush")
        let degraded = StoreHealth.degraded(
            "\(folder.file()): the disk is full; free some space")
        XCTAssertEqual(store.health, degraded)
        XCTAssertEqual(store.statistics.failures, 1)
        XCTAssertEqual(try stored().users, [], "a batch is written whole or not at all")

        // Facts are told at once that the disk does not have them, without another try.
        store.commit(.revoked(revocation(1)), then: answers.note("first"))
        _ = store.turn(now: 2_100, tick: 1_100)
        XCTAssertEqual(answers.all, ["first false"])
        XCTAssertEqual(store.statistics.failures, 1)
        XCTAssertEqual(store.statistics.factsWaiting, 1)

        // Sightings go on in memory: no second batch is taken while one waits.
        source.change([user("late")])
        let drains = source.drains
        XCTAssertEqual(store.turn(now: 3_000, tick: 2_000), 1_000)
        XCTAssertEqual(store.statistics.failures, 2)
        XCTAssertEqual(source.drains, drains)
        XCTAssertEqual(store.health, degraded)

        try setRoom(store, pages: nil)
        _ = store.turn(now: 4_000, tick: 3_000)
        XCTAssertEqual(store.health, .ok)
        XCTAssertEqual(answers.all, ["first false"], "told once")
        let state = try stored()
        XCTAssertEqual(Set(state.users.map(\.id)), Set((many(3_000) + [user("late")]).map(\.id)))
        XCTAssertEqual(state.revocations, [revocation(1)])
        XCTAssertEqual(state.aliveAt, 4_000)
        XCTAssertEqual(store.statistics.rows, rows + 3_001)
        XCTAssertEqual(store.statistics.factsWaiting, 0)
        store.commit(.revoked(revocation(2)), then: answers.note("second"))
        _ = store.turn(now: 4_100, tick: 3_100)
        XCTAssertEqual(answers.all, ["first false", "second true"])
        XCTAssertEqual(store.stop(), .ok)
    }

    func testFullDiskUnderFactsThenRecovery() throws {
        let store = open()
        _ = store.turn(now: 1_000, tick: 0)
        try setRoom(store, pages: 1)
        for number in 0..<2_000 {
            store.commit(.revoked(revocation(UInt64(number))), then: answers.note("\(number)"))
        }
        _ = store.turn(now: 1_001, tick: 1)
        XCTAssertEqual(answers.all, (0..<2_000).map { "\($0) false" })
        XCTAssertEqual(try stored().revocations.count, 0)
        try setRoom(store, pages: nil)
        _ = store.turn(now: 2_000, tick: 1_000)
        XCTAssertEqual(store.health, .ok)
        XCTAssertEqual(try stored().revocations.count, 2_000)
        XCTAssertEqual(answers.all.count, 2_000)
        store.stop()
    }

    /// A batch that failed says less than a fact that came after it was drained.
    func testFailedBatchIsWrittenBeforeLaterFacts() throws {
        let store = open()
        _ = store.turn(now: 1_000, tick: 0)
        try setRoom(store, pages: 0)
        let session = StoredSession(tag: 1, contact: 1_000, saidAway: false, open: false)
        source.change([user("u", seen: 1_000, sessions: [session])] + many(1_000))
        _ = store.turn(now: 2_000, tick: 1_000)
        XCTAssertNotEqual(store.health, .ok)
        var gone = user("u", seen: 1_000)
        gone.loggedOutAt = 2_500
        store.commit(.loggedOut(user: gone, revocation: revocation(1))) { _ in }
        try setRoom(store, pages: nil)
        _ = store.turn(now: 3_000, tick: 2_000)
        XCTAssertEqual(try stored().users.first { $0.id == "u" }, gone)
        store.stop()
    }

    func testWriteLockOfAnotherToolIsWaitedOut() throws {
        let store = open()
        _ = store.turn(now: 1_000, tick: 0)
        try store.withDatabase { _ = try $0.integer("PRAGMA busy_timeout = 0") }
        let tool = try Database(path: folder.file(), patience: 0)
        try tool.execute("BEGIN IMMEDIATE")
        source.change([user("1")])
        _ = store.turn(now: 2_000, tick: 1_000)
        XCTAssertEqual(
            store.health,
            .degraded(
                "\(folder.file()): is in use by another process; stop that one or give this one "
                    + "its own store.path"))
        try tool.execute("COMMIT")
        _ = store.turn(now: 3_000, tick: 2_000)
        XCTAssertEqual(store.health, .ok)
        XCTAssertEqual(try stored().users, [user("1")])
        store.stop()
    }

    func testQueueIsBoundedAndRefusalsAreToldOnTheThread() throws {
        let store = open(FactQueue(limit: 3, refusalLimit: 2))
        for number in 0..<6 {
            store.commit(.revoked(revocation(UInt64(number))), then: answers.note("\(number)"))
        }
        XCTAssertEqual(answers.all, [])
        XCTAssertEqual(store.statistics.factsRefused, 3)
        _ = store.turn(now: 1_000, tick: 0)
        XCTAssertEqual(answers.all, ["3 false", "4 false", "0 true", "1 true", "2 true"])
        store.commit(.revoked(revocation(9)), then: answers.note("9"))
        _ = store.turn(now: 1_001, tick: 1)
        XCTAssertEqual(answers.all.last, "9 true", "written facts make room")
        store.stop()
    }

    func testBacklogCountsAgainstTheBound() throws {
        let store = open(FactQueue(limit: 3))
        _ = store.turn(now: 1_000, tick: 0)
        try FileManager.default.moveItem(atPath: folder.file(), toPath: folder.file("away"))
        for number in 0..<2 {
            store.commit(.revoked(revocation(UInt64(number))), then: answers.note("\(number)"))
        }
        _ = store.turn(now: 1_001, tick: 1)
        store.commit(.revoked(revocation(2)), then: answers.note("2"))
        store.commit(.revoked(revocation(3)), then: answers.note("3"))
        XCTAssertEqual(store.statistics.factsRefused, 1)
        _ = store.turn(now: 1_002, tick: 2)
        XCTAssertEqual(answers.all, ["0 false", "1 false", "3 false", "2 false"])
        try FileManager.default.moveItem(atPath: folder.file("away"), toPath: folder.file())
        _ = store.turn(now: 2_000, tick: 1_000)
        XCTAssertEqual(try stored().revocations.count, 3)
        store.stop()
    }

    func testDeletedFileIsNoticed() throws {
        let store = open()
        _ = store.turn(now: 1_000, tick: 0)
        try FileManager.default.removeItem(atPath: folder.file())
        store.commit(.revoked(revocation(1)), then: answers.note("1"))
        _ = store.turn(now: 1_001, tick: 1)
        XCTAssertEqual(answers.all, ["1 false"], "a file without a name is not durable")
        XCTAssertEqual(
            store.health,
            .degraded(
                "\(folder.file()): was deleted or replaced while in use; put it back or restart"))
        XCTAssertNotEqual(store.stop(), .ok)
        XCTAssertFalse(folder.exists("p.sqlite3"))
    }

    func testUnusableFileRunsOnInMemory() throws {
        try folder.write(Data("not a database at all, just text".utf8))
        let (store, found) = PresenceStore.open(path: folder.file())
        XCTAssertEqual(found?.kind, .notDatabase)
        XCTAssertEqual(store.health, .degraded(found?.description ?? ""))
        store.prepare(source: source, flushEvery: 1_000)
        XCTAssertEqual(store.load(), RestoredState())
        store.commit(.revoked(revocation(1)), then: answers.note("1"))
        source.change([user("1")])
        _ = store.turn(now: 1_000, tick: 0)
        XCTAssertEqual(answers.all, ["1 false"])
        XCTAssertEqual(source.waiting, 1)
        store.stop()
        XCTAssertEqual(try folder.bytes(), Data("not a database at all, just text".utf8))
    }

    func testSecondStoreOnTheSameFile() throws {
        let store = open()
        let (second, found) = PresenceStore.open(path: folder.file())
        XCTAssertEqual(
            found?.description,
            "\(folder.file()): is in use by another process; stop that one or give this one its "
                + "own store.path")
        second.stop()
        store.commit(.revoked(revocation(1)), then: answers.note("1"))
        _ = store.turn(now: 1_000, tick: 0)
        XCTAssertEqual(answers.all, ["1 true"])
        store.stop()
        XCTAssertNoThrow(try StoreFile(path: folder.file()).database.close(tidy: true))
    }

    func testGarbagePageInTheMiddle() throws {
        let store = open()
        source.change(many(4_000))
        store.commit(.revoked(revocation(1))) { _ in }
        store.finish(now: 1_000, tick: 0)
        var bytes = try folder.bytes()
        let page = bytes.count / 4096 / 2
        bytes.replaceSubrange(
            page * 4096..<(page + 1) * 4096, with: Data(repeating: 0xA5, count: 4096))
        try folder.write(bytes)

        let (broken, found) = PresenceStore.open(path: folder.file())
        XCTAssertEqual(
            found?.description,
            "\(folder.file()): the database is damaged (database disk image is malformed); restore "
                + "a backup or move it away together with its -wal and -shm files (it was left as "
                + "it is)")
        let state = broken.load()
        XCTAssertEqual(state.revocations, [revocation(1)], "what can be read still counts")
        XCTAssertGreaterThan(state.users.count, 0)
        XCTAssertLessThan(state.users.count, 4_000)
        broken.prepare(source: source, flushEvery: 1_000)
        broken.commit(.revoked(revocation(2)), then: answers.note("2"))
        _ = broken.turn(now: 1, tick: 0)
        XCTAssertEqual(answers.all, ["2 false"])
        broken.stop()
        XCTAssertEqual(try folder.bytes(), bytes, "never overwritten")
    }

    func testDamageFoundWhileRunningEndsWriting() throws {
        let store = open()
        source.change(many(4_000))
        _ = store.turn(now: 1_000, tick: 0)
        try store.withDatabase { database in
            _ = try database.checkpoint(truncate: true)
            try database.execute("PRAGMA cache_size = 0; PRAGMA shrink_memory")
        }
        let file = FileHandle(forUpdatingAtPath: folder.file())
        let size = try file?.seekToEnd() ?? 0
        for page in 1..<(size / 4096) {
            try file?.seek(toOffset: page * 4096)
            file?.write(Data(repeating: 0xA5, count: 4096))
        }
        try file?.close()
        source.change(many(10))
        store.commit(.revoked(revocation(2)), then: answers.note("2"))
        _ = store.turn(now: 2_000, tick: 1_000)
        XCTAssertEqual(answers.all, ["2 false"])
        guard case .degraded(let reason) = store.health else { return XCTFail("not noticed") }
        XCTAssertTrue(reason.hasPrefix("\(folder.file()): the database is damaged ("), reason)
        let before = try folder.bytes()
        XCTAssertEqual(store.turn(now: 3_000, tick: 2_000), .max, "never tried again")
        store.stop()
        XCTAssertEqual(try folder.bytes(), before)
    }

    /// A small disk of its own, really filled. Needs the right to mount.
    func testReallyFullDisk() throws {
        let disk = folder.file("disk")
        try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: false)
        guard mount("tmpfs", disk, "tmpfs", 0, "size=2m") == 0 else {
            throw XCTSkip("no right to mount")
        }
        defer { umount2(disk, CInt(MNT_DETACH)) }
        let (store, found) = PresenceStore.open(path: disk + "/p.sqlite3")
        XCTAssertNil(found)
        store.prepare(source: source, flushEvery: 1_000)
        _ = store.turn(now: 1_000, tick: 0)

        let ballast = URL(fileURLWithPath: disk + "/ballast")
        XCTAssertTrue(FileManager.default.createFile(atPath: ballast.path, contents: nil))
        let file = try FileHandle(forWritingTo: ballast)
        var size = 4_096 * 512
        while size > 0 {
            do { try file.write(contentsOf: Data(count: 4_096)) } catch { break }
            size -= 4_096
        }
        try? file.close()
        source.change(many(4_000))
        store.commit(.revoked(revocation(1)), then: answers.note("full"))
        _ = store.turn(now: 2_000, tick: 1_000)
        XCTAssertEqual(answers.all, ["full false"])
        XCTAssertEqual(
            store.health, .degraded("\(disk)/p.sqlite3: the disk is full; free some space"))

        // Found full at the start, it says so as well.
        let (other, full) = PresenceStore.open(path: disk + "/other.sqlite3")
        XCTAssertEqual(
            full?.description, "\(disk)/other.sqlite3: the disk is full; free some space")
        other.stop()

        try FileManager.default.removeItem(at: ballast)
        _ = store.turn(now: 3_000, tick: 2_000)
        XCTAssertEqual(store.health, .ok)
        XCTAssertEqual(store.stop(), .ok)
        let (again, problem) = PresenceStore.open(path: disk + "/p.sqlite3")
        XCTAssertNil(problem)
        let state = again.load()
        XCTAssertEqual(state.users.count, 4_000)
        XCTAssertEqual(state.revocations, [revocation(1)])
        again.stop()
    }

    func testTheThreadReportsHealthBothWays() throws {
        let store = PresenceStore.open(path: folder.file()).store
        let reports = Lock([XCTestExpectation]())
        let degraded = expectation(description: "degraded")
        let recovered = expectation(description: "recovered")
        reports.withLock { $0 = [degraded, recovered] }
        try store.start(
            source: source, flushEvery: 5,
            healthChanged: { _ in
                reports.withLock { if !$0.isEmpty { $0.removeFirst().fulfill() } }
            })
        try FileManager.default.moveItem(atPath: folder.file(), toPath: folder.file("away"))
        wait(for: [degraded], timeout: 30)
        XCTAssertFalse(store.health.isOK)
        try FileManager.default.moveItem(atPath: folder.file("away"), toPath: folder.file())
        wait(for: [recovered], timeout: 30)
        XCTAssertEqual(store.stop(), .ok)
    }
}
