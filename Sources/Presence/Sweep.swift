// Owns announcing what the passing of time has changed.
// Called several times a second by one thread, and by listings that must be exact.
// Never decides a status: settling does, and so does every read without it.

public import ProxyCore

extension PresenceEngine {
    /// Announces what time has changed up to `now`. Call several times a second.
    /// - Returns: whether more is due than one call settles: call again soon.
    @discardableResult
    public func sweep(now: Milliseconds) -> Bool {
        let isMore = settleDue(now, limit: PresenceLimits.settledPerSweep)
        tables.hours.roll(to: now)
        return isMore
    }

    /// Settles all who are due, a few under each hold of a shard's lock.
    @discardableResult
    func settleDue(_ now: Milliseconds, limit: Int = .max) -> Bool {
        var left = limit
        var isMore = false
        var grown = false
        var fired: [Int] = []
        for shard in shards {
            var again = true
            while again, left > 0 {
                again = shard.withLock { shard in
                    fired.removeAll(keepingCapacity: true)
                    let more = shard.deadlines.fire(
                        at: now, limit: min(left, PresenceLimits.settledPerHold), into: &fired)
                    for local in fired { shard.wake(local, now) }
                    left -= fired.count
                    grown = shard.takeGrown() || grown
                    return more
                }
            }
            isMore = isMore || again
        }
        if grown { tellGrown() }
        return isMore || left == 0
    }
}

extension Shard {
    /// A deadline has fired: settles the user and arms the next one.
    mutating func wake(_ local: Int, _ now: Milliseconds) {
        let now = settle(local, now)
        rearm(local, outlook(local), now)
    }
}
