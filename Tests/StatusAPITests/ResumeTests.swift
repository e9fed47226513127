// Owns the proof that whoever comes back misses nothing: sockets, streams and pollers.
// Called by the test runner.
// Never sleeps: the clock is turned.

import Presence
import ProxyCore
import XCTest

@testable import StatusAPI

/// A reader as the documents tell it to be: what it knows after each batch.
private struct Reader {
    var known: [String: String] = [:]
    var cursor = ""
    var resets = 0

    /// - Returns: false: somebody stood in it twice.
    @discardableResult
    mutating func read(_ node: JSONNode) -> Bool {
        let users = node["users"]?.array ?? node["changes"]?.array ?? []
        if node["type"]?.string == "snapshot" || node["reset"]?.bool == true {
            known = [:]
            resets += 1
        }
        cursor = node["cursor"]?.string ?? cursor
        let ids = users.compactMap { $0["user_id"]?.string }
        for user in users {
            guard let id = user["user_id"]?.string else { continue }
            known[id] = user["online_status"]?.string
        }
        return Set(ids).count == ids.count
    }

    func status(_ user: String) -> String { known[user] ?? "offline" }
}

final class ResumeTests: XCTestCase {
    /// 50 users of whom each changes four times.
    private func change(_ harness: Harness, rounds: Int = 4) {
        for round in 0..<rounds {
            for number in 0..<50 {
                let status: Status = (round + number) % 3 == 0 ? .away : .online
                let kept: Status = (round + number) % 5 == 0 ? .offline : status
                _ = harness.engine.claim(
                    user: "u\(number)", status: kept, until: nil, now: harness.now
                ) { _ in }
            }
            harness.now += 10
        }
        harness.turn()
    }

    private func expectAll(
        _ reader: Reader, _ harness: Harness, _ what: String, file: StaticString = #filePath,
        line: UInt = #line
    ) {
        for number in 0..<50 {
            XCTAssertEqual(
                reader.status("u\(number)"), harness.status("u\(number)").word,
                "\(what): u\(number)", file: file, line: line)
        }
    }

    func testASocketComesBack() throws {
        let harness = try Harness()
        let me = try harness.token("me")
        var reader = Reader()
        let first = try harness.connect(me)
        for message in try harness.messages(first) { reader.read(message) }
        XCTAssertEqual(reader.resets, 1)
        harness.leave(first)
        change(harness)
        let again = try harness.connect(me, "/_presence/ws?cursor=" + reader.cursor)
        let messages = try harness.messages(again)
        XCTAssertEqual(messages.compactMap { $0["type"]?.string }, ["hello", "presence"])
        for message in messages { XCTAssertTrue(reader.read(message)) }
        XCTAssertEqual(reader.resets, 1, "no snapshot")
        expectAll(reader, harness, "socket")
        // And it goes on.
        change(harness, rounds: 1)
        for message in try harness.messages(again) { XCTAssertTrue(reader.read(message)) }
        expectAll(reader, harness, "socket, live")
    }

    func testAStreamComesBack() throws {
        let harness = try Harness()
        let me = try harness.token("me")
        var reader = Reader()
        let first = try harness.follow(me)
        for event in try harness.events(first) { reader.read(event.data) }
        harness.leave(first)
        change(harness)
        let again = try harness.follow(me, fields: [("Last-Event-ID", reader.cursor)])
        for event in try harness.events(again) { XCTAssertTrue(reader.read(event.data)) }
        XCTAssertEqual(reader.resets, 1)
        expectAll(reader, harness, "stream")
    }

    func testAPollerComesBack() throws {
        let harness = try Harness()
        let me = try harness.token("me")
        var reader = Reader()
        let all = harness.send("GET", "/_presence/changes", token: me)
        reader.read(try XCTUnwrap(all.response).json())
        change(harness)
        let missed = harness.send(
            "GET", "/_presence/changes?since=" + reader.cursor, token: me)
        XCTAssertTrue(reader.read(try XCTUnwrap(missed.response).json()))
        XCTAssertEqual(reader.resets, 1)
        expectAll(reader, harness, "poller")
    }

