// Owns the whole of presence in memory: users, sessions, claims, revocations, the journal.
// Called by every loop (sightings), the endpoints, the store and the sweep, from any thread.
// Never does I/O, never reads a clock: `now` is UTC in milliseconds everywhere.

public import ProxyCore
import Synchronization

/// Hears of what the engine has changed. Both are called outside of all locks, on whichever
/// thread made the change, and must return at once (post to a mailbox, wake a loop).
public protocol ChangeListener: AnyObject, Sendable {
    /// The journal has grown; calls may be merged into one.
    func journalGrew()
    /// Close the presence sockets of this user, of one session (its tag) or of all (nil), with
    /// this close code. Report each through `socketClosed` as usual.
    func closeSockets(subject: UInt32, session: UInt64?, code: UInt16)
    /// The presence sockets of this session may stay open until `expires`, if that is later than
    /// before: its token was refreshed.
    func extendSockets(subject: UInt32, session: UInt64, expires: Milliseconds)
}

/// Who is online, and since when.
///
/// Locks are taken in this order: `explicit`, a part of the user index, a shard, then one of
/// those that guard a leaf (journal, session slots, revocations, learnt tokens, continued sessions).
public final class PresenceEngine: Sendable {
    public let settings: PresenceSettings
    public let journal: Journal

    let tables: Tables
    let hot: HotTables
    let users: UserTable
    let shards: [Lock<Shard>]
    let revocations: Revocations
    let learnt: LearntTokens
    /// Sessions to which refreshed tokens belong, by the one that each token names by itself.
    let continued: Lock<Expiring<SessionKey, UInt64>>
    let sink: (any FactSink)?
    /// Held while a fact is made and handed to the sink, so that facts are kept in the order in
    /// which they took effect.
    let explicit = Lock(())
    /// Where the store's last drain stopped, in words of the dirty bits.
    let drained = Lock(0)
    private let listeners = Lock<[any ChangeListener]>([])

    /// The close code of sockets whose token counts for nothing any more.
    public static let revokedCode: UInt16 = 4401

    /// - Parameters:
    ///   - restored: what the store has kept; nobody is announced while it is loaded.
    ///   - epoch: random bits that tell this life's cursors from those of others.
    ///   - sink: keeps facts; nil: memory alone, and every fact counts as kept.
    public init(
        settings: PresenceSettings, restored: RestoredState? = nil, epoch: UInt64,
        sink: (any FactSink)? = nil, capacity: PresenceCapacity = PresenceCapacity()
    ) {
        self.settings = settings
        self.sink = sink
        let journal = Journal(capacity: capacity.journal, epoch: epoch)
        let tables = Tables(settings: settings, capacity: capacity, journal: journal)
        self.journal = journal
        self.tables = tables
        hot = HotTables(tables)
        users = UserTable(tables)
        shards = (0..<Shard.count).map { Lock(Shard(tables, number: $0)) }
        revocations = Revocations(limit: capacity.revocations)
        learnt = LearntTokens(limit: capacity.learntTokens)
        continued = Lock(Expiring(limit: capacity.continuedSessions))
        tables.hours.restore(restored?.hours ?? [], at: settings.startedAt)
        if let restored { restore(restored) }
        let online = shards.reduce(0) { sum, shard in sum + shard.withLock { $0.online } }
        tables.hours.begin(online: online, at: settings.startedAt)
    }

    /// Adds a listener, for good. Call before traffic begins.
    public func listen(_ listener: any ChangeListener) {
        listeners.withLock { $0.append(listener) }
    }

    /// Runs `body` with the shard of a user, its lock held, and the user's place in it.
    /// - Returns: what `body` did, and whether listeners are to be told.
    func locked<R>(_ subject: UInt32, _ body: (inout Shard, Int) -> R) -> (R, grown: Bool) {
        shards[Shard.number(of: Int(subject))].withLock { shard in
            let result = body(&shard, Shard.local(Int(subject)))
            return (result, shard.takeGrown())
        }
    }

    /// `locked`, and tells the listeners.
    @discardableResult
    func with<R>(_ subject: UInt32, _ body: (inout Shard, Int) -> R) -> R {
        let (result, grown) = locked(subject, body)
        if grown { tellGrown() }
        return result
    }

    func tellGrown() {
        for listener in listeners.withLock({ $0 }) { listener.journalGrew() }
    }

    func orderClose(subject: UInt32, session: UInt64?) {
        for listener in listeners.withLock({ $0 }) {
            listener.closeSockets(subject: subject, session: session, code: Self.revokedCode)
        }
    }

    func orderExtension(subject: UInt32, session: UInt64, expires: Milliseconds) {
        for listener in listeners.withLock({ $0 }) {
            listener.extendSockets(subject: subject, session: session, expires: expires)
        }
    }

    /// Counters of what is held and of what the bounds have cost.
    public var metrics: PresenceMetrics {
        PresenceMetrics(
            users: users.count, sessions: tables.sessions.count,
            revocations: revocations.count, changes: journal.count,
            untrackedUsers: tables.untrackedUsers.load(ordering: .relaxed),
            untrackedSessions: tables.untrackedSessions.load(ordering: .relaxed),
            evictedSessions: tables.evictedSessions.load(ordering: .relaxed),
            forgottenRevocations: revocations.forgotten,
            learntTokens: learnt.count, evictedTokens: learnt.evicted)
    }
}
