// Owns the tests of the strict dialect: what is JSON, what is not, and where it stops being it.
// Called by XCTest.
// Never tests JSON5: that is JSON5Tests.

import ProxyCore
import XCTest

/// The outcome of a read as a value.
func readJSON(
    _ text: String, _ dialect: JSONDialect = .strict, depth: Int = Limits.jsonDepth
) -> Result<JSONNode, JSONError> {
    readJSON(Array(text.utf8), dialect, depth: depth)
}

func readJSON(
    _ bytes: [UInt8], _ dialect: JSONDialect = .strict, depth: Int = Limits.jsonDepth
) -> Result<JSONNode, JSONError> {
    do throws(JSONError) {
        return .success(try JSONReader.read(bytes.rawSpan, dialect: dialect, maximumDepth: depth))
    } catch {
        return .failure(error)
    }
}

extension Result {
    var failure: Failure? {
        if case .failure(let error) = self { return error }
        return nil
    }

    var value: Success? { try? get() }
}

final class JSONReaderTests: XCTestCase {
    func testAcceptsWhatIsJSON() {
        for text in JSONVectors.accepted + JSONVectors.acceptedScalars {
            XCTAssertNil(readJSON(text).failure, text)
        }
    }

    func testRefusesWhatIsNot() {
        for text in JSONVectors.refused {
            XCTAssertNotNil(readJSON(text).failure, text)
        }
    }

    func testRefusesEveryTruncation() {
        for text in JSONVectors.accepted {
            let bytes = Array(text.utf8)
            for count in 0..<bytes.count {
                let piece = Array(bytes[..<count])
                XCTAssertNotNil(readJSON(piece).failure, "\(text) cut to \(count)")
            }
        }
    }

    func testNoPieceOfABrokenTextTraps() {
        for text in JSONVectors.refused + JSONVectors.acceptedScalars {
            let bytes = Array(text.utf8)
            for count in 0..<bytes.count {
                for dialect in [JSONDialect.strict, .json5] {
                    guard let error = readJSON(Array(bytes[..<count]), dialect).failure else {
                        continue
                    }
                    XCTAssertLessThanOrEqual(error.offset, count, text)
                }
            }
        }
    }

    func testEveryByteFlippedNeverTraps() {
        let bytes = Array(
            "{\"a\":[1,-2.5e+3,\"x\\u00e9\\ud83d\\ude39é\",true,null,{\"b\":{}}]}".utf8)
        for index in bytes.indices {
            for value in UInt8.min...UInt8.max {
                var broken = bytes
                broken[index] = value
                _ = readJSON(broken)
                _ = readJSON(broken, .json5)
            }
        }
    }

    func testRefusesWhatIsNotUTF8AndSaysWhere() {
        for (bad, place) in JSONVectors.notUTF8 {
            let bytes = Array("[\"".utf8) + bad + Array("\"]".utf8)
            for dialect in [JSONDialect.strict, .json5] {
                let error = readJSON(bytes, dialect).failure
                XCTAssertEqual(error?.offset, place, "\(bad)")
                XCTAssertEqual(error?.reason, "not UTF-8", "\(bad)")
            }
            XCTAssertNotNil(readJSON(bad).failure)
        }
    }

    func testValues() throws {
        let text = """
            {"s": "a\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\ud83d\\ude39é", "n": -12, "d": 1.5e2, "t": true,
             "f": false, "z": null, "a": [1, [2]], "o": {"k": "v"}}
            """
        let root = try readJSON(text).get()
        XCTAssertEqual(root["s"]?.string, "a\"\\/\u{8}\u{c}\n\r\tA😹é")
        XCTAssertEqual(root["n"]?.integer, -12)
        XCTAssertEqual(root["d"]?.double, 150)
        XCTAssertNil(root["d"]?.integer)
        XCTAssertEqual(root["t"]?.bool, true)
        XCTAssertEqual(root["f"]?.bool, false)
        XCTAssertEqual(root["z"]?.isNull, true)
        XCTAssertEqual(root["a"]?.array?.last?.array?.first?.integer, 2)
        XCTAssertEqual(root["o"]?["k"]?.string, "v")
        XCTAssertNil(root["missing"])
        XCTAssertNil(root["s"]?["k"])
        XCTAssertEqual(
            root.object?.map(\.key), ["s", "n", "d", "t", "f", "z", "a", "o"])
    }

    func testNamesAreComparedByBytes() throws {
        // U+212A is canonically equivalent to K, and é to e with an accent: other names.
        let root = try readJSON("{\"\u{212A}\": 1, \"e\u{301}\": 2}").get()
        XCTAssertNil(root["K"])
        XCTAssertNil(root["\u{e9}"])
        XCTAssertEqual(root["\u{212A}"]?.integer, 1)
    }

    func testNumbers() throws {
        let cases: [(String, Int64?, Double?)] = [
            ("0", 0, 0), ("-0", 0, 0), ("1", 1, 1), ("-5", -5, -5), ("1.0", nil, 1),
            ("1e3", nil, 1000), ("9223372036854775807", .max, 9_223_372_036_854_775_808),
            ("-9223372036854775808", .min, -9_223_372_036_854_775_808),
            ("9223372036854775808", nil, 9_223_372_036_854_775_808),
            ("1e400", nil, nil), ("-1e400", nil, nil), ("1e-400", nil, 0), ("0.1", nil, 0.1),
            ("123456789012345678901234567890", nil, 1.2345678901234568e29),
        ]
        for (text, integer, double) in cases {
            let node = try readJSON(text).get()
            XCTAssertEqual(node.integer, integer, text)
            XCTAssertEqual(node.double, double, text)
        }
    }

