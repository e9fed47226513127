// Owns holding the whole repository against the rules of the house.
// Called by XCTest.
// Never says more than where and what: the rules say why.

import Foundation
import XCTest

final class HouseTests: XCTestCase {
    private func hold(
        _ files: [TreeFile], to rule: (TreeFile) -> [Finding], file: StaticString = #filePath,
        line: UInt = #line
    ) {
        XCTAssertFalse(files.isEmpty, "nothing was looked at", file: file, line: line)
        report(files.flatMap(rule), file: file, line: line)
    }

    private func report(
        _ findings: [Finding], file: StaticString = #filePath, line: UInt = #line
    ) {
        guard !findings.isEmpty else { return }
        let text = findings.map(\.description).joined(separator: "\n")
        XCTFail("\(findings.count) against the rules:\n\(text)", file: file, line: line)
    }

    /// Programs of every language, with no page of words among them.
    private func programs() throws -> [TreeFile] {
        let endings = [".swift", ".py", ".c", ".h", ".sh"]
        return try Tree.all().filter { file in
            endings.contains(where: file.path.hasSuffix) || file.path.hasPrefix("scripts/")
        }
    }

    func testPagesAreShort() throws { hold(try programs(), to: Pages.length) }

    func testPagesSayWhatTheyOwn() throws { hold(try Tree.swift("Sources"), to: Pages.opening) }

    func testFunctionsFitAScreen() throws { hold(try Tree.swift("Sources"), to: Pages.functions) }

    func testTargetsSeeOnlyWhatTheyMay() throws {
        hold(try Tree.swift("Sources"), to: Arrows.targets)
    }

    func testRoomsSeeOnlyThoseAbove() throws {
        let files = try Tree.swift("Sources/ProxyCore")
        // A rule that knew no names would find nothing for ever.
        XCTAssertGreaterThan(Arrows.homes(files).count, 100)
        report(Arrows.rooms(files))
    }

    func testNoFoundationInSources() throws {
        hold(try Tree.swift("Sources"), to: Words.foundation)
    }

    func testUnsafeStaysInItsWrappers() throws { hold(try Tree.swift("Sources"), to: Words.unsafe) }

    func testNothingIsForced() throws { hold(try Tree.swift("Sources"), to: Words.bluntness) }

    func testNamesSaySomething() throws {
        hold(try Tree.swift("Sources") + Tree.swift("Tests"), to: Words.emptyNames)
    }

    func testNothingIsLeftLyingAbout() throws { hold(try Tree.all(), to: Words.leftovers) }

    /// Every script can be called; what is sourced cannot, so that nobody does.
    func testScriptsAreExecutable() throws {
        let scripts = try Tree.files("scripts") + Tree.files(".ci")
        XCTAssertGreaterThan(scripts.count, 3)
        for script in scripts {
            let path = Tree.root.appendingPathComponent(script.path).path
            XCTAssertEqual(
                FileManager.default.isExecutableFile(atPath: path), script.text.hasPrefix("#!"),
                script.path)
        }
    }
}
