// Owns asking real servers on real threads: what goes out, what comes of it, whom it slows.
// Called by the test runner.
// Never leaves a thread behind.

import Presence
import ProxyCore
import XCTest

@testable import StatusAPI

final class InquiryDeskTests: XCTestCase {
    /// A desk with its threads, and what it asks.
    private final class Office: @unchecked Sendable {
        let engine = Asking.engine()
        let desk: InquiryDesk
        let reports = Lock<[String]>([])
        private var threads: [ProxyCore.Thread] = []

        init(_ settings: IntrospectionSettings) throws {
            let reports = reports
            desk = try InquiryDesk(settings, engine: engine) { text in
                reports.withLock { $0.append(text) }
            }
            let desk = desk
            threads = try (0..<desk.threadCount).map { _ in
                try ProxyCore.Thread(name: "inquiry") { desk.run() }
            }
        }

        func close() {
            desk.stop()
            for thread in threads { thread.join() }
            threads = []
        }

        var now: Milliseconds { Clock.wall() }

        func standing(_ token: String) -> Standing {
            desk.standing(Asking.digest(token), now: now)
        }

        @discardableResult
        func ask(
            _ token: String, sighting: Bool = true, waiter: (@Sendable () -> Void)? = nil
        ) -> Bool {
            desk.ask(
                Asking.question(token), sighting: sighting ? Asking.sighting(now) : nil,
                waiter: waiter, now: now)
        }

        /// Asks and waits until there is an answer.
        func settle(_ token: String) -> Standing {
            let called = Tally()
            XCTAssertTrue(ask(token, waiter: { called.add() }))
            eventually("an answer about \(token)") { called.count == 1 }
            return standing(token)
        }

        func status(_ user: String) -> Status { engine.view(user: user, now: now).status }
    }

    private func office(
        _ servers: [String], _ change: (inout IntrospectionSettings) throws -> Void = { _ in }
    ) throws -> Office {
        let targets = try servers.map { try FetchTarget($0) }
        let mode = IntrospectionSettings.Mode.backend(servers: targets, path: "/api/me/?full=1")
        let office = try Office(try Asking.settings(mode, change))
        addTeardownBlock { office.close() }
        return office
    }

    private func server(_ reply: @escaping @Sendable (Heard) -> Reply) throws -> InquiryServer {
        let server = try InquiryServer(reply)
        addTeardownBlock { server.stop() }
        return server
    }

    private func user(_ standing: Standing) -> String? {
        guard case .known(let identity) = standing else { return nil }
        return identity.user
    }

    private func isUndecided(_ standing: Standing) -> Bool {
        guard case .undecided = standing else { return false }
        return true
    }

    // MARK: What goes out, and what it brings

