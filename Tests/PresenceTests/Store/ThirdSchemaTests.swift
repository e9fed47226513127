// Owns the proof that a file of the second schema is brought up to the third with all its rows.
// Called by the test runner.
// Never uses the program's own text of the second step: files of it are out in the world.

import Foundation
import ProxyCore
import XCTest

@testable import Presence

final class ThirdSchemaTests: XCTestCase {
    private let folder = StoreFolder()
    private let start: Milliseconds = 1_800_000_000_000

    override func tearDown() { folder.remove() }

    /// As the release with it has made it, byte for byte.
    private static let second = """
        CREATE TABLE learnt (
            token BLOB PRIMARY KEY NOT NULL,
            user TEXT NOT NULL,
            name TEXT,
            admin INTEGER NOT NULL,
            session INTEGER NOT NULL,
            expires INTEGER,
            seen INTEGER NOT NULL
        ) WITHOUT ROWID;
        CREATE TABLE continued (
            tag INTEGER PRIMARY KEY NOT NULL,
            user TEXT NOT NULL,
            session INTEGER NOT NULL,
            expires INTEGER NOT NULL
        );
        """

    func testTheSecondStepIsTheOneReleased() {
        XCTAssertEqual(Schema.migrations[1].sql, Self.second)
        XCTAssertEqual(Schema.migrations[1].version, 2)
    }

    /// Its lock goes as this returns.
    private func makeSecond() throws {
        try folder.write(Data())
        let old = try StoreFile(path: folder.file(), steps: Array(Schema.migrations.prefix(2)))
        var sessions: [UInt8] = []
        SessionCodec.encode(
            [StoredSession(tag: 99, contact: start - 5_000, saidAway: false, open: false)],
            into: &sessions)
        let hex = sessions.map { String(format: "%02x", $0) }.joined()
        try old.database.execute(
            """
            INSERT INTO meta VALUES ('alive_at', \(start - 1_000));
            INSERT INTO users VALUES
                ('42', 'Zoë', \(start - 5_000), \(start - 5_000), 2, \(start - 60_000), NULL,
                 x'\(hex)'),
                ('out', NULL, 9, NULL, 0, 9, 10, x'');
            """)
        try old.database.close(tidy: true)
    }

    func testAHistoryBeginsWithWhoIsPresent() throws {
        try makeSecond()
        let (store, problem) = PresenceStore.open(path: folder.file())
        XCTAssertNil(problem)
        let engine = PresenceEngine(
            settings: PresenceSettings(startedAt: start), restored: store.load(), epoch: 7,
            sink: store)
        store.prepare(
            source: engine, flushEvery: 1_000,
            history: HistoryPlan(
                source: engine, keep: 86_400_000, startedAt: start, tolerance: 120_000))
        _ = store.turn(now: start + 1, tick: 0)
        try store.withDatabase {
            XCTAssertEqual(try $0.integer("PRAGMA user_version"), 3)
            XCTAssertEqual(try $0.text("PRAGMA integrity_check"), "ok")
            XCTAssertEqual(try $0.text("SELECT user FROM present"), "42")
            XCTAssertEqual(try $0.integer("SELECT since FROM present"), start - 60_000)
            XCTAssertEqual(try $0.integer("SELECT count(*) FROM present"), 1)
        }
        store.stop()
    }
}