    func testAwayTooLongIsToldAsAWhole() throws {
        var capacity = PresenceCapacity()
        capacity.journal = 100
        let harness = try Harness(capacity: capacity)
        let me = try harness.token("me")
        let first = try harness.connect(me)
        var socket = Reader()
        for message in try harness.messages(first) { socket.read(message) }
        harness.leave(first)
        socket.known["u1"] = "stale"
        var (stream, poller) = (socket, socket)
        change(harness)
        let again = try harness.connect(me, "/_presence/ws?cursor=" + socket.cursor)
        for message in try harness.messages(again) { socket.read(message) }
        let follower = try harness.follow(me, fields: [("Last-Event-ID", stream.cursor)])
        for event in try harness.events(follower) { stream.read(event.data) }
        let poll = harness.send("GET", "/_presence/changes?since=" + poller.cursor, token: me)
        poller.read(try XCTUnwrap(poll.response).json())
        for (reader, what) in [(socket, "socket"), (stream, "stream"), (poller, "poller")] {
            XCTAssertEqual(reader.resets, 2, what)
            expectAll(reader, harness, what)
        }
    }

    func testThousandsMissedComeInOneBatch() throws {
        let harness = try Harness()
        let me = try harness.token("me")
        let first = try harness.connect(me)
        var reader = Reader()
        for message in try harness.messages(first) { reader.read(message) }
        harness.leave(first)
        let count = APILimits.changesPerMessage * 3 + 7
        for round in 0..<2 {
            for number in 0..<count {
                _ = harness.engine.claim(
                    user: "m\(number)", status: round == 0 ? .online : .away, until: nil,
                    now: harness.now
                ) { _ in }
            }
        }
        let again = try harness.connect(me, "/_presence/ws?cursor=" + reader.cursor)
        let messages = try harness.messages(again)
        // Were they several, the second would find the room of a slow reader taken by the first.
        XCTAssertEqual(messages.count, 2)
        XCTAssertEqual(messages.last?["changes"]?.array?.count, count)
        for message in messages { XCTAssertTrue(reader.read(message)) }
        XCTAssertEqual(reader.status("m0"), "away")
        XCTAssertEqual(reader.status("m\(count - 1)"), "away")
    }

