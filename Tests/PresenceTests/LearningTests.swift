// Owns what learnt tokens mean to the engine: who shows one is whom the login named.
// Called by the test runner.
// Never sleeps: time is a number.

import ProxyCore
import XCTest

@testable import Presence

extension TokenDigest {
    /// Evenly spread, as digests are.
    static func number(_ number: Int) -> TokenDigest {
        .of(Array("token \(number)".utf8).rawSpan)
    }
}

extension House {
    @discardableResult
    func learn(
        _ number: Int, _ user: String, name: String? = nil, session: UInt64 = 50,
        expires: Milliseconds? = nil, at now: Milliseconds = House.start
    ) -> Bool {
        engine.learn(
            LearntToken(
                digest: .number(number), user: user, name: name, session: session,
                expires: expires, seenAt: now),
            now: now)
    }

    func user(_ number: Int, at now: Milliseconds = House.start) -> String? {
        engine.learnt(.number(number), now: now)?.user
    }
}

final class LearningTests: XCTestCase {
    private let t = House.start
    private let month: Milliseconds = 30 * 86_400_000

    func testR19_ALearntTokenNamesItsUser() {
        let house = House()
        XCTAssertNil(house.user(1))
        XCTAssertTrue(house.learn(1, "42", name: "N", session: 9, expires: t + 1_000))
        let token = LearntToken(
            digest: .number(1), user: "42", name: "N", session: 9, expires: t + 1_000, seenAt: t)
        XCTAssertEqual(house.engine.learnt(.number(1), now: t + 999), token)
        XCTAssertNil(house.user(2, at: t))
        XCTAssertEqual(house.sink.facts, [.tokenLearnt(token)])
        XCTAssertEqual(house.engine.metrics.learntTokens, 1)
    }

    func testR19_ItEndsWhenItExpires() {
        let house = House()
        house.learn(1, "42", expires: t + 1_000)
        XCTAssertEqual(house.user(1, at: t + 999), "42")
        XCTAssertNil(house.user(1, at: t + 1_000))
        XCTAssertEqual(house.engine.metrics.learntTokens, 0)
        XCTAssertEqual(house.sink.facts.last, .tokenForgotten(.number(1)))
        XCTAssertFalse(house.learn(2, "42", expires: t), "expired when it came")
    }

    func testR19_ItEndsThirtyDaysUnseen() {
        let house = House()
        house.learn(1, "42")
        XCTAssertEqual(house.user(1, at: t + month - 1), "42")
        XCTAssertEqual(house.user(1, at: t + 2 * month - 2), "42", "seen in between")
        XCTAssertNil(house.user(1, at: t + 3 * month - 2))
    }

    func testR19_ItIsNotedAsSeenOnceAnHour() {
        let house = House()
        house.learn(1, "42")
        _ = house.user(1, at: t + 3_599_999)
        XCTAssertEqual(house.engine.drainSeen(limit: 10), [])
        _ = house.user(1, at: t + 3_600_000)
        _ = house.user(1, at: t + 3_700_000)
        XCTAssertEqual(
            house.engine.drainSeen(limit: 10),
            [SeenToken(digest: .number(1), seenAt: t + 3_600_000)])
        XCTAssertEqual(house.engine.drainSeen(limit: 10), [], "handed out once")
    }

    func testSeenTokensAreHandedOutInBatches() {
        let house = House()
        for number in 0..<200 { house.learn(number, "u\(number % 7)") }
        for number in 0..<200 { _ = house.user(number, at: t + 3_600_000) }
        var all: [TokenDigest] = []
        while case let batch = house.engine.drainSeen(limit: 33), !batch.isEmpty {
            XCTAssertLessThanOrEqual(batch.count, 33)
            all += batch.map(\.digest)
        }
        XCTAssertEqual(all.count, 200)
        XCTAssertEqual(Set(all), Set((0..<200).map(TokenDigest.number)))
    }

    func testR19_TheApplicationsRefusalForgetsIt() {
        let house = House()
        house.learn(1, "42")
        house.engine.forgetToken(.number(1), now: t + 1)
        house.engine.forgetToken(.number(1), now: t + 2)
        house.engine.forgetToken(.number(2), now: t + 2)
        XCTAssertNil(house.user(1, at: t + 2))
        XCTAssertEqual(house.sink.facts.count, 2, "what is not known is no fact")
        XCTAssertEqual(house.sink.facts.last, .tokenForgotten(.number(1)))
    }

    /// An identity as it is made of a learnt token.
    private func identity(_ number: Int, of house: House, at now: Milliseconds) -> Identity? {
        guard let token = house.engine.learnt(.number(number), now: now) else { return nil }
        let made = house.engine.enroll(
            user: token.user, name: token.name, session: token.session,
            revocation: RevocationKey(token.digest), expires: token.goodUntil,
            isAdmin: token.isAdmin, now: now)
        if case .identity(let identity) = made { return identity }
        return nil
    }

