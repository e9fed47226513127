// Owns what the store says of itself: whether it writes, and how much it has written.
// Called by readiness, metrics and the log.
// Never holds anything of a person.

/// Whether what presence learns reaches the disk.
public enum StoreHealth: Equatable, Sendable {
    case ok
    /// Presence runs on in memory; the reason is one line that names the file.
    case degraded(String)

    public var isOK: Bool { self == .ok }
}

/// Counters since the start, for metrics.
public struct StoreStatistics: Equatable, Sendable {
    /// Transactions that reached the disk.
    public var commits = 0
    /// Transactions that failed and were rolled back.
    public var failures = 0
    /// Rows of users, with their sessions, and times of learnt tokens written.
    public var rows = 0
    /// Explicit facts written.
    public var facts = 0
    /// Explicit facts that found the queue full: they hold in memory only, until the restart.
    public var factsRefused = 0
    /// Facts that wait for the disk now.
    public var factsWaiting = 0
    /// Rows that retention deleted.
    public var pruned = 0
    /// Intervals of the history written.
    public var intervals = 0
    /// Times at which the journal had lost changes before they were written into the history.
    public var historyGaps = 0
    /// Pages in the write-ahead log when it was last moved into the database. It grows where
    /// another process reads for long.
    public var logPages = 0
    /// How long the last transaction took, microseconds.
    public var lastCommitMicroseconds = 0

    public init() {}
}
