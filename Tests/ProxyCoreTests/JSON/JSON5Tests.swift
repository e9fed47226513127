// Owns the tests of the JSON5 dialect.
// Called by XCTest.
// Never tests what both dialects share: that is JSONReaderTests.

import ProxyCore
import XCTest

final class JSON5Tests: XCTestCase {
    func testReadsWhatStrictReads() {
        for text in JSONVectors.accepted + JSONVectors.acceptedScalars {
            XCTAssertNil(readJSON(text, .json5).failure, text)
        }
    }

    func testTheSampleOfTheSpecification() throws {
        let text = """
            {
              // comments
              unquoted: 'and you can quote me on that',
              singleQuotes: 'I can use "double quotes" here',
              lineBreaks: "Look, Mom! \\
            No \\\\n's!",
              hexadecimal: 0xdecaf,
              leadingDecimalPoint: .8675309, andTrailing: 8675309.,
              positiveSign: +1,
              trailingComma: 'in objects', andIn: ['arrays',],
              "backwardsCompatible": "with JSON",
            }
            """
        let root = try readJSON(text, .json5).get()
        XCTAssertEqual(root["unquoted"]?.string, "and you can quote me on that")
        XCTAssertEqual(root["lineBreaks"]?.string, "Look, Mom! No \\n's!")
        XCTAssertEqual(root["hexadecimal"]?.integer, 0xdecaf)
        XCTAssertEqual(root["hexadecimal"]?.double, 912_559)
        XCTAssertEqual(root["leadingDecimalPoint"]?.double, 0.8675309)
        XCTAssertEqual(root["andTrailing"]?.double, 8_675_309)
        XCTAssertEqual(root["positiveSign"]?.integer, 1)
        XCTAssertEqual(root["andIn"]?.array?.count, 1)
        XCTAssertNotNil(readJSON(text).failure)
    }

    func testStrings() throws {
        let cases: [(String, String)] = [
            ("'\\x41\\v\\0\\'\\a'", "A\u{b}\0'a"), ("'\\\r\nx'", "x"), ("'\\\u{2028}x'", "x"),
            ("'\u{2028}'", "\u{2028}"), ("'\t'", "\t"), ("'\\é'", "é"), ("'\\xe9'", "é"),
            ("'a\"b'", "a\"b"), ("\"a'b\"", "a'b"), ("'\\u0041'", "A"), ("'\\\rx'", "x"),
        ]
        for (text, value) in cases {
            XCTAssertEqual(try readJSON(text, .json5).get().string, value, text)
        }
    }

    func testNumbers() throws {
        let cases: [(String, Int64?, Double?)] = [
            ("0x1F", 31, 31), ("-0x10", -16, -16), ("+0Xff", 255, 255), ("5.", nil, 5),
            ("+.5", nil, 0.5), ("-.5e1", nil, -5), ("5.e3", nil, 5000), ("Infinity", nil, nil),
            ("-Infinity", nil, nil), ("+NaN", nil, nil), ("NaN", nil, nil), ("+5", 5, 5),
            ("0xFFFFFFFFFFFFFFFF", nil, 18_446_744_073_709_551_616),
            ("-0x8000000000000000", .min, -9_223_372_036_854_775_808),
        ]
        for (text, integer, double) in cases {
            let node = try readJSON(text, .json5).get()
            XCTAssertEqual(node.integer, integer, text)
            XCTAssertEqual(node.double, double, text)
        }
    }

    func testBlanksAndComments() {
        let good = [
            "/**/1", "1//", "1/* * / ** */", "//a\n1", "//a\r1", "//a\u{2029}1",
            "\u{b}\u{c}\u{a0}1",
            "\u{feff}1", "[1/*,*/,2//]\n]", "\u{3000}[\u{2003}]", "/***/1", "{/**/a/**/:/**/1/**/}",
        ]
        for text in good { XCTAssertNil(readJSON(text, .json5).failure, text) }
    }

    func testNames() throws {
        let text = "{$a_1: 1, \\u0061b: 2, ünïcode: 3, null: 4, 'q': 5, ツ\u{200d}: 6}"
        let root = try readJSON(text, .json5).get()
        XCTAssertEqual(
            root.object?.map(\.key), ["$a_1", "ab", "ünïcode", "null", "q", "ツ\u{200d}"])
    }

    func testRefuses() {
        let bad = [
            "", "//", "/*", "/* *", "1/*", "{,}", "[,]", "[1,,]", "{a:1,,}", "{a b:1}", "{1a:1}",
            "{-a:1}", "{a:}", "{\\u0031a:1}", "{\\n:1}", "'a\nb'", "'\\x4'", "'\\u00'", "'\\1'",
            "'\\01'", "'\\9'", "'abc\"", "0x", "0xg", "0x1.8", "+", "-", ".", "+.", "1e", "+-1",
            "01", "00", "1_000", "Infinit", "nan", "undefined", "+Nul", "+true", "-'a'", "1 2",
            "{a:1 b:2}", "[1 2]", "{a:1,a:2}", "'\\ud800'", "{'a':1}}", "/ /1", "#1", "`a`",
            "{\u{feff}", "5..", "0x1p3", "{a:1}/", "- 1",
        ]
        for text in bad { XCTAssertNotNil(readJSON(text, .json5).failure, text) }
    }

    func testRefusesTruncations() {
        let bytes = Array("{a: ['x', 0x1F, /* c */ +.5,], // d\n 'b': {c: Infinity,}, }".utf8)
        XCTAssertNil(readJSON(bytes, .json5).failure)
        for count in 0..<bytes.count {
            XCTAssertNotNil(readJSON(Array(bytes[..<count]), .json5).failure, "\(count)")
        }
    }

    func testFaultsSayWhere() {
        let cases: [(String, Int, Int)] = [
            ("{\n a: 1\n b: 2\n}", 3, 2), ("{\n /* open\n", 2, 2), ("{a: 'x\n}", 1, 5),
            ("{a: 1,\n a: 2}", 2, 2),
        ]
        for (text, line, column) in cases {
            let error = readJSON(text, .json5).failure
            XCTAssertEqual([error?.line, error?.column], [line, column], text)
        }
    }
}
