// Owns what the hot path costs and what a million users weigh; prints, asserts no time.
// Called by hand: PRESENCE_MEASURE=1 swift test -c release --filter PresenceTests.MeasureTests
// Never runs otherwise.

import ProxyCore
import XCTest

@testable import Presence

final class MeasureTests: XCTestCase {
    private let t: Milliseconds = 1_700_000_000_000

    override func setUpWithError() throws {
        try XCTSkipUnless(ProcessInfo.processInfo.environment["PRESENCE_MEASURE"] != nil)
    }

    /// Resident bytes of this process.
    private func resident() -> Int {
        let fields = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8))?
            .split(separator: " ")
        return (fields.flatMap { Int($0[1]) } ?? 0) * 4096
    }

    /// Nanoseconds of processor time: the machine may be busy with others.
    private func processorTime() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    private func time(_ what: String, _ count: Int, _ body: () -> Void) {
        let start = processorTime()
        body()
        let taken = Double(processorTime() - start)
        print(String(format: "%@: %.1f ns each", what, taken / Double(count)))
    }

    private func report(_ what: String, _ before: Int, _ users: Int) {
        let grown = resident() - before
        print(
            String(
                format: "%@: %d MiB, %.0f bytes a user", what, grown >> 20,
                Double(grown) / Double(users)))
    }

    func testHotSighting() {
        let house = House(awayAfter: 300_000, startedAt: t)
        let label = Array("POST /orders/".utf8)
        for people in [1, 1_000, 100_000] {
            var sessions = (0..<people).map { house.identity("p\($0)", at: t).session }
            for index in sessions.indices {
                house.engine.sight(
                    &sessions[index], activity: true, label: label.rawSpan, now: t)
            }
            let rounds = 2_000_000
            // Each pass over everybody is a millisecond later, so every sighting moves times.
            var place = 0
            var now = t
            time("sight, \(people) users, a new millisecond each pass", rounds) {
                for _ in 0..<rounds {
                    if place == people {
                        place = 0
                        now += 1
                    }
                    house.engine.sight(
                        &sessions[place], activity: true, label: label.rawSpan, now: now)
                    place += 1
                }
            }
            time("sight, \(people) users, the same millisecond", rounds) {
                for step in 0..<rounds {
                    house.engine.sight(
                        &sessions[step % people], activity: true, label: label.rawSpan, now: now)
                }
            }
        }
    }

    func testAMillionLearntTokens() {
        let limit = PresenceLimits.learntTokens
        let tokens = LearntTokens(limit: limit)
        let digests = (0..<limit + 200_000).map { TokenDigest.number($0) }
        func entry(_ number: Int) -> LearntEntry {
            LearntEntry(
                subject: UInt32(number), session: UInt64(number) + 2, isAdmin: false,
                expires: .max, seen: t)
        }
        let before = resident()
        time("learn", limit) {
            for number in 0..<limit { _ = tokens.insert(digests[number], entry(number), now: t) }
        }
        report("learnt, each of another user", before, limit)
        time("find", limit) {
            for number in 0..<limit { _ = tokens.find(digests[(number &* 7_919) % limit]) }
        }
        time("find one that is unknown", 200_000) {
            for number in limit..<limit + 200_000 { _ = tokens.find(digests[number]) }
        }
        time("see", limit) {
            for number in 0..<limit { tokens.see(digests[number], now: t + 3_600_000) }
        }
        time("hand out as seen", limit) {
            while tokens.drainSeen(limit: 4_096).count == 4_096 {}
        }
        time("learn, and another makes room", 200_000) {
            for number in limit..<limit + 200_000 {
                _ = tokens.insert(digests[number], entry(number), now: t)
            }
        }
        report("after the flood", before, limit)
    }

    func testAMillionUsers() {
        let users = 1_000_000
        let house = House(awayAfter: 300_000, startedAt: t)
        let before = resident()
        var sessions: [SessionRef] = []
        sessions.reserveCapacity(users)
        time("enroll", users) {
            for user in 0..<users {
                let enrollment = house.engine.enroll(
                    user: String(user), name: nil, session: UInt64(user) &* 2_654_435_761 + 7,
                    revocation: RevocationKey(UInt64(user), 1, 2, 3), expires: .max,
                    isAdmin: false, now: t)
                if case .identity(let identity) = enrollment { sessions.append(identity.session) }
            }
        }
        report("known", before, users)
        time("first sighting (comes online)", users) {
            for user in 0..<users {
                house.engine.sight(
                    &sessions[user], activity: true, label: "GET /first/".rawSpan, now: t + 1)
            }
        }
        report("all online, with a session each", before, users)
        time("sighting all over memory", users) {
            for user in 0..<users {
                house.engine.sight(
                    &sessions[(user &* 7_919) % users], activity: true,
                    label: "GET /second/".rawSpan, now: t + 60_000)
            }
        }
        time("heartbeat", 200_000) {
            for user in 0..<200_000 {
                _ = house.engine.heartbeat(&sessions[user], status: .online, now: t + 61_000)
            }
        }
        time("drain for the store", users) {
            while house.engine.drainDirty(limit: 4_096, now: t + 61_000).count == 4_096 {}
        }
        time("sweep, everybody's deadline fires early", users) {
            while house.engine.sweep(now: t + 120_001) {}
        }
        time("view", 1_000_000) {
            for user in 0..<users {
                _ = house.engine.view(subject: UInt32(user), now: t + 120_002)
            }
        }
        time("first page of all by -last_seen", users) {
            _ = house.engine.page(
                UserQuery(ordering: .lastSeenDescending, limit: 100), now: t + 120_002)
        }
        time("sweep, everybody goes offline", users) {
            while house.engine.sweep(now: t + 190_000) {}
        }
        report("all offline again", before, users)
        var one = sessions[3]
        house.engine.sight(&one, activity: true, label: "GET /".rawSpan, now: t + 190_001)
        time("page of those online, 1 of a million", 1) {
            _ = house.engine.page(UserQuery(statuses: [.online]), now: t + 190_002)
        }
    }
}
