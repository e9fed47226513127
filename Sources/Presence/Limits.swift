// Owns every fixed bound of this target, with its unit and its reason.
// Called by the tables and the store.
// Never holds what an operator can set.

public import ProxyCore

/// Bounds that are the same in every installation.
public enum PresenceLimits {
    /// People known at once; a row costs about 200 bytes.
    public static let users = 4 * 1024 * 1024
    /// Bytes of a user id.
    public static let userID = 256
    /// Bytes of a display name; longer ones are cut at a character.
    public static let name = 256
    /// Sessions held at once over all users; a slot number has 23 bits in a `SessionRef`.
    public static let sessions = (1 << 23) - 1
    /// Live sessions of one user; the one longest without contact makes room.
    public static let sessionsPerUser = 64
    /// Changes kept for those who resume.
    public static let journal = 65_536
    /// Revoked tokens remembered; one costs about 120 bytes.
    public static let revocations = 1_048_576
    /// Learnt tokens of all users; one costs about 140 bytes. The one unseen longest makes room.
    public static let learntTokens = 1_048_576
    /// Learnt tokens of one user, so that one account cannot push out those of all others.
    public static let learntPerUser = 1_024
    /// How long a learnt token is known without being seen, milliseconds.
    public static let learntUnseen: Milliseconds = 30 * 86_400_000
    /// How often a learnt token is noted as seen at most, milliseconds: it is a write to the disk.
    public static let learntSeenEvery: Milliseconds = 3_600_000
    /// Refreshed tokens whose session is another's; one costs about 120 bytes. The one that
    /// expires soonest makes room.
    public static let continuedSessions = 1_048_576
    /// Bytes of a sighting's label ("POST /orders/") that are kept.
    public static let label = 48
    /// How often a user's label is sampled at most, milliseconds.
    public static let labelEvery: Milliseconds = 1_000
    /// How long a logged-out session is remembered as such, milliseconds: an answer that was on
    /// its way while its token was revoked must not bring the user back. Longer than a response
    /// may take.
    public static let barredFor: Milliseconds = 600_000
    /// Users settled by one sweep at most, so that a sweep is short.
    public static let settledPerSweep = 16_384
    /// Users settled under one hold of a shard's lock, so that a loop waits microseconds for it.
    public static let settledPerHold = 128
    /// Ids whose users a loop remembers, a power of two: a quarter of a megabyte. Another one with
    /// the same place takes it.
    public static let memo = 8_192
    /// Rows visited under one hold of a shard's lock by a listing.
    public static let rowsPerHold = 1_024
    /// Intervals of the history that are kept where there is no file; about 100 bytes each. The
    /// oldest make room.
    public static let historyInMemory = 100_000
    /// Hours of which the peak and the users are remembered: a day, and the one that has begun.
    public static let hours = 25
    /// Users handed to the store at once.
    public static let dirtyBatch = 4_096
}
