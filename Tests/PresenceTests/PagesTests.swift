// Owns the small machines of presence on their own: the wheel, the journal, revocations, rows.
// Called by the test runner.
// Never starts an engine.

import ProxyCore
import XCTest

@testable import Presence

final class DeadlinesTests: XCTestCase {
    private func wheel(_ items: Int) -> Deadlines {
        var wheel = Deadlines()
        for _ in 0..<items { wheel.grow() }
        return wheel
    }

    private func fire(_ wheel: inout Deadlines, _ now: Milliseconds, limit: Int = .max) -> [Int] {
        var fired: [Int] = []
        _ = wheel.fire(at: now, limit: limit, into: &fired)
        return fired
    }

    func testItFiresAtTheMomentAndNotBefore() {
        for due in [1, 255, 256, 1_000_000, 131_072, 131_073, 40_000_000] as [Milliseconds] {
            var wheel = wheel(1)
            wheel.arm(0, by: due)
            XCTAssertEqual(fire(&wheel, due - 1), [])
            XCTAssertEqual(fire(&wheel, due), [0])
            XCTAssertEqual(fire(&wheel, due + 1), [])
            XCTAssertNil(wheel.due(of: 0))
        }
    }

    func testAnEarlierDeadlineStaysAndALaterOneMakesWay() {
        var wheel = wheel(1)
        wheel.arm(0, by: 500)
        wheel.arm(0, by: 900)
        XCTAssertEqual(wheel.due(of: 0), 500)
        wheel.arm(0, by: 100)
        XCTAssertEqual(wheel.due(of: 0), 100)
        XCTAssertEqual(wheel.count, 1)
        wheel.disarm(0)
        wheel.disarm(0)
        XCTAssertEqual(wheel.count, 0)
        XCTAssertEqual(fire(&wheel, 10_000), [])
    }

    func testALimitLosesNothing() {
        var wheel = wheel(1_000)
        for item in 0..<1_000 { wheel.arm(item, by: Milliseconds(item % 7) * 300) }
        var all: [Int] = []
        var fired: [Int] = []
        while wheel.fire(at: 5_000, limit: 64, into: &fired) {
            XCTAssertLessThanOrEqual(fired.count, 64)
            all += fired
            fired = []
        }
        XCTAssertEqual((all + fired).sorted(), Array(0..<1_000))
    }

    func testRandomlyAgainstAList() {
        var random = SplitMix(seed: 5)
        var wheel = wheel(200)
        var due: [Int: Milliseconds] = [:]
        var now: Milliseconds = 0
        for _ in 0..<20_000 {
            let item = random.below(200)
            switch random.below(4) {
            case 0, 1:
                let moment = now + random.time(random.below(5) == 0 ? 1_000_000 : 3_000)
                wheel.arm(item, by: moment)
                due[item] = min(due[item] ?? .max, moment)
            case 2:
                wheel.disarm(item)
                due[item] = nil
            default:
                now += random.time(random.below(40) == 0 ? 400_000 : 600)
                let wanted = due.filter { $0.value <= now }.keys.sorted()
                XCTAssertEqual(fire(&wheel, now).sorted(), wanted)
                for item in wanted { due[item] = nil }
            }
            XCTAssertEqual(wheel.count, due.count)
        }
    }
}

final class JournalTests: XCTestCase {
    private func change(_ subject: UInt32, _ status: Status = .online) -> Change {
        Change(subject: subject, status: status, previous: .offline, since: 1)
    }

    func testEachUsersLastChangeIsTold() {
        let journal = Journal(capacity: 10, epoch: 3)
        let start = journal.cursor
        for (subject, status) in [(1, Status.online), (2, .online), (1, .away), (3, .online)] {
            journal.append(change(UInt32(subject), status))
        }
        guard case .changes(let changes, let next) = journal.read(since: start) else {
            return XCTFail("reset")
        }
        XCTAssertEqual(changes, [change(2), change(1, .away), change(3)])
        XCTAssertEqual(next, journal.cursor)
        XCTAssertEqual(journal.read(since: next), .changes([], next: next))
    }

