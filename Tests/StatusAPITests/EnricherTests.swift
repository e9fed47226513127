// Owns the tests of the enricher: what is added, where, and what stays as it was.
// Called by XCTest.
// Never asks an engine but where the test says so.

import Presence
import ProxyCore
import Support
import XCTest

@testable import StatusAPI

final class EnricherTests: XCTestCase {
    private static let off = ",\"online_status\":\"offline\",\"is_online\":false,\"last_seen\":null"

    private static let on =
        "\"online_status\":\"online\",\"is_online\":true,"
        + "\"last_seen\":\"2026-09-21T14:13:20.123Z\""

    /// The enriched text, or the outcome in its place.
    private func enrich(
        _ text: String, _ items: String? = "$[*]", id: String? = "$.id",
        fields: [String: String] = [:]
    ) throws -> String {
        let plan = EnrichmentPlan(
            Enrichment(
                items: try items.map { try JSONPath($0) }, id: try id.map { try JSONPath($0) },
                fields: try fields.sorted { $0.key < $1.key }.map {
                    Enrichment.Field(
                        id: try JSONPath(($0.key.hasPrefix("[") ? "$" : "$.") + $0.key),
                        name: $0.value)
                }))
        return enrich(Array(text.utf8), plan)
    }

    private func enrich(_ bytes: [UInt8], _ plan: EnrichmentPlan) -> String {
        var enricher = Enricher()
        var out = ByteBuffer()
        let outcome = enricher.enrich(bytes.rawSpan, plan, into: &out) {
            id, _ in
            id.text().map { $0.hasPrefix("on") ? online : .unknown } ?? .unknown
        }
        guard case .enriched = outcome else {
            XCTAssertTrue(out.isEmpty)
            return "\(outcome)"
        }
        return String(decoding: out.array(), as: UTF8.self)
    }

    private let online = PresenceBrief(status: .online, lastSeen: 1_790_000_000_123)

    // MARK: What is added

    func testMembersGoBehindTheLastOne() throws {
        XCTAssertEqual(
            try enrich("[ {\"id\":\"on1\", \"n\": {} \n} ,{\"id\":2}] "),
            "[ {\"id\":\"on1\", \"n\": {},\"online_status\":\"online\",\"is_online\":true,"
                + "\"last_seen\":\"2026-09-21T14:13:20.123Z\" \n} ,{\"id\":2\(Self.off)}] ")
    }

    func testFurtherIdsGetObjectsOfTheirOwn() throws {
        XCTAssertEqual(
            try enrich(
                "{\"id\":1,\"author_id\":\"on\",\"assignee\":{\"id\":3}}", "$",
                fields: ["author_id": "author_presence", "assignee.id": "assignee_presence"]),
            "{\"id\":1,\"author_id\":\"on\",\"assignee\":{\"id\":3}\(Self.off),"
                + "\"assignee_presence\":{\(Self.off.dropFirst())},"
                + "\"author_presence\":{\"online_status\":\"online\",\"is_online\":true,"
                + "\"last_seen\":\"2026-09-21T14:13:20.123Z\"}}")
        XCTAssertEqual(
            try enrich("{\"id\":1,\"by\":null}", "$", fields: ["by": "by_presence"]),
            "{\"id\":1,\"by\":null\(Self.off)}")
        // One place may say who an item is, and be shown as an object as well, or as two.
        XCTAssertEqual(
            try enrich("[{\"id\":1},{\"id\":\"on1\"}]", fields: ["id": "presence"]),
            "[{\"id\":1\(Self.off),\"presence\":{\(Self.off.dropFirst())}},"
                + "{\"id\":\"on1\",\(Self.on),\"presence\":{\(Self.on)}}]")
        XCTAssertEqual(
            try enrich("{\"by\":5}", "$", id: nil, fields: ["by": "a", "['by']": "b"]),
            "{\"by\":5,\"b\":{\(Self.off.dropFirst())},\"a\":{\(Self.off.dropFirst())}}")
        XCTAssertEqual(
            try enrich("{\"by\":5}", "$", id: nil, fields: ["by": "a \"b\"<"]),
            "{\"by\":5,\"a \\\"b\\\"\\u003c\":{\(Self.off.dropFirst())}}")
    }

    func testWhatAnItemSaysOfItselfIsLeftAlone() throws {
        XCTAssertEqual(
            try enrich("[{\"id\":1,\"last_seen\":\"monday\"}]"),
            "[{\"id\":1,\"last_seen\":\"monday\",\"online_status\":\"offline\",\"is_online\":false}]"
        )
        XCTAssertEqual(
            try enrich("[{\"online_st\\u0061tus\":0,\"is_online\":1,\"last_seen\":2,\"id\":1}]"),
            "shape")
        XCTAssertEqual(
            try enrich(
                "{\"id\":1,\"online_status\":\"busy\"}", "$", id: nil, fields: ["id": "presence"]),
            "{\"id\":1,\"online_status\":\"busy\",\"presence\":{\(Self.off.dropFirst())}}")
        XCTAssertEqual(
            try enrich("{\"a\":1,\"p\":0}", "$", id: nil, fields: ["a": "p"]), "shape")
    }

