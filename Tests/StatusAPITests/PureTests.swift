// Owns the parts that need neither an engine nor a loop.
// Called by the test runner.
// Never asks an endpoint.

import Presence
import ProxyCore
import XCTest

@testable import StatusAPI

final class QueryParametersTests: XCTestCase {
    private func read(_ text: String) throws -> [String] {
        try QueryParameters(text.rawSpan).pairs.map { "\($0.name)=\($0.value)" }
    }

    func testDecodes() throws {
        XCTAssertEqual(try read("a=1&b=x+y&c=%C3%A9&d"), ["a=1", "b=x y", "c=é", "d="])
        XCTAssertEqual(try read(""), [])
        XCTAssertEqual(try read("&&a=1&"), ["a=1"])
        XCTAssertEqual(try read("a=b=c"), ["a=b=c"])
    }

    func testRefusesBrokenEscapes() {
        for text in ["a=%", "a=%4", "a=%zz", "a=%ff", "%=1", "a=%C3"] {
            XCTAssertThrowsError(try read(text), text)
        }
    }

    func testBounded() throws {
        let many = Array(repeating: "a=1", count: QueryParameters.limit)
        XCTAssertEqual(try read(many.joined(separator: "&")).count, QueryParameters.limit)
        XCTAssertThrowsError(try read((many + ["a=1"]).joined(separator: "&")))
    }

    func testLastValueCounts() throws {
        XCTAssertEqual(try QueryParameters("page=1&page=2".rawSpan)["page"], "2")
    }
}

final class PaginationTests: XCTestCase {
    private let base = LinkBase(scheme: "https", authority: "a.example", path: "/users")

    private func page(_ query: String) throws -> Pagination {
        try Pagination(QueryParameters(query.rawSpan), settings: APISettings())
    }

    private func problem(_ query: String) -> Int? {
        do {
            _ = try page(query)
            return nil
        } catch {
            return (error as? Problem)?.status
        }
    }

    func testDefaultsAndCaps() throws {
        XCTAssertEqual(try page("").size, 20)
        XCTAssertEqual(try page("per_page=5&page=3").offset, 10)
        XCTAssertEqual(try page("page_size=7").size, 7)
        XCTAssertEqual(try page("per_page=5000").size, 1000)
    }

    func testNoNumberIs400() {
        for query in [
            "page=x", "page=", "page=0", "page=-1", "page=1.5", "per_page=0", "page_size=a",
            "page=1e3", "page=%2B1", "page=٣",
        ] {
            XCTAssertEqual(problem(query), 400, query)
        }
    }

    func testPastTheEndIs404() throws {
        XCTAssertNoThrow(try page("page=1").check(count: 0))
        XCTAssertNoThrow(try page("page=3").check(count: 57))
        XCTAssertThrowsError(try page("page=4").check(count: 57)) {
            XCTAssertEqual(($0 as? Problem)?.status, 404)
        }
        XCTAssertThrowsError(try page("page=2").check(count: 20))
        XCTAssertNoThrow(try page("page=2").check(count: 21))
        // The number that is named is one that was asked for.
        for (query, text) in [("page=4", "page 4"), ("page=99999999999999999999", "such page")] {
            XCTAssertThrowsError(try page(query).check(count: 21)) {
                XCTAssertEqual(
                    $0 as? Problem, .notFound("There is no \(text): the last one is 2."))
            }
        }
        XCTAssertThrowsError(try page("page=99999999999999999999").check(count: 21))
    }

    func testLinksKeepFiltersAndDropTokens() throws {
        let query = try QueryParameters("status=online&token=secret&page=2&search=a%20b%26".rawSpan)
        let page = try Pagination(query, settings: APISettings())
        let links = page.links(count: 57, base: base, parameters: query)
        XCTAssertEqual(
            links.next,
            "https://a.example/users?page=3&per_page=20&status=online&search=a%20b%26")
        XCTAssertEqual(
            links.previous,
            "https://a.example/users?page=1&per_page=20&status=online&search=a%20b%26")
    }

    func testEndsHaveNoNeighbours() throws {
        let none = QueryParameters()
        let page = try Pagination(none, settings: APISettings())
        let links = page.links(count: 20, base: base, parameters: none)
        XCTAssertNil(links.next)
        XCTAssertNil(links.previous)
        let pathOnly = LinkBase(scheme: "http", authority: nil, path: "/u")
        XCTAssertEqual(
            page.links(count: 21, base: pathOnly, parameters: none).next, "/u?page=2&per_page=20")
    }
}

final class RateLimiterTests: XCTestCase {
    func testAllowsTheBurstThenTheRate() {
        let limiter = RateLimiter(Rate(count: 20, period: 1000))
        let key = RateKey(subject: 1)
        for _ in 0..<20 { XCTAssertNil(limiter.count(key, now: 1_000_000)) }
        let wait = limiter.count(key, now: 1_000_000)
        XCTAssertEqual(wait, 50)
        XCTAssertNil(limiter.count(key, now: 1_000_050))
        XCTAssertNotNil(limiter.count(key, now: 1_000_050))
        XCTAssertNil(limiter.count(RateKey(subject: 2), now: 1_000_050))
    }

