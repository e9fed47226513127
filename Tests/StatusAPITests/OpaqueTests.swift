// Owns what becomes of credentials that say nothing themselves: asked about, learnt, disowned.
// Called by nobody: XCTest finds it.
// Never asks a server: the answers are given by hand.

import Presence
import ProxyCore
import XCTest

@testable import StatusAPI

final class OpaqueTests: XCTestCase {
    private static let cookie = [("Cookie", "theme=dark; sessionid=s3cr3t")]
    private static let token = "s3cr3t"

    private func harness(learns: Bool = false, asks: Bool = true) throws -> Harness {
        let settings = try Harness.settings {
            $0.routes = [
                PassingRoute(match: try RoutePattern("* /closed"), require: true),
                PassingRoute(match: try RoutePattern("* /static/**"), track: false),
                PassingRoute(match: try RoutePattern("* /poll"), activity: false),
                PassingRoute(match: try RoutePattern("POST /logout"), effect: .logout),
            ]
        }
        return try Harness(settings, introspection: asks ? try Asking.settings() : nil) {
            $0.places = [
                .header(name: "Authorization", scheme: nil), .cookie("sessionid"), .query("token"),
            ]
            $0.learns = learns
        }
    }

    /// What the desk would send now; nil: nothing.
    private func asked(_ harness: Harness) -> Question? { harness.service.desk?.next(harness.now) }

    private func answer(
        _ harness: Harness, _ question: Question, _ outcome: InquiryOutcome
    ) {
        harness.service.desk?.close(question, InquiryFinding(outcome), now: harness.now)
        harness.turn()
    }

    private func owner(
        _ user: String, _ harness: Harness, admin: Bool = false
    ) -> InquiryOutcome {
        .known(
            OpaqueIdentity(
                user: user, name: "u\(user)", isAdmin: admin, session: 77,
                goodUntil: harness.now + 60_000))
    }

    /// The user of the session, known to this loop.
    private func introduce(_ harness: Harness, _ user: String = "42") throws {
        harness.forward("GET", "/", fields: Self.cookie)
        answer(harness, try XCTUnwrap(asked(harness)), owner(user, harness))
    }

    // MARK: Forwarded

    func testR20TheFirstRequestCountsOnceItsOwnerIsKnown() throws {
        let harness = try harness()
        harness.forward("GET", "/orders/", fields: Self.cookie)
        XCTAssertEqual(harness.status("42"), .offline)
        let question = try XCTUnwrap(asked(harness))
        XCTAssertEqual(question.token, Array(Self.token.utf8))
        XCTAssertEqual(question.place, .cookie("sessionid"))
        XCTAssertEqual(question.host, Array("example.org".utf8))
        XCTAssertFalse(question.secure)
        let sighted = harness.now
        harness.now += 3_000
        answer(harness, question, owner("42", harness))
        let view = harness.engine.view(user: "42", now: harness.now)
        XCTAssertEqual(view.status, .online)
        XCTAssertEqual(view.name, "u42")
        XCTAssertGreaterThanOrEqual(try XCTUnwrap(view.lastActive), sighted)
        XCTAssertTrue(view.reason?.hasPrefix("GET /orders/ ") ?? false)
        // From now on it is known.
        harness.now += 1_000
        harness.forward("GET", "/", fields: Self.cookie)
        XCTAssertNil(asked(harness))
        XCTAssertEqual(harness.engine.view(user: "42", now: harness.now).lastActive, harness.now)
        XCTAssertEqual(harness.total(.tokenInquired), 1)
        harness.forward("GET", "/", fields: Self.cookie)
        XCTAssertEqual(harness.total(.tokenCached), 1)
    }

    func testR20TheSchemeIsKeptAsSent() throws {
        let harness = try harness()
        let fields = [("Authorization", "tOKEN abc"), ("X-Forwarded-Proto", "https")]
        guard
            case .forwarded(var ticket, _) = harness.send(
                "GET", "/", fields: fields, trusted: true)
        else { return XCTFail("not forwarded") }
        let label = Array("GET /".utf8)
        _ = harness.app.sight(
            harness.exchange(), &ticket, status: 204, byUpstream: true, request: label.rawSpan,
            now: harness.now)
        let question = try XCTUnwrap(asked(harness))
        XCTAssertEqual(question.scheme, Array("tOKEN".utf8))
        XCTAssertEqual(question.place, .header(name: "Authorization", scheme: nil))
        XCTAssertTrue(question.secure)
    }

    func testR20OnlyAnAnswerOfTheApplicationAsks() throws {
        let harness = try harness()
        for status in [101, 400, 401, 403, 404, 500, 503] {
            harness.forward("GET", "/", status: status, fields: Self.cookie)
        }
        harness.forward("GET", "/", status: 502, byUpstream: false, fields: Self.cookie)
        harness.forward("GET", "/static/a.css", fields: Self.cookie)
        XCTAssertNil(asked(harness))
        harness.forward("GET", "/", status: 302, fields: Self.cookie)
        XCTAssertNotNil(asked(harness))
    }