    // MARK: What stays as it was

    func testOutcomes() throws {
        for (text, items, outcome) in [
            ("[]", "$[*]", "empty"), ("{\"results\":[]}", "$.results[*]", "empty"),
            ("{\"results\":{}}", "$.results[*]", "empty"), ("{\"detail\":\"no\"}", "$[*]", "shape"),
            ("[1,2]", "$[*]", "shape"), ("[{}]", "$[*]", "shape"), ("[{\"a\":1}]", "$[*]", "shape"),
            ("[{\"id\":1}]]", "$[*]", "notJSON"), ("", "$[*]", "notJSON"),
            ("<html>", "$[*]", "notJSON"), ("[{\"id\":1},{\"id\":NaN}]", "$[*]", "notJSON"),
            ("{\"id\":1}{\"id\":2}", "$", "notJSON"),
        ] {
            XCTAssertEqual(try enrich(text, items), outcome, text)
        }
    }

    func testTooManyItems() throws {
        let text = Array(repeating: "{\"id\":1}", count: Limits.surveyItems + 1)
        XCTAssertEqual(
            try enrich("[" + text.joined(separator: ",") + "]"), "tooManyItems")
    }

    // MARK: Against generated documents

    /// Taking the added members out gives the original bytes, and what was added is what the
    /// writer of the document expects there.
    func testTenThousandDocuments() throws {
        let plans = try EnrichmentShape.all.map { try $0.plan() }
        var enriched = 0
        var enricher = Enricher()
        for seed in 0..<10_000 {
            let number = seed % plans.count
            let document = EnrichmentWriter.document(
                seed: UInt64(seed), EnrichmentShape.all[number])
            var out = ByteBuffer()
            let outcome = enricher.enrich(document.original.rawSpan, plans[number], into: &out) {
                id, _ in
                MadeUpPresence.of(id.text() ?? "")
            }
            if case .enriched = outcome {
                enriched += 1
                let text = String(decoding: out.array(), as: UTF8.self)
                guard text.utf8.elementsEqual(document.enriched.utf8) else {
                    return XCTFail(
                        "seed \(seed):\n\(document.original)\n\(text)\n\(document.enriched)")
                }
                XCTAssertTrue(
                    Self.without(document.added, text).utf8.elementsEqual(document.original.utf8),
                    "seed \(seed)")
            } else {
                XCTAssertTrue(
                    document.added.isEmpty, "seed \(seed): \(outcome)\n\(document.original)")
                XCTAssertTrue(outcome == .empty || outcome == .shape, "seed \(seed): \(outcome)")
                XCTAssertTrue(out.isEmpty)
            }
        }
        XCTAssertGreaterThan(enriched, 5_000)
    }

    /// The text without each of these pieces, which stand in it in this order.
    private static func without(_ pieces: [String], _ text: String) -> String {
        var rest = Array(text.utf8)[...]
        var kept: [UInt8] = []
        for piece in pieces {
            let bytes = Array(piece.utf8)
            while !rest.isEmpty, !rest.starts(with: bytes) { kept.append(rest.removeFirst()) }
            rest = rest.dropFirst(bytes.count)
        }
        return String(decoding: kept + rest, as: UTF8.self)
    }

    /// A generated document that is cut or has a byte changed is either still JSON or untouched.
    func testBrokenDocumentsAreUntouched() throws {
        let plans = try EnrichmentShape.all.map { try $0.plan() }
        var dice = Dice(state: 99)
        var untouched = 0
        for seed in 0..<3_000 {
            let number = seed % plans.count
            let whole = Array(
                EnrichmentWriter.document(seed: UInt64(seed), EnrichmentShape.all[number]).original
                    .utf8)
            guard whole.count > 1 else { continue }
            var broken = whole
            if dice.chance(50) {
                broken.removeLast(1 + dice.below(whole.count - 1))
            } else {
                broken[dice.below(whole.count)] = UInt8(truncatingIfNeeded: dice.next())
            }
            guard !Self.isJSON(broken) else { continue }
            untouched += 1
            XCTAssertEqual(enrich(broken, plans[number]), "notJSON", "seed \(seed)")
        }
        XCTAssertGreaterThan(untouched, 1_500)
    }

