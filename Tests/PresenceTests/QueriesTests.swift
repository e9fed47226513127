// Owns listings: filters, search, orderings, paging, counts.
// Called by the test runner.
// Never depends on the order of rows.

import ProxyCore
import XCTest

@testable import Presence

final class QueriesTests: XCTestCase {
    private let t = House.start

    private func populated() -> House {
        let house = House()
        let people: [(id: String, name: String?, at: Milliseconds)] = [
            ("10", "Zoë", 0), ("9", "anna", 200_000), ("2", nil, 100_000), ("abc", "Bob", 210_000),
            ("100", "ÉMILE", 50_000), ("007", "bond", 205_000),
        ]
        for person in people.sorted(by: { $0.at < $1.at }) {
            var one = house.identity(person.id, name: person.name)
            house.sight(&one, at: t + person.at)
        }
        house.claim("unseen", .away, at: t + 211_000)
        return house
    }

    private func ids(
        _ house: House, _ change: (inout UserQuery) -> Void = { _ in }
    ) -> [String] {
        var query = UserQuery()
        change(&query)
        let page = house.engine.page(query, now: t + 220_000)
        if query.limit == 20, query.offset == 0 { XCTAssertEqual(page.count, page.results.count) }
        return page.results.map(\.userID)
    }

    func testOrderings() {
        let house = populated()
        XCTAssertEqual(ids(house), ["2", "9", "10", "007", "100", "abc", "unseen"])
        XCTAssertEqual(
            ids(house) { $0.ordering = .lastSeen },
            ["unseen", "10", "100", "2", "9", "007", "abc"])
        XCTAssertEqual(
            ids(house) { $0.ordering = .lastSeenDescending },
            ["abc", "007", "9", "2", "100", "10", "unseen"])
        XCTAssertEqual(
            ids(house) { $0.ordering = .name },
            ["9", "abc", "007", "10", "100", "2", "unseen"])
    }

    func testFilters() {
        let house = populated()
        // Present at 220 s: whoever was seen after 100 s, and the claimed one.
        XCTAssertEqual(ids(house) { $0.statuses = [.online] }, ["9", "007", "abc"])
        XCTAssertEqual(ids(house) { $0.statuses = [.away] }, ["unseen"])
        XCTAssertEqual(ids(house) { $0.statuses = [.offline] }, ["2", "10", "100"])
        XCTAssertEqual(
            ids(house) { $0.statuses = [.online, .away] }, ["9", "007", "abc", "unseen"])
        XCTAssertEqual(ids(house) { $0.statuses = [] }, [])
        XCTAssertEqual(ids(house) { $0.seenAfter = t + 205_000 }, ["007", "abc"])
        XCTAssertEqual(ids(house) { $0.seenBefore = t + 100_000 }, ["10", "100"])
        XCTAssertEqual(
            ids(house) {
                $0.seenAfter = t + 50_000
                $0.seenBefore = t + 200_000
            }, ["2", "100"])
    }

    func testSearch() {
        let house = populated()
        XCTAssertEqual(ids(house) { $0.search = "BO" }, ["007", "abc"])
        XCTAssertEqual(ids(house) { $0.search = "0" }, ["10", "007", "100"])
        XCTAssertEqual(ids(house) { $0.search = "émi" }, ["100"])
        XCTAssertEqual(ids(house) { $0.search = "ZOË" }, ["10"])
        XCTAssertEqual(ids(house) { $0.search = "" }.count, 7)
        XCTAssertEqual(ids(house) { $0.search = "nobody at all" }, [])
    }

    func testPaging() {
        let house = House()
        for number in 1...57 {
            var one = house.identity(String(number))
            house.sight(&one, at: t)
        }
        for statuses in [nil, [.online]] as [Set<Status>?] {
            var all: [String] = []
            for offset in stride(from: 0, to: 60, by: 20) {
                let page = house.engine.page(
                    UserQuery(statuses: statuses, offset: offset, limit: 20), now: t)
                XCTAssertEqual(page.count, 57)
                all += page.results.map(\.userID)
            }
            XCTAssertEqual(all, (1...57).map(String.init))
        }
        XCTAssertEqual(
            house.engine.page(UserQuery(offset: .max, limit: .max), now: t),
            UserPage(count: 57, results: []))
        XCTAssertEqual(house.engine.page(UserQuery(limit: 0), now: t).count, 57)
    }

    func testAListingIsExactWithoutAnySweep() {
        let house = House()
        var one = house.identity("1")
        house.sight(&one, at: t)
        XCTAssertEqual(house.engine.counts(now: t + 119_999).online, 1)
        XCTAssertEqual(
            house.engine.page(UserQuery(statuses: [.online]), now: t + 120_000).count, 0)
        XCTAssertEqual(house.engine.counts(now: t + 120_000).offline, 1)
        XCTAssertEqual(house.told("1"), [.online, .offline])
    }

    /// Several users of each shard come and go in another order than they came.
    func testTheListOfThosePresentIsExactThroughout() {
        let house = House()
        let people = Shard.count * 6
        var random = SplitMix(seed: 21)
        var identities = (0..<people).map { house.identity(String($0), at: t) }
        var last: [Int: Milliseconds] = [:]
        var now = t
        for round in 0..<40 {
            now += random.time(20_000)
            for _ in 0..<60 {
                let person = random.below(people)
                house.sight(&identities[person], at: now)
                last[person] = now
            }
            let wanted = last.filter { now - $0.value < 120_000 }.keys.sorted()
            let page = house.engine.page(
                UserQuery(statuses: [.online], limit: people), now: now)
            XCTAssertEqual(page.results.map(\.userID), wanted.map(String.init), "\(round)")
            XCTAssertEqual(house.engine.counts(now: now).online, wanted.count)
        }
    }

    func testManyAtOnce() {
        let house = House()
        var one = house.identity("1")
        house.sight(&one, at: t)
        let views = house.engine.views(users: ["2", "1", "2"], now: t)
        XCTAssertEqual(views.map(\.userID), ["2", "1", "2"])
        XCTAssertEqual(views.map(\.status), [.offline, .online, .offline])
        XCTAssertEqual(house.engine.views(subjects: [one.subject], now: t), [views[1]])
        XCTAssertEqual(house.engine.view(subject: 77, now: t).userID, "")
    }

    func testNaturalOrderIsAnOrder() {
        let sorted = [
            "", "0", "1", "9", "00", "10", "99999999999999999999999", "-1", "1a", "a", "é",
        ]
        let natural = sorted.sorted(by: NaturalOrder.precedes)
        XCTAssertEqual(
            natural,
            ["0", "1", "9", "00", "10", "99999999999999999999999", "", "-1", "1a", "a", "é"])
    }
}
