// Owns the tests of lines, their order and how a finding is shown.
// Called by XCTest.
// Never reads a configuration.

import ProxyCore
import XCTest

@testable import Sidecar

final class FindingLogTests: XCTestCase {
    func testLines() {
        let text = "ab\ncd\r\n\re\n"
        let log = FindingLog(text.rawSpan)
        let lines = (0...text.utf8.count).map { log.line(of: $0) }
        XCTAssertEqual(lines, [1, 1, 1, 2, 2, 2, 2, 3, 4, 4, 5])
        // The same lines as the reader counts for its own faults.
        for offset in 0...text.utf8.count {
            let place = JSONReader.position(of: offset, in: text.rawSpan)
            XCTAssertEqual(log.line(of: offset), place.line, "\(offset)")
        }
        XCTAssertEqual(FindingLog("".rawSpan).line(of: 0), 1)
    }

    func testOrderAndLimit() {
        let log = FindingLog("a\nb\nc".rawSpan)
        log.warning("w", at: 4, "third")
        log.error("e", at: 0, "first")
        log.warning("v", at: 0, "second")
        XCTAssertEqual(log.sorted().map(\.message), ["first", "second", "third"])
        XCTAssertTrue(log.hasErrors)
        for _ in 0..<2_000 { log.error("e", at: 0, "again") }
        XCTAssertEqual(log.sorted().count, FindingLog.limit)
    }

    func testAFindingIsOneLine() {
        let finding = ConfigFinding(
            severity: .error, line: 3, path: "a\nb", message: "\u{1b}[31m\u{2028}\u{202e}é 😀")
        XCTAssertEqual(finding.text(file: "x\ny"), "x?y:3: a?b: ?[31m??é 😀")
    }
}
