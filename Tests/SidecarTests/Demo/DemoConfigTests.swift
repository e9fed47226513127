// Owns the tests of the demo's configuration, and of the page that shows it.
// Called by XCTest.
// Never starts the demo.

import Foundation
import ProxyCore
import XCTest

@testable import Sidecar

final class DemoConfigTests: XCTestCase {
    /// It is the file that a reader would write: nothing about it needs an excuse.
    func testItIsReadWithoutAFinding() {
        let text = Array(DemoConfig.text(port: 8090, backend: 8000).utf8)
        var surroundings = Surroundings.system
        surroundings.variable = { _ in String(repeating: "5", count: 64) }
        let outcome = ConfigReader.read(text.rawSpan, surroundings: surroundings)
        XCTAssertEqual(outcome.findings.map { $0.text(file: "demo") }, [])
        XCTAssertNotNil(outcome.config)
    }

    func testTheDocumentShowsItAsItIs() throws {
        var path = URL(fileURLWithPath: #filePath)
        for _ in 0..<4 { path.deleteLastPathComponent() }
        path.append(path: "docs/demo.md")
        let document = try String(contentsOf: path, encoding: .utf8)
        let text = DemoConfig.text(port: 8090, backend: 8000)
        XCTAssertTrue(
            document.contains("```json5\n\(text)\n```"),
            "docs/demo.md has another configuration than the demo; it should be:\n\(text)")
    }

    func testEverybodyIsSomebodyElse() {
        XCTAssertEqual(Set(DemoUser.all.map(\.login)).count, DemoUser.all.count)
        XCTAssertEqual(DemoUser.all.map(\.id), Array(1...32))
        XCTAssertEqual(DemoPatient.all.count, 14)
    }
}