    func testItIsBoundedAndWhoIsTooLateStartsAnew() {
        let journal = Journal(capacity: 4, epoch: 3)
        let start = journal.cursor
        for subject in 0..<4 { journal.append(change(UInt32(subject))) }
        guard case .changes(let changes, _) = journal.read(since: start) else {
            return XCTFail("reset while all is at hand")
        }
        XCTAssertEqual(changes.map(\.subject), [0, 1, 2, 3])
        journal.append(change(4))
        XCTAssertEqual(journal.read(since: start), .reset(next: journal.cursor))
        let second = Cursor(epoch: 3, sequence: 1)
        guard case .changes(let rest, _) = journal.read(since: second, limit: 3) else {
            return XCTFail("reset while the rest is at hand")
        }
        XCTAssertEqual(rest.map(\.subject), [1, 2, 3])
    }

    func testStrangeCursors() throws {
        let journal = Journal(capacity: 4, epoch: 3)
        journal.append(change(1))
        let here = journal.cursor
        XCTAssertEqual(
            journal.read(since: Cursor(epoch: 4, sequence: 0)), .reset(next: here))
        XCTAssertEqual(
            journal.read(since: Cursor(epoch: 3, sequence: 2)), .reset(next: here))
        XCTAssertEqual(
            journal.read(since: Cursor(epoch: 3, sequence: .max)), .reset(next: here))
        XCTAssertEqual(try XCTUnwrap(Cursor(here.text)), here)
        for text in ["", "-", "3", "3-", "-1", "3-1-1", "x-1", "3-+", "3-99999999999999999999"] {
            XCTAssertNil(Cursor(text), text)
        }
    }
}

final class RevocationsTests: XCTestCase {
    private func key(_ number: Int) -> RevocationKey { RevocationKey(UInt64(number), 0, 0, 0) }

    func testUntilItExpires() {
        let revocations = Revocations(limit: 4)
        let epoch = revocations.epoch
        XCTAssertTrue(revocations.insert(key(1), expires: 100, now: 0))
        XCTAssertNotEqual(revocations.epoch, epoch)
        XCTAssertFalse(revocations.insert(key(1), expires: 100, now: 0))
        XCTAssertTrue(revocations.contains(key(1), now: 99))
        XCTAssertFalse(revocations.contains(key(1), now: 100))
        XCTAssertFalse(revocations.contains(key(2), now: 0))
        XCTAssertTrue(revocations.insert(key(2), expires: 300, now: 100))
        XCTAssertEqual(revocations.count, 1, "what has expired is gone")
        XCTAssertTrue(revocations.insert(key(3), expires: 50, now: 100), "expired already")
        XCTAssertEqual(revocations.count, 1)
    }

    func testAtTheBoundTheOneThatExpiresSoonestMakesRoom() {
        let revocations = Revocations(limit: 100)
        var random = SplitMix(seed: 3)
        var expiries: [Int: Milliseconds] = [:]
        for number in 0..<1_000 {
            let expires = 1_000 + random.time(1_000_000)
            revocations.insert(key(number), expires: expires, now: 0)
            expiries[number] = expires
            XCTAssertLessThanOrEqual(revocations.count, 100)
        }
        XCTAssertEqual(revocations.forgotten, 900)
        // Of the last hundred in time the latest-expiring ones are surely held.
        let best = expiries.sorted { $0.value > $1.value }.prefix(50)
        for (number, _) in best { XCTAssertTrue(revocations.contains(key(number), now: 0)) }
    }

    func testKeysKeepTheirBytes() {
        let bytes = (0..<32).map { UInt8($0 * 7) }
        XCTAssertEqual(RevocationKey(bytes.rawSpan)?.bytes, bytes)
        XCTAssertNil(RevocationKey(Array(bytes.dropLast()).rawSpan))
    }
}

