// Owns what a proof of presence does: a request, a heartbeat, a socket.
// Called by every loop at response heads and by the sockets.
// Never allocates or locks for somebody who is present and stays so (`sight`).

public import ProxyCore
import Synchronization

extension PresenceEngine {
    /// A request of a session that counts.
    ///
    /// The hot path: where the session is live and nothing is pending for the user, two
    /// compare-exchanges and a few plain loads and stores; see `Moment` for why no change of
    /// status can be lost in between. Only where something changes is the shard's lock taken.
    /// - Parameters:
    ///   - session: its hint is renewed; keep it.
    ///   - activity: false: contact alone.
    ///   - label: "POST /orders/", for the reason; sampled once a second, and kept where the
    ///     request changed something.
    public func sight(
        _ session: inout SessionRef, activity: Bool, label: RawSpan, now: Milliseconds
    ) {
        let subject = Int(session.subject)
        guard
            hot.sessions.touch(session, now, within: hot.offlineAfter)
                || hot.users.renew(&session)
                    && hot.sessions.touch(session, now, within: hot.offlineAfter),
            !activity || hot.users.touch(subject, now, within: hot.idleAfter)
        else { return sightLocked(&session, activity: activity, label: label, now: now) }
        hot.users.see(subject, now)
        hot.users.sample(subject, label, now)
        hot.dirty.mark(subject)
    }

    @inline(never)
    private func sightLocked(
        _ session: inout SessionRef, activity: Bool, label: RawSpan, now: Milliseconds
    ) {
        var seen = session
        let ended: StoredClaim? = with(session.subject) { shard, local in
            let now = shard.settle(local, now)
            guard shard.contact(&seen, now) else { return nil }
            tables.users.setLabel(Int(seen.subject), label, now)
            let ended = activity ? shard.activity(local, now) : nil
            shard.conclude(local, now)
            return ended
        }
        session = seen
        if let ended { forget(ended) }
    }

    /// A heartbeat: contact, and what the client says of itself until its next heartbeat.
    /// - Parameter status: `.away` where the client said so, else `.online`.
    public func heartbeat(
        _ session: inout SessionRef, status: Status, now: Milliseconds
    ) -> PresenceView {
        var seen = session
        let view: PresenceView = with(session.subject) { shard, local in
            let now = shard.settle(local, now)
            if shard.contact(&seen, now, { $0.saidAway = status == .away }) {
                tables.users.setLabel(Int(seen.subject), "heartbeat", now)
                shard.conclude(local, now)
            }
            return shard.view(local, now)
        }
        session = seen
        return view
    }

    /// A presence socket opened. Keep `session` as it is after this call for `socketClosed`.
    public func socketOpened(_ session: inout SessionRef, now: Milliseconds) {
        tables.sockets.wrappingAdd(1, ordering: .relaxed)
        var seen = session
        with(session.subject) { shard, local in
            let now = shard.settle(local, now)
            if shard.contact(&seen, now, { $0.sockets += 1 }) {
                tables.users.setLabel(Int(seen.subject), "socket opened", now)
                shard.conclude(local, now)
            }
        }
        session = seen
    }

    /// A presence socket closed, for whatever reason. `session`: as it was after `socketOpened`.
    public func socketClosed(_ session: SessionRef, now: Milliseconds) {
        tables.sockets.wrappingSubtract(1, ordering: .relaxed)
        with(session.subject) { shard, local in
            let now = shard.settle(local, now)
            guard shard.socketClosed(session, now) else { return }
            // While another is open, the status does not rest on the one that closed.
            if shard.rows[local].sockets == 0 {
                tables.users.setLabel(Int(session.subject), "socket closed", now)
            }
            shard.conclude(local, now)
        }
    }
}
