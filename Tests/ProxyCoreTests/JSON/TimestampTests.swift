// Owns the tests of times as text.
// Called by XCTest.
// Never asks what time it is.

import ProxyCore
import XCTest

final class TimestampTests: XCTestCase {
    func testBothWays() {
        let cases: [(Milliseconds, String)] = [
            (0, "1970-01-01T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_795_253_400_123, "2026-11-21T09:30:00.123Z"),
            (4_107_542_399_999, "2100-02-28T23:59:59.999Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (-62_167_219_200_000, "0000-01-01T00:00:00.000Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        ]
        for (time, text) in cases {
            XCTAssertEqual(Timestamp.text(time), text)
            XCTAssertEqual(Timestamp.parse(text.rawSpan), time, text)
        }
        XCTAssertEqual(Timestamp.text(.max), "9999-12-31T23:59:59.999Z")
        XCTAssertEqual(Timestamp.text(.min), "0000-01-01T00:00:00.000Z")
    }

    func testEveryDayOfFourCenturies() {
        for day in stride(from: Milliseconds(-80_000), to: 80_000, by: 1) {
            let time = day * 86_400_000 + 12_345_678
            XCTAssertEqual(Timestamp.parse(Timestamp.text(time).rawSpan), time)
        }
    }

    func testReadsOtherForms() {
        let noon: Milliseconds = 1_795_253_400_000
        let cases: [(String, Milliseconds)] = [
            ("2026-11-21T09:30:00Z", noon), ("2026-11-21t09:30:00z", noon),
            ("2026-11-21 09:30:00Z", noon), ("2026-11-21T10:30:00+01:00", noon),
            ("2026-11-21T04:00:00-05:30", noon), ("2026-11-21T09:30:00.1Z", noon + 100),
            ("2026-11-21T09:30:00.123999999+00:00", noon + 123), ("2026-11-21T09:29:60Z", noon),
            ("2026-11-21T09:30:00-00:00", noon),
        ]
        for (text, time) in cases { XCTAssertEqual(Timestamp.parse(text.rawSpan), time, text) }
    }

    func testRefuses() {
        let bad = [
            "", "2026-11-21", "2026-11-21T09:30:00", "2026-11-21T09:30Z", "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z", "2026-02-29T00:00:00Z", "2100-02-29T00:00:00Z",
            "2026-04-31T00:00:00Z", "2026-01-00T00:00:00Z", "2026-01-01T24:00:00Z",
            "2026-01-01T00:60:00Z", "2026-01-01T00:00:61Z", "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:00+1:00", "2026-01-01T00:00:00+24:00", "2026-01-01T00:00:00+0100",
            "2026-01-01T00:00:00Zx", "2026-01-01T00:00:00Z ", " 2026-01-01T00:00:00Z",
            "2026-1-01T00:00:00Z", "+026-01-01T00:00:00Z", "2026/01/01T00:00:00Z",
            "2026-01-01T00:00:00." + "1".repeated(80) + "Z", "２026-01-01T00:00:00Z",
        ]
        for text in bad { XCTAssertNil(Timestamp.parse(text.rawSpan), text) }
        let whole = "2026-11-21T09:30:00.123+01:00"
        for count in 0..<whole.utf8.count {
            XCTAssertNil(Timestamp.parse(String(whole.prefix(count)).rawSpan), "\(count)")
        }
    }
}
