// Owns the shapes in which presence is kept on disk, and the seams towards whoever keeps it.
// Called by the engine and by the store.
// Never holds a status that could go stale: `status` here is what was last announced.

public import ProxyCore

/// One session as it is kept: only those live when written.
public struct StoredSession: Sendable, Equatable {
    /// First 8 bytes of SHA-256(user id, 0, session key).
    public var tag: UInt64
    /// UTC of the last contact.
    public var contact: Milliseconds
    /// The client's last heartbeat said `away`.
    public var saidAway: Bool
    /// It held a presence socket when written: then it was in contact until `aliveAt`.
    public var open: Bool

    public init(tag: UInt64, contact: Milliseconds, saidAway: Bool, open: Bool) {
        self.tag = tag
        self.contact = contact
        self.saidAway = saidAway
        self.open = open
    }
}

/// One user as kept. `sessions` replaces whatever was stored for this user before.
public struct StoredUser: Sendable, Equatable {
    public var id: String
    public var name: String?
    public var lastSeen: Milliseconds?
    public var lastActive: Milliseconds?
    /// The status last announced, and when it began; nil: nothing was ever announced.
    public var status: Status
    public var since: Milliseconds?
    /// UTC of the last logout, where nothing has been heard of the user since.
    public var loggedOutAt: Milliseconds?
    public var sessions: [StoredSession]

    public init(
        id: String, name: String? = nil, lastSeen: Milliseconds? = nil,
        lastActive: Milliseconds? = nil, status: Status = .offline, since: Milliseconds? = nil,
        loggedOutAt: Milliseconds? = nil, sessions: [StoredSession] = []
    ) {
        self.id = id
        self.name = name
        self.lastSeen = lastSeen
        self.lastActive = lastActive
        self.status = status
        self.since = since
        self.loggedOutAt = loggedOutAt
        self.sessions = sessions
    }
}

/// A status set by hand. At most one a user: a newer one replaces it.
public struct StoredClaim: Sendable, Equatable {
    public var user: String
    public var status: Status
    public var setAt: Milliseconds
    /// Until when it holds, whatever the user does; nil: until the user's next activity.
    public var until: Milliseconds?

    public init(user: String, status: Status, setAt: Milliseconds, until: Milliseconds?) {
        self.user = user
        self.status = status
        self.setAt = setAt
        self.until = until
    }
}

/// A token that counts for nothing until it expires.
public struct StoredRevocation: Sendable, Equatable {
    public var key: RevocationKey
    public var expires: Milliseconds

    public init(key: RevocationKey, expires: Milliseconds) {
        self.key = key
        self.expires = expires
    }
}

/// When a learnt token was seen last.
public struct SeenToken: Sendable, Equatable {
    public var digest: TokenDigest
    public var seenAt: Milliseconds

    public init(digest: TokenDigest, seenAt: Milliseconds) {
        self.digest = digest
        self.seenAt = seenAt
    }
}

/// Tokens of `user` that name the session `tag` belong to `session` until `expires`.
public struct StoredContinuation: Sendable, Equatable {
    public var user: String
    public var tag: UInt64
    public var session: UInt64
    public var expires: Milliseconds

    public init(user: String, tag: UInt64, session: UInt64, expires: Milliseconds) {
        self.user = user
        self.tag = tag
        self.session = session
        self.expires = expires
    }
}

/// All that a former process left.
public struct RestoredState: Sendable, Equatable {
    public var users: [StoredUser]
    public var claims: [StoredClaim]
    public var revocations: [StoredRevocation]
    public var learnt: [LearntToken]
    public var continued: [StoredContinuation]
    public var hours: [HourTally]
    /// UTC of the last flush: the last moment at which what is stored was known to hold.
    public var aliveAt: Milliseconds

    public init(
        users: [StoredUser] = [], claims: [StoredClaim] = [],
        revocations: [StoredRevocation] = [], learnt: [LearntToken] = [],
        continued: [StoredContinuation] = [], hours: [HourTally] = [],
        aliveAt: Milliseconds = 0
    ) {
        self.users = users
        self.claims = claims
        self.revocations = revocations
        self.learnt = learnt
        self.continued = continued
        self.hours = hours
        self.aliveAt = aliveAt
    }
}

/// What somebody did on purpose: kept before it is acknowledged. Each case names the user, who
/// may be unknown to the store so far.
public enum Fact: Sendable, Equatable {
    case claimSet(StoredClaim)
    /// The claim set at `setAt` is over; a newer one of the same user stays.
    case claimCleared(user: String, setAt: Milliseconds)
    /// A logout: `user` without its ended sessions, and the token that is revoked by it. A learnt
    /// token is forgotten by it.
    case loggedOut(user: StoredUser, revocation: StoredRevocation)
    case revoked(StoredRevocation)
    /// A login's answer has shown it; it is not revoked any more if it was.
    case tokenLearnt(LearntToken)
    case tokenForgotten(TokenDigest)
    case sessionContinued(StoredContinuation)
}

/// Keeps facts for good; the store implements it.
public protocol FactSink: AnyObject, Sendable {
    /// Queues the fact and returns at once. Facts are kept in the order of these calls. `then`
    /// is called later, on the sink's own thread and never from inside `commit`: true once the
    /// fact survives a kill -9, false where it could not be kept.
    func commit(_ fact: Fact, then: @escaping @Sendable (Bool) -> Void)
}

/// Hands out what sightings have changed; the engine implements it.
public protocol DirtySource: AnyObject, Sendable {
    /// Up to `limit` users that have changed since they were last handed out; fewer than that:
    /// there are no more now. The caller keeps them until they are written; what changes
    /// meanwhile stays marked here, one bit a user.
    /// - Parameter now: UTC of the flush: what is handed out is what holds then.
    func drainDirty(limit: Int, now: Milliseconds) -> [StoredUser]

    /// Likewise the learnt tokens whose time has moved.
    func drainSeen(limit: Int) -> [SeenToken]
}
