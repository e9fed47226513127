// Owns the races: sightings without a lock against sweeps, logouts, reads and drains.
// Called by the test runner, and by the thread sanitizer.
// Never depends on timing: what must hold holds for every interleaving.

import Dispatch
import ProxyCore
import Synchronization
import XCTest

@testable import Presence

final class StressTests: XCTestCase {
    private static let people = 96

    private func enroll(_ house: House, sessions: Int = 1) -> [[Identity]] {
        (0..<Self.people).map { person in
            (0..<sessions).map { session in
                house.identity("u\(person)", UInt64(10 + session), token: UInt64(session))
            }
        }
    }

    /// What a reader of the journal believes who never asks anything else.
    private struct Reader {
        var told: [UInt32: Status] = [:]
        private var cursor = Cursor(epoch: 7, sequence: 0)

        mutating func read(_ house: House) {
            while case .changes(let changes, let next) = house.engine.journal.read(since: cursor),
                !changes.isEmpty
            {
                for change in changes { told[change.subject] = change.status }
                cursor = next
            }
        }
    }

    /// Everybody runs out just when everybody is sighted, by a loop whose clock is a millisecond
    /// behind that of the sweep, so that the sightings still find their sessions live. Whoever
    /// was sighted must not stay announced offline, and no later sweep may be needed for that.
    func testNobodyWhoIsSightedStaysAnnouncedOffline() {
        race(House(offlineAfter: 2_000), within: 2_000, rounds: 800)
    }

    /// Idleness is decided over another word than absence: the same once more.
    func testNobodyWhoIsActiveStaysAnnouncedAway() {
        race(House(awayAfter: 2_000), within: 2_000, rounds: 800)
    }

    private func race(_ house: House, within limit: Milliseconds, rounds: Int) {
        let identities = enroll(house)
        let people = Self.people
        var random = SplitMix(seed: 9)
        var now = House.start
        var reader = Reader()
        for person in identities {
            var session = person[0].session
            house.engine.sight(
                &session, activity: true, label: "GET /x".rawSpan, now: now)
        }
        var sessions = identities.map { $0[0].session }
        for round in 0..<rounds {
            now += limit
            let moment = now
            sessions.shuffle(using: &random)
            let order = sessions
            DispatchQueue.concurrentPerform(iterations: 2) { worker in
                guard worker > 0 else {
                    _ = house.engine.sweep(now: moment)
                    return
                }
                for person in 0..<people {
                    var session = order[person]
                    house.engine.sight(
                        &session, activity: true, label: "GET /x".rawSpan, now: moment - 1)
                }
            }
            reader.read(house)
            let wrong = sessions.filter { reader.told[$0.subject] != .online }
            XCTAssertEqual(wrong, [], "round \(round)")
            // All at the same age again.
            for place in sessions.indices {
                house.engine.sight(
                    &sessions[place], activity: true, label: "GET /x".rawSpan, now: moment)
            }
        }
    }

