// Owns what sockets are told.
// Called by the test runner.
// Never opens a socket: the host records frames.

import Presence
import ProxyCore
import XCTest

@testable import StatusAPI

final class HubTests: XCTestCase {
    private func types(_ messages: [JSONNode]) -> [String] {
        messages.compactMap { $0["type"]?.string }
    }

    private func changed(_ message: JSONNode?) -> [String] {
        message?["changes"]?.array?.compactMap { node in
            node["user_id"]?.string.map { "\($0):\(node["online_status"]?.string ?? "")" }
        } ?? []
    }

    private func users(_ message: JSONNode?) -> [String] {
        message?["users"]?.array?.compactMap { $0["user_id"]?.string } ?? []
    }

    func testHelloSnapshotThenChanges() throws {
        let harness = try Harness()
        harness.forward("GET", "/", token: try harness.token("early"))
        harness.turn()
        let socket = try harness.connect(try harness.token("me"))
        let welcome = try harness.messages(socket)
        XCTAssertEqual(types(welcome), ["hello", "snapshot"])
        XCTAssertEqual(welcome[0].keys, ["type", "user_id", "server_time", "heartbeat_every"])
        XCTAssertEqual(welcome[0]["user_id"]?.string, "me")
        XCTAssertEqual(welcome[0]["heartbeat_every"]?.integer, 30)
        XCTAssertEqual(welcome[0]["server_time"]?.string, Timestamp.text(harness.now))
        XCTAssertEqual(welcome[1].keys, ["type", "cursor", "users"])
        XCTAssertEqual(Set(users(welcome[1])), ["early", "me"])
        harness.turn()
        XCTAssertEqual(try harness.messages(socket).count, 0, "nothing new")
        harness.forward("GET", "/", token: try harness.token("late", name: "L"))
        harness.forward("GET", "/", token: try harness.token("later"))
        XCTAssertEqual(try harness.messages(socket).count, 0, "batched until the turn")
        harness.turn()
        let news = try harness.messages(socket)
        XCTAssertEqual(types(news), ["presence"])
        XCTAssertEqual(changed(news.first), ["late:online", "later:online"])
        XCTAssertEqual(news[0].keys, ["type", "cursor", "changes"])
        XCTAssertNil(news[0]["changes"]?.array?.first?["reason"])
    }

