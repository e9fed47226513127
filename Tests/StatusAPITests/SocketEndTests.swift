// Owns when sockets end, and what those hear who come back.
// Called by the test runner.
// Never opens a socket: the host records frames.

import Presence
import ProxyCore
import XCTest

@testable import StatusAPI

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
        XCTAssertEqual(harness.app.hub.audience.everyone.map(\.count), [2, 0, 0, 0])
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
        let arrival = Arrival(
            connection: ConnectionID(slot: 1, generation: 1),
            from: ForwardedFields(peer: .local, trusted: false, secure: false), hasWaited: false)
        guard
            case .forward(var ticket, _) = other.admit(
                head, bytes.rawSpan, arrival: arrival, now: harness.now)
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
        // RFC 6455 §4.1: browsers want what they offered, letter by letter.
        let capital = Harness.handshake + [("Sec-WebSocket-Protocol", "v1, Bearer ,\(token)")]
        guard case .webSocket(_, let same) = harness.send("GET", target, fields: capital) else {
            return XCTFail("no socket")
        }
        XCTAssertEqual(same.map { "\($0.name)=\($0.value)" }, ["Sec-WebSocket-Protocol=Bearer"])
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

    func testASocketSaysHowItBegins() throws {
        for configured in [InitialSubscription.all, .none] {
            let harness = try Harness(try Harness.settings { $0.subscription = configured })
            let token = try harness.token("me")
            harness.forward("GET", "/", token: try harness.token("a"))
            for (query, isAll) in [
                ("", configured == .all), ("?subscription=all", true),
                ("?subscription=none", false),
            ] {
                let socket = try harness.connect(token, "/_presence/ws" + query)
                let snapshot = try XCTUnwrap(try harness.messages(socket).last, query)
                XCTAssertEqual(snapshot["type"]?.string, "snapshot")
                XCTAssertEqual(snapshot["users"]?.array?.isEmpty, !isAll, query)
            }
            let refused = harness.send(
                "GET", "/_presence/ws?subscription=some", token: token, fields: Harness.handshake)
            XCTAssertEqual(refused.status, 400)
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
