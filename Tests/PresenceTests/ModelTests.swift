// Owns the comparison of the engine with a naive model that keeps every event and recomputes
// everything from scratch.
// Called by the test runner, with fixed seeds.
// Never shares code with the engine.

import ProxyCore
import XCTest

@testable import Presence

/// What happened to one user, in order. No two events of a user share a millisecond.
private struct Event {
    enum Kind {
        case contact(UInt64, activity: Bool)
        case heartbeat(UInt64, away: Bool)
        case opened(UInt64, socket: Int)
        case closed(UInt64, socket: Int)
        case login(UInt64?)
        case logout(UInt64)
        case claim(Status, until: Milliseconds?)
    }
    let at: Milliseconds
    let kind: Kind
}

/// The contract, read plainly: fold all events up to a moment, then ask the rules.
private struct Model {
    struct Session {
        var contact: Milliseconds
        var sockets: Set<Int> = []
        var away = false
        var closedAt: Milliseconds?
    }
    struct State {
        var status = Status.offline
        var devices = 0
        var seen: Milliseconds?
        var active: Milliseconds?
    }

    let settings: PresenceSettings
    var events: [Event] = []
    private static let anonymous: UInt64 = 0

    private func isLive(_ session: Session, _ now: Milliseconds) -> Bool {
        if !session.sockets.isEmpty { return true }
        if now - session.contact >= settings.offlineAfter { return false }
        if let closed = session.closedAt, now >= closed + settings.disconnectGrace { return false }
        return true
    }

    /// The state at `now`, of the events before it, or of those up to and including it.
    func state(at now: Milliseconds, including: Bool) -> State {
        var state = State()
        var sessions: [UInt64: Session] = [:]
        var claim: (status: Status, until: Milliseconds?)?
        for event in events where event.at < now || including && event.at == now {
            sessions = sessions.filter { isLive($0.value, event.at) }
            func touch(_ tag: UInt64) {
                if sessions[tag] == nil { sessions[Self.anonymous] = nil }
                sessions[tag, default: Session(contact: event.at)].contact = event.at
                sessions[tag]?.closedAt = nil
                state.seen = event.at
            }
            func act() {
                state.active = event.at
                if claim?.until == nil { claim = nil }
            }
            switch event.kind {
            case .contact(let tag, let activity):
                touch(tag)
                if activity { act() }
            case .heartbeat(let tag, let away):
                touch(tag)
                sessions[tag]?.away = away
            case .opened(let tag, let socket):
                touch(tag)
                sessions[tag]?.sockets.insert(socket)
            case .closed(let tag, let socket):
                guard sessions[tag]?.sockets.remove(socket) != nil else { continue }
                sessions[tag]?.contact = event.at
                if sessions[tag]?.sockets.isEmpty == true { sessions[tag]?.closedAt = event.at }
                state.seen = event.at
            case .login(let tag):
                touch(tag ?? Self.anonymous)
                sessions[tag ?? Self.anonymous]?.away = false
                act()
            case .logout(let tag):
                if settings.logoutScope == .user { sessions = [:] }
                sessions[tag] = nil
                sessions[Self.anonymous] = nil
                state.seen = event.at
                act()
            case .claim(let status, let until): claim = (status, until)
            }
        }
        let live = sessions.values.filter { isLive($0, now) }
        state.devices = live.count
        if live.contains(where: { !$0.sockets.isEmpty }) { state.seen = now }
        let idle: Bool
        if let awayAfter = settings.awayAfter {
            idle = state.active.map { now - $0 >= awayAfter } ?? true
        } else {
            idle = false
        }
        if let claim, now < claim.until ?? .max {
            state.status = claim.status
        } else if live.isEmpty {
            state.status = .offline
        } else {
            state.status = !idle && live.contains { !$0.away } ? .online : .away
        }
        return state
    }

