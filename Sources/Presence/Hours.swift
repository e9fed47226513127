// Owns how many were online at once in each of the last hours, and how many different users.
// Called by shards as somebody comes or goes, by the sweep, by `stats` and by the store.
// Never visits the users: it counts along.

public import ProxyCore

/// One hour of the day, UTC.
public struct HourTally: Sendable, Equatable {
    /// Hours since 1970.
    public var hour: Int64
    /// The most users online at once, and since when there were so many.
    public var peak: Int
    public var peakAt: Milliseconds
    /// Different users who were online in it.
    public var users: Int

    public init(hour: Int64, peak: Int = 0, peakAt: Milliseconds = 0, users: Int = 0) {
        self.hour = hour
        self.peak = peak
        self.peakAt = peakAt
        self.users = users
    }

    public static let length: Milliseconds = 3_600_000
    public var begins: Milliseconds { hour * Self.length }

    static func hour(of moment: Milliseconds) -> Int64 { max(moment, 0) / length }
}

/// The last hours, counted along.
///
/// Whoever is online as an hour begins has been in it; whoever comes in it is counted unless
/// their row says that they were in it before.
final class HourBook: Sendable {
    private struct State {
        var online = 0
        /// In order; the last one runs.
        var hours: [HourTally] = []
        /// The first one that the store does not have as it is.
        var unkept: Int64 = .max
        /// Who was counted in this hour cannot be told from its rows: a former life counted them.
        var restored: Int64 = -1

        mutating func roll(to hour: Int64) {
            guard let last = hours.last else { return begin(hour) }
            guard hour > last.hour else { return }
            for next in max(last.hour + 1, hour - Int64(PresenceLimits.hours))...hour {
                begin(next)
            }
        }

        private mutating func begin(_ hour: Int64) {
            let begins = hour * HourTally.length
            hours.append(HourTally(hour: hour, peak: online, peakAt: begins, users: online))
            unkept = min(unkept, hour)
            if hours.count > PresenceLimits.hours {
                hours.removeFirst(hours.count - PresenceLimits.hours)
            }
        }

        mutating func change(_ body: (inout HourTally) -> Void) {
            guard let last = hours.indices.last else { return }
            body(&hours[last])
            unkept = min(unkept, hours[last].hour)
        }
    }

    private let state = Lock(State())

    /// What a former life has counted, up to `start`. Before any user is restored.
    func restore(_ hours: [HourTally], at start: Milliseconds) {
        let now = HourTally.hour(of: start)
        let known = hours.filter { $0.hour <= now && $0.hour > now - Int64(PresenceLimits.hours) }
        state.withLock { state in
            state.hours = known.sorted { $0.hour < $1.hour }
            if state.hours.last?.hour == now {
                state.restored = now
            } else {
                // The hours in between are not known.
                state.hours.append(HourTally(hour: now, peakAt: start))
                state.unkept = now
            }
        }
    }

    /// So many are online after the restart, of whom nobody was told.
    func begin(online: Int, at start: Milliseconds) {
        state.withLock { state in
            state.online = online
            state.change { hour in
                if online > hour.peak { (hour.peak, hour.peakAt) = (online, start) }
                hour.users = max(hour.users, online)
            }
        }
    }

    /// The hour in which a restored user who is not online has been counted; 0: not known.
    func counted(since: Milliseconds) -> Int32 {
        let hour = HourTally.hour(of: since)
        return state.withLock { $0.restored == hour ? Int32(clamping: hour) : 0 }
    }

    /// Somebody comes or goes.
    /// - Parameter counted: the hour in which this user was counted last.
    func note(online isOnline: Bool, counted: inout Int32, at moment: Milliseconds) {
        counted = state.withLock { state in
            state.roll(to: HourTally.hour(of: moment))
            let hour = Int32(clamping: state.hours.last?.hour ?? 0)
            state.online += isOnline ? 1 : -1
            guard isOnline else { return hour }
            let online = state.online
            state.change { tally in
                if counted != hour { tally.users += 1 }
                if online > tally.peak { (tally.peak, tally.peakAt) = (online, moment) }
            }
            return hour
        }
    }

    func roll(to now: Milliseconds) {
        let hour = HourTally.hour(of: now)
        state.withLock { $0.roll(to: hour) }
    }

    /// The hours that are remembered, in order; the last one runs.
    var all: [HourTally] { state.withLock { $0.hours } }

    /// Those that have changed since the last call.
    func drain() -> [HourTally] {
        state.withLock { state in
            let first = state.unkept
            state.unkept = .max
            return state.hours.filter { $0.hour >= first }
        }
    }
}

/// How many were online, lately.
public struct OnlineHours: Sendable, Equatable {
    /// The last 24 hours in order, the running one last. What is not known is zero.
    public var hours: [HourTally]
    /// The most at once since midnight, UTC; nil: nobody.
    public var peakToday: HourTally?
}

extension PresenceEngine {
    public func onlineHours(now: Milliseconds) -> OnlineHours {
        settleDue(now)
        tables.hours.roll(to: now)
        let known = tables.hours.all
        let last = known.last?.hour ?? HourTally.hour(of: now)
        let hours = (last - 23...last).map { hour in
            known.first { $0.hour == hour } ?? HourTally(hour: hour)
        }
        let today = hours.filter { $0.hour / 24 == last / 24 && $0.peak > 0 }
        let peak = today.max { ($0.peak, -$0.peakAt) < ($1.peak, -$1.peakAt) }
        return OnlineHours(hours: hours, peakToday: peak)
    }
}
