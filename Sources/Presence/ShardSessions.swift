// Owns what becomes of a user's sessions: opened, in contact, closed, logged out, dropped.
// Called by the engine with the shard's lock, between `settle` and `conclude`.
// Never announces anything: `conclude` does.

import ProxyCore
import Synchronization

extension Shard {
    func forEachSession(_ local: Int, _ body: (Int) -> Void) {
        var slot = Int(rows[local].firstSession)
        while slot >= 0 {
            let next = tables.sessions.next(slot)
            body(slot)
            slot = next
        }
    }

    /// Live sessions of a user who has been settled at `now`.
    func devices(_ local: Int, _ now: Milliseconds) -> Int {
        var devices = 0
        forEachSession(local) { slot in
            guard !tables.sessions.state(slot).barred else { return }
            let contact = tables.sessions.contact(slot).time
            let facts = tables.sessions.facts(slot, contact: contact)
            if now < Rules.end(of: facts, tables.settings) { devices += 1 }
        }
        return devices
    }

    /// The row of a session; renews the caller's hint.
    func find(_ session: inout SessionRef) -> Int? {
        let sessions = tables.sessions
        if let slot = session.slot, sessions.isOf(session, slot) {
            session.hint = sessions.hint(slot)
            return slot
        }
        var slot = Int(rows[Shard.local(Int(session.subject))].firstSession)
        while slot >= 0 {
            if sessions.tag(slot) == session.tag {
                session.hint = sessions.hint(slot)
                return slot
            }
            slot = sessions.next(slot)
        }
        session.hint = SessionRef.noHint
        return nil
    }

    /// The row of a session, opened where it has none; nil: no row is left.
    mutating func open(_ session: inout SessionRef) -> Int? {
        if let slot = find(&session) { return slot }
        let local = Shard.local(Int(session.subject))
        if session.tag != Shard.loginTag { dropSession(local, tagged: Shard.loginTag) }
        makeRoom(local)
        let next = Int(rows[local].firstSession)
        guard
            let slot = tables.sessions.take(
                owner: session.subject, tag: session.tag, next: next)
        else {
            tables.untrackedSessions.wrappingAdd(1, ordering: .relaxed)
            return nil
        }
        rows[local].firstSession = Int32(slot)
        session.hint = tables.sessions.hint(slot)
        tables.users.setHint(session)
        return slot
    }

    /// Of a login whose token nobody has seen yet: the first session that shows up takes its
    /// place. Not a tag that a hash yields in practice.
    static var loginTag: UInt64 { 1 }

    /// At the bound of a user's sessions the one longest without contact goes; an open socket
    /// is contact.
    private mutating func makeRoom(_ local: Int) {
        var held = 0
        var victim = -1
        var oldest = Milliseconds.max
        forEachSession(local) { slot in
            held += 1
            let open = tables.sessions.state(slot).sockets > 0
            let contact = tables.sessions.contact(slot).time
            let age = open ? Milliseconds.max - 1 : contact
            if age < oldest {
                oldest = age
                victim = slot
            }
        }
        guard held >= tables.capacity.sessionsPerUser, victim >= 0 else { return }
        drop(local, victim)
        tables.evictedSessions.wrappingAdd(1, ordering: .relaxed)
    }

    /// A contact: whatever was pending for the session is over.
    /// - Returns: false for a session that was logged out: it counts for nothing.
    mutating func contact(
        _ session: inout SessionRef, _ now: Milliseconds,
        _ change: (inout SessionState) -> Void = { _ in }
    ) -> Bool {
        let local = Shard.local(Int(session.subject))
        guard let slot = open(&session) else {
            tables.users.see(Int(session.subject), now)
            return true
        }
        var state = tables.sessions.state(slot)
        if state.barred { return false }
        state.presumed = false
        state.closed = false
        let before = state.sockets
        change(&state)
        rows[local].sockets += Int32(state.sockets - before)
        tables.sessions.set(slot, state, mark: 0, contact: now)
        tables.users.see(Int(session.subject), now)
        rows[local].loggedOutAt = 0
        return true
    }

    /// One presence socket less. The session is found by row and generation: a session that was
    /// logged out and opened anew has nothing to do with the sockets of before.
    mutating func socketClosed(_ session: SessionRef, _ now: Milliseconds) -> Bool {
        let sessions = tables.sessions
        guard let slot = session.slot, sessions.isOf(session, slot),
            sessions.hint(slot) == session.hint
        else { return false }
        var state = sessions.state(slot)
        guard state.sockets > 0 else { return false }
        state.sockets -= 1
        state.closed = state.sockets == 0
        sessions.set(slot, state, mark: now, contact: now)
        rows[Shard.local(Int(session.subject))].sockets -= 1
        tables.users.see(Int(session.subject), now)
        return true
    }

    /// Logs a session out and remembers it as such, so that an answer still on its way to it
    /// counts for nothing.
    mutating func bar(_ session: SessionRef, _ now: Milliseconds) {
        let local = Shard.local(Int(session.subject))
        // A row of a new generation: sockets opened before do not count when they close.
        dropSession(local, tagged: session.tag)
        var fresh = session
        fresh.hint = SessionRef.noHint
        guard let slot = open(&fresh) else { return }
        var state = SessionState(word: 0)
        state.barred = true
        tables.sessions.set(slot, state, mark: now + PresenceLimits.barredFor, contact: now)
    }

    /// A token that is not revoked was shown for the session.
    mutating func unbar(_ session: inout SessionRef) {
        guard let slot = find(&session), tables.sessions.state(slot).barred else { return }
        drop(Shard.local(Int(session.subject)), slot)
        session.hint = SessionRef.noHint
    }

    /// Ends all sessions of a user that are not barred; a new contact opens them again.
    mutating func dropAll(_ local: Int) {
        dropSessions(local) { !$0.state($1).barred }
    }

    mutating func dropSession(_ local: Int, tagged tag: UInt64) {
        dropSessions(local) { $0.tag($1) == tag }
    }

    /// What is over at `now` is forgotten: its next contact opens it anew, and with a clean slate.
    mutating func dropEnded(_ local: Int, _ now: Milliseconds) {
        let settings = tables.settings
        dropSessions(local) { sessions, slot in
            if sessions.state(slot).barred { return sessions.mark(slot) <= now }
            let facts = sessions.facts(slot, contact: sessions.contact(slot).time)
            return Rules.end(of: facts, settings) <= now
        }
    }

    private mutating func dropSessions(_ local: Int, where ended: (SessionTable, Int) -> Bool) {
        var slot = Int(rows[local].firstSession)
        while slot >= 0 {
            let next = tables.sessions.next(slot)
            if ended(tables.sessions, slot) { drop(local, slot) }
            slot = next
        }
    }

    private mutating func drop(_ local: Int, _ slot: Int) {
        let sessions = tables.sessions
        let next = sessions.next(slot)
        rows[local].sockets -= Int32(sessions.state(slot).sockets)
        var before = Int(rows[local].firstSession)
        if before == slot {
            rows[local].firstSession = Int32(next)
        } else {
            while before >= 0, sessions.next(before) != slot { before = sessions.next(before) }
            if before >= 0 { sessions.setNext(before, next) }
        }
        sessions.give(slot)
    }
}
