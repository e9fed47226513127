// Owns the tests of changed responses whose change is not the upstream's: validators and 304.
// Called by XCTest.
// Never tests what the application of this product puts in.

import XCTest

@testable import ProxyCore

final class VolatileTests: XCTestCase {
    private func script(mark: UInt64 = 0xbeef) -> Script {
        var script = Script()
        script.admit = { _ in
            .forward(Ticket(), watch: Watch(rewrites: true, isVolatile: true))
        }
        script.rewriting = { status in status == 200 ? .whole(limit: 1024) : .announced }
        script.rewrite = { $0.contains("change") ? $0.uppercased() : nil }
        script.mark = mark
        return script
    }

    private static let dated = "Last-Modified: Sat, 21 Nov 2026 09:30:00 GMT\r\n"

    private func reply(
        _ body: String = "change", tag: String? = "\"one\"", _ fields: String = dated
    ) -> String {
        "HTTP/1.1 200 OK\r\n" + (tag.map { "ETag: \($0)\r\n" } ?? "") + fields
            + "Content-Type: text/plain\r\nCache-Control: private\r\n"
            + "Content-Length: \(body.utf8.count)\r\n\r\n" + body
    }

    /// One request and its answer through a house of its own.
    private func ask(
        _ request: String, _ reply: String, _ script: Script? = nil
    ) throws -> (asked: Message, seen: Message) {
        let backend = Backend()
        let house = try LoopHouse(backend, script: script ?? self.script())
        defer { house.close() }
        let client = house.client()
        client.send(request)
        let upstream = backend.accept()
        let asked = upstream.readRequest()
        upstream.send(reply)
        let seen = client.readReply(toHead: request.hasPrefix("HEAD"))
        XCTAssertEqual(house.inLoop { $0.rewritingBytes }, 0)
        return (asked, seen)
    }

    func testTheUpstreamIsNotAskedWhatOnlyWeCanTell() throws {
        let fields = "If-None-Match: \"one\"\r\nIf-Modified-Since: x\r\nIf-Match: \"two\"\r\n"
        let (asked, seen) = try ask(Say.get("/", fields: fields), reply())
        XCTAssertNil(asked["if-none-match"])
        XCTAssertNil(asked["if-modified-since"])
        XCTAssertEqual(asked["if-match"], "\"two\"")
        XCTAssertEqual(seen.status, 200)
        XCTAssertEqual(seen.text, "CHANGE")
        XCTAssertEqual(seen["etag"], "W/\"one-beef\"")
        XCTAssertNil(seen["last-modified"])
    }

    func testOtherMethodsMeanSomethingElseByIt() throws {
        let request =
            "PUT / HTTP/1.1\r\nHost: x\r\nIf-None-Match: *\r\nContent-Length: 0\r\n\r\n"
        let (asked, seen) = try ask(request, reply())
        XCTAssertEqual(asked["if-none-match"], "*")
        XCTAssertEqual(seen["etag"], "W/\"one\"")
        XCTAssertEqual(seen.text, "CHANGE")
    }

    func testWhoHasItAlreadyGets304() throws {
        for named in [
            "W/\"one-beef\"", "\"one-beef\"", "\"x\", W/\"one-beef\" , \"y\"", "*",
            "\"a\"\r\nIf-None-Match: W/\"one-beef\"",
        ] {
            let (_, seen) = try ask(Say.get("/", fields: "If-None-Match: \(named)\r\n"), reply())
            XCTAssertEqual(seen.status, 304, named)
            XCTAssertEqual(seen["etag"], "W/\"one-beef\"")
            XCTAssertEqual(seen["cache-control"], "private")
            for name in ["content-length", "content-type", "transfer-encoding", "last-modified"] {
                XCTAssertNil(seen[name], named)
            }
            XCTAssertEqual(seen.text, "")
        }
    }

