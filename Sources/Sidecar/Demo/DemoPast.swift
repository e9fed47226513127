// Owns what has happened in the demo's hospital before it was opened: three days of shifts.
// Called by the service, on the engine that then goes on; time is an argument there.
// Never writes history itself: the engine makes it of people who come, rest and go.

import Presence
import ProxyCore

/// The days before the demo, played through the engine before anybody looks.
enum DemoPast {
    static let hour: Milliseconds = 3_600_000
    private static let minute: Milliseconds = 60_000
    private static let days = 3
    static let length = Milliseconds(days) * 24 * hour
    /// The demo begins in the middle of a morning, whatever the clock says.
    private static let opening = 10 * hour + 30 * minute

    private enum Act { case comes, rests, returns, goes }

    private struct Event {
        let time: Milliseconds
        let user: Int
        let act: Act
    }

    static func play(_ engine: PresenceEngine, until now: Milliseconds) {
        var sessions: [Int: SessionRef] = [:]
        for event in events(until: now) {
            // Who has gone is announced before others are counted.
            if event.act == .comes || event.act == .goes { engine.sweep(now: event.time) }
            perform(event, engine, &sessions)
        }
        // Who is at work goes on in the cast: within the grace nothing of it shows.
        let end = Clock.wall()
        for session in sessions.values { engine.socketClosed(session, now: end) }
    }

    private static func perform(
        _ event: Event, _ engine: PresenceEngine, _ sessions: inout [Int: SessionRef]
    ) {
        guard event.act == .comes else {
            guard var session = sessions[event.user] else { return }
            switch event.act {
            case .goes:
                engine.socketClosed(session, now: event.time)
                sessions[event.user] = nil
            case .comes, .returns, .rests:
                let status: Status = event.act == .rests ? .away : .online
                _ = engine.heartbeat(&session, status: status, now: event.time)
                sessions[event.user] = session
            }
            return
        }
        let user = DemoUser.all[event.user]
        let word = UInt64(event.time) << 8 | UInt64(event.user)
        let enrolled = engine.enroll(
            user: String(user.id), name: user.name, session: word,
            revocation: RevocationKey(word, 0, 0, 0), expires: event.time + 24 * hour,
            isAdmin: user.isAdmin, now: event.time)
        guard case .identity(let identity) = enrolled else { return }
        var session = identity.session
        engine.socketOpened(&session, now: event.time)
        sessions[event.user] = session
    }

    // MARK: Shifts

    private static func events(until now: Milliseconds) -> [Event] {
        var events: [Event] = []
        for day in 0..<days {
            let midnight = now - opening - Milliseconds(day) * 24 * hour
            // The last one has never been here: she is for whoever looks.
            for user in DemoUser.all.indices.dropLast() {
                guard let shift = shift(of: user, day) else { continue }
                let (start, end) = (midnight + shift.lowerBound, midnight + shift.upperBound)
                events += work(user, from: start, to: end)
            }
        }
        return events.filter { $0.time > now - length && $0.time < now }
            .sorted { ($0.time, $0.user) < ($1.time, $1.user) }
    }

    /// Hours since midnight; nil: a day off.
    private static func shift(of user: Int, _ day: Int) -> Range<Milliseconds>? {
        guard (user + 3 * day) % 7 != 6 || day == 0 else { return nil }
        let late = chance(user, day, below: 25) * minute
        let isOffice = ["Office", "Services", "Pharmacy", "Laboratory"].contains(
            DemoUser.all[user].ward)
        if isOffice { return 8 * hour + late..<17 * hour + late }
        return switch (user + day) % 4 {
        case 0: 13 * hour + late..<22 * hour + late
        case 1: 21 * hour + late..<31 * hour + late
        default: 6 * hour + 40 * minute + late..<15 * hour + late
        }
    }

    /// A shift with its pauses.
    private static func work(
        _ user: Int, from start: Milliseconds, to end: Milliseconds
    ) -> [Event] {
        var events = [Event(time: start, user: user, act: .comes)]
        var time = start
        while true {
            time += (70 + chance(user, events.count, below: 60)) * minute
            let back = time + (8 + chance(user, events.count + 9, below: 25)) * minute
            guard back < end else { break }
            events.append(Event(time: time, user: user, act: .rests))
            events.append(Event(time: back, user: user, act: .returns))
            time = back
        }
        events.append(Event(time: end, user: user, act: .goes))
        return events
    }

    /// The same each time, and different for everybody.
    private static func chance(_ user: Int, _ turn: Int, below limit: Int64) -> Int64 {
        let mixed = UInt64(user * 131 + turn * 17 + 7) &* 0x9E37_79B9_7F4A_7C15
        return Int64(mixed >> 33) % limit
    }
}
