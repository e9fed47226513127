// Owns the proof that a file we cannot use is refused in one clear line and left as it is.
// Called by the test runner.
// Never needs the presence engine.

import XCTest

@testable import Presence

final class StoreFileTests: XCTestCase {
    private let folder = StoreFolder()

    override func tearDown() { folder.remove() }

    private func open(_ name: String = "p.sqlite3", steps: [Migration] = Schema.migrations) throws {
        let file = try StoreFile(path: folder.file(name), patience: 0, steps: steps)
        try file.database.close(tidy: true)
    }

    /// Refused with these words, and not one byte changed.
    private func assertRefused(
        _ name: String, _ words: String, file: StaticString = #filePath, line: UInt = #line
    ) throws {
        let before = try? folder.bytes(name)
        let found = problem({ try open(name) }, file: file, line: line)
        XCTAssertEqual(
            found?.description, "\(folder.file(name)): \(words)", file: file, line: line)
        XCTAssertEqual(try? folder.bytes(name), before, "changed", file: file, line: line)
    }

    func testMissingAndEmptyFilesBecomeDatabases() throws {
        try open("new")
        try folder.write(.init(), "empty")
        try open("empty")
        for name in ["new", "empty"] {
            let file = try StoreFile(path: folder.file(name))
            XCTAssertEqual(try file.database.integer("PRAGMA application_id"), 0x5053_4944)
            XCTAssertEqual(
                try file.database.integer("PRAGMA user_version"), Int64(Schema.current))
            XCTAssertEqual(try file.database.text("PRAGMA journal_mode"), "wal")
            XCTAssertEqual(try file.database.integer("PRAGMA synchronous"), 2)
        }
    }

    func testNewFileIsNotForOthersToRead() throws {
        try open()
        let mode =
            try FileManager.default.attributesOfItem(atPath: folder.file())[
                .posixPermissions] as? Int
        XCTAssertEqual((mode ?? 7) & 0o007, 0)
    }

    func testDirectory() throws {
        try FileManager.default.createDirectory(
            atPath: folder.file("d"), withIntermediateDirectories: false)
        try assertRefused(
            "d",
            "is a directory; let store.path name a file, like \(folder.file("d"))/presence.sqlite3")
    }

    func testMissingFolder() throws {
        try assertRefused(
            "none/p.sqlite3", "its folder does not exist; create it or change store.path")
    }

    func testPipe() throws {
        mkfifo(folder.file("pipe"), 0o600)
        XCTAssertEqual(
            problem { try open("pipe") }?.description,
            "\(folder.file("pipe")): is not a regular file; change store.path")
    }

    func testReadOnlyFileAndFolder() throws {
        try open()
        chmod(folder.path, 0o755)
        chmod(folder.file(), 0o444)
        let user = geteuid()
        let words =
            "may not be written by user \(user); let that user write the file and its "
            + "folder, or change store.path"
        try asNobody { try assertRefused("p.sqlite3", words) }
        // Writable itself, but SQLite may not make its log beside it.
        chmod(folder.file(), 0o666)
        try asNobody {
            if user != 0 { chmod(folder.path, 0o555) }
            try assertRefused("p.sqlite3", words)
            if user != 0 { chmod(folder.path, 0o755) }
        }
    }

    func testNotADatabase() throws {
        let words =
            "is not an SQLite database; move it away or change store.path (it was left as it is)"
        try folder.write(Data("hello, this is a text file\n".utf8), "text")
        try assertRefused("text", words)
        try folder.write(Data(repeating: 0xA5, count: 65_536), "noise")
        try assertRefused("noise", words)
    }

    func testGarbageHeaderOfARealDatabase() throws {
        try open()
        var bytes = try folder.bytes()
        bytes.replaceSubrange(0..<16, with: Data(repeating: 0, count: 16))
        try folder.write(bytes)
        try assertRefused(
            "p.sqlite3",
            "is not an SQLite database; move it away or change store.path (it was left as it is)")
    }

