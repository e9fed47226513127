// Owns the tests of asking whether a path can be written.
// Called by XCTest.
// Never leaves anything behind.

import XCTest

@testable import ProxyCore

final class FilePathTests: XCTestCase {
    func testObstacles() throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("paths-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        XCTAssertTrue(FileManager.default.createFile(atPath: folder + "/there", contents: nil))
        XCTAssertNil(FilePath.obstacle(toWriting: folder + "/there"))
        XCTAssertNil(FilePath.obstacle(toWriting: folder + "/new"))
        XCTAssertEqual(FilePath.obstacle(toWriting: folder), "is a folder")
        XCTAssertEqual(
            FilePath.obstacle(toWriting: folder + "/no/new"),
            "lies in \(folder)/no, which does not exist")
        XCTAssertNil(FilePath.obstacle(toWriting: "somewhere-here.sqlite3"))
    }
}
