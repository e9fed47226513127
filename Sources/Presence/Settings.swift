// Owns what an operator can set about presence, and the sizes of the tables.
// Called by the assembly, which fills it; read by the rules and the engine.
// Never changes while an engine lives.

public import ProxyCore

/// What a logout ends.
public enum LogoutScope: Sendable, Equatable {
    /// Every session of the user; all of the user's presence sockets close.
    case user
    /// The session that logged out, and no other.
    case session
}

/// The `presence` section of the configuration; durations in milliseconds.
public struct PresenceSettings: Sendable, Equatable {
    /// Without contact for so long a session is over.
    public var offlineAfter: Milliseconds
    /// Without activity for so long a user is away; nil: never by itself.
    public var awayAfter: Milliseconds?
    /// How often clients are asked to send a heartbeat.
    public var heartbeatEvery: Milliseconds
    /// How long a session whose last presence socket closed may take to return.
    public var disconnectGrace: Milliseconds
    public var logoutScope: LogoutScope
    /// UTC of this process's start: sessions that were live before are presumed so until
    /// `startedAt + offlineAfter`.
    public var startedAt: Milliseconds

    public init(
        offlineAfter: Milliseconds = 120_000, awayAfter: Milliseconds? = nil,
        heartbeatEvery: Milliseconds = 30_000, disconnectGrace: Milliseconds = 10_000,
        logoutScope: LogoutScope = .user, startedAt: Milliseconds
    ) {
        self.offlineAfter = offlineAfter
        self.awayAfter = awayAfter
        self.heartbeatEvery = heartbeatEvery
        self.disconnectGrace = disconnectGrace
        self.logoutScope = logoutScope
        self.startedAt = startedAt
    }

    /// When the presumption in favour of sessions from before a restart ends.
    public var presumedUntil: Milliseconds { startedAt + offlineAfter }
}

/// How much an engine holds at most. What happens at each bound is said at the bound.
public struct PresenceCapacity: Sendable, Equatable {
    /// Users known; further ones pass untracked and are counted in `PresenceMetrics`.
    public var users = PresenceLimits.users
    /// Session rows of all users together; beyond it a contact moves `last_seen` alone.
    public var sessions = PresenceLimits.sessions
    /// Sessions of one user; the one longest without contact makes room.
    public var sessionsPerUser = PresenceLimits.sessionsPerUser
    /// Revoked tokens remembered; the one that expires soonest makes room.
    public var revocations = PresenceLimits.revocations
    /// Learnt tokens; the one unseen longest makes room.
    public var learntTokens = PresenceLimits.learntTokens
    /// Refreshed tokens that go on with another's session; the one that expires soonest makes
    /// room.
    public var continuedSessions = PresenceLimits.continuedSessions
    /// Changes kept for those who resume; the oldest makes room, and its reader starts anew.
    public var journal = PresenceLimits.journal

    public init() {}
}
