// Owns the tests of writing JSON.
// Called by XCTest.
// Never tests what documents mean.

import ProxyCore
import XCTest

final class JSONWriterTests: XCTestCase {
    private func written(_ body: (inout JSONWriter) -> Void) -> String {
        var writer = JSONWriter(capacity: 0)
        body(&writer)
        return String(decoding: writer.finish(), as: UTF8.self)
    }

    func testCommasAndColons() {
        let text = written { writer in
            writer.beginObject()
            writer.key("a")
            writer.integer(1)
            writer.key(text: "b\"")
            writer.beginArray()
            writer.bool(true)
            writer.beginArray()
            writer.endArray()
            writer.beginObject()
            writer.endObject()
            writer.null()
            writer.endArray()
            writer.key("c")
            writer.raw(Array("[1,2]".utf8).rawSpan)
            writer.key("d")
            writer.string("x")
            writer.endObject()
        }
        XCTAssertEqual(text, #"{"a":1,"b\"":[true,[],{},null],"c":[1,2],"d":"x"}"#)
    }

    func testEscapes() {
        let cases: [(String, String)] = [
            ("a\"b\\c/d", #""a\"b\\c/d""#),
            ("\n\r\t\u{8}\u{c}\u{0}\u{1f}", #""\n\r\t\u0008\u000c\u0000\u001f""#),
            ("</script>", #""\u003c/script>""#), ("\u{2028}\u{2029}\u{2027}", #""\u2028\u2029‧""#),
            ("é😹\u{7f}", "\"é😹\u{7f}\""), ("", "\"\""),
        ]
        for (text, json) in cases {
            XCTAssertEqual(written { $0.string(text) }, json, text)
        }
    }

    func testWhatIsNotUTF8BecomesTheReplacement() {
        let cases: [([UInt8], String)] = [
            ([0x61, 0xFF, 0x62], "\"a\u{FFFD}b\""), ([0xE2, 0x80], "\"\u{FFFD}\u{FFFD}\""),
            ([0xC3], "\"\u{FFFD}\""), ([0xED, 0xA0, 0x80], "\"\u{FFFD}\u{FFFD}\u{FFFD}\""),
        ]
        for (bytes, json) in cases {
            XCTAssertEqual(written { $0.string(bytes.rawSpan) }, json)
        }
    }

    func testWhatIsWrittenReadsBack() throws {
        for code in UInt32(0)...0x3000 {
            guard let scalar = Unicode.Scalar(code) else { continue }
            let text = "a\(Character(scalar))b"
            let bytes = Array(written { $0.string(text) }.utf8)
            let back = try JSONReader.read(bytes.rawSpan).string
            XCTAssertEqual(back.map { Array($0.utf8) }, Array(text.utf8), "\(code)")
        }
    }

    func testNumbers() {
        XCTAssertEqual(written { $0.integer(.min) }, "-9223372036854775808")
        XCTAssertEqual(written { $0.integer(0) }, "0")
        XCTAssertEqual(written { $0.double(1.5) }, "1.5")
        XCTAssertEqual(written { $0.double(.nan) }, "null")
        XCTAssertEqual(written { $0.timestamp(0) }, "\"1970-01-01T00:00:00.000Z\"")
    }

    func testReuse() {
        var writer = JSONWriter()
        writer.integer(1)
        writer.removeAll()
        writer.integer(2)
        XCTAssertEqual(writer.bytes.text(), "2")
    }
}
