// Owns the tests of where our tag goes in a page, whatever pieces the page comes in.
// Called by the test runner.
// Never asks a proxy: that is InjectionTests.

import ProxyCore
import Support
import XCTest

@testable import StatusAPI

final class TagInjectorTests: XCTestCase {
    private let tag = ScriptTag(prefix: "/_presence", attributes: [])

    /// The tag as it is without a nonce.
    private let written = latin1(
        "<script src=\"/_presence/client.js\" defer data-presence></script>")

    private struct Passed: Equatable {
        var bytes: [UInt8]
        var outcome: InjectionOutcome?
    }

    /// - Parameter steps: how many bytes have arrived at each step.
    private func pass(
        _ page: [UInt8], _ steps: [Int], fields: [String] = [],
        each: (_ arrived: Int, _ passed: Int, InjectionOutcome?) -> Void = { _, _, _ in }
    ) -> Passed {
        let origin = PageOrigin(site: nil, tag: tag)
        var policies = PolicyVerdict()
        for field in fields { policies.add(field: field.rawSpan, origin: origin) }
        var injector = TagInjector(tag, policies: policies, origin: origin)
        var out = ByteBuffer()
        let guarded = GuardPage(capacity: page.count + 1)
        var start = 0
        for end in steps {
            guarded.with(Array(page[start..<end])) { injector.pass($0, into: &out) }
            start = end
            each(end, out.count, injector.outcome)
        }
        injector.finish(into: &out)
        return Passed(bytes: out.array(), outcome: injector.outcome)
    }

    private func expected(_ vector: PageVector) -> (page: [UInt8], passed: Passed) {
        let parts = vector.page.components(separatedBy: "@@")
        var tag = "<script src=\"/_presence/client.js\" defer data-presence"
        if let nonce = vector.nonce { tag += " nonce=\"\(nonce)\"" }
        tag += "></script>"
        let page = latin1(parts.joined())
        guard parts.count == 2 else { return (page, Passed(bytes: page, outcome: vector.reason)) }
        return (
            page,
            Passed(bytes: latin1(parts[0]) + latin1(tag) + latin1(parts[1]), outcome: .injected)
        )
    }

    func testEveryPageInEveryPiece() {
        XCTAssertGreaterThan(PageVector.all.count, 100)
        for vector in PageVector.all {
            let (page, want) = expected(vector)
            XCTAssertEqual(vector.reason == .injected, vector.page.contains("@@"), vector.name)
            for steps in ByteDribble(count: page.count) {
                let got = pass(page, steps, fields: vector.fields)
                guard got == want else {
                    XCTFail(
                        "\(vector.name): in \(steps.count) pieces \(String(describing: got.outcome)): "
                            + String(decoding: got.bytes, as: UTF8.self))
                    break
                }
            }
        }
    }

    func testRandomPieces() {
        var random = Repeatable(state: 4)
        for vector in PageVector.all {
            let (page, want) = expected(vector)
            for _ in 0..<50 where page.count > 2 {
                let cuts = (0..<Int.random(in: 1...12, using: &random)).map { _ in
                    Int.random(in: 0...page.count, using: &random)
                }
                let steps = cuts.sorted() + [page.count]
                XCTAssertTrue(
                    pass(page, steps, fields: vector.fields) == want, "\(vector.name): \(steps)")
            }
        }
    }

    /// All that may wait is the beginning of one tag, as far as its name.
    func testNothingIsHeldBack() {
        for vector in PageVector.all {
            let (page, _) = expected(vector)
            _ = pass(page, Array(0...page.count), fields: vector.fields) {
                arrived, passed, outcome in
                if outcome == nil {
                    XCTAssertLessThanOrEqual(
                        arrived - passed, 2 + HTMLScanner.nameBytes, vector.name)
                    XCTAssertLessThanOrEqual(passed, arrived, vector.name)
                } else {
                    XCTAssertGreaterThanOrEqual(passed, arrived, vector.name)
                }
            }
        }
    }

    /// Bytes that mean something, in any order: nothing is lost, and pieces do not matter.
    func testNonsense() {
        var random = Repeatable(state: 20_261_128)
        let words = [
            "<", ">", "</", "<!", "--", "-", "!", "\"", "'", "=", "/", " ", "\n", "\0", "a", "x",
            "head", "</head>", "<head>", "<body>", "<html>", "<!doctype html>", "script", "<script",
            "</script>", "<script>", "<!--", "-->", "title", "<title>", "</title>", "<meta ",
            "content=", "http-equiv=", "charset=", "src=", "template", "<template>", "</template>",
            "&", "#39;", "utf-8", "style", "\u{ff}", "noscript",
        ].map(latin1)
        for round in 0..<4_000 {
            let count = Int.random(in: 1...40, using: &random)
            var page = (0..<count).flatMap { _ in words.randomElement(using: &random) ?? [] }
            if round % 2 == 0 { page = latin1("<!doctype html><head>") + page }
            let whole = pass(page, [page.count])
            XCTAssertEqual(
                pass(page, Array(0...page.count)), whole, String(decoding: page, as: UTF8.self))
            if whole.outcome == .injected {
                XCTAssertEqual(whole.bytes.count, page.count + written.count)
                XCTAssertTrue(
                    (0...page.count).contains { at in
                        whole.bytes[..<at] == page[..<at]
                            && whole.bytes[at..<at + written.count] == written[...]
                            && whole.bytes[(at + written.count)...] == page[at...]
                    })
            } else {
                XCTAssertEqual(whole.bytes, page)
            }
        }
    }

    /// The name of the tag that ends the head counts, with the byte behind it.
    func testHeadWithinItsBound() {
        let start = latin1("<!doctype html><head><!--")
        let end = latin1("--></head><body>")
        for (beyond, want) in [(-1, InjectionOutcome.injected), (0, .injected), (1, .noPlace)] {
            let filling = APILimits.pageHead - start.count - "--></head>".count + beyond
            let page = start + Array(repeating: 0x2E, count: filling) + end
            for steps in [[page.count], cuts(page.count, every: 1000)] {
                let got = pass(page, steps)
                XCTAssertEqual(got.outcome, want, "\(beyond)")
                XCTAssertEqual(
                    got.bytes.count, page.count + (want == .injected ? written.count : 0))
            }
        }
    }

    private func cuts(_ count: Int, every step: Int) -> [Int] {
        Array(stride(from: step, to: count, by: step)) + [count]
    }

    func testLargePagePassesInPieces() {
        let head = latin1("<!doctype html><head></head><body>")
        let page = head + Array(repeating: 0x2E, count: 10 * 1024 * 1024)
        let got = pass(page, cuts(page.count, every: 65_536))
        XCTAssertEqual(got.outcome, .injected)
        let place = "<!doctype html><head>".utf8.count
        XCTAssertTrue(
            got.bytes == Array(page[..<place]) + written + Array(page[place...]), "other bytes")
    }
}

/// Random numbers that are the same in every run (SplitMix64).
struct Repeatable: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}