    func testWhoHasAnotherGetsTheBody() throws {
        for named in [
            "\"one\"", "W/\"one\"", "\"one-bee\"", "\"one-beeff\"", "\"one-dead\"", "one-beef",
            "\"\"", "\"", "W/", "\"*\"",
        ] {
            let (_, seen) = try ask(Say.get("/", fields: "If-None-Match: \(named)\r\n"), reply())
            XCTAssertEqual(seen.status, 200, named)
            XCTAssertEqual(seen.text, "CHANGE", named)
        }
    }

    func testAnotherMarkIsAnotherTag() throws {
        let fields = "If-None-Match: W/\"one-beef\"\r\n"
        let (_, seen) = try ask(Say.get("/", fields: fields), reply(), script(mark: 0xcafe))
        XCTAssertEqual(seen.status, 200)
        XCTAssertEqual(seen["etag"], "W/\"one-cafe\"")
    }

    func testTagsOfTheUpstreamThatAreNone() throws {
        for (tag, expected) in [
            ("W/\"one\"", "W/\"one-beef\""), ("\"\"", "W/\"-beef\""), ("one", nil), ("\"one", nil),
            ("\"o\"ne\"", nil), ("\"", nil), ("W/\"", nil), ("W/", nil),
        ] as [(String, String?)] {
            let fields = "If-None-Match: *\r\n"
            let (_, seen) = try ask(Say.get("/", fields: fields), reply(tag: tag))
            XCTAssertEqual(seen["etag"], expected, tag)
            XCTAssertEqual(seen.status, expected == nil ? 200 : 304, tag)
        }
        let (_, untagged) = try ask(Say.get("/", fields: "If-None-Match: *\r\n"), reply(tag: nil))
        XCTAssertEqual(untagged.status, 200)
        XCTAssertNil(untagged["etag"])
        XCTAssertNil(untagged["last-modified"])
    }

    func testWhatIsNotChangedKeepsItsValidators() throws {
        let (_, seen) = try ask(
            Say.get("/", fields: "If-None-Match: \"one\"\r\n"), reply("leave me"))
        XCTAssertEqual(seen.status, 200)
        XCTAssertEqual(seen["etag"], "\"one\"")
        XCTAssertNotNil(seen["last-modified"])
        XCTAssertEqual(seen.text, "leave me")
    }

    /// The mark of a body that is not here is not known.
    func testAHeadWithoutABodyHasNoValidators() throws {
        var script = script()
        script.rewriting = { _ in .announced }
        let head = "HEAD / HTTP/1.1\r\nHost: x\r\nIf-None-Match: \"one\"\r\n\r\n"
        let answer = reply()
        let (asked, seen) = try ask(
            head, String(answer.prefix(answer.count - "change".count)), script)
        XCTAssertNil(asked["if-none-match"])
        for name in ["etag", "last-modified", "content-length"] { XCTAssertNil(seen[name]) }
        XCTAssertEqual(seen["content-type"], "text/plain")
    }

    func testTheConnectionsGoOnAfterA304() throws {
        let backend = Backend()
        let house = try LoopHouse(backend, script: script())
        defer { house.close() }
        let client = house.client()
        let known = Say.get("/", fields: "If-None-Match: W/\"one-beef\"\r\n")
        client.send(known + Say.get("/") + known)
        let upstream = backend.accept()
        for status in [304, 200, 304] {
            _ = upstream.readRequest()
            upstream.send(reply())
            XCTAssertEqual(client.readReply().status, status)
        }
        XCTAssertEqual(house.count(.upstreamConnects), 1)
    }

    func testAnOldClientGetsA304Too() throws {
        let request =
            "GET / HTTP/1.0\r\nConnection: keep-alive\r\nIf-None-Match: \"one-beef\"\r\n\r\n"
        let (_, seen) = try ask(request, reply())
        XCTAssertEqual(seen.status, 304)
        XCTAssertEqual(seen["connection"], "keep-alive")
    }
}