    func testR17_R19_ALogoutForgetsAndRevokesIt() throws {
        let house = House()
        house.learn(1, "42")
        house.learn(2, "42", session: 51)
        var one = try XCTUnwrap(identity(1, of: house, at: t))
        house.sight(&one, at: t)
        house.logout(one, at: t + 10)
        XCTAssertNil(house.user(1, at: t + 10))
        XCTAssertEqual(house.user(2, at: t + 10), "42", "another device's is another's")
        XCTAssertTrue(house.engine.isRevoked(&one, now: t + 11), "in every loop's cache")
        XCTAssertEqual(
            house.listener.closes, [.init(subject: one.subject, session: nil, code: 4401)])
        XCTAssertEqual(house.status("42", at: t + 11), .offline)
    }

    /// Some applications give the same token out at each login.
    func testATokenLearntAgainAfterItsLogoutCounts() throws {
        let house = House()
        house.learn(1, "42")
        var old = try XCTUnwrap(identity(1, of: house, at: t))
        house.sight(&old, at: t)
        house.logout(old, at: t + 10)
        house.learn(1, "42", at: t + 20)
        var new = try XCTUnwrap(identity(1, of: house, at: t + 20))
        XCTAssertFalse(house.engine.isRevoked(&new, now: t + 21))
        house.sight(&new, at: t + 21)
        XCTAssertEqual(house.status("42", at: t + 21), .online)
        XCTAssertEqual(house.kept(aliveAt: t + 30).revocations, [])
        house.logout(new, at: t + 40)
        XCTAssertTrue(house.engine.isRevoked(&new, now: t + 41))
        XCTAssertNil(house.user(1, at: t + 41))
    }

    func testATokenGivenToAnotherUserIsTheirs() {
        let house = House()
        house.learn(1, "42")
        house.learn(1, "43")
        XCTAssertEqual(house.user(1), "43")
        XCTAssertEqual(house.engine.metrics.learntTokens, 1)
    }

    func testUsersThatCannotBe() {
        var capacity = PresenceCapacity()
        capacity.users = 1
        let house = House(capacity: capacity)
        XCTAssertFalse(house.learn(1, ""))
        XCTAssertFalse(house.learn(1, String(repeating: "x", count: 257)))
        XCTAssertTrue(house.learn(1, "1"))
        XCTAssertFalse(house.learn(2, "2"), "no room for another user")
        XCTAssertEqual(house.engine.metrics.learntTokens, 1)
    }

    // MARK: Bounds

    func testTheOneUnseenLongestMakesRoom() {
        var capacity = PresenceCapacity()
        capacity.learntTokens = 3
        let house = House(capacity: capacity)
        for number in 1...3 { house.learn(number, "u\(number)", at: t + Milliseconds(number)) }
        _ = house.user(1, at: t + 4_000_000)
        house.learn(4, "u4", at: t + 4_000_001)
        XCTAssertEqual(
            (1...4).map { house.user($0, at: t + 4_000_002) }, ["u1", nil, "u3", "u4"])
        XCTAssertEqual(house.engine.metrics.evictedTokens, 1)
        XCTAssertTrue(house.sink.facts.contains(.tokenForgotten(.number(2))), "on disk too")
    }

    func testOneAccountCannotPushOutAllOthers() {
        let tokens = LearntTokens(limit: 1_000, userLimit: 10)
        func entry(_ subject: UInt32, _ seen: Milliseconds) -> LearntEntry {
            LearntEntry(
                subject: subject, session: 2, isAdmin: false, expires: .max, seen: seen)
        }
        for number in 0..<500 {
            _ = tokens.insert(.number(number), entry(UInt32(number), t), now: t)
        }
        for number in 1_000..<6_000 {
            let gone = tokens.insert(.number(number), entry(7_777, t + 1), now: t + 1)
            XCTAssertEqual(gone, number < 1_010 ? [] : [.number(number - 10)])
        }
        XCTAssertEqual(tokens.count, 510)
        for number in 0..<500 { XCTAssertNotNil(tokens.find(.number(number))) }
    }

    func testAFloodIsBoundedAndEveryLastOneIsFound() {
        let limit = 5_000
        let tokens = LearntTokens(limit: limit, userLimit: limit)
        for number in 0..<40_000 {
            let entry = LearntEntry(
                subject: UInt32(number % 977), session: UInt64(number) + 2, isAdmin: false,
                expires: .max, seen: t + Milliseconds(number))
            let gone = tokens.insert(.number(number), entry, now: t + Milliseconds(number))
            XCTAssertEqual(gone, number < limit ? [] : [.number(number - limit)])
        }
        XCTAssertEqual(tokens.count, limit)
        XCTAssertEqual(tokens.evicted, 35_000)
        for number in 35_000..<40_000 {
            XCTAssertEqual(tokens.find(.number(number))?.session, UInt64(number) + 2)
        }
        XCTAssertNil(tokens.find(.number(34_999)))
        for number in 35_000..<40_000 { XCTAssertNotNil(tokens.remove(.number(number))) }
        XCTAssertEqual(tokens.count, 0)
        XCTAssertNil(tokens.find(.number(39_999)))
    }

