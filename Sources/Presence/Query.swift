// Owns the questions that listings ask, and the shapes of their answers.
// Called by the endpoints.
// Never reads a table: Engine's Queries page does.

public import ProxyCore

/// Which users a listing wants, and in which order.
public struct UserQuery: Sendable, Equatable {
    public enum Ordering: Sendable, Equatable {
        /// Natural: ids of digits alone by their value, before all others; those by their bytes.
        case userID
        /// By the lower-cased name; users without one come last.
        case name
        /// The longest unseen first; the never seen before all.
        case lastSeen
        /// The latest seen first; the never seen after all.
        case lastSeenDescending
    }

    /// Nil: any. Where it leaves `offline` out, the cost is proportional to those present.
    public var statuses: Set<Status>?
    /// Part of the id or of the name, upper and lower case alike.
    public var search: String?
    /// `last_seen` at or after this.
    public var seenAfter: Milliseconds?
    /// `last_seen` before this.
    public var seenBefore: Milliseconds?
    /// Ties are broken by the id.
    public var ordering: Ordering
    public var offset: Int
    public var limit: Int

    public init(
        statuses: Set<Status>? = nil, search: String? = nil, seenAfter: Milliseconds? = nil,
        seenBefore: Milliseconds? = nil, ordering: Ordering = .userID, offset: Int = 0,
        limit: Int = 20
    ) {
        self.statuses = statuses
        self.search = search
        self.seenAfter = seenAfter
        self.seenBefore = seenBefore
        self.ordering = ordering
        self.offset = offset
        self.limit = limit
    }
}

/// A page of a listing.
public struct UserPage: Sendable, Equatable {
    /// All users that match, not only those on this page.
    public var count: Int
    public var results: [PresenceView]
}

/// How many users have which status, and how many sockets are open.
public struct PresenceCounts: Sendable, Equatable {
    public var online: Int
    public var away: Int
    public var offline: Int
    public var sockets: Int

    public var users: Int { online + away + offline }
}

/// What an operator watches: how full the tables are and what the bounds have cost.
public struct PresenceMetrics: Sendable, Equatable {
    public var users: Int
    public var sessions: Int
    public var revocations: Int
    public var changes: UInt64
    /// Sightings of users for whom there was no row.
    public var untrackedUsers: Int
    /// Contacts for which there was no session row.
    public var untrackedSessions: Int
    /// Sessions that made room for another of the same user.
    public var evictedSessions: Int
    /// Revocations that made room before they had expired.
    public var forgottenRevocations: Int
    /// Tokens whose user a login's answer has told.
    public var learntTokens: Int
    /// Of them those that made room for others.
    public var evictedTokens: Int
}
