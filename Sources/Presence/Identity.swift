// Owns the names by which the passing path calls a user, a session and a token: small numbers.
// Called by whoever verifies tokens; carried in tickets and verdict caches.
// Never holds a string or a secret.

public import ProxyCore

/// A session of a user: two words, which fit a `Ticket`.
///
/// `hint` is where the session was last found. Rows are recycled, so it is checked against `tag`
/// at each use and renewed where it was wrong; keep the `inout` value.
public struct SessionRef: Sendable, Equatable, BitwiseCopyable {
    /// Row of the user; never reused.
    public let subject: UInt32
    var hint: UInt32
    /// First 8 bytes of SHA-256(user id, 0, session key).
    public let tag: UInt64

    init(subject: UInt32, hint: UInt32, tag: UInt64) {
        self.subject = subject
        self.hint = hint
        self.tag = tag
    }

    /// Rebuilds what `subjectWord` and `tag` came from.
    public init(subjectWord: UInt64, tag: UInt64) {
        subject = UInt32(truncatingIfNeeded: subjectWord)
        hint = UInt32(truncatingIfNeeded: subjectWord >> 32)
        self.tag = tag
    }

    /// Subject and hint in one word, for `Ticket.subject`; `tag` goes into `Ticket.session`.
    public var subjectWord: UInt64 { UInt64(hint) << 32 | UInt64(subject) }
}

/// What a token is revoked by: the SHA-256 of the token, or of its `jti`.
public struct RevocationKey: Sendable, Hashable, BitwiseCopyable {
    public let first: UInt64
    public let second: UInt64
    public let third: UInt64
    public let fourth: UInt64

    public init(_ first: UInt64, _ second: UInt64, _ third: UInt64, _ fourth: UInt64) {
        self.first = first
        self.second = second
        self.third = third
        self.fourth = fourth
    }

    /// The key of 32 bytes, big-endian; nil where there are not 32.
    public init?(_ bytes: RawSpan) {
        guard bytes.byteCount == 32 else { return nil }
        self.init(
            Self.word(bytes, 0), Self.word(bytes, 8), Self.word(bytes, 16), Self.word(bytes, 24))
    }

    /// The 32 bytes again.
    public var bytes: [UInt8] {
        [first, second, third, fourth].flatMap { word in
            (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(56 - $0 * 8)) }
        }
    }

    private static func word(_ bytes: RawSpan, _ start: Int) -> UInt64 {
        var word: UInt64 = 0
        for place in start..<start + 8 { word = word << 8 | UInt64(bytes[at: place]) }
        return word
    }
}

/// A verified token, as a verdict cache keeps it.
public struct Identity: Sendable, Equatable, BitwiseCopyable {
    public var session: SessionRef
    public let revocation: RevocationKey
    /// UTC at which the token expires.
    public private(set) var expires: Milliseconds
    public let isAdmin: Bool
    /// The state of the revocations at which this token was last found good.
    var epoch: UInt64

    init(
        session: SessionRef, revocation: RevocationKey, expires: Milliseconds, isAdmin: Bool,
        epoch: UInt64
    ) {
        self.session = session
        self.revocation = revocation
        self.expires = expires
        self.isAdmin = isAdmin
        self.epoch = epoch
    }

    public var subject: UInt32 { session.subject }

    /// The token was refreshed: what it opened may go on until its successor expires.
    public mutating func extend(until expires: Milliseconds) {
        self.expires = max(self.expires, expires)
    }
}

/// What became of a token that was presented for the first time.
public enum Enrollment: Sendable, Equatable {
    case identity(Identity)
    /// The token is revoked: it counts for nothing.
    case revoked
    /// The user table is full: the request passes, untracked.
    case full
    /// The id is empty or longer than `PresenceLimits.userID`: untracked.
    case unusableID
}