    func testDepthIsBounded() {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let inner = open == "[" ? "" : "1"
            let deepest = open.repeated(64) + inner + close.repeated(64)
            XCTAssertNil(readJSON(deepest).failure)
            let deeper = open.repeated(65) + inner + close.repeated(65)
            XCTAssertEqual(readJSON(deeper).failure?.reason, "nested deeper than 64 levels")
            XCTAssertEqual(readJSON(deeper).failure?.offset, 64 * open.utf8.count)
            XCTAssertNotNil(readJSON(open.repeated(1_000_000)).failure)
            XCTAssertNotNil(readJSON(open.repeated(1_000_000), depth: .max).failure)
        }
        XCTAssertNotNil(readJSON("[[1]]", depth: 1).failure)
        XCTAssertNotNil(readJSON("[]", depth: 0).failure)
        XCTAssertNil(readJSON("1", depth: 0).failure)
        // Depth counts containers within containers, not containers.
        XCTAssertNil(readJSON("[" + "[],".repeated(500) + "[]]", depth: 2).failure)
    }

    func testDuplicateNames() {
        let error = readJSON("{\"a\": 1,\n \"b\": 2,\n \"a\": 3}").failure
        XCTAssertEqual(error?.line, 3)
        XCTAssertEqual(error?.column, 2)
        XCTAssertEqual(error?.reason, "the name \"a\" stands twice, first in line 1")
        XCTAssertNil(readJSON("[{\"a\":1},{\"a\":1,\"b\":{\"a\":1}}]").failure)
        // Beyond the few that are compared one by one.
        for count in [15, 16, 17, 18, 300] {
            let names = (0..<count).map { "\"k\($0)\":0" }
            XCTAssertNil(readJSON("{" + names.joined(separator: ",") + "}").failure)
            for twice in [0, count / 2, count - 1] {
                let text = "{" + names.joined(separator: ",") + ",\"k\(twice)\":1}"
                XCTAssertNotNil(readJSON(text).failure, "\(count) \(twice)")
            }
        }
    }

    func testDuplicatesCanBeKept() throws {
        let bytes = Array("{\"a\": 1, \"a\": 2}".utf8)
        let root = try JSONReader.read(bytes.rawSpan, duplicates: .kept)
        XCTAssertEqual(root.object?.map(\.value.integer), [1, 2])
        XCTAssertEqual(root.object?.map(\.keyOffset), [1, 9])
    }

    func testPositions() throws {
        let text = "{\n  \"a\": [1,\r\n    \"é\", true],\r \"b\": {}\n}"
        let bytes = Array(text.utf8)
        let root = try JSONReader.read(bytes.rawSpan)
        func place(_ offset: Int?) -> [Int] {
            let found = JSONReader.position(of: offset ?? -1, in: bytes.rawSpan)
            return [found.line, found.column]
        }
        XCTAssertEqual(place(root.offset), [1, 1])
        XCTAssertEqual(place(root.object?[0].keyOffset), [2, 3])
        XCTAssertEqual(place(root["a"]?.offset), [2, 8])
        XCTAssertEqual(place(root["a"]?.array?[1].offset), [3, 5])
        XCTAssertEqual(place(root["a"]?.array?[2].offset), [3, 11])
        XCTAssertEqual(place(root.object?[1].keyOffset), [4, 2])
        XCTAssertEqual(place(bytes.count), [5, 2])
        XCTAssertEqual(place(bytes.count + 99), [5, 2])
    }

    func testFaultsSayWhereAndWhat() {
        let cases: [(String, Int, Int, String)] = [
            ("", 1, 1, "expected a value, found the end of the text"),
            ("{\"a\" 1}", 1, 6, "expected ':' after the name \"a\", found '1'"),
            ("[1\n 2]", 2, 2, "expected ',' or ']', found '2'"),
            ("{\"a\":1,\n}", 1, 7, "a comma before '}' is not JSON"),
            ("[\"abc", 1, 2, "this string is not closed"),
            ("{a:1}", 1, 2, "expected a name in double quotes, found 'a'"),
            ("[01]", 1, 2, "a number has no leading zeros"),
            ("[yes]", 1, 2, "expected a value, found a word: strings stand in double quotes"),
            ("[\"\\ud800\"]", 1, 3, "a surrogate escape stands without its other half"),
            ("[1] 2", 1, 5, "expected the end of the text, found '2'"),
            ("[\u{1}]", 1, 2, "expected a value, found the byte 0x01"),
        ]
        for (text, line, column, reason) in cases {
            let error = readJSON(text).failure
            XCTAssertEqual(error?.line, line, text)
            XCTAssertEqual(error?.column, column, text)
            XCTAssertEqual(error?.reason, reason, text)
        }
    }

    /// Documents that a quadratic step anywhere would turn into hours: to end is to pass.
    func testLongDocumentsEnd() {
        let shapes: [(String, (Int) -> String)] = [
            ("members", { n in "{" + (0..<n).map { "\"k\($0)\":0" }.joined(separator: ",") + "}" }),
            ("escapes", { n in "\"" + "\\u00e9".repeated(n) + "\"" }),
            ("digits", { n in "9".repeated(n * 8) }),
            ("blanks", { n in " ".repeated(n * 8) + "1" }),
            ("items", { n in "[" + "[],".repeated(n) + "1]" }),
        ]
        for (name, shape) in shapes {
            XCTAssertNil(readJSON(Array(shape(300_000).utf8)).failure, name)
        }
    }
}
