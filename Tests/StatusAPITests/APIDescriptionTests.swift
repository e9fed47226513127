// Owns the tests that openapi.json says what there is: every endpoint, and no other.
// Called by the test runner.
// Never checks the form of the document or its answers: the end-to-end tests do.

import Presence
import ProxyCore
import XCTest

@testable import StatusAPI

final class APIDescriptionTests: XCTestCase {
    private static let methods: [(name: String, method: ProxyCore.Method)] = [
        ("get", .get), ("head", .head), ("post", .post), ("put", .put), ("delete", .delete),
        ("patch", .patch), ("options", .options), ("trace", .trace),
    ]

    private func document(_ harness: Harness, prefix: String = "/_presence") throws -> JSONNode {
        let outcome = harness.send("GET", prefix + "/openapi.json")
        return try XCTUnwrap(outcome.response).json()
    }

    /// What the router serves under the prefix, by the paths as the document writes them.
    private func served() throws -> [String: Endpoint] {
        var served: [String: Endpoint] = [:]
        for (pattern, endpoint) in try OwnAddresses.patterns(under: "/p") {
            guard let endpoint else { continue }
            XCTAssertTrue(pattern.text.hasPrefix("* /p/"), pattern.text)
            served[String(pattern.text.dropFirst("* /p".count))] = endpoint
        }
        return served
    }

    private func operation(_ document: JSONNode, _ path: String, _ endpoint: Endpoint) -> JSONNode?
    {
        document["paths"]?[path]?[endpoint.answers(.get) ? "get" : "post"]
    }

    func testEveryEndpointIsThereWithItsMethodsAndNoOther() throws {
        let document = try document(try Harness())
        let served = try served()
        XCTAssertEqual(Set(served.values), Set(Endpoint.allCases), "each stands somewhere")
        XCTAssertEqual(document["paths"]?.keys.sorted(), served.keys.sorted())
        for (path, endpoint) in served {
            let described = document["paths"]?[path]?.keys.filter { $0 != "parameters" } ?? []
            // Where GET is answered so is HEAD: the text says so once for all.
            let answered = Self.methods.filter { endpoint.answers($0.method) && $0.method != .head }
            XCTAssertEqual(described.sorted(), answered.map(\.name).sorted(), path)
            XCTAssertEqual(
                endpoint.answers(.head), endpoint.answers(.get) && endpoint != .webSocket, path)
        }
    }

    /// Who may ask, and how those hear of it who may not.
    func testCredentials() throws {
        let document = try document(try Harness())
        for (path, endpoint) in try served() {
            let operation = try XCTUnwrap(operation(document, path, endpoint), path)
            let security = operation["security"] ?? document["security"]
            let names = (security?.array ?? []).flatMap(\.keys)
            let statuses = operation["responses"]?.keys ?? []
            XCTAssertEqual(names.isEmpty, endpoint.isPublic, path)
            XCTAssertEqual(names.contains("socketToken"), endpoint == .webSocket, path)
            let isForServices = !endpoint.isPublic && endpoint != .heartbeat
            XCTAssertEqual(names.contains("serviceToken"), isForServices, path)
            let needsSomebody = !endpoint.isPublic && endpoint != .whoami
            XCTAssertEqual(statuses.contains("401"), needsSomebody, path)
            XCTAssertEqual(statuses.contains("429"), !endpoint.isPublic, path)
            let isForFew = endpoint.isForOurSiteAlone || endpoint == .history
            XCTAssertEqual(statuses.contains("403"), isForFew, path)
            XCTAssertEqual(statuses.contains("413"), endpoint.answers(.post), path)
            XCTAssertEqual(statuses.contains("304"), endpoint.isFile, path)
        }
    }

    func testBounds() throws {
        let document = try document(try Harness())
        let parameters = document["components"]?["parameters"]
        let schemas = document["components"]?["schemas"]
        let ids = schemas?["UserIDs"]
        XCTAssertEqual(
            parameters?["UserID"]?["schema"]?["maxLength"]?.integer, Int64(PresenceLimits.userID))
        XCTAssertEqual(
            ids?["items"]?["maxLength"]?.integer, Int64(PresenceLimits.userID))
        XCTAssertEqual(ids?["maxItems"]?.integer, Int64(APILimits.subscribedUsers))
        XCTAssertEqual(
            parameters?["Search"]?["schema"]?["maxLength"]?.integer, Int64(APILimits.search))
        let intervals = schemas?["History"]?["properties"]?["intervals"]
        XCTAssertEqual(intervals?["maxItems"]?.integer, Int64(APILimits.historyIntervals))
        let parts = document["paths"]?["/dashboard/{file}"]?["get"]?["parameters"]?.array?.first
        XCTAssertEqual(
            parts?["schema"]?["enum"]?.array?.compactMap(\.string),
            WebFiles.dashboardParts.keys.sorted())
    }

    /// The file in the tree is a document by itself; what is put into it stands there once.
    func testItSpeaksOfThisInstallation() throws {
        let harness = try Harness(
            try Harness.settings {
                $0.prefix = "/status/of-people"
                $0.version = "7.8.9"
            },
            tokens: { $0.places = [.query("key"), .cookie("s\"id"), .cookie("other")] })
        let here = try document(harness, prefix: "/status/of-people")
        XCTAssertEqual(here["servers"]?.array?.map { $0["url"]?.string }, ["/status/of-people"])
        XCTAssertEqual(here["info"]?["version"]?.string, "7.8.9")
        let schemes = here["components"]?["securitySchemes"]
        XCTAssertEqual(schemes?["cookie"]?["name"]?.string, "s\"id")
        XCTAssertEqual(schemes?["socketToken"]?["name"]?.string, "key")
        let bytes = PackageResources.openapi_json
        let file = try JSONReader.read(bytes.rawSpan)
        XCTAssertEqual(here["paths"]?.keys, file["paths"]?.keys)
        let text = String(decoding: bytes, as: UTF8.self)
        for marker in APIDescription.markers {
            XCTAssertEqual(text.ranges(of: marker).count, 1, marker)
        }
    }
}
