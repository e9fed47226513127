// Owns the whole of presence in memory: users, sessions, claims, revocations, the journal.
// Called by every loop (sightings), the endpoints, the store and the sweep, from any thread.
// Never does I/O, never reads a clock: `now` is UTC in milliseconds everywhere.

import ProxyCore

/// Hears of what the engine has changed. Both are called outside of all locks, on whichever
/// thread made the change, and must return at once (post to a mailbox, wake a loop).
public protocol ChangeListener: AnyObject, Sendable {
    /// The journal has grown; calls may be merged into one.
    func journalGrew()
    /// Close the presence sockets of this user, of one session (its tag) or of all (nil), with
    /// this close code. Report each through `socketClosed` as usual.
    func closeSockets(subject: UInt32, session: UInt64?, code: UInt16)
}

/// Who is online, and since when.
public final class PresenceEngine: Sendable {
    public let settings: PresenceSettings
    public let journal: Journal

    /// - Parameters:
    ///   - restored: what the store has kept; nobody is announced while it is loaded.
    ///   - epoch: random bits that tell this life's cursors from those of others.
    ///   - sink: keeps facts; nil: memory alone, and every fact counts as kept.
    public init(
        settings: PresenceSettings, restored: RestoredState? = nil, epoch: UInt64,
        sink: (any FactSink)? = nil, capacity: PresenceCapacity = PresenceCapacity()
    ) {
        self.settings = settings
        journal = Journal(capacity: capacity.journal, epoch: epoch)
    }

    /// Adds a listener, for good. Call before traffic begins.
    public func listen(_ listener: any ChangeListener) {}
}
