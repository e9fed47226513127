// Owns what all shards share: the columns, the session rows, the journal, the counters.
// Called by shards and by sightings.
// Never takes a shard's lock.

import ProxyCore
import Synchronization

/// The shared tables of one engine.
final class Tables: Sendable {
    let settings: PresenceSettings
    let capacity: PresenceCapacity
    let users: UserColumns
    let sessions: SessionTable
    let dirty: DirtyBits
    let journal: Journal
    /// An activity no older than this needs no lock: no idleness can have begun.
    let idleLimit: Milliseconds

    let sockets = Atomic<Int>(0)
    let untrackedUsers = Atomic<Int>(0)
    let untrackedSessions = Atomic<Int>(0)
    let evictedSessions = Atomic<Int>(0)

    init(settings: PresenceSettings, capacity: PresenceCapacity, journal: Journal) {
        self.settings = settings
        self.capacity = capacity
        self.journal = journal
        idleLimit = settings.awayAfter ?? .max
        users = UserColumns(limit: capacity.users)
        sessions = SessionTable(limit: capacity.sessions)
        dirty = DirtyBits(limit: capacity.users)
    }
}
