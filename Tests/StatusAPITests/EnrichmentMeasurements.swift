// Owns what enriching a page costs in memory; prints a table, asserts no time.
// Called by hand: ENRICHMENT_MEASURE=1 swift test -c release --filter EnrichmentMeasurements
// Never runs otherwise.

import Glibc
import Presence
import ProxyCore
import XCTest

@testable import StatusAPI

final class EnrichmentMeasurements: XCTestCase {
    private let t: Milliseconds = 1_790_000_000_000

    override func setUpWithError() throws {
        try XCTSkipUnless(getenv("ENRICHMENT_MEASURE") != nil)
    }

    /// A thousand users as Django REST framework lists them.
    static func page(indented: Bool = false, names: String = "person") -> [UInt8] {
        var items: [String] = []
        for id in 1...1000 {
            items.append(
                "{\"id\":\(id),\"username\":\"\(names)\(id)\",\"email\":\"\(names)\(id)@hospital"
                    + ".example\",\"first_name\":\"First\(id)\",\"last_name\":\"Last\(id)\","
                    + "\"is_staff\":\(id % 20 == 0),\"date_joined\":\"2024-03-01T08:15:\(10 + id % 50)"
                    + ".000000Z\",\"last_login\":null,\"groups\":[{\"id\":3,\"name\":\"nurses\"}],"
                    + "\"ward\":{\"id\":\(id % 9),\"title\":\"Intensive care \(id % 9)\"}}")
        }
        var text =
            "{\"count\":1000,\"next\":\"http://app.example/api/users/?page=2\",\"previous\":null,"
            + "\"results\":[" + items.joined(separator: ",") + "]}"
        if indented {
            text = text.replacing(",\"", with: ",\n      \"").replacing("\":", with: "\": ")
        }
        return Array(text.utf8)
    }

    /// Nanoseconds of processor time of this thread: the machine may be busy with others.
    private func processorTime() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// The best of many rounds, since others disturb only upwards.
    private func row(_ what: String, _ bytes: Int, _ body: () -> Void) {
        var best = Int64.max
        for _ in 0..<40 {
            let start = processorTime()
            for _ in 0..<5 { body() }
            best = min(best, (processorTime() - start) / 5)
        }
        let text = what + String(repeating: " ", count: max(44 - what.utf8.count, 1))
        let rate = Double(bytes) * 1000 / Double(best)
        print("\(text)\(bytes) bytes  \(best / 1000) µs  \(Int(rate)) MB/s")
    }

    func testPages() throws {
        let engine = PresenceEngine(
            settings: PresenceSettings(startedAt: t - 10_000_000), epoch: 1)
        for id in 1...1000 where id % 2 == 0 {
            let enrolled = engine.enroll(
                user: "\(id)", name: nil, session: UInt64(id) + 7,
                revocation: RevocationKey(UInt64(id), 1, 2, 3), expires: .max, isAdmin: false,
                now: t)
            guard case .identity(let identity) = enrolled else { return XCTFail() }
            var session = identity.session
            let seen = t - (id % 4 == 0 ? 0 : 3_600_000)
            engine.sight(&session, activity: true, label: "GET /".rawSpan, now: seen)
        }
        _ = engine.sweep(now: t)
        let plan = EnrichmentPlan(
            Enrichment(items: try JSONPath("$.results[*]"), id: try JSONPath("$.id")))
        let wide = EnrichmentPlan(
            Enrichment(
                items: try JSONPath("$.results[*]"), id: try JSONPath("$.id"),
                fields: [Enrichment.Field(id: try JSONPath("$.ward.id"), name: "chief_presence")]))
        var out = ByteBuffer(capacity: 1 << 20)
        var enricher = Enricher()
        var survey = JSONSurvey()
        for (name, page) in [
            ("compact", Self.page()), ("indented", Self.page(indented: true)),
            ("Cyrillic", Self.page(names: "Лаборатория")),
        ] {
            row("\(name): surveyed", page.count) { try? survey.read(page.rawSpan, plan.survey) }
            row("\(name): enriched, presence at no cost", page.count) {
                out.removeAll()
                _ = enricher.enrich(page.rawSpan, plan, into: &out) { _, _ in
                    PresenceBrief(status: .online, lastSeen: self.t)
                }
            }
            row("\(name): enriched by the engine", page.count) {
                out.removeAll()
                _ = enricher.enrich(page.rawSpan, plan, into: &out) {
                    engine.brief(user: $0, memo: &$1, now: self.t)
                }
            }
            row("\(name): and another id of each", page.count) {
                out.removeAll()
                _ = enricher.enrich(page.rawSpan, wide, into: &out) {
                    engine.brief(user: $0, memo: &$1, now: self.t)
                }
            }
            row("\(name): read into a tree, for comparison", page.count) {
                _ = try? JSONReader.read(page.rawSpan)
            }
        }
        row("a thousand look-ups by the full view", 1000) {
            for id in 1...1000 { _ = engine.view(user: "\(id)", now: self.t) }
        }
        var memo = UserMemo()
        row("a thousand look-ups by the brief", 1000) {
            for id in 1...1000 {
                _ = engine.brief(user: "\(id)".rawSpan, memo: &memo, now: self.t)
            }
        }
    }
}
