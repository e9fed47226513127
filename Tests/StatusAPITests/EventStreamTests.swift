// Owns the tests of event streams.
// Called by the test runner.
// Never opens a socket: the host records bytes.

import Presence
import ProxyCore
import XCTest

@testable import StatusAPI

final class EventStreamTests: XCTestCase {
    private func seen(_ node: JSONNode?) -> [String] {
        node?["changes"]?.array?.compactMap { item in
            item["user_id"]?.string.map { "\($0):\(item["online_status"]?.string ?? "")" }
        } ?? []
    }

    func testHeadOfTheStream() throws {
        let harness = try Harness()
        let me = try harness.token("me")
        guard case .stream(_, let response) = harness.send("GET", "/_presence/events", token: me)
        else { return XCTFail("no stream") }
        XCTAssertEqual(response.type, "text/event-stream")
        XCTAssertEqual(response.field("Cache-Control"), "no-store")
        XCTAssertEqual(response.field("X-Accel-Buffering"), "no")
        let first = String(decoding: response.body, as: UTF8.self)
        XCTAssertTrue(first.hasPrefix("retry: ") && first.hasSuffix("\n\n"), first)
        let retry = Int(first.dropFirst(7).dropLast(2)) ?? 0
        XCTAssertTrue((2_000..<5_000).contains(retry), first)
    }

    func testSnapshotThenChanges() throws {
        let harness = try Harness()
        harness.forward("GET", "/", token: try harness.token("early"))
        harness.turn()
        let stream = try harness.follow(try harness.token("me"))
        let first = try harness.events(stream)
        XCTAssertEqual(first.count, 1)
        XCTAssertEqual(first[0].data.keys, ["cursor", "reset", "changes"])
        XCTAssertEqual(first[0].data["reset"]?.bool, true)
        XCTAssertEqual(first[0].id, first[0].data["cursor"]?.string)
        XCTAssertEqual(Set(seen(first[0].data)), ["early:online", "me:online"])
        harness.forward("GET", "/", token: try harness.token("late"))
        harness.turn()
        let next = try harness.events(stream)
        XCTAssertEqual(next.map { seen($0.data) }, [["late:online"]])
        XCTAssertEqual(next[0].data["reset"]?.bool, false)
        XCTAssertNotEqual(next[0].id, first[0].id)
        XCTAssertNil(next[0].data["changes"]?.array?.first?["reason"])
    }

    func testAStreamIsARequestAndNotAPresenceSocket() throws {
        let harness = try Harness()
        let stream = try harness.follow(try harness.token("me"))
        XCTAssertEqual(harness.status("me"), .online, "asking is contact")
        XCTAssertEqual(harness.engine.counts(now: harness.now).sockets, 0)
        XCTAssertEqual(harness.service.sockets.load(ordering: .relaxed), 1)
        harness.pass(120_000)
        XCTAssertEqual(harness.status("me"), .offline, "but staying is not")
        XCTAssertNil(harness.host.closes[stream])
        XCTAssertEqual(try harness.events(stream).map { seen($0.data) }.last, ["me:offline"])
        harness.leave(stream)
        XCTAssertEqual(harness.service.sockets.load(ordering: .relaxed), 0)
        XCTAssertEqual(harness.service.streams.load(ordering: .relaxed), 0)
        XCTAssertTrue(harness.app.hub.audience.isEmpty)
    }

    func testEncodedOnceForSocketsAndStreams() throws {
        let harness = try Harness()
        let readers = try (0..<5).map { try harness.follow(try harness.token("r\($0)")) }
        let socket = try harness.connect(try harness.token("s"))
        harness.turn()
        _ = try harness.messages(socket)
        for reader in readers { _ = try harness.events(reader) }
        let before = harness.total(.changesEncoded)
        harness.forward("GET", "/", token: try harness.token("u"))
        harness.turn()
        XCTAssertEqual(harness.total(.changesEncoded) - before, 1)
        for reader in readers {
            XCTAssertEqual(try harness.events(reader).map { seen($0.data) }, [["u:online"]])
        }
        XCTAssertEqual(try harness.messages(socket).map(seen), [["u:online"]])
    }

