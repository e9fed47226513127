// Owns the tests of strict base64url.
// Called by the test run.
// Never accepts what two texts could mean.

import XCTest

@testable import ProxyCore

final class Base64Tests: XCTestCase {
    private func decode(_ text: String) -> [UInt8]? {
        var out = ByteBuffer()
        return Base64URL.decode(text.rawSpan, into: &out) ? out.array() : nil
    }

    /// RFC 4648 §10, without the padding.
    func testVectors() {
        let vectors = [
            ("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg"),
            ("fooba", "Zm9vYmE"), ("foobar", "Zm9vYmFy"),
        ]
        for (plain, text) in vectors {
            XCTAssertEqual(decode(text), Array(plain.utf8))
            XCTAssertEqual(TokenFixture.base64(plain), text)
        }
        var padded = ByteBuffer()
        Base64.encode("fooba".rawSpan, into: &padded)
        XCTAssertEqual(padded.bytes.text(), "Zm9vYmE=")
        XCTAssertEqual(decode("-_-_"), [0xfb, 0xff, 0xbf])
    }

    func testRefused() {
        for text in [
            "Zg==", "Zm8=", "Zm9v=", "=", "Z", "Zm9vY", "Zm9v\n", " Zm9v", "Zm 9v", "Zm9+", "Zm9/",
            "Zm9v.", "Zm9é", "Zm9\u{0}",
            "Zh", "Zn", "Zv",  // bits behind the byte
            "Zm9", "Zm-", "Zm_",  // bits behind the second
        ] {
            XCTAssertNil(decode(text), text)
        }
    }

    /// Of all texts of two and three characters exactly those that encoding makes are read.
    func testOneTextAValue() {
        var good = 0
        for first in UInt8.min...UInt8.max {
            for second in UInt8.min...UInt8.max {
                var out = ByteBuffer()
                guard Base64URL.decode([first, second].rawSpan, into: &out) else { continue }
                good += 1
                XCTAssertEqual(Array(TokenFixture.base64(out.array()).utf8), [first, second])
            }
        }
        XCTAssertEqual(good, 256)
        good = 0
        for last in UInt8.min...UInt8.max {
            var out = ByteBuffer()
            if Base64URL.decode([65, 65, last].rawSpan, into: &out) { good += 1 }
        }
        XCTAssertEqual(good, 16)
    }

    func testRoundTrip() {
        var random = SplitMix(seed: 7)
        for length in 0..<200 {
            let bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
            XCTAssertEqual(decode(TokenFixture.base64(bytes)), bytes)
        }
    }
}

/// A generator with a seed, so that a failure can be met again.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
        return word ^ (word >> 31)
    }
}
