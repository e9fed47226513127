// Owns the proof that what the store is told comes back, and survives what it says it survives.
// Called by the test runner.
// Never waits for time: turns are taken by hand, but for the one test of the thread.

import ProxyCore
import XCTest

@testable import Presence

final class PresenceStoreTests: XCTestCase {
    private let folder = StoreFolder()
    private let answers = Answers()

    override func tearDown() { folder.remove() }

    private func open(_ name: String = "p.sqlite3", line: UInt = #line) -> PresenceStore {
        let (store, problem) = PresenceStore.open(path: folder.file(name))
        XCTAssertNil(problem, line: line)
        return store
    }

    /// What a process would find that starts on what is on the disk now.
    private func afterKill(line: UInt = #line) throws -> RestoredState {
        try folder.copy(to: "copy")
        let store = open("copy", line: line)
        defer { store.stop() }
        return store.load()
    }

    private let everything = [
        StoredUser(
            id: "42", name: "Zoë \u{1F600}", lastSeen: 5_000, lastActive: 4_000, status: .away,
            since: 3_000, loggedOutAt: nil,
            sessions: [
                StoredSession(tag: .max, contact: 5_000, saidAway: true, open: false),
                StoredSession(tag: 0, contact: -7, saidAway: false, open: true),
            ]),
        StoredUser(id: "a\0b", name: nil, lastSeen: nil, lastActive: nil, since: nil),
        StoredUser(id: "out", name: "", lastSeen: 9, loggedOutAt: 10),
    ]

    func testEverythingComesBackAfterACleanStop() throws {
        let source = FakeSource()
        let store = open()
        XCTAssertEqual(store.load(), RestoredState())
        store.prepare(source: source, flushEvery: 1_000)
        source.change(everything)
        let claims = [
            StoredClaim(user: "42", status: .offline, setAt: 7, until: nil),
            StoredClaim(user: "out", status: .online, setAt: 8, until: 99_999),
        ]
        for claim in claims { store.commit(.claimSet(claim), then: answers.note("claim")) }
        store.commit(.revoked(revocation(1)), then: answers.note("revoked"))
        store.finish(now: 77_000, tick: 0)
        XCTAssertEqual(answers.all, ["claim true", "claim true", "revoked true"])
        XCTAssertEqual(store.health, .ok)
        XCTAssertFalse(folder.exists("p.sqlite3-wal"), "a clean stop leaves one file")

        let again = open()
        XCTAssertEqual(
            again.load(),
            RestoredState(
                users: everything, claims: claims, revocations: [revocation(1)], aliveAt: 77_000))
        XCTAssertEqual(again.load(), RestoredState(), "handed over once")
        again.stop()
    }

    func testFactSurvivesAKillFromTheMomentOfItsAnswer() throws {
        let store = open()
        store.prepare(source: FakeSource(), flushEvery: 1_000)
        _ = store.turn(now: 1, tick: 0)
        let claim = StoredClaim(user: "1", status: .away, setAt: 5, until: nil)
        store.commit(.claimSet(claim), then: answers.note("claim"))
        XCTAssertEqual(try afterKill().claims, [], "not yet written")
        XCTAssertEqual(answers.all, [], "never answered from inside commit")
        _ = store.turn(now: 2, tick: 1)
        XCTAssertEqual(answers.all, ["claim true"])
        XCTAssertEqual(try afterKill().claims, [claim])
        store.stop()
    }

    func testEachFactDoesWhatItSays() throws {
        let store = open()
        store.prepare(source: FakeSource(), flushEvery: 1_000)
        func write(_ facts: Fact...) throws -> RestoredState {
            for fact in facts { store.commit(fact) { XCTAssertTrue($0) } }
            _ = store.turn(now: 1, tick: 0)
            return try afterKill()
        }
        let old = StoredClaim(user: "1", status: .away, setAt: 5, until: nil)
        let new = StoredClaim(user: "1", status: .online, setAt: 6, until: 50)
        XCTAssertEqual(try write(.claimSet(old), .claimSet(new)).claims, [new])
        XCTAssertEqual(
            try write(.claimCleared(user: "1", setAt: 5)).claims, [new], "a newer claim stays")
        XCTAssertEqual(try write(.claimCleared(user: "1", setAt: 6)).claims, [])
        XCTAssertEqual(try write(.revoked(revocation(3))).revocations, [revocation(3)])

        var gone = user("2", seen: 8)
        gone.loggedOutAt = 9
        gone.sessions = []
        let state = try write(.loggedOut(user: gone, revocation: revocation(1)))
        XCTAssertEqual(state.users, [gone])
        XCTAssertEqual(Set(state.revocations.map(\.key)), [revocation(1).key, revocation(3).key])
        store.stop()
    }