    /// Every status there ever was up to `now`, each with the moment at which it began.
    func history(to now: Milliseconds) -> [(Milliseconds, Status)] {
        var moments: Set<Milliseconds> = [now]
        for event in events {
            for delay in [0, settings.offlineAfter, settings.disconnectGrace]
                + (settings.awayAfter.map { [$0] } ?? [])
            {
                moments.insert(event.at + delay)
            }
            if case .claim(_, let until?) = event.kind { moments.insert(until) }
        }
        var history: [(Milliseconds, Status)] = []
        for moment in moments.sorted() where moment <= now {
            for including in [false, true] {
                let status = state(at: moment, including: including).status
                if status != history.last?.1 ?? .offline { history.append((moment, status)) }
            }
        }
        return history
    }
}

final class ModelTests: XCTestCase {
    private struct Socket {
        let session: SessionRef
        let tag: UInt64
        let number: Int
    }

    /// One user with three devices, as the engine and as the model know it.
    private struct Person {
        let id: String
        var model: Model
        var devices: [Identity] = []
        var sockets: [Socket] = []
        /// Logged out a moment ago, with an answer on its way.
        var stale: [(SessionRef, until: Milliseconds)] = []
        var lastEvent: Milliseconds = 0
    }

    private var tags: UInt64 = 100
    private var socketNumbers = 0

    func testAgainstTheModel() {
        for seed in 1...16 as ClosedRange<UInt64> {
            var random = SplitMix(seed: seed)
            let awayAfter: Milliseconds? = [nil, 60_000, 150_000, 20_000][random.below(4)]
            let house = House(
                awayAfter: awayAfter, grace: [10_000, 0, 200_000][random.below(3)],
                scope: random.below(2) == 0 ? .user : .session)
            play(house, &random, seed: seed, operations: 160)
        }
    }

    private func play(
        _ house: House, _ random: inout SplitMix, seed: UInt64, operations: Int
    ) {
        var now = House.start
        var people = (1...4).map { number in
            Person(id: String(number), model: Model(settings: house.engine.settings))
        }
        for index in people.indices {
            for _ in 0..<3 { people[index].devices.append(fresh(house, people[index].id, now)) }
        }
        var told: [UInt32: Status] = [:]
        var cursor = Cursor(epoch: 7, sequence: 0)
        for step in 0..<operations {
            now += pause(&random, people, house.engine.settings, now)
            let index = random.below(people.count)
            operate(house, &people[index], &random, now)
            if random.below(4) == 0 { house.engine.sweep(now: now) }
            compare(house, people[index], now, "seed \(seed) step \(step)")
            guard step % 20 == 19 else { continue }
            for person in people { compare(house, person, now, "seed \(seed) step \(step)") }
            compareCounts(house, people, now, "seed \(seed) step \(step)")
            // Replayed, the journal says what reads say.
            while case .changes(let changes, let next) = house.engine.journal.read(
                since: cursor, limit: 50), !changes.isEmpty
            {
                for change in changes { told[change.subject] = change.status }
                cursor = next
            }
            for person in people {
                let view = house.engine.view(user: person.id, now: now)
                XCTAssertEqual(view.subject.flatMap { told[$0] } ?? .offline, view.status)
            }
        }
        compareHistories(house, people, now, "seed \(seed)")
    }

    /// Mostly a little time; now and then exactly to a threshold, or one millisecond short of it.
    private func pause(
        _ random: inout SplitMix, _ people: [Person], _ settings: PresenceSettings,
        _ now: Milliseconds
    ) -> Milliseconds {
        switch random.below(10) {
        case 0..<6: return 1 + random.time(3_000)
        case 6, 7: return 1 + random.time(60_000)
        case 8:
            let last = people[random.below(people.count)].lastEvent
            let delay = [
                settings.offlineAfter, settings.awayAfter ?? 1_000, settings.disconnectGrace,
            ][random.below(3)]
            return max(1, last + delay - now - random.time(2))
        default: return 1 + random.time(300_000)
        }
    }

    private func fresh(_ house: House, _ user: String, _ now: Milliseconds) -> Identity {
        tags += 1
        return house.identity(user, tags, at: now)
    }

