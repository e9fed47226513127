// Owns the contract's table of rules as pure functions, on both sides of every threshold.
// Called by the test runner.
// Never starts an engine.

import ProxyCore
import XCTest

@testable import Presence

final class RulesTests: XCTestCase {
    private let t: Milliseconds = 1_000_000

    private struct Case {
        let name: String
        var awayAfter: Milliseconds?
        var lastActive: Milliseconds?
        var claim: Claim?
        var sessions: [SessionFacts] = []
        /// Moments and the status there.
        let expect: [(Milliseconds, Status)]
    }

    private func check(_ cases: [Case], file: StaticString = #filePath, line: UInt = #line) {
        for each in cases {
            let settings = PresenceSettings(
                offlineAfter: 120_000, awayAfter: each.awayAfter, disconnectGrace: 10_000,
                startedAt: 900_000)
            for (moment, status) in each.expect {
                XCTAssertEqual(
                    Rules.status(
                        lastActive: each.lastActive, claim: each.claim, sessions: each.sessions,
                        at: moment, settings), status, "\(each.name) at \(moment)", file: file,
                    line: line)
            }
        }
    }

    func testOnlineAndOfflineByContact() {
        check([
            Case(name: "nothing", expect: [(t, .offline)]),
            Case(
                name: "contact", sessions: [SessionFacts(contact: t)],
                expect: [(t, .online), (t + 119_999, .online), (t + 120_000, .offline)]),
            Case(
                name: "socket", sessions: [SessionFacts(contact: t, sockets: 1)],
                expect: [(t, .online), (t + 86_400_000, .online)]),
            Case(
                name: "two devices",
                sessions: [SessionFacts(contact: t - 100_000), SessionFacts(contact: t)],
                expect: [(t + 119_999, .online), (t + 120_000, .offline)]),
        ])
    }

    func testAwayByTheClientsWordAndByIdleness() {
        let away = SessionFacts(contact: t, saidAway: true)
        let keen = SessionFacts(contact: t)
        check([
            Case(
                name: "said", sessions: [away],
                expect: [(t, .away), (t + 119_999, .away), (t + 120_000, .offline)]),
            Case(
                name: "said on one device, the other is keen",
                sessions: [away, SessionFacts(contact: t - 60_000)],
                expect: [(t, .online), (t + 59_999, .online), (t + 60_000, .away)]),
            Case(
                name: "idle", awayAfter: 50_000, lastActive: t, sessions: [keen],
                expect: [
                    (t + 49_999, .online), (t + 50_000, .away), (t + 119_999, .away),
                    (t + 120_000, .offline),
                ]),
            Case(
                name: "idle for longer than offline", awayAfter: 200_000, lastActive: t,
                sessions: [keen], expect: [(t + 119_999, .online), (t + 120_000, .offline)]),
            Case(
                name: "never active", awayAfter: 50_000, sessions: [keen], expect: [(t, .away)]),
            Case(
                name: "idle with a socket", awayAfter: 50_000, lastActive: t,
                sessions: [SessionFacts(contact: t, sockets: 2)],
                expect: [(t + 49_999, .online), (t + 50_000, .away), (t + 9_000_000, .away)]),
            Case(
                name: "said away and idle", awayAfter: 50_000, lastActive: t, sessions: [away],
                expect: [(t, .away), (t + 50_000, .away)]),
            Case(
                name: "no idleness unless asked for", lastActive: t - 9_000_000,
                sessions: [keen], expect: [(t, .online)]),
        ])
    }