    func testALogoutDoesNotUndoWhatCameAfterIt() throws {
        let source = FakeSource()
        let store = open()
        store.prepare(source: source, flushEvery: 1_000)
        // Logged out at 9; back at 12; the batch that says so was drained before the fact came
        // out of its queue.
        let back = user(
            "1", seen: 12, sessions: [.init(tag: 1, contact: 12, saidAway: false, open: false)])
        source.change([back])
        _ = store.turn(now: 12, tick: 0)
        var gone = user("1", seen: 9)
        gone.loggedOutAt = 9
        store.commit(.loggedOut(user: gone, revocation: revocation(1)), then: answers.note("out"))
        _ = store.turn(now: 13, tick: 1)
        XCTAssertEqual(answers.all, ["out true"])
        XCTAssertEqual(try afterKill().users, [back])
        XCTAssertEqual(try afterKill().revocations, [revocation(1)])
        store.stop()
    }

    func testALogoutInTheMillisecondOfTheLastContactCounts() throws {
        let source = FakeSource()
        let store = open()
        store.prepare(source: source, flushEvery: 1_000)
        source.change([user("1", seen: 9)])
        _ = store.turn(now: 9, tick: 0)
        var gone = user("1", seen: 9)
        gone.loggedOutAt = 9
        store.commit(.loggedOut(user: gone, revocation: revocation(1))) { _ in }
        _ = store.turn(now: 9, tick: 1)
        XCTAssertEqual(try afterKill().users, [gone])
        store.stop()
    }

    func testSightingsAreWrittenWhenDueAndNotBefore() throws {
        let source = FakeSource()
        let store = open()
        store.prepare(source: source, flushEvery: 1_000)
        XCTAssertEqual(store.turn(now: 50_000, tick: 7_000), 1_000)
        source.change([user("1")])
        XCTAssertEqual(store.turn(now: 50_400, tick: 7_400), 600)
        XCTAssertEqual(try afterKill().users, [])
        XCTAssertEqual(try afterKill().aliveAt, 50_000)
        XCTAssertEqual(store.turn(now: 51_000, tick: 8_000), 1_000)
        XCTAssertEqual(try afterKill().users, [user("1")])
        XCTAssertEqual(try afterKill().aliveAt, 51_000)
        store.stop()
    }

    func testLargeFlushGoesInBatchesWithFactsBetween() throws {
        let source = FakeSource()
        let store = open()
        store.prepare(source: source, flushEvery: 1_000)
        let count = PresenceLimits.dirtyBatch * 2 + 10
        source.change((0..<count).map { user("u\($0)") })
        XCTAssertEqual(store.turn(now: 1_000, tick: 0), 0, "there is more")
        XCTAssertEqual(try afterKill().users.count, PresenceLimits.dirtyBatch)
        XCTAssertEqual(try afterKill().aliveAt, 0, "a part of a flush says nothing of its moment")
        store.commit(.revoked(revocation(1)), then: answers.note("revoked"))
        XCTAssertEqual(store.turn(now: 1_010, tick: 10), 0)
        XCTAssertEqual(answers.all, ["revoked true"], "a fact does not wait for the whole flush")
        XCTAssertEqual(store.turn(now: 1_020, tick: 20), 980)
        XCTAssertEqual(try afterKill().users.count, count)
        XCTAssertEqual(try afterKill().aliveAt, 1_000, "when the flush began")
        XCTAssertEqual(store.statistics.rows, count)
        store.stop()
    }

    func testStopWritesEverythingHoweverMuch() throws {
        let source = FakeSource()
        let store = open()
        store.prepare(source: source, flushEvery: 1_000)
        let count = PresenceLimits.dirtyBatch * 3
        source.change((0..<count).map { user("u\($0)") })
        store.finish(now: 5_000, tick: 0)
        XCTAssertEqual(store.health, .ok)
        let again = open()
        let state = again.load()
        XCTAssertEqual(state.users.count, count)
        XCTAssertEqual(state.aliveAt, 5_000)
        again.stop()
    }

