// Owns a folder that exists for one test, and ways to damage files in it.
// Called by the store's tests.
// Never leaves anything behind.

import Foundation
import XCTest

@testable import Presence

final class StoreFolder {
    private let name = NSTemporaryDirectory() + "store-" + UUID().uuidString

    /// Made at the first use: XCTest makes test cases that it only wants to list.
    private(set) lazy var path: String = {
        try? FileManager.default.createDirectory(
            atPath: name, withIntermediateDirectories: true)
        return name
    }()

    /// At each test's end; XCTest keeps its test cases, so a `deinit` would never run.
    func remove() { try? FileManager.default.removeItem(atPath: name) }

    func file(_ name: String = "p.sqlite3") -> String { path + "/" + name }

    func bytes(_ name: String = "p.sqlite3") throws -> Data {
        try Data(contentsOf: URL(fileURLWithPath: file(name)))
    }

    func write(_ bytes: Data, _ name: String = "p.sqlite3") throws {
        try bytes.write(to: URL(fileURLWithPath: file(name)))
    }

    /// What a power cut leaves: the database and its log as they are on the disk now.
    func copy(_ name: String = "p.sqlite3", to copy: String) throws {
        for suffix in ["", "-wal", "-shm"] {
            try? FileManager.default.removeItem(atPath: file(copy + suffix))
        }
        for suffix in ["", "-wal"] where exists(name + suffix) {
            try FileManager.default.copyItem(
                atPath: file(name + suffix), toPath: file(copy + suffix))
        }
    }

    func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: file(name)) }
}

/// Runs `body` as a user without rights, which even root's tests need: root may write anything.
/// The change is the calling thread's alone (`setfsuid`), and so are the rights that it drops.
func asNobody<R>(_ body: () throws -> R) rethrows -> R {
    typealias Call = @convention(c) (UInt32) -> CInt
    guard geteuid() == 0, let symbol = dlsym(nil, "setfsuid") else { return try body() }
    let setfsuid = unsafeBitCast(symbol, to: Call.self)
    _ = setfsuid(65_534)
    defer { _ = setfsuid(0) }
    return try body()
}

/// The problem that `body` throws.
func problem(_ body: () throws -> Void, file: StaticString = #filePath, line: UInt = #line)
    -> StoreProblem?
{
    do {
        try body()
        XCTFail("no problem", file: file, line: line)
    } catch let problem as StoreProblem {
        return problem
    } catch {
        XCTFail("another error: \(error)", file: file, line: line)
    }
    return nil
}
