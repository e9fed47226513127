// Owns the proof that the SQLite wrapper checks what it is told.
// Called by the test runner.
// Never tests SQLite itself.

import XCTest

@testable import Presence

final class DatabaseTests: XCTestCase {
    private let folder = StoreFolder()

    override func tearDown() { folder.remove() }

    private func open(_ name: String = "p.sqlite3") throws -> Database {
        if !folder.exists(name) { try folder.write(.init(), name) }
        return try Database(path: folder.file(name), patience: 0)
    }

    func testValuesComeBackAsBound() throws {
        let database = try open()
        try database.execute("CREATE TABLE t (a, b, c, d, e)")
        var insert = try database.prepare("INSERT INTO t VALUES (?, ?, ?, ?, ?)")
        insert.bind(1, Int64.min)
        insert.bind(2, "zażółć\0\u{1F600}")
        insert.bind(3, blob: [0, 255, 7])
        insert.bind(4, nil as String?)
        insert.bind(5, "")
        try insert.run()
        var select = try database.prepare("SELECT * FROM t")
        XCTAssertTrue(try select.step())
        XCTAssertEqual(select.integer(0), .min)
        XCTAssertEqual(select.text(1), "zażółć\0\u{1F600}")
        XCTAssertEqual(select.blob(2), [0, 255, 7])
        XCTAssertNil(select.optionalText(3))
        XCTAssertEqual(select.optionalText(4), "", "an empty text is not NULL")
        XCTAssertFalse(try select.step())
    }

    func testEmptyBlobIsNotNull() throws {
        let database = try open()
        var select = try database.prepare("SELECT ? IS NULL")
        select.bind(1, blob: [])
        XCTAssertTrue(try select.step())
        XCTAssertEqual(select.integer(0), 0)
    }

    func testErrorsCarryFileStatementAndCode() throws {
        let database = try open()
        XCTAssertThrowsError(try database.execute("SELEKT")) { error in
            XCTAssertEqual(
                "\(error)",
                "\(folder.file()): SELEKT: near \"SELEKT\": syntax error (SQLite 1)")
        }
        try database.execute(
            "CREATE TABLE t (a PRIMARY KEY) WITHOUT ROWID; INSERT INTO t VALUES(1)")
        var insert = try database.prepare("INSERT INTO t VALUES (1)")
        XCTAssertThrowsError(try insert.run()) { error in
            XCTAssertEqual((error as? DatabaseError)?.code, 1555, "the extended code")
        }
    }

    func testBindingPastTheEndIsThrownByRun() throws {
        let database = try open()
        var select = try database.prepare("SELECT ?")
        select.bind(2, 5 as Int64)
        XCTAssertThrowsError(try select.run()) { error in
            XCTAssertEqual((error as? DatabaseError)?.code, 25)
        }
    }

    func testTransactionIsWholeOrNot() throws {
        let database = try open()
        try database.execute("CREATE TABLE t (a PRIMARY KEY)")
        XCTAssertThrowsError(
            try database.transaction { () throws(DatabaseError) in
                try database.execute("INSERT INTO t VALUES (1)")
                try database.execute("INSERT INTO t VALUES (1)")
            })
        XCTAssertEqual(try database.integer("SELECT count(*) FROM t"), 0)
        try database.transaction { () throws(DatabaseError) in
            try database.execute("INSERT INTO t VALUES (1)")
        }
        XCTAssertEqual(try database.integer("SELECT count(*) FROM t"), 1)
    }

    func testCloseFailsWhileAStatementLives() throws {
        let database = try open()
        do {
            let statement = try database.prepare("SELECT 1")
            XCTAssertThrowsError(try database.close(tidy: false))
            _ = statement.integer(0)
        }
        XCTAssertNoThrow(try database.close(tidy: false))
        XCTAssertNoThrow(try database.close(tidy: false), "a second close is nothing")
    }

    func testNamesThatMeanSomethingToSQLiteAreFiles() throws {
        let before = FileManager.default.currentDirectoryPath
        XCTAssertTrue(FileManager.default.changeCurrentDirectoryPath(folder.path))
        defer { XCTAssertTrue(FileManager.default.changeCurrentDirectoryPath(before)) }
        let file = try StoreFile(path: ":memory:")
        try file.database.close(tidy: true)
        XCTAssertTrue(folder.exists(":memory:"))
        XCTAssertGreaterThan(try folder.bytes(":memory:").count, 0)
    }
}
