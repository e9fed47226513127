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
    let hours = HourBook()
    private let userTable: AtomicTable
    private let dirtyTable: AtomicTable

    let sockets = Atomic<Int>(0)
    let untrackedUsers = Atomic<Int>(0)
    let untrackedSessions = Atomic<Int>(0)
    let evictedSessions = Atomic<Int>(0)

    init(settings: PresenceSettings, capacity: PresenceCapacity, journal: Journal) {
        self.settings = settings
        self.capacity = capacity
        self.journal = journal
        userTable = AtomicTable(columns: UserColumns.columns, limit: capacity.users)
        dirtyTable = AtomicTable(columns: 1, limit: capacity.users / 64 + 1)
        users = UserColumns(userTable)
        dirty = DirtyBits(dirtyTable)
        sessions = SessionTable(limit: capacity.sessions)
    }

    /// Makes the columns of so many users. One thread at a time.
    func ensure(users count: Int) {
        userTable.ensure(rows: count)
        dirtyTable.ensure(rows: (count + 63) / 64)
    }
}

/// What a sighting of somebody present needs, all of it plain values.
struct HotTables: Sendable {
    let sessions: SessionColumns
    let users: UserColumns
    let dirty: DirtyBits
    let offlineAfter: Milliseconds
    /// An activity no older than this needs no lock: no idleness can have begun.
    let idleAfter: Milliseconds

    init(_ tables: Tables) {
        sessions = tables.sessions.columns
        users = tables.users
        dirty = tables.dirty
        offlineAfter = tables.settings.offlineAfter
        idleAfter = tables.settings.awayAfter ?? .max
    }
}