    func testR20AKnownCredentialCountsOnSuccessAlone() throws {
        let harness = try harness()
        try introduce(harness)
        let before = harness.now
        for (status, byUpstream) in [(403, true), (404, true), (500, true), (502, false)] {
            harness.now += 1_000
            harness.forward("GET", "/", status: status, byUpstream: byUpstream, fields: Self.cookie)
            XCTAssertEqual(
                harness.engine.view(user: "42", now: harness.now).lastActive, before, "\(status)")
        }
        harness.now += 1_000
        harness.forward("GET", "/", status: 301, fields: Self.cookie)
        XCTAssertEqual(harness.engine.view(user: "42", now: harness.now).lastActive, harness.now)
        // A signed one counts on any answer but 401 and 403.
        let token = try harness.token("43")
        harness.forward("GET", "/", token: token, status: 500)
        XCTAssertEqual(harness.status("43"), .online)
    }

    func testR20ARefusedOneIsNotAskedAboutAtOnce() throws {
        let harness = try harness()
        harness.forward("GET", "/", fields: Self.cookie)
        answer(harness, try XCTUnwrap(asked(harness)), .refused)
        harness.forward("GET", "/", fields: Self.cookie)
        XCTAssertNil(asked(harness))
        XCTAssertEqual(harness.total(.tokenDisowned), 1)
        harness.now += 10_001
        harness.forward("GET", "/", fields: Self.cookie)
        XCTAssertNotNil(asked(harness))
    }

    func testR20AQuestionOfASidecarIsNotAskedAbout() throws {
        let harness = try harness()
        harness.forward(
            "GET", "/api/me/", fields: Self.cookie + [("User-Agent", InquiryForm.ownName)])
        XCTAssertNil(asked(harness))
    }

    func testR19TheApplications401EndsACredential() throws {
        for learns in [true, false] {
            let harness = try harness(learns: learns)
            if learns {
                try learn(harness)
            } else {
                try introduce(harness)
            }
            harness.forward("GET", "/", fields: Self.cookie)
            XCTAssertEqual(harness.status("42"), .online)
            harness.forward("GET", "/", status: 401, fields: Self.cookie)
            XCTAssertNil(harness.learnt(Self.token))
            XCTAssertEqual(harness.app.identification.load.entries, 0)
            XCTAssertEqual(
                harness.service.desk?.standing(Asking.digest(Self.token), now: harness.now),
                .unknown)
            guard case .waits = harness.send("GET", "/_presence/users", fields: Self.cookie) else {
                return XCTFail("it is still known")
            }
        }
    }

    // MARK: Learnt

    private func learn(_ harness: Harness, expires: Milliseconds? = nil) throws {
        XCTAssertTrue(
            harness.engine.learn(
                LearntToken(
                    digest: Asking.digest(Self.token), user: "42", session: 77, expires: expires,
                    seenAt: harness.now), now: harness.now))
    }

    func testR19ALearntTokenIsItsUser() throws {
        let harness = try harness(learns: true, asks: false)
        harness.forward("GET", "/", fields: Self.cookie)
        XCTAssertEqual(harness.total(.tokenStrange), 1)
        try learn(harness)
        harness.forward("GET", "/", fields: Self.cookie)
        XCTAssertEqual(harness.status("42"), .online)
        XCTAssertEqual(
            harness.send("GET", "/_presence/users/42", fields: Self.cookie).status, 200)
        XCTAssertEqual(harness.total(.tokenLearnt), 1)
        harness.now += APILimits.opaqueTime
        harness.forward("GET", "/", fields: Self.cookie)
        XCTAssertEqual(harness.total(.tokenLearnt), 2, "looked up again after a minute")
        harness.forward("POST", "/logout", fields: Self.cookie)
        XCTAssertEqual(
            harness.send("GET", "/_presence/users/42", fields: Self.cookie).status, 401)
    }

    func testR19ALearntTokenEndsInTime() throws {
        let harness = try harness(learns: true, asks: false)
        try learn(harness, expires: harness.now + 30_000)
        XCTAssertEqual(harness.send("GET", "/_presence/users", fields: Self.cookie).status, 200)
        harness.now += 30_000
        XCTAssertEqual(harness.send("GET", "/_presence/users", fields: Self.cookie).status, 401)
    }

