// Owns the tests of what the process's own metrics say of themselves.
// Called by XCTest.
// Never starts the service.

import Presence
import ProxyCore
import XCTest

@testable import Sidecar

final class ExpositionTests: XCTestCase {
    /// Fields are left out of both: of answers, and of what the application is told of the client.
    func testOmittedFieldsAreThoseOfBothDirections() throws {
        let text = String(
            decoding: ProxyExposition.text(ProxyMetrics(loops: 1), StoreStatistics()),
            as: UTF8.self)
        let name = "# HELP sidecar_fields_omitted_total "
        let help = try XCTUnwrap(text.split(separator: "\n").first { $0.hasPrefix(name) })
        XCTAssertEqual(
            help.dropFirst(name.count),
            "Fields of ours left out of answers or forwarded requests: not to be written.")
    }
}