final class SessionTableTests: XCTestCase {
    func testARecycledRowIsNotTakenForItsFormerSession() throws {
        let table = SessionTable(limit: 8)
        let slot = try XCTUnwrap(table.take(owner: 3, tag: 50, next: -1))
        table.set(slot, SessionState(word: 0), mark: 0, contact: 1_000)
        let old = SessionRef(subject: 3, hint: table.hint(slot), tag: 50)
        XCTAssertTrue(table.columns.touch(old, 1_001, within: 100))
        XCTAssertEqual(table.contact(slot).time, 1_001)
        XCTAssertFalse(table.columns.touch(old, 1_101, within: 100), "too old: something ended")
        table.give(slot)
        XCTAssertFalse(table.columns.touch(old, 1_002, within: 100))
        XCTAssertEqual(table.take(owner: 4, tag: 51, next: -1), slot)
        XCTAssertFalse(table.columns.touch(old, 1_002, within: 10_000))
        table.set(slot, SessionState(word: 0), mark: 0, contact: 1_000)
        XCTAssertFalse(table.columns.touch(old, 1_002, within: 10_000))
        XCTAssertEqual(table.contact(slot).time, 1_000)
        // The same session in the same row again, but not the same sockets.
        table.give(slot)
        _ = table.take(owner: 3, tag: 50, next: -1)
        XCTAssertNotEqual(table.hint(slot), old.hint)
    }

    func testEitherTheSightingOrTheHoldIsFirst() throws {
        let table = SessionTable(limit: 1)
        let slot = try XCTUnwrap(table.take(owner: 0, tag: 9, next: -1))
        let session = SessionRef(subject: 0, hint: table.hint(slot), tag: 9)
        table.set(slot, SessionState(word: 0), mark: 0, contact: 5)
        let seen = table.contact(slot)
        XCTAssertTrue(table.columns.touch(session, 6, within: 100))
        XCTAssertFalse(table.hold(slot, seen: seen), "it must be read again")
        XCTAssertTrue(table.hold(slot, seen: table.contact(slot)))
        XCTAssertFalse(table.columns.touch(session, 7, within: 100), "it must take the lock")
        let memory = AtomicTable(columns: UserColumns.columns, limit: 1)
        memory.ensure(rows: 1)
        let users = UserColumns(memory)
        users.setActive(0, 5, held: false)
        let active = users.active(0)
        XCTAssertTrue(users.touch(0, 6, within: 100))
        XCTAssertFalse(users.hold(0, seen: active))
        XCTAssertTrue(users.hold(0, seen: users.active(0)))
        XCTAssertFalse(users.touch(0, 7, within: 100))
        XCTAssertEqual(users.active(0).time, 6)
        withExtendedLifetime(memory) {}
    }

    func testStatesThatAContactChangesAreHeld() throws {
        let table = SessionTable(limit: 1)
        let slot = try XCTUnwrap(table.take(owner: 0, tag: 9, next: -1))
        XCTAssertNil(table.take(owner: 0, tag: 10, next: -1))
        let session = SessionRef(subject: 0, hint: table.hint(slot), tag: 9)
        var state = SessionState(word: 0)
        for change in [
            { (state: inout SessionState) in state.barred = true },
            { $0.presumed = true }, { $0.closed = true },
        ] {
            state = SessionState(word: 0)
            change(&state)
            table.set(slot, state, mark: 0, contact: 5)
            XCTAssertFalse(table.columns.touch(session, 6, within: 100))
        }
        state = SessionState(word: 0)
        state.saidAway = true
        state.sockets = 70_000
        table.set(slot, state, mark: 0, contact: 5)
        XCTAssertTrue(table.columns.touch(session, 6, within: 100))
        XCTAssertEqual(table.state(slot), state)
        XCTAssertEqual(table.state(slot).sockets, 70_000)
        XCTAssertTrue(table.hold(slot, seen: table.contact(slot)))
        XCTAssertFalse(table.columns.touch(session, 7, within: 100))
    }

    func testAReferenceFitsTwoWords() {
        let session = SessionRef(subject: 5, hint: 0xdead_beef, tag: 77)
        XCTAssertEqual(
            SessionRef(subjectWord: session.subjectWord, tag: session.tag), session)
    }
}
