// Owns the file of pages that the end-to-end tests send through the real binary and then parse.
// Called by XCTest; with UPDATE_VECTORS=1 it writes the file anew.
// Never lets the file and the vectors differ.

import Foundation
import Support
import XCTest

@testable import StatusAPI

final class PageVectorFileTests: XCTestCase {
    private let file = VectorFile("pages.json")

    private struct Page: Encodable {
        let name: String
        /// In Base64, since many are no text.
        let page: String
        /// Where the tag goes; nil: nowhere.
        let place: Int?
        let nonce: String?
        let policies: [String]
        let reason: String
    }

    private func text() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let lines = try PageVector.all.map { vector in
            let parts = vector.page.components(separatedBy: "@@").map(latin1)
            let page = Page(
                name: vector.name, page: Data(parts.joined()).base64EncodedString(),
                place: parts.count == 2 ? parts[0].count : nil, nonce: vector.nonce,
                policies: vector.fields, reason: "\(vector.reason)")
            return "  " + String(decoding: try encoder.encode(page), as: UTF8.self)
        }
        return "[\n" + lines.joined(separator: ",\n") + "\n]\n"
    }

    func testFileOfPagesIsInStep() throws {
        XCTAssertTrue(try file.holds(text()), file.remedy)
    }

    func testNamesAreUnique() {
        XCTAssertEqual(Set(PageVector.all.map(\.name)).count, PageVector.all.count)
    }
}
