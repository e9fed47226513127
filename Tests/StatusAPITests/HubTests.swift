// Owns what sockets are told, and when they end.
// Called by the test runner.
// Never opens a socket: the host records frames.

import Presence
import ProxyCore
import Synchronization
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
            XCTAssertEqual(Set(harness.app.hub.audience.everyone), left)
            XCTAssertEqual(harness.app.hub.audience.everyone.count, left.count)
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

final class SocketEndTests: XCTestCase {
    func testASlowReaderIsClosedAndTheOthersHear() throws {
        let harness = try Harness()
        var sockets: [SocketID] = []
        for user in 0..<4 { sockets.append(try harness.connect(try harness.token("r\(user)"))) }
        for socket in sockets { _ = try harness.messages(socket) }
        harness.host.slow = [sockets[1]]
        harness.forward("GET", "/", token: try harness.token("u"))
        harness.turn()
        XCTAssertEqual(harness.host.closes, [sockets[1]: 4429])
        for socket in [sockets[0], sockets[2], sockets[3]] {
            XCTAssertEqual(try harness.messages(socket).count, 1)
        }
        harness.forward("GET", "/", token: try harness.token("v"))
        harness.turn()
        XCTAssertEqual(harness.total(.socketsSlow), 1, "closed once")
        harness.leave(sockets[1])
        XCTAssertEqual(harness.service.sockets.load(ordering: .relaxed), 3)
        for socket in sockets { harness.leave(socket) }
        XCTAssertEqual(harness.service.sockets.load(ordering: .relaxed), 0)
        XCTAssertTrue(harness.app.hub.audience.isEmpty)
        XCTAssertTrue(harness.app.hub.subscribers.isEmpty)
    }

