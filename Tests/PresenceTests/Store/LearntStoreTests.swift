// Owns the proof that learnt tokens and continued sessions outlive a kill -9, in the right order.
// Called by the test runner.
// Never waits for time: the store's turns are taken by hand.

import ProxyCore
import XCTest

@testable import Presence

final class LearntStoreTests: XCTestCase {
    private let folder = StoreFolder()
    private let answers = Answers()
    private let source = FakeSource()
    private let start: Milliseconds = 1_800_000_000_000

    override func tearDown() { folder.remove() }

    private func open(_ name: String = "p.sqlite3") -> PresenceStore {
        let (store, problem) = PresenceStore.open(path: folder.file(name))
        XCTAssertNil(problem)
        store.prepare(source: source, flushEvery: 1_000)
        return store
    }

    private func afterKill() throws -> RestoredState {
        try folder.copy(to: "copy")
        // Without a source: what waits there is the first store's to write.
        let (store, problem) = PresenceStore.open(path: folder.file("copy"))
        XCTAssertNil(problem)
        defer { store.stop() }
        return store.load()
    }

    private func token(
        _ number: Int, _ user: String = "42", expires: Milliseconds? = nil,
        seen: Milliseconds = 1_000
    ) -> LearntToken {
        LearntToken(
            digest: .number(number), user: user, name: number % 2 == 0 ? nil : "Zoë \u{1F600}",
            isAdmin: number % 3 == 0, session: .max - UInt64(number), expires: expires,
            seenAt: seen)
    }

    private func revoked(_ number: Int) -> StoredRevocation {
        StoredRevocation(key: RevocationKey(.number(number)), expires: 9_000)
    }

    func testR19_ALearntTokenSurvivesAKillFromTheMomentOfItsAnswer() throws {
        let store = open()
        store.commit(.tokenLearnt(token(1)), then: answers.note("learnt"))
        XCTAssertEqual(try afterKill().learnt, [])
        _ = store.turn(now: 1, tick: 0)
        XCTAssertEqual(answers.all, ["learnt true"])
        XCTAssertEqual(try afterKill().learnt, [token(1)])
        store.stop()
    }

    func testEverythingComesBack() throws {
        let store = open()
        let tokens = (0..<50).map { token($0, expires: $0 % 4 == 0 ? nil : 500) }
        for token in tokens { store.commit(.tokenLearnt(token)) { _ in } }
        let continuation = StoredContinuation(
            user: "a\0b", tag: .max, session: 1 << 63, expires: 5_000)
        store.commit(.sessionContinued(continuation)) { _ in }
        store.finish(now: 1_000, tick: 0)
        let state = try afterKill()
        XCTAssertEqual(Set(state.learnt.map(\.digest)), Set(tokens.map(\.digest)))
        for token in state.learnt { XCTAssertTrue(tokens.contains(token)) }
        XCTAssertEqual(state.continued, [continuation])
    }

    /// Facts take effect in the order in which they came, also where they share a commit.
    func testR17_R19_TheOrderOfFactsDecides() throws {
        let store = open()
        let facts: [Fact] = [
            .tokenLearnt(token(1)), .tokenForgotten(.number(1)),
            .tokenLearnt(token(2)), .revoked(revoked(2)),
            .revoked(revoked(3)), .tokenLearnt(token(3)),
            .tokenLearnt(token(4)), .loggedOut(user: user("42"), revocation: revoked(4)),
            .tokenLearnt(token(5)), .tokenLearnt(token(5, "43")),
            .tokenForgotten(.number(6)), .tokenLearnt(token(6)),
        ]
        for fact in facts { store.commit(fact) { XCTAssertTrue($0) } }
        _ = store.turn(now: 1, tick: 0)
        let state = try afterKill()
        XCTAssertEqual(
            state.learnt.sorted { $0.session > $1.session },
            [token(3), token(5, "43"), token(6)])
        XCTAssertEqual(
            Set(state.revocations.map(\.key)), Set([revoked(2).key, revoked(4).key]))
        store.stop()
    }