    private func operate(
        _ house: House, _ person: inout Person, _ random: inout SplitMix, _ now: Milliseconds
    ) {
        person.lastEvent = now
        let device = random.below(person.devices.count)
        let tag = person.devices[device].session.tag
        func note(_ kind: Event.Kind) { person.model.events.append(Event(at: now, kind: kind)) }
        switch random.below(20) {
        case 0..<7:
            let activity = random.below(3) > 0
            house.sight(&person.devices[device], at: now, activity: activity)
            note(.contact(tag, activity: activity))
        case 7..<10:
            let away = random.below(3) == 0
            _ = house.engine.heartbeat(
                &person.devices[device].session, status: away ? .away : .online, now: now)
            note(.heartbeat(tag, away: away))
        case 10..<12:
            socketNumbers += 1
            house.engine.socketOpened(&person.devices[device].session, now: now)
            person.sockets.append(
                Socket(
                    session: person.devices[device].session, tag: tag, number: socketNumbers))
            note(.opened(tag, socket: socketNumbers))
        case 12..<15:
            guard !person.sockets.isEmpty else { return }
            let socket = person.sockets.remove(at: random.below(person.sockets.count))
            house.engine.socketClosed(socket.session, now: now)
            note(.closed(socket.tag, socket: socket.number))
        case 15:
            let tag = random.below(2) == 0 ? nil : tag
            XCTAssertTrue(
                house.engine.login(user: person.id, name: nil, session: tag, now: now))
            note(.login(tag))
        case 16:
            house.logout(person.devices[device], at: now)
            note(.logout(tag))
            person.stale.append((person.devices[device].session, until: now + 500_000))
            person.devices[device] = fresh(house, person.id, now)
        case 17:
            guard let stale = person.stale.last, now < stale.until else { return }
            var session = stale.0
            house.engine.sight(&session, activity: true, label: "GET /".rawSpan, now: now)
        default:
            let status = Status.allCases[random.below(3)]
            let until = random.below(2) == 0 ? nil : now + 1 + random.time(100_000)
            house.claim(person.id, status, until: until, at: now)
            note(.claim(status, until: until))
        }
    }

    private func compare(
        _ house: House, _ person: Person, _ now: Milliseconds, _ place: String
    ) {
        let view = house.engine.view(user: person.id, now: now)
        let state = person.model.state(at: now, including: true)
        XCTAssertEqual(view.status, state.status, "\(place) user \(person.id)")
        XCTAssertEqual(view.devices, state.devices, "\(place) user \(person.id)")
        XCTAssertEqual(view.lastSeen, state.seen, "\(place) user \(person.id)")
        XCTAssertEqual(view.lastActive, state.active, "\(place) user \(person.id)")
        if let seen = view.lastSeen, let active = view.lastActive {
            XCTAssertLessThanOrEqual(active, seen)
        }
    }

    private func compareCounts(
        _ house: House, _ people: [Person], _ now: Milliseconds, _ place: String
    ) {
        let counts = house.engine.counts(now: now)
        let statuses = people.map { $0.model.state(at: now, including: true).status }
        XCTAssertEqual(counts.online, statuses.filter { $0 == .online }.count, place)
        XCTAssertEqual(counts.away, statuses.filter { $0 == .away }.count, place)
        let page = house.engine.page(UserQuery(statuses: [.online, .away]), now: now)
        XCTAssertEqual(page.count, statuses.filter { $0 != .offline }.count, place)
    }

    /// Change by change, with its moment: nothing left out, nothing invented.
    private func compareHistories(
        _ house: House, _ people: [Person], _ now: Milliseconds, _ place: String
    ) {
        house.engine.sweep(now: now)
        let changes = house.changes()
        for person in people {
            let subject = house.engine.subject(of: person.id)
            let told = changes.filter { $0.subject == subject }
            let history = person.model.history(to: now)
            XCTAssertEqual(told.map(\.since), history.map(\.0), "\(place) user \(person.id)")
            XCTAssertEqual(told.map(\.status), history.map(\.1), "\(place) user \(person.id)")
            if let last = history.last {
                let view = house.engine.view(user: person.id, now: now)
                XCTAssertEqual(view.since, last.0, "\(place) user \(person.id)")
            }
        }
    }
}
