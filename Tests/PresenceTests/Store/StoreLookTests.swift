// Owns the proof that a look into the store tells what it keeps, disturbs nobody, or says why not.
// Called by the test runner.
// Never needs the presence engine.

import ProxyCore
import XCTest

@testable import Presence

final class StoreLookTests: XCTestCase {
    private let folder = StoreFolder()

    override func tearDown() { folder.remove() }

    private func store() -> PresenceStore {
        let (store, problem) = PresenceStore.open(path: folder.file())
        XCTAssertNil(problem)
        store.prepare(source: FakeSource(), flushEvery: 1_000)
        return store
    }

    private let token = LearntToken(
        digest: .number(1), user: "42", name: "N", session: 9, expires: 5_000, seenAt: 1_000)

    private func fill(_ store: PresenceStore) {
        store.commit(.tokenLearnt(token)) { XCTAssertTrue($0) }
        store.commit(.revoked(revocation(1))) { XCTAssertTrue($0) }
        _ = store.turn(now: 1_000, tick: 0)
    }

    private func assertFound(_ look: StoreLook, line: UInt = #line) throws {
        XCTAssertEqual(try look.learnt(.number(1)), token, line: line)
        XCTAssertNil(try look.learnt(.number(2)), line: line)
        XCTAssertEqual(try look.revocation(revocation(1).key), 9_000, line: line)
        XCTAssertNil(try look.revocation(revocation(2).key), line: line)
    }

    func testBesideARunningService() throws {
        let store = store()
        fill(store)
        let look = try StoreLook.read(path: folder.file())
        try assertFound(look)
        store.commit(.tokenForgotten(.number(1))) { XCTAssertTrue($0) }
        _ = store.turn(now: 1_001, tick: 1)
        XCTAssertNil(try look.learnt(.number(1)), "what is true now")
        XCTAssertEqual(store.stop(), .ok)
    }

    func testWithoutAServiceNothingIsMade() throws {
        let store = store()
        fill(store)
        store.stop()
        let before = try folder.bytes()
        do { try assertFound(try StoreLook.read(path: folder.file())) }
        XCTAssertEqual(try folder.bytes(), before)
        XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: folder.path).count, 1)
    }

    func testAfterAKill() throws {
        let store = store()
        fill(store)
        try folder.copy(to: "killed")
        try assertFound(try StoreLook.read(path: folder.file("killed")))
        store.stop()
    }

    func testNamesThatMeanSomethingInAURI() throws {
        let store = store()
        fill(store)
        store.stop()
        let name = "50% #1? \u{E9}.sqlite3"
        try folder.copy(to: name)
        try assertFound(try StoreLook.read(path: folder.file(name)))
        let other = FileManager.default.currentDirectoryPath
        XCTAssertTrue(FileManager.default.changeCurrentDirectoryPath(folder.path))
        defer { XCTAssertTrue(FileManager.default.changeCurrentDirectoryPath(other)) }
        try assertFound(try StoreLook.read(path: name))
    }

    func testAFileOfTheFirstSchemaHasNoLearntTokens() throws {
        let steps = Array(Schema.migrations.prefix(1))
        let file = try StoreFile(path: folder.file(), steps: steps)
        try file.database.execute("INSERT INTO revocations VALUES (zeroblob(32), 77)")
        try file.database.close(tidy: true)
        let look = try StoreLook.read(path: folder.file())
        XCTAssertNil(try look.learnt(.number(1)))
        XCTAssertEqual(try look.revocation(RevocationKey(0, 0, 0, 0)), 77)
    }

    func testAnEmptyFileKeepsNothing() throws {
        try folder.write(Data())
        let look = try StoreLook.read(path: folder.file())
        XCTAssertNil(try look.learnt(.number(1)))
        XCTAssertNil(try look.revocation(revocation(1).key))
    }

    // MARK: Why not

    private func assertRefused(_ name: String, _ words: String, line: UInt = #line) {
        let found = problem({ _ = try StoreLook.read(path: folder.file(name)) }, line: line)
        XCTAssertEqual(found?.description, "\(folder.file(name)): \(words)", line: line)
    }

    func testWhatIsNoDatabaseOfOurs() throws {
        assertRefused("none", "does not exist: no service has kept anything there yet")
        XCTAssertFalse(folder.exists("none"))
        try FileManager.default.createDirectory(
            atPath: folder.file("d"), withIntermediateDirectories: false)
        assertRefused("d", "is not a regular file")
        try folder.write(Data("hello, this is a text file\n".utf8), "text")
        assertRefused(
            "text",
            "is not an SQLite database; move it away or change store.path (it was left as it is)")
    }

    func testWhatAnotherUserKeeps() throws {
        let store = store()
        fill(store)
        chmod(folder.path, 0o755)
        chmod(folder.file(), 0o600)
        let words = "may not be read by user \(geteuid()); run this as the service's user"
        asNobody { assertRefused("p.sqlite3", "it " + words) }
        chmod(folder.file(), 0o644)
        chmod(folder.file("p.sqlite3-wal"), 0o600)
        asNobody { assertRefused("p.sqlite3-wal", "its log " + words, of: "p.sqlite3") }
        store.stop()
    }

    private func assertRefused(
        _ name: String, _ words: String, of asked: String, line: UInt = #line
    ) {
        let found = problem({ _ = try StoreLook.read(path: folder.file(asked)) }, line: line)
        XCTAssertEqual(found?.description, "\(folder.file(name)): \(words)", line: line)
    }
}