    func testWhatIsOverMakesRoomByItself() {
        let tokens = LearntTokens(limit: 1_000)
        func entry(_ seen: Milliseconds) -> LearntEntry {
            LearntEntry(subject: 1, session: 2, isAdmin: false, expires: .max, seen: seen)
        }
        for number in 0..<4 { _ = tokens.insert(.number(number), entry(t), now: t) }
        let later = t + month
        XCTAssertEqual(
            tokens.insert(.number(9), entry(later), now: later), [.number(0), .number(1)])
        XCTAssertEqual(tokens.evicted, 0, "nothing that counted went")
    }

    // MARK: Restarts

    func testR19_LearntTokensOutliveARestart() {
        let house = House()
        house.learn(1, "42", name: "N", session: 9)
        house.learn(2, "43", expires: t + 5_000)
        house.learn(3, "44")
        house.engine.forgetToken(.number(3), now: t + 1)
        _ = house.user(1, at: t + 4_000_000)
        let start = t + 4_100_000
        let next = House(restored: house.kept(aliveAt: t + 4_000_000), startedAt: start)
        let token = next.engine.learnt(.number(1), now: start)
        XCTAssertEqual(token?.user, "42")
        XCTAssertEqual(token?.name, "N")
        XCTAssertEqual(token?.session, 9)
        XCTAssertEqual(token?.seenAt, t + 4_000_000)
        XCTAssertNil(next.user(2, at: start), "expired meanwhile")
        XCTAssertNil(next.user(3, at: start))
        XCTAssertEqual(next.engine.metrics.learntTokens, 1)
        XCTAssertEqual(next.engine.counts(now: start).users, 0, "nobody is listed for a token")
    }

    func testARestartKeepsTheOrderInWhichTheyWereSeen() {
        var capacity = PresenceCapacity()
        capacity.learntTokens = 2
        let seen: [Milliseconds] = [500, 100, 900]
        let state = RestoredState(
            learnt: (0..<3).map {
                LearntToken(
                    digest: .number($0), user: "u\($0)", session: 9, seenAt: seen[$0])
            })
        let house = House(capacity: capacity, restored: state)
        XCTAssertEqual((0..<3).map { house.user($0, at: t) }, ["u0", nil, "u2"])
    }

    func testDamagedTimesKeepNothingForEver() {
        let state = RestoredState(
            learnt: [
                LearntToken(digest: .number(1), user: "1", session: 0, seenAt: .max),
                LearntToken(digest: .number(2), user: "2", session: 1, seenAt: .min),
                LearntToken(
                    digest: .number(3), user: "3", session: 9, expires: .min, seenAt: t),
            ],
            continued: [StoredContinuation(user: "1", tag: 0, session: 1, expires: .max)])
        let house = House(restored: state, startedAt: t + month)
        XCTAssertEqual(house.user(1, at: t + month), "1")
        XCTAssertNil(house.user(1, at: t + 2 * month))
        XCTAssertNil(house.user(2, at: t + month))
        XCTAssertNil(house.user(3, at: t + month))
    }

    // MARK: Threads

    func testManyThreadsLearnFindAndForget() throws {
        var capacity = PresenceCapacity()
        capacity.learntTokens = 300
        let house = House(capacity: capacity)
        let threads = try (0..<4).map { lane in
            try Thread(name: "lane") {
                for step in 0..<3_000 {
                    let number = (step * 7 + lane * 31) % 600
                    let now = House.start + Milliseconds(step) * 1_000
                    switch step % 5 {
                    case 0: house.learn(number, "u\(number % 40)", at: now)
                    case 1: house.engine.forgetToken(.number(number), now: now)
                    case 2: _ = house.engine.drainSeen(limit: 50)
                    default:
                        if let user = house.user(number, at: now) {
                            XCTAssertEqual(user, "u\(number % 40)")
                        }
                    }
                }
            }
        }
        for thread in threads { thread.join() }
        XCTAssertLessThanOrEqual(house.engine.metrics.learntTokens, 300)
        var found = 0
        for number in 0..<600 where house.user(number, at: t) != nil { found += 1 }
        XCTAssertEqual(found, house.engine.metrics.learntTokens)
        // What was told to the store, in its order, is what memory holds.
        XCTAssertEqual(house.kept(aliveAt: t).learnt.count, found)
    }
}