    func testR20TheDesksWordCountsBeforeALogins() throws {
        let harness = try harness(learns: true)
        try learn(harness)
        harness.forward("GET", "/", fields: Self.cookie)
        XCTAssertEqual(harness.status("42"), .online, "a login's word is enough to count")
        let question = try XCTUnwrap(asked(harness), "and somebody may know more")
        guard case .waits = harness.send("GET", "/_presence/users/42", fields: Self.cookie) else {
            return XCTFail("answered by a login's word")
        }
        answer(harness, question, owner("42", harness, admin: true))
        XCTAssertEqual(
            harness.send("GET", "/_presence/users/42", fields: Self.cookie).status, 200)
        guard case .forwarded(let ticket, _) = harness.send("GET", "/", fields: Self.cookie) else {
            return XCTFail("not forwarded")
        }
        XCTAssertNotEqual(ticket.flags & Mark.admin, 0)
    }

    func testR19ALoginsWordStandsWhereNobodyCanBeAsked() throws {
        let harness = try harness(learns: true)
        try learn(harness)
        harness.forward("GET", "/", fields: Self.cookie)
        answer(harness, try XCTUnwrap(asked(harness)), .silent)
        XCTAssertEqual(
            harness.send("GET", "/_presence/users/42", fields: Self.cookie).status, 200)
    }

    /// Otherwise the login's word would vouch for it again as often as the refusal has ended.
    func testR19ARefusalEndsALoginsWord() throws {
        let harness = try harness(learns: true)
        try learn(harness)
        harness.forward("GET", "/", fields: Self.cookie)
        answer(harness, try XCTUnwrap(asked(harness)), .refused)
        for _ in 0..<4 {
            guard case .forwarded(let ticket, _) = harness.send("GET", "/", fields: Self.cookie)
            else { return XCTFail("not forwarded") }
            XCTAssertEqual(ticket.flags & Mark.identified, 0)
            harness.now += 15_000
        }
    }

    func testR17ALogoutHoldsLongerThanWhatWasHeardOfTheCredential() throws {
        let harness = try harness(learns: true)
        try introduce(harness)
        harness.forward("POST", "/logout", fields: Self.cookie)
        harness.now += 3_600_000
        harness.forward("GET", "/", fields: Self.cookie)
        if let question = asked(harness) { answer(harness, question, owner("42", harness)) }
        XCTAssertEqual(harness.status("42"), .offline, "the application still takes it")
        try learn(harness)
        harness.now += 60_000
        harness.forward("GET", "/", fields: Self.cookie)
        XCTAssertEqual(harness.status("42"), .online, "it was given out again")
    }

    func testR19WhatOneLoopHearsDisownedAllForget() throws {
        let harness = try harness(learns: true, asks: false)
        try learn(harness)
        let path = "/_presence/users"
        XCTAssertEqual(harness.send("GET", path, fields: Self.cookie).status, 200)
        harness.engine.forgetToken(Asking.digest(Self.token), now: harness.now)
        XCTAssertEqual(harness.send("GET", path, fields: Self.cookie).status, 200)
        harness.service.disownments.add(RevocationKey(Asking.digest(Self.token)))
        XCTAssertEqual(harness.send("GET", path, fields: Self.cookie).status, 401)
    }

    func testASignedTokenIsNotAskedAbout() throws {
        let harness = try harness(learns: true)
        let over = try harness.token("42", lifetime: 1_000)
        harness.now += 60_000
        harness.forward("GET", "/", token: over)
        XCTAssertNil(asked(harness))
        XCTAssertEqual(harness.send("GET", "/closed", token: over).status, 401)
        // One that none of our issuers has signed may be somebody else's.
        harness.forward("GET", "/", token: "abc.def.ghi")
        XCTAssertNotNil(asked(harness))
    }

    // MARK: Where a credential is needed

    func testR20OwnEndpointsAndClosedRoutesWaitForTheAnswer() throws {
        for path in ["/_presence/users/42", "/closed"] {
            let harness = try harness()
            guard case .waits = harness.send("GET", path, fields: Self.cookie),
                case .waits = harness.send("GET", path, fields: Self.cookie)
            else { return XCTFail("\(path) does not wait") }
            let question = try XCTUnwrap(asked(harness))
            XCTAssertNil(asked(harness), "one question for both")
            XCTAssertTrue(harness.host.resumed.isEmpty)
            answer(harness, question, owner("42", harness))
            XCTAssertEqual(harness.host.resumed.count, 2)
            let outcome = harness.send("GET", path, fields: Self.cookie, hasWaited: true)
            if path == "/closed" {
                guard case .forwarded(let ticket, _) = outcome else {
                    return XCTFail("not forwarded")
                }
                XCTAssertNotEqual(ticket.flags & Mark.identified, 0)
            } else {
                XCTAssertEqual(outcome.status, 200)
            }
        }
    }