    func testLastEventIDComesBeforeSince() throws {
        let harness = try Harness()
        let me = try harness.token("me")
        let first = try harness.follow(me)
        let start = try XCTUnwrap(try harness.events(first).last?.id)
        harness.forward("GET", "/", token: try harness.token("a"))
        harness.turn()
        let later = try XCTUnwrap(try harness.events(first).last?.id)
        harness.leave(first)
        harness.forward("GET", "/", token: try harness.token("b"))
        harness.turn()
        let since = "/_presence/events?since=" + start
        let both = try harness.events(try harness.follow(me, since))
        XCTAssertEqual(both.map { seen($0.data) }, [["a:online", "b:online"]])
        XCTAssertEqual(both[0].data["reset"]?.bool, false)
        let newer = try harness.follow(me, since, fields: [("Last-Event-ID", later)])
        XCTAssertEqual(try harness.events(newer).map { seen($0.data) }, [["b:online"]])
        // What it says is what counts, even where it is none of ours.
        for bad in ["zz", "8-1", "7-ffff"] {
            let anew = try harness.follow(me, since, fields: [("Last-Event-ID", bad)])
            XCTAssertEqual(try harness.events(anew).map { $0.data["reset"]?.bool }, [true], bad)
        }
    }

    func testItEndsWithItsToken() throws {
        let harness = try Harness(
            try Harness.settings {
                $0.routes = [PassingRoute(match: try RoutePattern("POST /out"), effect: .logout)]
            })
        let me = try harness.token("me")
        let stream = try harness.follow(me)
        let short = try harness.follow(try harness.token("short", lifetime: 5_000))
        let stays = try harness.follow(try harness.token("stays"))
        harness.forward("POST", "/out", token: me)
        harness.turn()
        XCTAssertEqual(harness.host.closes[stream], 4401)
        _ = try harness.events(stream)
        harness.forward("GET", "/", token: try harness.token("secret"))
        harness.turn()
        XCTAssertEqual(try harness.events(stream).count, 0, "nothing more is told")
        for _ in 0..<100 { harness.pass(1_000) }
        XCTAssertEqual(harness.host.closes[short], 4401)
        XCTAssertNil(harness.host.closes[stays])
    }

    func testASlowReaderIsCut() throws {
        let harness = try Harness()
        let stream = try harness.follow(try harness.token("me"))
        harness.host.slow.insert(stream)
        harness.forward("GET", "/", token: try harness.token("u"))
        harness.turn()
        XCTAssertEqual(harness.host.closes[stream], 4429)
        XCTAssertEqual(harness.total(.socketsSlow), 1)
    }

    func testStreamsCountWithSockets() throws {
        let harness = try Harness(try Harness.settings { $0.maximumSockets = 2 })
        let me = try harness.token("me")
        let first = try harness.follow(me)
        let socket = try harness.connect(me)
        let refused = harness.send("GET", "/_presence/events", token: me)
        XCTAssertEqual(refused.status, 503)
        XCTAssertEqual(refused.response?.field("Retry-After"), "5")
        guard case .stream = harness.send("HEAD", "/_presence/events", token: me) else {
            return XCTFail("HEAD opens nothing")
        }
        harness.leave(first)
        _ = try harness.follow(me)
        let second = try harness.connect(me)
        XCTAssertEqual(harness.host.closes[second], 1013)
        XCTAssertNil(harness.host.closes[socket])
    }

    func testAdminsAndServices() throws {
        let harness = try Harness(tokens: {
            $0.service = [
                ServiceToken(
                    name: "wall", token: Array("a wallboard's token".utf8), isAdmin: true)
            ]
        })
        let wall = try harness.follow("a wallboard's token")
        let admin = try harness.follow(try harness.token("root", admin: true))
        _ = try (harness.events(wall), harness.events(admin))
        harness.forward("GET", "/x", token: try harness.token("u"))
        harness.turn()
        for stream in [wall, admin] {
            let change = try harness.events(stream).last?.data["changes"]?.array?.first
            XCTAssertEqual(change?["reason"]?.string, "GET /x 0 s ago")
        }
    }

    func testAServedRouteIsAStreamToo() throws {
        let harness = try Harness(
            try Harness.settings {
                $0.subscription = .none
                $0.routes = [
                    PassingRoute(match: try RoutePattern("GET /live"), effect: .serve(.events))
                ]
            })
        let stream = try harness.follow(try harness.token("me"), "/live")
        // `websocket.subscription` is of sockets, which can subscribe.
        XCTAssertEqual(try harness.events(stream).map { seen($0.data) }, [["me:online"]])
    }
}
