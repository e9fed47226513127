// Owns what is kept of a token that a login has shown and that nobody can verify.
// Called by the engine's table, the store and whoever identifies requests.
// Never holds the token itself: its digest is its name.

public import ProxyCore

/// An opaque token whose user a login's answer has told.
public struct LearntToken: Sendable, Equatable {
    /// SHA-256 of the whole token.
    public var digest: TokenDigest
    public var user: String
    public var name: String?
    /// Nothing that a login's answer shows makes anybody an admin: false there.
    public var isAdmin: Bool
    /// The tag of the session that the token belongs to.
    public var session: UInt64
    /// UTC from which it counts for nothing; nil: no end was told.
    public var expires: Milliseconds?
    /// UTC at which it was last shown, as exact as `PresenceLimits.learntSeenEvery`.
    public var seenAt: Milliseconds

    public init(
        digest: TokenDigest, user: String, name: String? = nil, isAdmin: Bool = false,
        session: UInt64, expires: Milliseconds? = nil, seenAt: Milliseconds
    ) {
        self.digest = digest
        self.user = user
        self.name = name
        self.isAdmin = isAdmin
        self.session = session
        self.expires = expires
        self.seenAt = seenAt
    }

    /// The first moment at which it counts for nothing if it is not shown again.
    public var goodUntil: Milliseconds {
        min(expires ?? .max, seenAt.plus(PresenceLimits.learntUnseen))
    }
}

extension RevocationKey {
    /// What a token without a `jti` is revoked by: its own digest.
    public init(_ digest: TokenDigest) {
        self.init(digest.words.0, digest.words.1, digest.words.2, digest.words.3)
    }

    /// The digest that this key is, where it is one: of a `jti` it is the digest of no token.
    var digest: TokenDigest { TokenDigest(words: (first, second, third, fourth)) }
}

extension Milliseconds {
    /// The time so much later; at the end of all time that end.
    func plus(_ duration: Milliseconds) -> Milliseconds {
        let (sum, overflow) = addingReportingOverflow(duration)
        return overflow ? .max : sum
    }
}