    /// Rows change hands all the time here; nobody's contact may land on somebody else.
    func testEverythingAtOnce() {
        let house = House(offlineAfter: 400, grace: 20, scope: .session)
        let identities = enroll(house, sessions: 3)
        let people = Self.people
        let clock = Atomic<Int64>(House.start)
        let last = (0..<people).map { _ in Lock(Milliseconds(0)) }
        DispatchQueue.concurrentPerform(iterations: 5) { worker in
            var random = SplitMix(seed: UInt64(worker))
            for _ in 0..<4_000 {
                let now = clock.wrappingAdd(worker == 0 ? 3 : 0, ordering: .relaxed).newValue
                if worker == 0 {
                    house.engine.sweep(now: now)
                    if random.below(8) == 0 { _ = house.engine.drainDirty(limit: 50, now: now) }
                    continue
                }
                // The last third is never heard of: whoever shows up there was mistaken.
                let person = random.below(people * 2 / 3)
                var session = identities[person][random.below(3)].session
                switch random.below(12) {
                case 0: _ = house.engine.view(user: "u\(person)", now: now)
                case 1:
                    _ = house.engine.page(
                        UserQuery(statuses: [.online], limit: 5), now: now)
                case 2:
                    house.engine.socketOpened(&session, now: now)
                    house.engine.socketClosed(session, now: now)
                case 3: _ = house.engine.heartbeat(&session, status: .away, now: now)
                default:
                    house.engine.sight(
                        &session, activity: true, label: "GET /x".rawSpan, now: now)
                }
                last[person].withLock { $0 = max($0, now) }
            }
        }
        let end = clock.load(ordering: .relaxed) + 1
        house.engine.sweep(now: end)
        var reader = Reader()
        reader.read(house)
        for person in 0..<people {
            let view = house.engine.view(user: "u\(person)", now: end)
            XCTAssertEqual(
                reader.told[identities[person][0].subject] ?? .offline, view.status)
            if person >= people * 2 / 3 {
                XCTAssertNil(view.lastSeen)
                XCTAssertEqual(view.status, .offline)
            } else {
                XCTAssertLessThanOrEqual(last[person].withLock { $0 }, end)
            }
        }
        // Left alone everybody goes, and every row comes back.
        house.engine.sweep(now: end + 1_000)
        XCTAssertEqual(house.engine.counts(now: end + 1_000).online, 0)
        XCTAssertEqual(house.engine.counts(now: end + 1_000).away, 0)
        XCTAssertEqual(house.engine.counts(now: end + 1_000).sockets, 0)
        XCTAssertEqual(house.engine.metrics.sessions, 0)
    }

    /// Of somebody present, by a reference as it came from enrolment and by one that is good.
    func testASightingOfSomebodyPresentTakesNoLock() {
        let house = House(awayAfter: 60_000)
        let fresh = house.identity("1").session
        var known = fresh
        house.engine.sight(&known, activity: true, label: "GET /".rawSpan, now: House.start)
        let good = known
        for reference in [fresh, good] {
            let done = DispatchSemaphore(value: 0)
            house.engine.shards[Shard.number(of: Int(fresh.subject))].withLock { _ in
                DispatchQueue.global().async {
                    var session = reference
                    house.engine.sight(
                        &session, activity: true, label: "POST /".rawSpan,
                        now: House.start + 59_999)
                    done.signal()
                }
                XCTAssertEqual(done.wait(timeout: .now() + 20), .success)
            }
        }
        XCTAssertEqual(
            house.engine.view(user: "1", now: House.start + 60_999).reason, "POST / 1 s ago")
    }

    /// Enrolling the same people from everywhere makes each of them once.
    func testEnrolmentFromEverywhere() {
        let house = House()
        let subjects = (0..<4).map { _ in Lock<[UInt32]>([]) }
        DispatchQueue.concurrentPerform(iterations: 4) { worker in
            for person in 0..<2_000 {
                let identity = house.engine.enroll(
                    user: "u\(person)", name: nil, session: 10,
                    revocation: RevocationKey(UInt64(person), 0, 0, 0), expires: .max,
                    isAdmin: false, now: House.start)
                if case .identity(let identity) = identity {
                    subjects[worker].withLock { $0.append(identity.subject) }
                }
            }
        }
        let first = subjects[0].withLock { $0 }
        XCTAssertEqual(Set(first).count, 2_000)
        for other in subjects { XCTAssertEqual(other.withLock { $0 }, first) }
        XCTAssertEqual(house.engine.metrics.users, 2_000)
    }

    /// A logout is final: the token's answers still on their way bring nobody back.
    func testLogoutAgainstSightings() {
        for round in 0..<40 {
            let house = House()
            var first = house.identity("1")
            house.sight(&first, at: House.start)
            let identity = first
            DispatchQueue.concurrentPerform(iterations: 3) { worker in
                if worker == 0 {
                    house.logout(identity, at: House.start + 5)
                    return
                }
                var session = identity.session
                for step in 0..<50 as Range<Int64> {
                    house.engine.sight(
                        &session, activity: true, label: "GET /x".rawSpan,
                        now: House.start + step)
                }
            }
            XCTAssertEqual(house.told("1").last, .offline, "round \(round)")
            XCTAssertEqual(house.status("1", at: House.start + 60), .offline)
        }
    }
}
