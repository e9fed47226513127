// Owns the tests of paths into documents.
// Called by XCTest.
// Never tests reading.

import ProxyCore
import XCTest

final class JSONPathTests: XCTestCase {
    private static let text = """
        {"access": "tok", "user": {"id": 7, "odd key": 1, "it's": 2},
         "items": [{"id": 1}, {"id": 2, "tags": ["a", "b"]}, {}], "K": 1}
        """

    func testFinds() throws {
        let root = try readJSON(Self.text).get()
        let cases: [(String, Int64?)] = [
            ("$.user.id", 7), ("$['user'][\"id\"]", 7), ("$.user['odd key']", 1),
            ("$.user['it\\'s']", 2), ("$.items[0].id", 1), ("$.items[1].id", 2),
            ("$.items[*].id", 1), ("$.items[9].id", nil), ("$.missing", nil), ("$.user[0]", nil),
            ("$.items.id", nil), ("$.access.id", nil), ("$['\u{212A}']", nil),
        ]
        for (path, value) in cases {
            XCTAssertEqual(try JSONPath(path).first(in: root)?.integer, value, path)
        }
        XCTAssertNotNil(try JSONPath("$").first(in: root)?.object)
        XCTAssertEqual(try JSONPath("$.items[*].id").all(in: root).map(\.integer), [1, 2])
        XCTAssertEqual(
            try JSONPath("$.items[*].tags[*]").all(in: root).map(\.string), ["a", "b"])
        XCTAssertEqual(try JSONPath("$.user.*").all(in: root).map(\.integer), [7, 1, 2])
    }

    func testAnArrayAtTheRoot() throws {
        let root = try readJSON("[{\"id\": 1}, {\"id\": 2}]").get()
        XCTAssertEqual(try JSONPath("$[*].id").all(in: root).map(\.integer), [1, 2])
    }

    func testRefuses() {
        let bad = [
            "", "user.id", "$.", "$user", "$..id", "$[", "$[]", "$[01]", "$[-1]", "$['a", "$['a'",
            "$.a-b", "$.a b", "$.1a", "$[1", "$['a\\b']", "$.a.", "$ ", "$[99999999999]", "$[?(@)]",
            "$.a[*", "$" + ".a".repeated(600),
        ]
        for path in bad {
            XCTAssertThrowsError(try JSONPath(path), path)
        }
    }

    func testEquality() throws {
        XCTAssertEqual(try JSONPath("$.a[0]"), try JSONPath("$.a[0]"))
        XCTAssertNotEqual(try JSONPath("$.a[0]"), try JSONPath("$.a[1]"))
    }
}
