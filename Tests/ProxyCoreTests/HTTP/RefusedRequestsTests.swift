// Owns the file of refused requests that the end-to-end tests replay against the real binary.
// Called by XCTest; with UPDATE_VECTORS=1 it writes the file anew.
// Never lets the file and the vectors differ.

import Foundation
import ProxyCore
import Support
import XCTest

final class RefusedRequestsTests: XCTestCase {
    private let file = VectorFile("refused-requests.json")

    /// One object a line, in the order of the tables; default limits and an untrusted peer only.
    private func text() -> String {
        var lines: [String] = []
        for vector in RequestVectors.all where vector.limits == HeadLimits() {
            guard case .refused(let status, let reason) = vector.expectation,
                !vector.trustedPeer
            else { continue }
            lines.append(
                """
                  {"requirement": \(vector.requirement), "name": \(quoted(vector.name)), \
                "status": \(status), "reason": \(quoted(reason.rawValue)), \
                "request_base64": "\(Data(vector.input).base64EncodedString())"}
                """)
        }
        return "[\n" + lines.joined(separator: ",\n") + "\n]\n"
    }

    private func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": result += "\\\(scalar)"
            case _ where scalar.value < 0x20 || scalar.value > 0x7e:
                result += "\\u" + String(format: "%04x", scalar.value)
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    func testFileOfRefusedRequestsIsInStep() throws {
        let text = text()
        XCTAssertTrue(try file.holds(text), file.remedy)
        let parsed = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [[String: Any]]
        XCTAssertGreaterThan(parsed?.count ?? 0, 300)
    }

    func testNamesAreUniqueAndRequirementsCovered() {
        var seen: Set<String> = []
        for vector in RequestVectors.all {
            let name = "\(vector.requirement) \(vector.name)"
            XCTAssert(seen.insert(name).inserted, "twice: \(name)")
        }
        let covered = Set(RequestVectors.all.map(\.requirement))
        let wanted: Set<Int> = [
            1, 2, 3, 4, 5, 6, 7, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28,
            33, 34, 36, 37, 40, 55,
        ]
        XCTAssertEqual(covered.intersection(wanted), wanted)
    }
}