    func testTruncated() throws {
        try open()
        let bytes = try folder.bytes()
        let words =
            "the database is damaged (database disk image is malformed); restore a backup or "
            + "move it away together with its -wal and -shm files (it was left as it is)"
        try folder.write(bytes.prefix(4096), "one page")
        try assertRefused("one page", words)
    }

    func testForeignDatabase() throws {
        try folder.write(.init(), "other")
        do {
            let database = try Database(path: folder.file("other"), patience: 0)
            try database.execute("CREATE TABLE recipes (a)")
        }
        try assertRefused(
            "other", "is a database of another program; change store.path (it was left as it is)")
        try folder.write(.init(), "stamped")
        do {
            let database = try Database(path: folder.file("stamped"), patience: 0)
            try database.execute("PRAGMA application_id = 77; CREATE TABLE recipes (a)")
        }
        try assertRefused(
            "stamped", "is a database of another program; change store.path (it was left as it is)")
    }

    func testNewerVersionIsRefused() throws {
        let current = Schema.current
        let newer =
            Schema.migrations + [
                Migration(version: current + 6, sql: "CREATE TABLE future (a)")
            ]
        try open(steps: newer)
        try assertRefused(
            "p.sqlite3",
            "was written by a newer version (schema \(current + 6), this one knows \(current)); "
                + "run that version or change store.path (it was left as it is)")
    }

    func testOlderVersionIsBroughtUpWithItsRows() throws {
        let first = Migration(version: 1, sql: "CREATE TABLE t (a); INSERT INTO t VALUES ('old')")
        try open(steps: [first])
        let steps = [
            Migration(version: 1, sql: "this must not run again"),
            Migration(version: 2, sql: "ALTER TABLE t ADD COLUMN b DEFAULT 5"),
            Migration(version: 3, sql: "CREATE TABLE u (c); INSERT INTO u SELECT b FROM t"),
        ]
        let file = try StoreFile(path: folder.file(), patience: 0, steps: steps)
        XCTAssertEqual(try file.database.text("SELECT a || b FROM t"), "old5")
        XCTAssertEqual(try file.database.integer("SELECT c FROM u"), 5)
        XCTAssertEqual(try file.database.integer("PRAGMA user_version"), 3)
    }

    func testFailedStepLeavesTheVersionBefore() throws {
        let first = Migration(version: 1, sql: "CREATE TABLE t (a); INSERT INTO t VALUES ('old')")
        try open(steps: [first])
        let steps = [
            first, Migration(version: 2, sql: "CREATE TABLE u (c)"),
            Migration(version: 3, sql: "DROP TABLE t; DROP TABLE nothing"),
        ]
        XCTAssertNotNil(problem { try open(steps: steps) })
        let file = try StoreFile(path: folder.file(), patience: 0, steps: Array(steps.prefix(2)))
        XCTAssertEqual(try file.database.integer("PRAGMA user_version"), 2)
        XCTAssertEqual(try file.database.text("SELECT a FROM t"), "old")
    }

    func testSecondServiceOnTheSameFile() throws {
        let first = try StoreFile(path: folder.file())
        try assertRefused(
            "p.sqlite3",
            "is in use by another process; stop that one or give this one its own store.path")
        try first.database.close(tidy: true)
    }

    func testLockedByAnotherTool() throws {
        try open()
        let tool = try Database(path: folder.file(), patience: 0)
        try tool.execute("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE")
        try assertRefused(
            "p.sqlite3",
            "is in use by another process; stop that one or give this one its own store.path")
        try tool.execute("COMMIT")
    }

    func testDeletedOrReplacedIsNoticed() throws {
        let file = try StoreFile(path: folder.file())
        XCTAssertTrue(file.isInPlace)
        try FileManager.default.removeItem(atPath: folder.file())
        XCTAssertFalse(file.isInPlace)
        try folder.write(.init())
        XCTAssertFalse(file.isInPlace, "another file of that name")
    }
}
