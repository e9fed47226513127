// Owns the proof that the engine and the store together outlive a kill -9.
// Called by the test runner.
// Never waits for time: the store's turns are taken by hand.

import ProxyCore
import XCTest

@testable import Presence

final class EngineOnStoreTests: XCTestCase {
    private let folder = StoreFolder()
    private let answers = Answers()
    private let start: Milliseconds = 1_800_000_000_000

    override func tearDown() { folder.remove() }

    private func life(_ name: String, at now: Milliseconds) -> (PresenceStore, PresenceEngine) {
        let (store, problem) = PresenceStore.open(path: folder.file(name))
        XCTAssertNil(problem)
        let engine = PresenceEngine(
            settings: PresenceSettings(startedAt: now), restored: store.load(), epoch: 7,
            sink: store)
        store.prepare(source: engine, flushEvery: 1_000)
        return (store, engine)
    }

    private func token(_ number: UInt64, of user: String, _ engine: PresenceEngine) -> Identity? {
        let made = engine.enroll(
            user: user, name: "name of \(user)", session: number,
            revocation: revocation(number).key, expires: start + 3_600_000, isAdmin: false,
            now: start)
        if case .identity(let identity) = made { return identity }
        return nil
    }

    func testClaimsLogoutsAndLastSeenOutliveAKill() throws {
        let (store, engine) = life("first", at: start)
        var working = try XCTUnwrap(token(11, of: "works", engine))
        var leaving = try XCTUnwrap(token(12, of: "leaves", engine))
        engine.sight(
            &working.session, activity: true, label: "GET /".rawSpan, now: start + 5)
        engine.sight(
            &leaving.session, activity: true, label: "GET /".rawSpan, now: start + 6)
        _ = store.turn(now: start + 1_000, tick: 0)
        let until = start + 600_000
        _ = engine.claim(
            user: "set", status: .away, until: until, now: start + 1_100,
            then: answers.note("claim"))
        engine.logout(leaving, now: start + 1_200, then: answers.note("logout"))
        _ = store.turn(now: start + 1_300, tick: 300)
        XCTAssertEqual(answers.all, ["claim true", "logout true"])

        try folder.copy("first", to: "second")
        let (again, restored) = life("second", at: start + 3_000)
        let works = restored.view(user: "works", now: start + 3_000)
        XCTAssertEqual(works.since, engine.view(user: "works", now: start + 3_000).since)
        XCTAssertEqual(works.name, "name of works")
        XCTAssertEqual(works.status, .online)
        XCTAssertEqual(works.lastSeen, start + 5)
        XCTAssertEqual(restored.view(user: "set", now: until - 1).status, .away)
        XCTAssertEqual(restored.view(user: "set", now: until).status, .offline)
        XCTAssertEqual(restored.view(user: "leaves", now: start + 3_000).status, .offline)
        XCTAssertNil(token(12, of: "leaves", restored), "revoked for good")
        XCTAssertNotNil(token(13, of: "leaves", restored), "another token is not")
        again.stop()
        store.stop()
    }
}
