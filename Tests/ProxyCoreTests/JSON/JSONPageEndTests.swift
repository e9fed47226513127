// Owns reading every vector, and every piece of it, right before an unreadable page.
// Called by XCTest.
// Never looks at the verdict: that is JSONReaderTests.

import ProxyCore
import XCTest

final class JSONPageEndTests: XCTestCase {
    func testNoByteBeyondTheTextIsRead() {
        let texts = JSONVectors.accepted + JSONVectors.acceptedScalars + JSONVectors.refused
        let broken = JSONVectors.notUTF8.map { Array("\"".utf8) + $0.bytes }
        let more = [
            "'\\x4", "{a:0x", "/*", "//", "'\\\r", "{\\u00", "\u{2028}", "+.", "\"\\ud83d\\",
        ]
        for bytes in texts.map({ Array($0.utf8) }) + broken + more.map({ Array($0.utf8) }) {
            for count in 0...bytes.count {
                atPageEnd(Array(bytes[..<count])) { span in
                    for dialect in [JSONDialect.strict, .json5] {
                        _ = try? JSONReader.read(span, dialect: dialect)
                    }
                    _ = JSONReader.position(of: count, in: span)
                    var writer = JSONWriter()
                    writer.string(span)
                }
            }
        }
    }

    func testTimesToo() {
        let bytes = Array("2026-11-21T09:30:00.123456+01:00".utf8)
        for count in 0...bytes.count {
            atPageEnd(Array(bytes[..<count])) { _ = Timestamp.parse($0) }
        }
    }
}