    /// The loop tells of a broken connection from inside `send`.
    func testConnectionsBreakWhileTheyAreTold() throws {
        let harness = try Harness()
        var sockets: [SocketID] = []
        for user in 0..<6 { sockets.append(try harness.connect(try harness.token("r\(user)"))) }
        harness.say(sockets[4], #"{"type":"subscribe","users":["u"]}"#)
        harness.say(sockets[5], #"{"type":"subscribe","users":["u"]}"#)
        for socket in sockets { _ = try harness.messages(socket) }
        harness.host.onBreak = { [app = harness.app, now = harness.now] socket in
            app.socketClosed(socket, .lost, now: now)
        }
        harness.host.broken = [sockets[0], sockets[2], sockets[5]]
        harness.forward("GET", "/", token: try harness.token("u"))
        harness.turn()
        XCTAssertEqual(harness.host.closes, [:])
        for socket in [sockets[1], sockets[3], sockets[4]] {
            XCTAssertEqual(try harness.messages(socket).count, 1)
        }
        XCTAssertEqual(harness.service.sockets.load(ordering: .relaxed), 3)
        XCTAssertEqual(harness.app.hub.audience.everyone.count, 2)
        XCTAssertEqual(harness.app.hub.audience.named, 1)
        harness.host.broken = [SocketID(slot: 99, generation: 99)]
        let late = try harness.token("late")
        guard
            case .webSocket(let ticket, _) = harness.send(
                "GET", "/_presence/ws", token: late, fields: Harness.handshake)
        else { return XCTFail("no socket") }
        harness.app.socketOpened(SocketID(slot: 99, generation: 99), ticket, now: harness.now)
        harness.turn()
        XCTAssertEqual(harness.service.sockets.load(ordering: .relaxed), 3, "gone at hello")
    }

    func testOneLoopTellsTheOther() throws {
        let harness = try Harness()
        let socket = try harness.connect(try harness.token("me"))
        _ = try harness.messages(socket)
        let other = harness.service.application(for: try FakeHost())
        let token = try harness.token("u")
        let text = "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(token)\r\n\r\n"
        let bytes = Array(text.utf8)
        var head = RequestHead()
        _ = head.parse(bytes.rawSpan, limits: HeadLimits(), trustedPeer: false)
        guard
            case .forward(var ticket, _) = other.admit(
                head, bytes.rawSpan, client: .local, now: harness.now)
        else { return XCTFail("not forwarded") }
        _ = other.sight(
            harness.exchange(), &ticket, status: 200, byUpstream: true, request: bytes.rawSpan,
            now: harness.now)
        harness.turn()
        XCTAssertEqual(try harness.messages(socket).count, 1)
        XCTAssertEqual(harness.total(.forwarded2xx), 1)
    }

    func testATokenExpires() throws {
        let harness = try Harness()
        let socket = try harness.connect(try harness.token("me", lifetime: 300_000))
        let other = try harness.connect(try harness.token("other"))
        for _ in 0..<10 { harness.pass(30_000) }
        // The verifier's leeway of 30 s belongs to the token's life: 330 s.
        harness.pass(29_999)
        XCTAssertEqual(harness.host.closes, [:])
        // The wheel is up to half a second late.
        harness.pass(501)
        XCTAssertEqual(harness.host.closes, [socket: 4401])
        harness.leave(socket)
        harness.pass(3_700_000)
        XCTAssertEqual(harness.host.closes[other], 4401)
    }

    func testTheTurnAsksToBeCalledInTime() throws {
        let harness = try Harness()
        XCTAssertNil(harness.app.turn(now: harness.now))
        _ = try harness.connect(try harness.token("me", lifetime: -20_000))
        let wish = try XCTUnwrap(harness.app.turn(now: harness.now))
        XCTAssertLessThanOrEqual(wish, 11_000)
    }

    func testLogoutClosesTheUsersSockets() throws {
        var settings = APISettings()
        settings.rateLimit = nil
        settings.routes = [
            PassingRoute(match: try RoutePattern("POST /logout"), effect: .logout)
        ]
        let harness = try Harness(settings)
        let phone = try harness.token("me", session: "phone")
        let one = try harness.connect(phone)
        let two = try harness.connect(try harness.token("me", session: "desk"))
        let other = try harness.connect(try harness.token("other"))
        _ = try harness.messages(other)
        harness.now += 1_000
        harness.forward("POST", "/logout", token: phone)
        harness.turn()
        XCTAssertEqual(harness.host.closes, [one: 4401, two: 4401])
        let news = try harness.messages(other).last?["changes"]?.array
        XCTAssertEqual(news?.first?["online_status"]?.string, "offline")
        XCTAssertEqual(harness.total(.socketsRevoked), 2)
        harness.leave(one)
        harness.leave(two)
        harness.pass(60_000)
        XCTAssertEqual(harness.status("me"), .offline)
    }

    func testSessionLogoutClosesItsOwnOnly() throws {
        var settings = APISettings()
        settings.rateLimit = nil
        settings.routes = [
            PassingRoute(match: try RoutePattern("POST /logout"), effect: .logout)
        ]
        let presence = PresenceSettings(
            logoutScope: .session, startedAt: Harness.start - 10_000_000)
        let harness = try Harness(settings, presence: presence)
        let phone = try harness.token("me", session: "phone")
        let one = try harness.connect(phone)
        _ = try harness.connect(try harness.token("me", session: "desk"))
        harness.forward("POST", "/logout", token: phone)
        harness.turn()
        XCTAssertEqual(harness.host.closes, [one: 4401])
    }

    func testTooManySockets() throws {
        let settings = try Harness.settings { $0.maximumSockets = 2 }
        let harness = try Harness(settings)
        let token = try harness.token("me")
        let one = try harness.connect(token)
        _ = try harness.connect(token)
        let three = try harness.connect(token)
        XCTAssertEqual(harness.host.closes, [three: 1013])
        harness.leave(three)
        XCTAssertEqual(harness.engine.counts(now: harness.now).sockets, 2)
        harness.leave(one)
        let four = try harness.connect(token)
        XCTAssertNil(harness.host.closes[four])
    }

    func testHandshakes() throws {
        let settings = try Harness.settings { $0.origins = ["https://app.example"] }
        let harness = try Harness(settings)
        let token = try harness.token("me")
        let target = "/_presence/ws"
        XCTAssertEqual(harness.send("GET", target, fields: Harness.handshake).status, 401)
        XCTAssertEqual(harness.send("GET", target, token: token).status, 426)
        let bad = Harness.handshake.filter { $0.0 != "Sec-WebSocket-Key" }
        XCTAssertEqual(harness.send("GET", target, token: token, fields: bad).status, 400)
        for (origin, allowed) in [
            ("https://app.example", true), ("https://evil.example", false), ("null", false),
            ("https://app.example.evil", false), ("http://app.example", false),
        ] {
            let fields = Harness.handshake + [("Origin", origin)]
            let outcome = harness.send("GET", target, token: token, fields: fields)
            XCTAssertEqual(outcome.status, allowed ? nil : 403, origin)
        }
        let offered = Harness.handshake + [("Sec-WebSocket-Protocol", "bearer, \(token)")]
        guard
            case .webSocket(_, let chosen) = harness.send("GET", target, fields: offered)
        else { return XCTFail("no socket") }
        XCTAssertEqual(chosen.map { "\($0.name)=\($0.value)" }, ["Sec-WebSocket-Protocol=bearer"])
        guard
            case .webSocket = harness.send(
                "GET", target + "?token=\(token)", fields: Harness.handshake)
        else { return XCTFail("no socket") }
    }

    func testAnUnknownSocketIsClosed() throws {
        let harness = try Harness()
        let socket = SocketID(slot: 5, generation: 9)
        harness.app.socketOpened(socket, Ticket(), now: harness.now)
        XCTAssertEqual(harness.host.closes, [socket: 1013])
        harness.say(socket, "{}")
        harness.leave(socket)
    }

    func testRevokedBetweenHandshakeAndOpening() throws {
        var settings = APISettings()
        settings.rateLimit = nil
        settings.routes = [
            PassingRoute(match: try RoutePattern("POST /logout"), effect: .logout)
        ]
        let harness = try Harness(settings)
        let token = try harness.token("me")
        guard
            case .webSocket(let ticket, _) = harness.send(
                "GET", "/_presence/ws", token: token, fields: Harness.handshake)
        else { return XCTFail("no socket") }
        harness.forward("POST", "/logout", token: token)
        let socket = SocketID(slot: 5, generation: 9)
        harness.app.socketOpened(socket, ticket, now: harness.now)
        XCTAssertEqual(harness.host.closes, [socket: 4401])
        XCTAssertEqual(harness.engine.counts(now: harness.now).sockets, 0)
    }

    // MARK: Cursors

    func testResuming() throws {
        let harness = try Harness()
        let token = try harness.token("me", session: "s")
        let first = try harness.connect(token)
        let cursor = try XCTUnwrap(try harness.messages(first).last?["cursor"]?.string)
        harness.leave(first)
        harness.forward("GET", "/", token: try harness.token("a"))
        harness.turn()
        let second = try harness.connect(token, "/_presence/ws?cursor=\(cursor)")
        let messages = try harness.messages(second)
        XCTAssertEqual(messages.compactMap { $0["type"]?.string }, ["hello", "presence"])
        XCTAssertEqual(
            messages.last?["changes"]?.array?.compactMap { $0["user_id"]?.string }, ["a"])
        harness.forward("GET", "/", token: try harness.token("b"))
        harness.turn()
        XCTAssertEqual(try harness.messages(second).count, 1)
        for stale in ["dead-1", "nonsense", ""] {
            let socket = try harness.connect(token, "/_presence/ws?cursor=\(stale)")
            XCTAssertEqual(
                try harness.messages(socket).compactMap { $0["type"]?.string },
                ["hello", "snapshot"], stale)
        }
    }

    func testBehindTheJournalEverybodyStartsAnew() throws {
        var capacity = PresenceCapacity()
        capacity.journal = 4
        let harness = try Harness(capacity: capacity)
        let socket = try harness.connect(try harness.token("me"))
        _ = try harness.messages(socket)
        for user in 0..<9 { harness.forward("GET", "/", token: try harness.token("u\(user)")) }
        harness.turn()
        let messages = try harness.messages(socket)
        XCTAssertEqual(messages.compactMap { $0["type"]?.string }, ["snapshot"])
        XCTAssertEqual(messages.first?["users"]?.array?.count, 10)
        XCTAssertEqual(harness.total(.journalLost), 1)
    }

    func testRateLimitedMessagesAreErrors() throws {
        var settings = APISettings()
        settings.rateLimit = Rate(count: 2, period: 1000)
        let harness = try Harness(settings)
        let socket = try harness.connect(try harness.token("me"))
        _ = try harness.messages(socket)
        harness.say(socket, #"{"type":"heartbeat"}"#)
        harness.say(socket, #"{"type":"heartbeat"}"#)
        XCTAssertEqual(
            try harness.messages(socket).compactMap { $0["type"]?.string },
            ["heartbeat", "error"])
    }
}