    func testOnlyOnlineAndAwayInTheSnapshot() throws {
        let harness = try Harness()
        harness.forward("GET", "/", token: try harness.token("gone"))
        harness.pass(300_000)
        _ = harness.send(
            "POST", "/_presence/heartbeat", token: try harness.token("idle"),
            body: #"{"status":"away"}"#)
        let socket = try harness.connect(try harness.token("me"))
        let snapshot = try harness.messages(socket).last
        XCTAssertEqual(users(snapshot), ["idle", "me"])
    }

    func testAdminsSeeReasons() throws {
        let harness = try Harness()
        let plain = try harness.connect(try harness.token("p"))
        let admin = try harness.connect(try harness.token("a", admin: true))
        _ = try (harness.messages(plain), harness.messages(admin))
        harness.forward("GET", "/x", token: try harness.token("u"))
        harness.turn()
        let seen = try harness.messages(admin).first
        XCTAssertEqual(
            seen?["changes"]?.array?.first?["reason"]?.string, "GET /x 0 s ago")
        XCTAssertNil(try harness.messages(plain).first?["changes"]?.array?.first?["reason"])
    }

    func testEncodedOnceForAll() throws {
        let harness = try Harness()
        var sockets: [SocketID] = []
        for user in 0..<10 { sockets.append(try harness.connect(try harness.token("r\(user)"))) }
        harness.turn()
        let before = harness.total(.changesEncoded)
        harness.forward("GET", "/", token: try harness.token("u"))
        harness.turn()
        XCTAssertEqual(harness.total(.changesEncoded) - before, 1)
        for socket in sockets {
            XCTAssertEqual(changed(try harness.messages(socket).last), ["u:online"])
        }
    }

    func testHeartbeat() throws {
        let harness = try Harness()
        let socket = try harness.connect(try harness.token("me"))
        _ = try harness.messages(socket)
        harness.now += 1_000
        harness.say(socket, #"{"type":"heartbeat","status":"away"}"#)
        harness.turn()
        let messages = try harness.messages(socket)
        XCTAssertEqual(types(messages), ["heartbeat", "presence"])
        XCTAssertEqual(messages[0].keys, ["type", "status", "last_seen", "server_time"])
        XCTAssertEqual(messages[0]["status"]?.string, "away")
        XCTAssertEqual(messages[0]["last_seen"]?.string, Timestamp.text(harness.now))
        XCTAssertEqual(changed(messages[1]), ["me:away"])
        harness.say(socket, #"{"type":"heartbeat"}"#)
        XCTAssertEqual(try harness.messages(socket).first?["status"]?.string, "online")
    }

    func testBadMessagesAreAnsweredAndTheSocketStays() throws {
        let harness = try Harness()
        let socket = try harness.connect(try harness.token("me"))
        _ = try harness.messages(socket)
        let deep = String(repeating: "[", count: 5000)
        let many = (0..<10_000).map { "\"\($0)\"" }.joined(separator: ",")
        for text in [
            "", "x", "1", "[]", "{}", #"{"type":"dance"}"#, #"{"type":1}"#, deep,
            #"{"type":"heartbeat","status":"busy"}"#, #"{"type":"subscribe"}"#,
            #"{"type":"subscribe","users":"1"}"#, #"{"type":"subscribe","users":[{}]}"#,
            #"{"type":"subscribe","users":[""]}"#, "{\"type\":\"subscribe\",\"users\":[\(many)]}",
        ] {
            harness.say(socket, text)
            let messages = try harness.messages(socket)
            XCTAssertEqual(types(messages), ["error"], String(text.prefix(40)))
            XCTAssertFalse(messages.first?["detail"]?.string?.isEmpty ?? true)
            XCTAssertLessThan(messages.first?["detail"]?.string?.utf8.count ?? 0, 500)
        }
        XCTAssertTrue(harness.host.closes.isEmpty)
        harness.say(socket, #"{"type":"heartbeat"}"#)
        XCTAssertEqual(types(try harness.messages(socket)), ["heartbeat"])
    }

    func testSubscribe() throws {
        let harness = try Harness()
        let me = try harness.token("me")
        harness.forward("GET", "/", token: try harness.token("a"))
        let socket = try harness.connect(me)
        _ = try harness.messages(socket)
        harness.say(socket, #"{"type":"subscribe","users":["a", 5, "a"]}"#)
        let first = try harness.messages(socket)
        XCTAssertEqual(types(first), ["snapshot"])
        XCTAssertEqual(users(first.first), ["a"], "the state of the list; 5 is offline")
        harness.forward("GET", "/", token: try harness.token("b"))
        harness.forward("GET", "/", token: try harness.token("5"))
        harness.turn()
        XCTAssertEqual(changed(try harness.messages(socket).first), ["5:online"])
        harness.say(socket, #"{"type":"subscribe","users":["c"]}"#)
        _ = try harness.messages(socket)
        harness.forward("GET", "/", token: try harness.token("c"))
        harness.forward("GET", "/", token: try harness.token("d"))
        harness.pass(1)
        XCTAssertEqual(changed(try harness.messages(socket).first), ["c:online"], "replaced")
        harness.say(socket, #"{"type":"subscribe","users":[]}"#)
        _ = try harness.messages(socket)
        harness.forward("GET", "/", token: try harness.token("e"))
        harness.turn()
        XCTAssertEqual(try harness.messages(socket).count, 0)
        harness.say(socket, #"{"type":"subscribe","users":"*"}"#)
        let all = try harness.messages(socket)
        XCTAssertEqual(Set(users(all.first)), ["a", "b", "c", "d", "e", "5", "me"])
        harness.forward("GET", "/", token: try harness.token("f"))
        harness.turn()
        XCTAssertEqual(changed(try harness.messages(socket).first), ["f:online"])
        XCTAssertEqual(harness.service.subscriptions.load(ordering: .relaxed), 0)
    }

    func testNoneToBeginWith() throws {
        let settings = try Harness.settings { $0.subscription = .none }
        let harness = try Harness(settings)
        harness.forward("GET", "/", token: try harness.token("a"))
        let socket = try harness.connect(try harness.token("me"))
        let messages = try harness.messages(socket)
        XCTAssertEqual(types(messages), ["hello", "snapshot"])
        XCTAssertEqual(users(messages.last), [])
    }

    func testWhoSpeaksAtOnceHearsTheSnapshotFirst() throws {
        let harness = try Harness()
        let socket = try harness.connect(try harness.token("me"), turning: false)
        harness.say(socket, #"{"type":"heartbeat"}"#)
        harness.turn()
        XCTAssertEqual(
            types(try harness.messages(socket)), ["hello", "snapshot", "heartbeat"])
    }

    func testWhoLeavesTakesNobodyElseAlong() throws {
        let harness = try Harness()
        var sockets: [SocketID] = []
        for user in 0..<5 { sockets.append(try harness.connect(try harness.token("r\(user)"))) }
        // The last takes the place of the first, and leaves from there.
        for index in [0, 4, 1] {
            harness.leave(sockets[index])
            let left = Set(harness.app.hub.subscribers.keys)
            let listening = harness.app.hub.audience.everyone[0]
            XCTAssertEqual(Set(listening), left)
            XCTAssertEqual(listening.count, left.count)
        }
    }

    func testTwoTabsOneClosed() throws {
        let harness = try Harness()
        let token = try harness.token("me", session: "s")
        let watcher = try harness.connect(try harness.token("w"))
        let one = try harness.connect(token)
        let two = try harness.connect(token)
        XCTAssertEqual(harness.engine.counts(now: harness.now).sockets, 3)
        harness.turn()
        _ = try harness.messages(watcher)
        harness.leave(one)
        harness.pass(300_000)
        XCTAssertEqual(harness.status("me"), .online)
        XCTAssertEqual(try harness.messages(watcher).count, 0)
        harness.leave(two)
        harness.pass(9_000)
        XCTAssertEqual(harness.status("me"), .online, "within the grace")
        harness.pass(2_000)
        XCTAssertEqual(harness.status("me"), .offline)
        XCTAssertEqual(changed(try harness.messages(watcher).last), ["me:offline"])
        XCTAssertEqual(harness.service.sockets.load(ordering: .relaxed), 1)
    }

    func testAReturnWithinTheGraceAnnouncesNothing() throws {
        let harness = try Harness()
        let token = try harness.token("me", session: "s")
        let watcher = try harness.connect(try harness.token("w"))
        let one = try harness.connect(token)
        harness.turn()
        _ = try harness.messages(watcher)
        harness.pass(60_000)
        harness.leave(one)
        harness.pass(5_000)
        _ = try harness.connect(token)
        harness.pass(60_000)
        XCTAssertEqual(try harness.messages(watcher).count, 0)
    }
}