    func testByNameAfterAResume() throws {
        for subscription in [InitialSubscription.all, .none] {
            let harness = try Harness(try Harness.settings { $0.subscription = subscription })
            let me = try harness.token("me")
            let first = try harness.connect(me)
            _ = try harness.messages(first)
            harness.say(first, #"{"type":"subscribe","users":["u1","u2","u3"]}"#)
            var reader = Reader()
            for message in try harness.messages(first) { reader.read(message) }
            harness.leave(first)
            change(harness)
            let again = try harness.connect(me, "/_presence/ws?cursor=" + reader.cursor)
            _ = try harness.messages(again)
            harness.say(again, #"{"type":"subscribe","users":["u1","u2","u3"]}"#)
            change(harness, rounds: 3)
            let messages = try harness.messages(again)
            XCTAssertEqual(messages.first?["type"]?.string, "snapshot")
            for message in messages { XCTAssertTrue(reader.read(message)) }
            for user in ["u1", "u2", "u3"] {
                XCTAssertEqual(reader.status(user), harness.status(user).word, user)
            }
            let others = reader.known.keys.filter { !["u1", "u2", "u3"].contains($0) }
            XCTAssertEqual(others, [], "nobody else is told of")
        }
    }

    func testBadCursorsBeginAnew() throws {
        let harness = try Harness()
        harness.forward("GET", "/", token: try harness.token("u"))
        harness.turn()
        for bad in ["", "x", "7-", "8-1", "7-fffff", "%F0%9F%98%80"] {
            let socket = try harness.connect(
                try harness.token("me"), "/_presence/ws?cursor=" + bad)
            XCTAssertEqual(
                try harness.messages(socket).compactMap { $0["type"]?.string },
                ["hello", "snapshot"], bad)
        }
    }

    /// A snapshot that was made before others were told what came next must not serve whoever
    /// comes after that.
    func testASnapshotOfThisTurnIsNotOlderThanTheTellings() throws {
        let harness = try Harness()
        let first = try harness.connect(try harness.token("first"))
        _ = try harness.messages(first)
        let early = try harness.connect(try harness.token("early"), turning: false)
        // Speaks at once, so that its snapshot is made before the turn.
        harness.say(early, #"{"type":"heartbeat"}"#)
        harness.forward("GET", "/", token: try harness.token("between"))
        let late = try harness.connect(try harness.token("late"), turning: false)
        harness.turn()
        for socket in [early, late] {
            var reader = Reader()
            for message in try harness.messages(socket) { reader.read(message) }
            XCTAssertEqual(reader.status("between"), "online")
        }
    }

    // MARK: Off the loop

    private func crowd() throws -> Harness {
        let harness = try Harness()
        for number in 0...APILimits.listedOnLoop {
            _ = harness.engine.login(
                user: "c\(number)", name: nil, session: UInt64(number), now: harness.now)
        }
        harness.service.lists.staff()
        return harness
    }

    func testAmongManyTheSnapshotIsMadeOffTheLoop() throws {
        let harness = try crowd()
        let socket = try harness.connect(try harness.token("me"))
        let stream = try harness.follow(try harness.token("you"))
        XCTAssertEqual(try harness.messages(socket).count, 1, "hello alone")
        XCTAssertEqual(try harness.events(stream).count, 0)
        // What changes before it is made, after it is made, and after it was told.
        harness.engine.makeAway("c1", harness)
        harness.turn()
        harness.service.lists.work()
        harness.engine.makeAway("c2", harness)
        harness.turn()
        harness.engine.makeAway("c3", harness)
        harness.turn()
        var reader = Reader()
        for message in try harness.messages(socket) { XCTAssertTrue(reader.read(message)) }
        var follower = Reader()
        for event in try harness.events(stream) { XCTAssertTrue(follower.read(event.data)) }
        for reader in [reader, follower] {
            XCTAssertEqual(reader.resets, 1)
            XCTAssertEqual(reader.known.count, APILimits.listedOnLoop + 3)
            for user in ["c1", "c2", "c3"] { XCTAssertEqual(reader.status(user), "away", user) }
            XCTAssertEqual(reader.status("c4"), "online")
        }
    }

    /// The loop has told of a change while the snapshot without it was on its way.
    func testWhatWasToldMeanwhileIsToldAgain() throws {
        let harness = try crowd()
        let socket = try harness.connect(try harness.token("me"))
        let key = try XCTUnwrap(harness.app.hub.awaiting.keys.first)
        let made = ReadyNews(key, harness.engine.news(since: nil, now: harness.now))
        harness.engine.makeAway("c2", harness)
        harness.turn()
        harness.app.hub.arrived(made, now: harness.now)
        var reader = Reader()
        for message in try harness.messages(socket) { XCTAssertTrue(reader.read(message)) }
        XCTAssertEqual(reader.status("c2"), "away")
        XCTAssertEqual(reader.status("c1"), "online")
    }

    func testWhoSubscribesMeanwhileIsToldOfThatAlone() throws {
        let harness = try crowd()
        let socket = try harness.connect(try harness.token("me"))
        harness.say(socket, #"{"type":"subscribe","users":["c5"]}"#)
        harness.service.lists.work()
        harness.turn()
        let messages = try harness.messages(socket)
        XCTAssertEqual(messages.compactMap { $0["type"]?.string }, ["hello", "snapshot"])
        XCTAssertEqual(messages.last?["users"]?.array?.count, 1)
        // And back to everybody: made off the loop again.
        harness.say(socket, #"{"type":"subscribe","users":"*"}"#)
        XCTAssertEqual(try harness.messages(socket).count, 0)
        harness.service.lists.work()
        harness.turn()
        XCTAssertEqual(
            try harness.messages(socket).last?["users"]?.array?.count,
            APILimits.listedOnLoop + 2)
    }

    func testWhoLeavesMeanwhileIsForgotten() throws {
        let harness = try crowd()
        let socket = try harness.connect(try harness.token("me"))
        harness.leave(socket)
        harness.service.lists.work()
        harness.turn()
        XCTAssertTrue(harness.app.hub.audience.isEmpty)
        XCTAssertTrue(harness.app.hub.awaiting.isEmpty)
        XCTAssertEqual(try harness.messages(socket).count, 1, "hello alone")
    }
}

extension PresenceEngine {
    /// Another status, by hand.
    fileprivate func makeAway(_ user: String, _ harness: Harness) {
        _ = claim(user: user, status: .away, until: nil, now: harness.now) { _ in }
    }
}