    func testDisconnectGrace() {
        check([
            Case(
                name: "closed", sessions: [SessionFacts(contact: t, disconnectedAt: t)],
                expect: [(t, .online), (t + 9_999, .online), (t + 10_000, .offline)]),
            Case(
                name: "closed late: contact rules too",
                sessions: [SessionFacts(contact: t - 115_000, disconnectedAt: t)],
                expect: [(t + 4_999, .online), (t + 5_000, .offline)]),
            Case(
                name: "one of two sockets",
                sessions: [SessionFacts(contact: t, sockets: 1, disconnectedAt: nil)],
                expect: [(t + 10_000, .online)]),
            Case(
                name: "closed on one device",
                sessions: [
                    SessionFacts(contact: t, disconnectedAt: t), SessionFacts(contact: t),
                ],
                expect: [(t + 10_000, .online), (t + 119_999, .online), (t + 120_000, .offline)]),
        ])
    }

    func testClaims() {
        let keen = SessionFacts(contact: t)
        for claimed in Status.allCases {
            check([
                Case(
                    name: "open claim", claim: Claim(status: claimed, setAt: t, until: nil),
                    expect: [(t, claimed), (t + 9_000_000, claimed)]),
                Case(
                    name: "timed claim over nothing",
                    claim: Claim(status: claimed, setAt: t, until: t + 30_000),
                    expect: [(t + 29_999, claimed), (t + 30_000, .offline)]),
                Case(
                    name: "timed claim over a session",
                    claim: Claim(status: claimed, setAt: t, until: t + 30_000), sessions: [keen],
                    expect: [
                        (t + 29_999, claimed), (t + 30_000, .online), (t + 120_000, .offline),
                    ]),
                Case(
                    name: "timed claim beyond the session",
                    claim: Claim(status: claimed, setAt: t, until: t + 300_000),
                    sessions: [keen], expect: [(t + 299_999, claimed), (t + 300_000, .offline)]),
            ])
        }
    }

    func testPresumptionAfterARestart() {
        let old = SessionFacts(contact: 100, saidAway: false, presumed: true)
        check([
            Case(
                name: "presumed", sessions: [old],
                expect: [(900_000, .online), (1_019_999, .online), (1_020_000, .offline)]),
            Case(
                name: "a fresher contact holds longer",
                sessions: [SessionFacts(contact: 950_000, presumed: true)],
                expect: [(1_069_999, .online), (1_070_000, .offline)]),
        ])
    }

    /// The next change is the first moment with another status: no change before it, one at it.
    func testNextChangeIsTheFirstMomentOfAnotherStatus() {
        var random = SplitMix(seed: 11)
        for round in 0..<4_000 {
            let settings = PresenceSettings(
                offlineAfter: 100, awayAfter: random.below(2) == 0 ? nil : random.time(120),
                disconnectGrace: 10, startedAt: 30)
            var outlook = Outlook(
                lastActive: random.below(3) == 0 ? nil : random.time(60),
                claim: random.below(2) == 0
                    ? nil
                    : Claim(
                        status: Status(rawValue: UInt8(random.below(3))) ?? .away, setAt: 0,
                        until: random.below(4) == 0 ? nil : random.time(200)), settings)
            for _ in 0..<random.below(4) {
                outlook.add(
                    SessionFacts(
                        contact: random.time(60), sockets: random.below(8) == 0 ? 1 : 0,
                        saidAway: random.below(2) == 0,
                        disconnectedAt: random.below(3) == 0 ? random.time(60) : nil,
                        presumed: random.below(4) == 0), settings)
            }
            let now = random.time(250)
            let present = outlook.status(at: now)
            let next = outlook.nextChange(after: now) ?? 1_000
            for moment in now..<min(next, 1_000) {
                XCTAssertEqual(outlook.status(at: moment), present, "round \(round)")
            }
            if next < 1_000 { XCTAssertNotEqual(outlook.status(at: next), present) }
        }
    }

    func testWordsAndOrder() {
        for status in Status.allCases { XCTAssertEqual(Status(word: status.word), status) }
        XCTAssertNil(Status(word: "Online"))
        XCTAssertEqual(Status.allCases.max(), .online)
        XCTAssertEqual([Status.away, .offline].max(), .away)
    }
}

/// Random numbers that are the same in every run.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }

    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
    mutating func time(_ bound: Int) -> Milliseconds { Milliseconds(below(bound)) }
}
