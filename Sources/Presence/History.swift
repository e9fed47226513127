// Owns the shapes of the history, and what the engine hands out for it.
// Called by the store, which keeps the history, and by the endpoint that shows it.
// Never keeps anything itself.

public import ProxyCore

/// A user's status and when it began.
public struct StatusMark: Sendable, Equatable {
    public var user: String
    public var status: Status
    public var since: Milliseconds

    public init(user: String, status: Status, since: Milliseconds) {
        self.user = user
        self.status = status
        self.since = since
    }
}

/// For so long a user had a status other than offline.
public struct HistoryInterval: Sendable, Equatable {
    public var status: Status
    public var from: Milliseconds
    /// nil: it lasts.
    public var to: Milliseconds?

    public init(status: Status, from: Milliseconds, to: Milliseconds?) {
        self.status = status
        self.from = from
        self.to = to
    }
}

/// A time of which not all is known.
public struct HistoryGap: Sendable, Equatable {
    public var from: Milliseconds
    public var to: Milliseconds

    public init(from: Milliseconds, to: Milliseconds) {
        self.from = from
        self.to = to
    }
}

/// One user's history between two moments.
public struct UserHistory: Sendable, Equatable {
    /// Of which the answer speaks: later than asked where older times are not kept.
    public var from: Milliseconds
    /// Earlier than asked where it lies ahead, or where `isCut`.
    public var to: Milliseconds
    /// Milliseconds with the status online.
    public var online: Milliseconds = 0
    /// In order, cut to `from` and `to`.
    public var intervals: [HistoryInterval] = []
    public var gaps: [HistoryGap] = []
    /// There is more after `to`.
    public var isCut = false

    public init(from: Milliseconds, to: Milliseconds) {
        self.from = from
        self.to = to
    }
}

/// What became of a question about a history.
public enum HistoryAnswer: Sendable, Equatable {
    case found(UserHistory)
    /// None is kept.
    case notKept
    /// It cannot be read; why, in a line.
    case failed(String)
}

/// Keeps the history; the store implements it.
public protocol HistoryKeeper: AnyObject, Sendable {
    /// Looks it up, and calls `then` on another thread.
    /// - Parameter to: nil: up to the moment of looking.
    /// - Returns: false: too many wait already, and `then` is not called.
    func history(
        of user: String, from: Milliseconds, to: Milliseconds?, limit: Int,
        then: @escaping @Sendable (HistoryAnswer) -> Void
    ) -> Bool
}

/// What has changed for the history.
public enum HistoryChanges: Sendable, Equatable {
    /// Every change, in order. Fewer than asked for: there are no more now.
    case marks([StatusMark], next: Cursor)
    /// The journal does not hold all of them any more.
    case lost(next: Cursor)
}

/// Hands out what the history is made of; the engine implements it.
public protocol HistorySource: AnyObject, Sendable {
    /// Where the journal ends.
    var end: Cursor { get }
    func changes(since cursor: Cursor, limit: Int) -> HistoryChanges
    /// Everybody who is not offline.
    func allPresent() -> [StatusMark]
    /// The status of one user.
    func mark(of user: String) -> StatusMark
    /// Puts into the journal what time has changed about a user.
    func settle(_ user: String, now: Milliseconds)
    /// Hours that have changed since the last call.
    func drainHours() -> [HourTally]
}

/// What the store is to keep of the past.
public struct HistoryPlan: Sendable {
    public var source: any HistorySource
    /// For how long; nil: no history, the hours alone.
    public var keep: Milliseconds?
    /// UTC of this process's start.
    public var startedAt: Milliseconds
    /// After a pause longer than this nobody knows who was there meanwhile.
    public var tolerance: Milliseconds

    public init(
        source: any HistorySource, keep: Milliseconds?, startedAt: Milliseconds,
        tolerance: Milliseconds
    ) {
        self.source = source
        self.keep = keep
        self.startedAt = startedAt
        self.tolerance = tolerance
    }
}

extension PresenceEngine: HistorySource {
    public var end: Cursor { journal.cursor }

    public func changes(since cursor: Cursor, limit: Int) -> HistoryChanges {
        guard let (changes, next) = journal.every(since: cursor, limit: limit) else {
            return .lost(next: journal.cursor)
        }
        let marks = changes.map { change in
            let user = locked(change.subject) { shard, local in shard.rows[local].id }.0
            return StatusMark(user: user, status: change.status, since: change.since)
        }
        return .marks(marks, next: next)
    }

    public func allPresent() -> [StatusMark] {
        var marks: [StatusMark] = []
        for shard in shards {
            shard.withLock { shard in
                for subject in shard.present {
                    let row = shard.rows[Shard.local(Int(subject))]
                    marks.append(StatusMark(user: row.id, status: row.status, since: row.since))
                }
            }
        }
        return marks
    }

    public func mark(of user: String) -> StatusMark {
        guard let subject = users.find(user) else {
            return StatusMark(user: user, status: .offline, since: 0)
        }
        return locked(subject) { shard, local in
            let row = shard.rows[local]
            return StatusMark(user: user, status: row.status, since: row.since)
        }.0
    }

    public func settle(_ user: String, now: Milliseconds) { _ = view(user: user, now: now) }

    public func drainHours() -> [HourTally] { tables.hours.drain() }
}