    func testR20WhoTheApplicationNamesIsPresent() throws {
        let server = try server { _ in .json(#"{"id": 42, "username": "Ann", "is_staff": true}"#) }
        let office = try office([server.url])
        XCTAssertEqual(office.standing("opaque"), .unknown)
        XCTAssertEqual(office.status("42"), .offline)
        guard case .known(let identity) = office.settle("opaque") else {
            return XCTFail("nobody was named")
        }
        XCTAssertEqual(identity.user, "42")
        XCTAssertEqual(identity.name, "Ann")
        XCTAssertTrue(identity.isAdmin)
        XCTAssertEqual(office.status("42"), .online)
        let heard = try XCTUnwrap(server.heard.first)
        XCTAssertTrue(heard.head.hasPrefix("GET /api/me/?full=1 HTTP/1.1\r\n"), heard.head)
        XCTAssertEqual(heard.fields("Cookie"), ["sessionid=opaque"])
        XCTAssertEqual(heard.fields("Host"), ["app.example"])
        XCTAssertEqual(heard.fields("X-Forwarded-Proto"), ["https"])
        XCTAssertEqual(heard.fields("User-Agent"), ["presence-sidecar"])
        XCTAssertEqual(heard.fields("Authorization"), [])
        // And it is not asked again.
        XCTAssertTrue(office.ask("opaque"))
        XCTAssertEqual(server.heard.count, 1)
        XCTAssertEqual(office.desk.totals.sightingsCounted, 2)
    }

    func testWithoutASightingNobodyIsPresent() throws {
        let server = try server { _ in .json(#"{"id": 42}"#) }
        let office = try office([server.url])
        let called = Tally()
        XCTAssertTrue(office.ask("opaque", sighting: false, waiter: { called.add() }))
        eventually("an answer") { called.count == 1 }
        XCTAssertEqual(user(office.standing("opaque")), "42")
        XCTAssertEqual(office.status("42"), .offline)
    }

    func testR20WhoIsRefusedIsNobody() throws {
        let server = try server { heard in
            .json("{}", status: heard.head.contains("=a") ? "401 Unauthorized" : "403 Forbidden")
        }
        let office = try office([server.url])
        XCTAssertEqual(office.settle("a"), .refused)
        XCTAssertEqual(office.settle("b"), .refused)
        XCTAssertEqual(office.settle("a"), .refused)
        XCTAssertEqual(server.heard.count, 2)
        XCTAssertEqual(office.desk.totals.sightingsCounted, 0)
    }

    func testR20TheStandardEndpointIsAskedInOurName() throws {
        let server = try server { heard in
            .json(
                heard.body.contains("good")
                    ? #"{"active": true, "sub": "7"}"# : #"{"active": false}"#)
        }
        let target = try FetchTarget(server.url + "/introspect")
        var settings = try Asking.standard()
        settings.mode = .standard(target, clientID: "me", secret: [0x70], caFile: nil)
        settings.concurrency = 1
        let office = try Office(settings)
        addTeardownBlock { office.close() }
        XCTAssertEqual(user(office.settle("good token")), "7")
        XCTAssertEqual(office.settle("bad"), .refused)
        let heard = try XCTUnwrap(server.heard.first)
        XCTAssertTrue(heard.head.hasPrefix("POST /introspect HTTP/1.1\r\n"), heard.head)
        XCTAssertEqual(heard.body, "token=good+token&token_type_hint=access_token")
        XCTAssertEqual(heard.fields("Authorization"), ["Basic bWU6cA=="])
        XCTAssertEqual(heard.fields("Host"), ["127.0.0.1:\(server.port)"])
        XCTAssertEqual(heard.fields("Cookie"), [])
        XCTAssertEqual(server.connections, 1)
    }

    // MARK: Many at once

    func testR20AThousandAsksAreOneRequest() throws {
        let gate = Gate()
        let server = try server { _ in
            gate.pass()
            return .json(#"{"id": 42}"#)
        }
        let office = try office([server.url])
        let called = Tally()
        let loops = try (0..<8).map { _ in
            try ProxyCore.Thread(name: "loop") {
                for _ in 0..<125 { office.ask("opaque", waiter: { called.add() }) }
            }
        }
        for loop in loops { loop.join() }
        XCTAssertEqual(called.count, 0)
        gate.open()
        eventually("all are called") { called.count == 1_000 }
        XCTAssertEqual(server.heard.count, 1)
        XCTAssertEqual(office.desk.totals.open, 0)
        XCTAssertEqual(office.status("42"), .online)
    }

    func testR20NoMoreRequestsThanConfiguredAreUnderWay() throws {
        let gate = Gate()
        let server = try server { _ in
            gate.pass()
            return .json(#"{"id": 42}"#)
        }
        let office = try office([server.url]) { $0.concurrency = 3 }
        let called = Tally()
        for number in 0..<20 { office.ask("t\(number)", waiter: { called.add() }) }
        eventually("all threads ask") { server.busiest == 3 }
        gate.open()
        eventually("all are answered") { called.count == 20 }
        XCTAssertEqual(server.busiest, 3)
        XCTAssertEqual(server.heard.count, 20)
        XCTAssertLessThanOrEqual(server.connections, 3)
    }

    func testR20AServerThatHangsSlowsNobody() throws {
        let gate = Gate()
        let server = try server { _ in
            gate.pass()
            return .json(#"{"id": 42}"#)
        }
        let office = try office([server.url])
        for number in 0..<4 { office.ask("h\(number)") }
        eventually("all threads hang") { server.busiest == 4 }
        let before = Clock.monotonic()
        for number in 0..<5_000 {
            _ = office.standing("t\(number)")
            office.ask("t\(number)")
        }
        // Some microseconds each, and far from the five seconds of a single wait for the server.
        XCTAssertLessThan(Clock.monotonic() - before, 4_000)
        XCTAssertEqual(office.desk.totals.open, 4 + 1_024)
        XCTAssertEqual(office.desk.totals.dropped, 5_000 - 1_024)
        gate.open()
    }

    func testTheEndDoesNotWaitForAServerThatHangs() throws {
        let gate = Gate()
        let server = try server { _ in
            gate.pass()
            return .json("{}")
        }
        let office = try office([server.url]) { $0.timeout = 60_000 }
        for number in 0..<4 { office.ask("h\(number)") }
        eventually("all threads hang") { server.busiest == 4 }
        let before = Clock.monotonic()
        office.close()
        XCTAssertLessThan(Clock.monotonic() - before, 5_000)
        gate.open()
    }

    // MARK: Servers that fail

    func testTheNextServerIsAskedWhereOneIsNotThere() throws {
        let server = try server { _ in .json(#"{"id": 42}"#) }
        let gone = try InquiryServer { _ in .json("{}") }
        gone.stop()
        let office = try office([gone.url, server.url]) { $0.concurrency = 1 }
        XCTAssertEqual(user(office.settle("a")), "42")
        XCTAssertEqual(office.desk.totals.sent, 2)
        // The one that answered is asked first from now on.
        XCTAssertEqual(user(office.settle("b")), "42")
        XCTAssertEqual(office.desk.totals.sent, 3)
    }

    func testTheNextServerIsAskedWhereOneHangsOrIsOverloaded() throws {
        let gate = Gate()
        let hanging = try server { _ in
            gate.pass()
            return .json("{}")
        }
        let overloaded = try server { _ in .json("{}", status: "503 Service Unavailable") }
        let good = try server { _ in .json(#"{"id": 42}"#) }
        let office = try office([hanging.url, overloaded.url, good.url]) {
            $0.timeout = 600
            $0.concurrency = 1
        }
        XCTAssertEqual(user(office.settle("a")), "42")
        XCTAssertEqual(office.desk.totals.sent, 3)
        gate.open()
    }

    func testR20WhatIsNoAnswerLeavesEverythingAsItWas() throws {
        let other = try server { _ in .json(#"{"id": 42}"#) }
        let huge = String(repeating: " ", count: InquiryLimits.answer)
        let slow = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"
        let replies: [String: Reply] = [
            "html": .raw("HTTP/1.1 200 OK\r\n\r\n<html>who are you?</html>"),
            "huge": .json(huge + #"{"id": 42}"#),
            "endless": .raw("HTTP/1.1 200 OK\r\n\r\n" + huge + #"{"id": 42}"#),
            "malformed": .raw("HTTP/1.1 two hundred\r\n\r\n{\"id\": 42}"),
            "broken": .raw("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"id\": 42}"),
            "silent": .raw(""),
            "coded": .raw("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n{\"id\": 42}"),
            "redirect": .raw("HTTP/1.1 302 Found\r\nLocation: \(other.url)/\r\n\r\n{\"id\": 42}"),
            "nobody": .json(#"{"id": null}"#),
            "error": .json(#"{"id": 42}"#, status: "500 Internal Server Error"),
            "missing": .json(#"{"id": 42}"#, status: "404 Not Found"),
            "slow": Reply(bytes: Array(slow.utf8)),
        ]
        let server = try server { heard in
            let name = heard.fields("Cookie")[0].dropFirst("sessionid=".count)
            return replies[String(name)] ?? .raw("")
        }
        let office = try office([server.url]) { $0.timeout = 500 }
        for name in replies.keys.sorted() {
            XCTAssertTrue(isUndecided(office.settle(name)), name)
            XCTAssertTrue(isUndecided(office.settle(name)), name)
        }
        XCTAssertEqual(server.heard.filter { $0.fields("Cookie") == ["sessionid=html"] }.count, 1)
        XCTAssertEqual(other.heard.count, 0, "the credential went where it was not meant to go")
        XCTAssertEqual(office.status("42"), .offline)
        XCTAssertEqual(office.desk.totals.sightingsCounted, 0)
        XCTAssertEqual(office.desk.totals.known, 0)
    }

    func testAKeptConnectionThatWasClosedCostsNothing() throws {
        let server = try server { _ in
            var reply = Reply.json(#"{"id": 42}"#)
            reply.closes = true
            return reply
        }
        let office = try office([server.url]) { $0.concurrency = 1 }
        for number in 0..<5 { XCTAssertEqual(user(office.settle("t\(number)")), "42") }
        XCTAssertEqual(server.heard.count, 5)
    }

    func testTheLogHearsOfAPauseAndOfUselessAnswersAndOfNoCredential() throws {
        let gone = try InquiryServer { _ in .json("{}") }
        gone.stop()
        let dead = try office([gone.url])
        for number in 0..<InquiryLimits.failures { _ = dead.settle("secret\(number)") }
        let pauses = dead.reports.withLock { $0 }
        XCTAssertEqual(pauses.count, 1)
        XCTAssertTrue(pauses[0].hasPrefix("introspection pauses for 1 s: \(gone.url)"), pauses[0])
        XCTAssertTrue(isUndecided(dead.standing("another")))
        let odd = try server { _ in .json(#"{"secret": "s"}"#) }
        let office = try office([odd.url])
        for number in 0..<10 { _ = office.settle("secret\(number)") }
        let reports = office.reports.withLock { $0 }
        XCTAssertEqual(reports.count, 1)
        XCTAssertTrue(reports[0].hasSuffix("its answer names nobody at $.id"), reports[0])
        XCTAssertFalse((pauses + reports).contains { $0.contains("secret") })
    }

    // MARK: Ended meanwhile

    func testWhoHasLoggedOutMeanwhileCountsForNothing() throws {
        let gate = Gate()
        let server = try server { _ in
            gate.pass()
            return .json(#"{"id": 42}"#)
        }
        let office = try office([server.url])
        let digest = Asking.digest("opaque")
        let called = Tally()
        office.ask("opaque", waiter: { called.add() })
        eventually("it is asked") { server.heard.count == 1 }
        let enrolled = office.engine.enroll(
            user: "42", name: nil, session: SessionNames.tag(user: "42", session: nil, digest),
            revocation: SessionNames.key(digest), expires: office.now + 60_000, isAdmin: false,
            now: office.now)
        guard case .identity(let identity) = enrolled else { return XCTFail("\(enrolled)") }
        office.engine.logout(identity, now: office.now) { _ in }
        gate.open()
        eventually("an answer") { called.count == 1 }
        XCTAssertEqual(office.standing("opaque"), .refused)
        XCTAssertEqual(office.status("42"), .offline)
        XCTAssertEqual(office.desk.totals.sightingsCounted, 0)
    }

    func testWhatIsForgottenInFlightBringsNobodyBack() throws {
        let gate = Gate()
        let server = try server { _ in
            gate.pass()
            return .json(#"{"id": 42}"#)
        }
        let office = try office([server.url])
        office.ask("opaque")
        eventually("it is asked") { server.heard.count == 1 }
        office.desk.forget(Asking.digest("opaque"))
        gate.open()
        eventually("it is over") { office.desk.totals.open == 0 }
        XCTAssertEqual(office.standing("opaque"), .unknown)
        XCTAssertEqual(office.status("42"), .offline)
    }

    func testWhatNoRequestCanCarryIsRefusedAtOnce() throws {
        let server = try server { _ in .json(#"{"id": 42}"#) }
        let office = try office([server.url])
        XCTAssertEqual(office.settle("a\r\nX-User: 1"), .refused)
        XCTAssertEqual(office.settle("a; b=c"), .refused)
        XCTAssertEqual(server.heard.count, 0)
    }
}