    func testAClockSetBackLocksNobodyOut() {
        let limiter = RateLimiter(Rate(count: 2, period: 1000))
        let key = RateKey(subject: 1)
        XCTAssertNil(limiter.count(key, now: 9_000_000))
        let wait = limiter.count(key, now: 1_000_000)
        XCTAssertLessThanOrEqual(wait ?? 0, 1000)
    }

    func testFloodOfKeysForgetsInsteadOfGrowing() {
        let limiter = RateLimiter(Rate(count: 1, period: 1000), keys: 8)
        for subject in 0..<1000 {
            XCTAssertNil(limiter.count(RateKey(subject: UInt32(subject)), now: 1_000_000))
        }
    }

    func testOneASecondAndFaster() {
        let slow = RateLimiter(Rate(count: 1, period: 60_000))
        let key = RateKey(subject: 1)
        XCTAssertNil(slow.count(key, now: 1_000_000))
        XCTAssertEqual(slow.count(key, now: 1_000_000), 60_000)
        let fast = RateLimiter(Rate(count: 5000, period: 1000))
        for _ in 0..<5000 { XCTAssertNil(fast.count(key, now: 1_000_000)) }
        XCTAssertNotNil(fast.count(key, now: 1_000_000))
        XCTAssertNil(fast.count(key, now: 1_000_001))
    }
}

final class SmallPartsTests: XCTestCase {
    func testDurations() {
        let good: [(String, Milliseconds)] = [
            ("250ms", 250), ("30s", 30_000), ("30m", 1_800_000), ("1h", 3_600_000),
            ("7d", 604_800_000),
        ]
        for (text, length) in good { XCTAssertEqual(Durations.parse(text), length, text) }
        for text in ["", "30", "s", "0s", "-1s", "1.5h", "30 m", "30M", "99999999d", "1w", "٣s"] {
            XCTAssertNil(Durations.parse(text), text)
        }
        XCTAssertNil(Durations.parse(String(repeating: "9", count: 400) + "s"))
    }

    func testParkingIsTakenOnceAndByItsKey() {
        var parking = Parking<String>(limit: 2)
        let a = parking.park("a", key: 1)
        let b = parking.park("b", key: 2)
        XCTAssertNil(parking.take(a, key: 2))
        XCTAssertEqual(parking.take(a, key: 1), "a")
        XCTAssertNil(parking.take(a, key: 1))
        XCTAssertEqual(parking.park("c", key: 3), a)
        XCTAssertEqual(parking.park("d", key: 4), b)
        XCTAssertNil(parking.take(b, key: 2), "the ring came round")
        XCTAssertEqual(parking.take(b, key: 4), "d")
        XCTAssertNil(parking.take(99, key: 4))
    }

    func testProblems() throws {
        let all: [(Problem, String)] = [
            (.badRequest("x"), "Bad Request"), (.anonymous, "Unauthorized"),
            (.forbidden("x"), "Forbidden"), (.notFound("x"), "Not Found"),
            (.methodNotAllowed(allow: "GET, HEAD"), "Method Not Allowed"),
            (.upgradeRequired, "Upgrade Required"), (.tooLarge(limit: 1), "Content Too Large"),
            (.tooMany(retryAfter: 1), "Too Many Requests"),
            (.unavailable("x", retryAfter: nil), "Service Unavailable"),
        ]
        for (problem, title) in all {
            let response = problem.response
            XCTAssertEqual(response.status, problem.status)
            XCTAssertEqual(response.type, "application/problem+json")
            let json = try response.json()
            XCTAssertEqual(json.keys, ["type", "title", "status", "detail"])
            XCTAssertEqual(json["title"]?.string, title)
            XCTAssertEqual(json["status"]?.integer, Int64(problem.status))
        }
        XCTAssertEqual(Problem.anonymous.response.field("www-authenticate"), "Bearer")
        XCTAssertEqual(Problem.methodNotAllowed(allow: "POST").response.field("Allow"), "POST")
        XCTAssertEqual(Problem.tooMany(retryAfter: 1_001).response.field("Retry-After"), "2")
        XCTAssertEqual(Problem.tooMany(retryAfter: 1).response.field("Retry-After"), "1")
        XCTAssertNil(Problem.unavailable("x", retryAfter: nil).response.field("Retry-After"))
        XCTAssertEqual(
            Problem.unavailable("x", retryAfter: 5_000).response.field("Retry-After"), "5")
    }

    func testEveryEndpointHasItsServeName() {
        for endpoint in Endpoint.allCases {
            XCTAssertEqual(Endpoint(serving: endpoint.name), endpoint)
        }
        XCTAssertNil(Endpoint(serving: "nonsense"))
    }
}
