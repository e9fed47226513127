// Owns the proof that a file of the first schema is brought up to the second with all its rows.
// Called by the test runner.
// Never uses the program's own text of the first schema: files of it are out in the world.

import ProxyCore
import XCTest

@testable import Presence

final class SecondSchemaTests: XCTestCase {
    private let folder = StoreFolder()

    override func tearDown() { folder.remove() }

    /// As the first release made it, byte for byte of its SQL.
    private static let first = """
        CREATE TABLE meta (
            name TEXT PRIMARY KEY NOT NULL,
            value INTEGER NOT NULL
        ) WITHOUT ROWID;
        CREATE TABLE users (
            id TEXT PRIMARY KEY NOT NULL,
            name TEXT,
            last_seen INTEGER,
            last_active INTEGER,
            status INTEGER NOT NULL,
            since INTEGER,
            logged_out_at INTEGER,
            sessions BLOB NOT NULL
        ) WITHOUT ROWID;
        CREATE TABLE claims (
            user TEXT PRIMARY KEY NOT NULL,
            status INTEGER NOT NULL,
            set_at INTEGER NOT NULL,
            until INTEGER
        ) WITHOUT ROWID;
        CREATE TABLE revocations (
            token BLOB PRIMARY KEY NOT NULL,
            expires INTEGER NOT NULL
        ) WITHOUT ROWID;
        """
    private static let rows = """
        INSERT INTO meta VALUES ('alive_at', 77000);
        INSERT INTO users VALUES
            ('42', 'Zoë', 5000, 4000, 2, 3000, NULL,
             x'00000000000000630000000000001388' || x'01'),
            ('out', NULL, 9, NULL, 0, NULL, 10, x'');
        INSERT INTO claims VALUES ('42', 1, 7, NULL);
        INSERT INTO revocations VALUES
            (x'0000000000000001000000000000000200000000000000030000000000000004', 9000);
        """
    private static let marks = """
        PRAGMA application_id = 1347635524;
        PRAGMA user_version = 1;
        """

    private let state = RestoredState(
        users: [
            StoredUser(
                id: "42", name: "Zoë", lastSeen: 5_000, lastActive: 4_000, status: .online,
                since: 3_000,
                sessions: [StoredSession(tag: 99, contact: 5_000, saidAway: true, open: false)]),
            StoredUser(id: "out", lastSeen: 9, loggedOutAt: 10),
        ],
        claims: [StoredClaim(user: "42", status: .away, setAt: 7, until: nil)],
        revocations: [StoredRevocation(key: RevocationKey(1, 2, 3, 4), expires: 9_000)],
        aliveAt: 77_000)

    /// - Parameter tidy: false: as a kill -9 leaves it, with everything in the log.
    private func makeFirst(tidy: Bool) throws {
        try folder.write(Data())
        let database = try Database(path: folder.file(), patience: 0)
        try database.execute("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0")
        try database.execute("BEGIN; \(Self.first) \(Self.marks) \(Self.rows) COMMIT")
        if !tidy { try folder.copy(to: "killed") }
        try database.close(tidy: true)
        guard !tidy else { return }
        try folder.copy("killed", to: "p.sqlite3")
        XCTAssertTrue(folder.exists("p.sqlite3-wal"))
    }

    func testTheFirstSchemaIsTheOneReleased() {
        XCTAssertEqual(Schema.migrations.first?.sql, Self.first)
        XCTAssertEqual(Schema.migrations.first?.version, 1)
    }

    func testEverythingIsThereAndLearntTokensCanBeKept() throws {
        for tidy in [true, false] {
            try makeFirst(tidy: tidy)
            let (store, problem) = PresenceStore.open(path: folder.file())
            XCTAssertNil(problem)
            XCTAssertEqual(store.load(), state)
            store.prepare(source: FakeSource(), flushEvery: 1_000)
            let token = LearntToken(
                digest: .number(1), user: "42", session: .max, seenAt: 78_000)
            store.commit(.tokenLearnt(token)) { XCTAssertTrue($0) }
            store.finish(now: 80_000, tick: 0)
            XCTAssertEqual(store.health, .ok)

            let (again, none) = PresenceStore.open(path: folder.file())
            XCTAssertNil(none)
            let loaded = again.load()
            XCTAssertEqual(loaded.users, state.users)
            XCTAssertEqual(loaded.learnt, [token])
            try again.withDatabase {
                XCTAssertEqual(try $0.integer("PRAGMA user_version"), 3)
                XCTAssertEqual(try $0.text("PRAGMA integrity_check"), "ok")
            }
            again.stop()
        }
    }

    /// The step fails because its table is there already: nothing of it may stay.
    func testAStepThatFailsLeavesTheFirstSchema() throws {
        try makeFirst(tidy: true)
        let database = try Database(path: folder.file(), patience: 0)
        try database.execute("CREATE TABLE continued (a)")
        try database.close(tidy: true)
        let (store, problem) = PresenceStore.open(path: folder.file())
        XCTAssertNotNil(problem)
        store.stop()
        let after = try Database(path: folder.file(), patience: 0)
        XCTAssertEqual(try after.integer("PRAGMA user_version"), 1)
        XCTAssertEqual(
            try after.integer("SELECT count(*) FROM sqlite_master WHERE name = 'learnt'"), 0)
    }
}