    private static func isJSON(_ bytes: [UInt8]) -> Bool {
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        let text = bytes.starts(with: mark) ? Array(bytes.dropFirst(3)) : bytes
        do throws(JSONError) {
            _ = try JSONReader.read(text.rawSpan, duplicates: .kept)
            return true
        } catch {
            return error.reason == "a surrogate escape stands without its other half"
        }
    }

    // MARK: Hostile documents

    func testHostileDocuments() throws {
        let plan = EnrichmentPlan(
            Enrichment(items: try JSONPath("$.results[*]"), id: try JSONPath("$.id")))
        func page(_ items: String) -> [UInt8] { Array("{\"results\":[\(items)]}".utf8) }
        func deep(_ count: Int) -> String {
            "{\"id\":1,\"x\":" + String(repeating: "[", count: count)
                + String(repeating: "]", count: count) + "}"
        }
        XCTAssertTrue(enrich(page(deep(500)), plan).contains("online_status"))
        XCTAssertEqual(enrich(page(deep(600)), plan), "notJSON")
        XCTAssertEqual(enrich(page(deep(100_000)), plan), "notJSON")
        XCTAssertEqual(
            enrich(Array(repeating: UInt8(ascii: "{"), count: 1_000_000), plan), "notJSON")
        let long = String(repeating: "\\u0041é", count: 1_300_000)
        let huge = page("{\"id\":1,\"x\":\"\(long)\"}")
        XCTAssertGreaterThan(huge.count, 10_000_000)
        let enriched = enrich(huge, plan)
        XCTAssertEqual(enriched.utf8.count, huge.count + Self.off.utf8.count)
        XCTAssertTrue(enriched.hasSuffix("\(Self.off)}]}"))
        let large = page("{\"id\":1,\"x\":\"\(long.prefix(700_000))\"}")
        XCTAssertEqual(enrich(Array(large.dropLast(1)), plan), "notJSON")
        // An id as long as the document, and one whose escapes never end.
        XCTAssertEqual(enrich(page("{\"id\":\"\(long.prefix(7_000))\"}"), plan), "shape")
        XCTAssertEqual(enrich(page("{\"id\":\"\\ud800\"}"), plan), "shape")
        XCTAssertEqual(
            enrich(page("{\"id\":\(String(repeating: "9", count: 400))}"), plan), "shape")
        XCTAssertEqual(enrich(page("{\"id\":-}"), plan), "notJSON")
        // A million members of one item, all of them the id.
        let ids = Array(repeating: "\"id\":1", count: 200_000).joined(separator: ",")
        XCTAssertEqual(enrich(page("{\(ids)}"), plan), "shape")
    }

    // MARK: The mark

    func testTheMarkTellsWhatIsShownAndNotTheDriftOfPresence() throws {
        let plan = EnrichmentPlan(Enrichment(items: try JSONPath("$[*]"), id: try JSONPath("$.id")))
        func mark(_ brief: PresenceBrief) -> UInt64? {
            var enricher = Enricher()
            var out = ByteBuffer()
            let outcome = enricher.enrich("[{\"id\":1},{\"id\":2}]".rawSpan, plan, into: &out) {
                id, _ in
                id.equals("1") ? brief : .unknown
            }
            if case .enriched(let mark) = outcome { return mark }
            return nil
        }
        let marks = [
            mark(.unknown), mark(PresenceBrief(status: .offline, lastSeen: 5)),
            mark(PresenceBrief(status: .offline, lastSeen: 6)),
            mark(PresenceBrief(status: .away, lastSeen: 5)),
            mark(PresenceBrief(status: .online, lastSeen: 5)),
        ]
        XCTAssertEqual(Set(marks).count, 5)
        XCTAssertEqual(
            mark(PresenceBrief(status: .online, lastSeen: 5)),
            mark(PresenceBrief(status: .online, lastSeen: 6)))
    }

    // MARK: The engine

    func testTheEngineKnowsNumbersAndTextsAsOneUser() throws {
        let harness = try Harness()
        harness.forward("GET", "/", token: try harness.token("42"))
        let plan = EnrichmentPlan(Enrichment(items: try JSONPath("$[*]"), id: try JSONPath("$.id")))
        var enricher = Enricher()
        var out = ByteBuffer()
        _ = enricher.enrich(
            "[{\"id\":42},{\"id\":\"42\"},{\"id\":\"\\u00342\"},{\"id\":43}]".rawSpan, plan,
            into: &out
        ) { harness.engine.brief(user: $0, memo: &$1, now: harness.now) }
        let text = String(decoding: out.array(), as: UTF8.self)
        XCTAssertEqual(text.components(separatedBy: "\"online\"").count - 1, 3)
        XCTAssertEqual(text.components(separatedBy: "\"offline\"").count - 1, 1)
    }
}