    func testWaitingFactsShareOneCommit() throws {
        let store = open()
        store.prepare(source: FakeSource(), flushEvery: 1_000)
        _ = store.turn(now: 1, tick: 0)
        let before = store.statistics.commits
        for number in 0..<100 as Range<UInt64> {
            store.commit(.revoked(revocation(number))) { XCTAssertTrue($0) }
        }
        _ = store.turn(now: 1, tick: 1)
        XCTAssertEqual(store.statistics.commits, before + 1)
        XCTAssertEqual(store.statistics.facts, 100)
        XCTAssertEqual(try afterKill().revocations.count, 100)
        store.stop()
    }

    func testMemoryAloneKeepsNothingAndSaysYes() {
        let (store, problem) = PresenceStore.open(path: nil)
        XCTAssertNil(problem)
        let source = FakeSource()
        store.prepare(source: source, flushEvery: 1_000)
        store.commit(.revoked(revocation(1)), then: answers.note("revoked"))
        XCTAssertEqual(answers.all, [])
        _ = store.turn(now: 1, tick: 0)
        XCTAssertEqual(answers.all, ["revoked true"])
        XCTAssertEqual(store.health, .ok)
        XCTAssertEqual(source.drains, 0)
        XCTAssertEqual(store.stop(), .ok)
    }

    func testTheThreadWritesByItselfAndStopsClean() throws {
        let source = FakeSource()
        let store = open()
        try store.start(source: source, flushEvery: 5)
        let answered = expectation(description: "answers")
        answered.expectedFulfillmentCount = 800
        let threads = try (0..<4).map { lane in
            try Thread(name: "lane") {
                for number in 0..<200 {
                    let claim = StoredClaim(
                        user: "u\(lane)", status: .away, setAt: Milliseconds(number), until: nil)
                    store.commit(.claimSet(claim)) { kept in
                        XCTAssertTrue(kept)
                        answered.fulfill()
                    }
                    source.change([user("u\(lane).\(number)")])
                    _ = store.health
                    _ = store.statistics
                }
            }
        }
        for thread in threads { thread.join() }
        wait(for: [answered], timeout: 30)
        XCTAssertEqual(store.stop(), .ok)
        store.commit(.revoked(revocation(1))) { _ in XCTFail("nobody is told after the stop") }
        let again = open()
        let state = again.load()
        XCTAssertEqual(state.users.count, 800)
        XCTAssertEqual(state.claims.map(\.setAt), [199, 199, 199, 199], "in the order of commits")
        again.stop()
    }

    func testRetentionForgetsWhatExpiredAndKeepsUsers() throws {
        let source = FakeSource()
        let store = open()
        store.prepare(source: source, flushEvery: 1_000)
        let now: Milliseconds = 100 * 86_400_000
        let old = now - PresenceLimits.storeExpiredFor - 1
        store.commit(.revoked(revocation(1, expires: old))) { _ in }
        store.commit(.revoked(revocation(2, expires: old + 1))) { _ in }
        let claims = [
            StoredClaim(user: "a", status: .away, setAt: 1, until: old),
            StoredClaim(user: "b", status: .away, setAt: 1, until: old + 1),
            StoredClaim(user: "c", status: .away, setAt: 1, until: nil),
        ]
        for claim in claims { store.commit(.claimSet(claim)) { _ in } }
        let dead = now - PresenceLimits.storeSessionFor - 1
        let kept = [
            StoredSession(tag: 2, contact: dead, saidAway: false, open: true),
            StoredSession(tag: 3, contact: dead + 1, saidAway: false, open: false),
        ]
        let lost = StoredSession(tag: 1, contact: dead, saidAway: false, open: false)
        source.change([user("u", seen: dead, sessions: [lost] + kept)])
        for pass in 0..<4 { _ = store.turn(now: now, tick: Milliseconds(pass) * 10_000) }
        let state = try afterKill()
        XCTAssertEqual(state.revocations.map(\.key), [revocation(2).key])
        XCTAssertEqual(state.claims.map(\.user), ["b", "c"])
        XCTAssertEqual(state.users, [user("u", seen: dead, sessions: kept)])
        XCTAssertEqual(store.statistics.pruned, 3)
        store.stop()
    }

    func testRetentionLooksAtSoManyRowsAPassAndGoesOn() throws {
        let file = try StoreFile(path: folder.file())
        var writer: StoreWriter? = try StoreWriter(file.database)
        for number in 0..<25 {
            try writer?.write(.revoked(revocation(UInt64(number), expires: 0)))
        }
        writer = nil
        var retention = Retention(limit: 10)
        let now = PresenceLimits.storeExpiredFor + 1
        let passes = try (0..<6).map { _ in try retention.pass(file.database, now: now) }
        XCTAssertEqual(passes, [10, 10, 5, 0, 0, 0])
    }
}
