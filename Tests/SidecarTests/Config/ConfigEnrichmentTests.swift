// Owns the tests of reading `enrich`.
// Called by the test runner.
// Never enriches anything.

import ProxyCore
import StatusAPI
import XCTest

@testable import Sidecar

final class ConfigEnrichmentTests: XCTestCase {
    private func enrichment(_ text: String) -> Enrichment? {
        ConfigSample.read(
            "{ upstream: { servers: [\"http://app\"] }, routes: [{ match: \"GET /u\","
                + " enrich: \(text) }] }"
        ).config?.routes.first?.enrichment
    }

    func testReads() throws {
        let whole = try XCTUnwrap(
            enrichment(
                "{ items: \"$.groups[*].members[*]\", id: \"$.user.id\", max_body: \"64KiB\","
                    + " fields: { author_id: \"author_presence\", \"assignee.id\": \"by\","
                    + " \"$['odd name']\": \"odd\" } }"))
        XCTAssertEqual(whole.items?.text, "$.groups[*].members[*]")
        XCTAssertEqual(whole.id?.text, "$.user.id")
        XCTAssertEqual(whole.maximumBody, 65_536)
        XCTAssertEqual(
            whole.fields.map(\.id.text), ["$.author_id", "$.assignee.id", "$['odd name']"])
        XCTAssertEqual(whole.fields.map(\.name), ["author_presence", "by", "odd"])
    }

    func testDefaults() throws {
        let empty = try XCTUnwrap(enrichment("{}"))
        XCTAssertNil(empty.items)
        XCTAssertEqual(empty.id?.text, "$.id")
        XCTAssertEqual(empty.maximumBody, 2 * 1024 * 1024)
        XCTAssertTrue(empty.fields.isEmpty)
        let others = try XCTUnwrap(enrichment("{ id: null, fields: { by: \"by_presence\" } }"))
        XCTAssertNil(others.id)
        XCTAssertNil(enrichment("null"))
    }

    func testFindings() {
        ConfigSample.expect(
            #"""
            {
              upstream: { servers: ["http://app"] },
              routes: [
                { match: "GET /a", enrich: true },
                { match: "GET /b", enrich: { items: "results[*]", id: 5 } },
                { match: "GET /c", enrich: { items: "$[*]", id: "$" } },
                { match: "GET /d", enrich: { id: "$.users[*].id" } },
                { match: "GET /e", enrich: { ids: "$.id", maxbody: "1MiB" } },
                { match: "GET /f", enrich: { max_body: "1GiB" } },
                { match: "GET /g", enrich: { id: null } },
                { match: "GET /h", enrich: { fields: ["author_id"] } },
                { match: "GET /i", enrich: { fields: {} } },
                { match: "GET /j", enrich: { fields: { "a b": "x", "c[*]": "y", d: 5, e: "last_seen", f: "z", g: "z", "": "k" } } },
                { match: "GET /k", enrich: { fields: { a: "1", b: "2", c: "3", d: "4", e: "5", f: "6", g: "7", h: "8", i: "9" } } },
                { match: "POST /l", on: "login", user: "$.id", enrich: {} },
                { match: "GET /m", serve: "online", enrich: {} },
                { match: "POST /n", on: "heartbeat", enrich: {} },
                { match: "GET /o", enrich: { id: "$[0]", fields: { "$[1].id": "x" } } },
              ],
            }
            """#,
            [
                #"c:4: routes[0].enrich: expected an object, found true: write { items: "$.results[*]", id: "$.id" }"#,
                #"c:5: routes[1].enrich.items: "results[*]" is no path: a path begins with '$', like "$.user.id""#,
                #"c:5: routes[1].enrich.id: expected a string, found the number 5: write "$.id""#,
                #"c:6: routes[2].enrich.id: is the item itself: write where in it the id stands, like "$.id""#,
                #"c:7: routes[3].enrich.id: names several places: write one, like "$.id""#,
                #"c:8: routes[4].enrich.ids: unknown key: did you mean "id"?"#,
                #"c:8: routes[4].enrich.maxbody: unknown key: did you mean "max_body"?"#,
                #"c:9: routes[5].enrich.max_body: "1GiB" is out of range: write "1KiB" to "16MiB""#,
                #"c:10: routes[6].enrich: adds nothing: write id: "$.id" or fields"#,
                #"c:11: routes[7].enrich.fields: expected an object, found a list: write { author_id: "author_presence" }"#,
                #"c:12: routes[8].enrich.fields: is empty: write { author_id: "author_presence" }, or leave it out"#,
                #"c:13: routes[9].enrich.fields.a b: "a b" is no path: @"#,
                #"c:13: routes[9].enrich.fields.c[*]: "c[*]" names no single place of an item: write where an id stands, like "author_id" or "assignee.id""#,
                #"c:13: routes[9].enrich.fields.d: expected a string, found the number 5: write "author_presence""#,
                #"c:13: routes[9].enrich.fields.e: "last_seen" is what id adds: write another name, like "author_presence""#,
                #"c:13: routes[9].enrich.fields.g: "z" is added already: write another name"#,
                #"c:13: routes[9].enrich.fields.: "" is no path: @"#,
                #"c:14: routes[10].enrich.fields: has 9 ids: at most 8 can be shown besides id"#,
                #"c:15: routes[11].enrich: contradicts on: "login", whose answer is read as it passes; leave it out"#,
                #"c:16: routes[12].serve: contradicts "enrich" and "inject", which change what the backend answers; keep one of them"#,
                #"c:18: routes[14].enrich.id: is a place in an array: an item is an object; write one like "$.id""#,
                #"c:18: routes[14].enrich.fields.$[1].id: "$[1].id" names no single place of an item: write where an id stands, like "author_id" or "assignee.id""#,
            ])
    }
}