    func testSeenTimesAreWrittenWithTheFlush() throws {
        let store = open()
        for number in 1...3 { store.commit(.tokenLearnt(token(number))) { _ in } }
        _ = store.turn(now: 1, tick: 0)
        source.see([
            SeenToken(digest: .number(1), seenAt: 5_000),
            SeenToken(digest: .number(2), seenAt: 500),
            SeenToken(digest: .number(9), seenAt: 5_000),
        ])
        _ = store.turn(now: 2, tick: 500)
        XCTAssertEqual(Set(try afterKill().learnt.map(\.seenAt)), [1_000], "not due")
        _ = store.turn(now: 3, tick: 1_000)
        let state = try afterKill()
        XCTAssertEqual(
            state.learnt.sorted { $0.session > $1.session }.map(\.seenAt),
            [5_000, 1_000, 1_000], "never earlier, and nothing of tokens that are gone")
        store.stop()
    }

    func testAFlushOfManySeenTokensGoesInBatchesAndIsKeptWhileTheDiskFails() throws {
        let store = open()
        let count = PresenceLimits.dirtyBatch + 10
        for number in 0..<count { store.commit(.tokenLearnt(token(number))) { _ in } }
        _ = store.turn(now: 1, tick: 0)
        try store.withDatabase { try $0.execute("PRAGMA query_only = ON") }
        source.see((0..<count).map { SeenToken(digest: .number($0), seenAt: 5_000) })
        _ = store.turn(now: 2, tick: 1_000)
        XCTAssertNotEqual(store.health, .ok)
        try store.withDatabase { try $0.execute("PRAGMA query_only = OFF") }
        XCTAssertEqual(store.turn(now: 3, tick: 2_000), 1_000)
        XCTAssertEqual(store.health, .ok)
        let state = try afterKill()
        XCTAssertEqual(state.learnt.count, count)
        XCTAssertTrue(state.learnt.allSatisfy { $0.seenAt == 5_000 })
        store.stop()
    }

    func testR19_RetentionForgetsWhatExpiredOrWasUnseen() throws {
        let store = open()
        let now: Milliseconds = 100 * 86_400_000
        let old = now - PresenceLimits.storeExpiredFor - 1
        let unseen = old - PresenceLimits.learntUnseen
        let tokens = [
            token(1, expires: old, seen: now), token(2, expires: old + 1, seen: now),
            token(3, seen: unseen), token(4, seen: unseen + 1), token(5, seen: .max),
        ]
        for token in tokens { store.commit(.tokenLearnt(token)) { _ in } }
        for (tag, expires) in [(1, old), (2, old + 1)] {
            store.commit(
                .sessionContinued(
                    StoredContinuation(
                        user: "42", tag: UInt64(tag), session: 9, expires: expires))
            ) { _ in }
        }
        for pass in 0..<6 { _ = store.turn(now: now, tick: Milliseconds(pass) * 10_000) }
        let state = try afterKill()
        XCTAssertEqual(
            Set(state.learnt.map(\.digest)), Set([2, 4, 5].map(TokenDigest.number)))
        XCTAssertEqual(state.continued.map(\.tag), [2])
        XCTAssertEqual(store.statistics.pruned, 3)
        store.stop()
    }

    func testRetentionPassesOverATableThatCannotBeRead() throws {
        let store = open()
        let old = StoredRevocation(key: RevocationKey(1, 2, 3, 4), expires: 0)
        store.commit(.revoked(old)) { _ in }
        _ = store.turn(now: 1, tick: 0)
        var retention = Retention()
        try store.withDatabase { database in
            try database.execute("ALTER TABLE claims RENAME TO gone")
            var pruned = 0
            for _ in 0..<6 {
                pruned += (try? retention.pass(database, now: self.start)) ?? 0
            }
            XCTAssertEqual(pruned, 1)
            try database.execute("ALTER TABLE gone RENAME TO claims")
        }
        store.stop()
    }

    // MARK: Damage

