// Owns the tests of durations, sizes, rates and guesses.
// Called by XCTest.
// Never reads a configuration.

import StatusAPI
import XCTest

@testable import Sidecar

final class QuantitiesTests: XCTestCase {
    func testDurations() {
        let good: [(String, Int64)] = [
            ("250ms", 250), ("30s", 30_000), ("2m", 120_000), ("1h", 3_600_000),
            ("30d", 2_592_000_000), ("0s", 0), ("007s", 7_000),
        ]
        for (text, value) in good { XCTAssertEqual(DurationText.parse(text), value, text) }
        let bad = [
            "", "s", "30", "1.5s", "-1s", "+1s", "1m30s", "30 s", " 30s", "30S", "30sec", "1w",
            "999999999999999999d", "9999999999999999999s", "٣s", "1ns",
        ]
        for text in bad { XCTAssertNil(DurationText.parse(text), text) }
        let shown: [(Int64, String)] = [
            (0, "0s"), (250, "250ms"), (110_000, "110s"), (120_000, "2m"), (86_400_000, "1d"),
            (90_000_000, "25h"),
        ]
        for (value, text) in shown { XCTAssertEqual(DurationText.text(value), text) }
    }

    func testSizes() {
        let good: [(String, Int)] = [
            ("64KiB", 65_536), ("10MiB", 10_485_760), ("512B", 512), ("1GiB", 1 << 30),
        ]
        for (text, value) in good {
            XCTAssertEqual(SizeText.parse(text), value, text)
            XCTAssertEqual(SizeText.text(value), text)
        }
        for text in ["", "64", "64KB", "64k", "1.5MiB", "-1B", "99999999999GiB", "64 KiB"] {
            XCTAssertNil(SizeText.parse(text), text)
        }
    }

    func testRates() {
        XCTAssertEqual(RateText.parse("20/s"), Rate(count: 20, period: 1_000))
        XCTAssertEqual(RateText.parse("100/m"), Rate(count: 100, period: 60_000))
        for text in ["", "20", "0/s", "/s", "20/d", "20 / s", "-1/s", "1.5/s"] {
            XCTAssertNil(RateText.parse(text), text)
        }
    }

    func testGuesses() {
        let keys = ["offline_after", "away_after", "heartbeat_every", "history"]
        let cases: [(String, String?)] = [
            ("ofline_after", "offline_after"), ("offlineAfter", "offline_after"),
            ("offline-after", "offline_after"), ("heartbeat_evrey", "heartbeat_every"),
            ("awayafter", "away_after"), ("histroy", "history"), ("nothing", nil), ("", nil),
            (String(repeating: "a", count: 5_000), nil),
        ]
        for (word, meant) in cases {
            XCTAssertEqual(Nearest.match(word, among: keys), meant, word)
        }
    }
}
