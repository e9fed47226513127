// Owns reading the time.
// Called by loops once a turn and by threads before they work; everybody else is told the time.
// Never sleeps.

import Glibc

/// Milliseconds: since 1970 where a wall time is meant, since boot where a deadline is.
public typealias Milliseconds = Int64

/// The two clocks of the system.
public enum Clock {
    /// Since boot, never set back: for deadlines and durations.
    public static func monotonic() -> Milliseconds { read(CLOCK_MONOTONIC) }

    /// Since boot in nanoseconds: for measuring.
    public static func nanoseconds() -> Int64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// UTC since 1970: for what people are shown.
    public static func wall() -> Milliseconds { read(CLOCK_REALTIME) }

    private static func read(_ id: clockid_t) -> Milliseconds {
        var time = timespec()
        unsafe clock_gettime(id, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}

/// UTC that runs evenly: the wall clock of the start, carried on by the monotonic clock.
///
/// A wall clock that is set (NTP steps, a resumed machine) must not make everybody offline at
/// once, nor freeze presence. The difference is worked off by at most `slew` each second.
public struct SteadyClock: Sendable, Equatable {
    private var offset: Milliseconds
    private var adjusted: Milliseconds
    /// What was told last.
    private var latest: Milliseconds
    /// The most that one second of running takes off a difference.
    public static let slew: Milliseconds = 50

    public init(wall: Milliseconds, monotonic: Milliseconds) {
        offset = wall - monotonic
        adjusted = monotonic
        latest = wall
    }

    /// UTC now, given the monotonic reading; `wall` is read once a second at most. Never runs
    /// backwards: for a moment it stands still, where a slew takes more than has run since it was
    /// told last.
    public mutating func now(
        wall: () -> Milliseconds = Clock.wall, monotonic: Milliseconds
    ) -> Milliseconds {
        let elapsed = monotonic - adjusted
        if elapsed >= 1000 {
            let room = Self.slew * (elapsed / 1000)
            let difference = (wall() - monotonic) - offset
            offset += min(max(difference, -room), room)
            adjusted = monotonic
        }
        latest = max(latest, monotonic + offset)
        return latest
    }
}