    func testR18R20WhoeverIsRefusedOrCannotBeToldHearsSo() throws {
        for path in ["/_presence/users", "/closed"] {
            for (outcome, status) in [
                (InquiryOutcome.refused, 401), (.unclear, 503), (.silent, 503),
            ] {
                let harness = try harness()
                guard case .waits = harness.send("GET", path, fields: Self.cookie) else {
                    return XCTFail("\(path) does not wait")
                }
                answer(harness, try XCTUnwrap(asked(harness)), outcome)
                let response = harness.send("GET", path, fields: Self.cookie, hasWaited: true)
                XCTAssertEqual(response.status, status, "\(path) \(outcome)")
                XCTAssertEqual(
                    response.response?.field("Retry-After"), status == 503 ? "1" : nil)
                // And the next one at once.
                XCTAssertEqual(harness.send("GET", path, fields: Self.cookie).status, status)
                guard case .forwarded = harness.send("GET", "/", fields: Self.cookie) else {
                    return XCTFail("traffic is touched")
                }
            }
        }
    }

    func testR20NobodyWaitsTwice() throws {
        let harness = try harness()
        guard case .waits = harness.send("GET", "/closed", fields: Self.cookie) else {
            return XCTFail("does not wait")
        }
        XCTAssertEqual(
            harness.send("GET", "/closed", fields: Self.cookie, hasWaited: true).status, 503)
    }

    func testAnonymousQuestionsAreLimited() throws {
        let settings = try Harness.settings { $0.rateLimit = Rate(count: 2, period: 1_000) }
        let harness = try Harness(settings, introspection: try Asking.settings()) {
            $0.places = [.cookie("sessionid")]
        }
        let peer = try XCTUnwrap(ClientAddress.parse("192.0.2.1".rawSpan))
        for number in 0..<3 {
            let outcome = harness.send(
                "GET", "/_presence/users", fields: [("Cookie", "sessionid=\(number)")],
                client: peer)
            guard number < 2 else { return XCTAssertEqual(outcome.status, 429) }
            guard case .waits = outcome else { return XCTFail("\(outcome)") }
        }
    }

    // MARK: Sockets

    private func open(_ harness: Harness) throws -> SocketID {
        try harness.connect(fields: Self.cookie)
    }

    func testASocketIsLookedAtAnew() throws {
        for (outcome, stays) in [
            (InquiryOutcome.refused, false), (.unclear, true), (.silent, true),
        ] {
            let harness = try harness()
            try introduce(harness)
            let socket = try open(harness)
            harness.pass(120_000)
            XCTAssertNil(harness.host.closes[socket], "an answer's end is no socket's end")
            harness.say(socket, #"{"type":"heartbeat"}"#)
            XCTAssertNil(harness.host.closes[socket])
            for _ in 0..<8 { harness.pass(30_000) }
            answer(harness, try XCTUnwrap(asked(harness)), outcome)
            XCTAssertEqual(harness.host.closes[socket], stays ? nil : 4401, "\(outcome)")
        }
    }

    func testASocketGoesOnWhileItsOwnerIsKnown() throws {
        let harness = try harness()
        try introduce(harness)
        let socket = try open(harness)
        for round in 0..<60 {
            harness.pass(30_000)
            if let question = asked(harness) { answer(harness, question, owner("42", harness)) }
            XCTAssertNil(harness.host.closes[socket], "\(round)")
        }
        XCTAssertEqual(harness.status("42"), .online)
    }

    func testASocketOfALearntTokenEndsWithIt() throws {
        let harness = try harness(learns: true, asks: false)
        try learn(harness)
        let socket = try open(harness)
        for _ in 0..<20 { harness.pass(60_000) }
        XCTAssertNil(harness.host.closes[socket])
        harness.engine.forgetToken(Asking.digest(Self.token), now: harness.now)
        for _ in 0..<6 { harness.pass(60_000) }
        XCTAssertEqual(harness.host.closes[socket], 4401)
        XCTAssertEqual(harness.total(.socketsDisowned), 1)
    }

    func testARefreshCarriesASocketOn() throws {
        let harness = try harness(learns: true, asks: false)
        try learn(harness)
        let socket = try open(harness)
        let session = try XCTUnwrap(harness.app.hub.subscribers[socket]?.member?.opened)
        harness.service.extendSockets(
            subject: session.subject, session: session.tag, expires: harness.now + 900_000)
        harness.turn()
        harness.engine.forgetToken(Asking.digest(Self.token), now: harness.now)
        for _ in 0..<14 { harness.pass(60_000) }
        XCTAssertNil(harness.host.closes[socket])
        for _ in 0..<8 { harness.pass(60_000) }
        XCTAssertEqual(harness.host.closes[socket], 4401)
    }

    func testALogoutClosesASocket() throws {
        let harness = try harness()
        try introduce(harness)
        let socket = try open(harness)
        harness.forward("POST", "/logout", fields: Self.cookie)
        harness.turn()
        XCTAssertEqual(harness.host.closes[socket], 4401)
        XCTAssertEqual(harness.status("42"), .offline)
    }
}