    /// Fills one table and writes noise over all its pages.
    private func damage(_ table: String) throws {
        var bytes = try folder.bytes()
        let database = try Database(path: folder.file(), patience: 0, mode: .frozen)
        let root = try database.integer(
            "SELECT rootpage FROM sqlite_master WHERE name = '\(table)'")
        try database.close(tidy: false)
        let page = try XCTUnwrap(root.map { Int($0) - 1 })
        bytes.replaceSubrange(
            page * 4096..<(page + 1) * 4096, with: Data(repeating: 0xA5, count: 4096))
        try folder.write(bytes)
    }

    func testADamagedTableDoesNotHideTheOthers() throws {
        for table in ["learnt", "continued", "revocations", "users", "claims"] {
            let store = open()
            store.commit(.tokenLearnt(token(1))) { _ in }
            store.commit(.revoked(revoked(2))) { _ in }
            let continuation = StoredContinuation(
                user: "42", tag: 5, session: 6, expires: 5_000)
            store.commit(.sessionContinued(continuation)) { _ in }
            store.commit(
                .claimSet(StoredClaim(user: "42", status: .away, setAt: 1, until: nil))
            ) { _ in }
            source.change([user("42")])
            store.finish(now: 1_000, tick: 0)
            try damage(table)
            let (broken, problem) = PresenceStore.open(path: folder.file())
            XCTAssertNotNil(problem, table)
            let state = broken.load()
            XCTAssertEqual(state.learnt.count, table == "learnt" ? 0 : 1, table)
            XCTAssertEqual(state.continued.count, table == "continued" ? 0 : 1, table)
            XCTAssertEqual(state.revocations.count, table == "revocations" ? 0 : 1, table)
            XCTAssertEqual(state.users.count, table == "users" ? 0 : 1, table)
            XCTAssertEqual(state.claims.count, table == "claims" ? 0 : 1, table)
            broken.stop()
            for suffix in ["", "-wal", "-shm"] {
                try? FileManager.default.removeItem(atPath: folder.file() + suffix)
            }
        }
    }

    // MARK: With the engine

    func testR17_R19_EngineAndStoreOutliveAKill() throws {
        func life(_ name: String, at now: Milliseconds) -> (PresenceStore, PresenceEngine) {
            let store = open(name)
            let engine = PresenceEngine(
                settings: PresenceSettings(startedAt: now), restored: store.load(), epoch: 7,
                sink: store)
            store.prepare(source: engine, flushEvery: 1_000)
            return (store, engine)
        }
        let (store, engine) = life("first", at: start)
        for number in 1...3 {
            engine.learn(token(number, "u\(number)", seen: start), now: start)
        }
        _ = store.turn(now: start, tick: 0)
        let later = start + 4_000_000
        let known = try XCTUnwrap(engine.learnt(.number(1), now: later))
        let made = engine.enroll(
            user: "u2", name: nil, session: known.session,
            revocation: RevocationKey(.number(2)), expires: later + 60_000, isAdmin: false,
            now: later)
        guard case .identity(let leaving) = made else { return XCTFail("not enrolled") }
        engine.logout(leaving, now: later, then: answers.note("logout"))
        engine.forgetToken(.number(3), now: later)
        _ = store.turn(now: later, tick: 4_000_000)
        XCTAssertEqual(answers.all, ["logout true"])

        try folder.copy("first", to: "second")
        let (again, restored) = life("second", at: later + 1_000)
        let token = restored.learnt(.number(1), now: later + 1_000)
        XCTAssertEqual(token?.user, "u1")
        XCTAssertEqual(token?.seenAt, later, "seen was flushed")
        XCTAssertNil(restored.learnt(.number(2), now: later + 1_000))
        XCTAssertNil(restored.learnt(.number(3), now: later + 1_000))
        XCTAssertEqual(
            restored.enroll(
                user: "u2", name: nil, session: 7, revocation: leaving.revocation,
                expires: later + 60_000, isAdmin: false, now: later + 1_000), .revoked)
        again.stop()
        store.stop()
    }
}
