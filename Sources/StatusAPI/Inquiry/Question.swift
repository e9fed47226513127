// Owns what is asked about a credential, who waits for the answer, and what can be known of it.
// Called by identification and admission, which ask, and by the desk, which answers.
// Never is written anywhere: a question holds the credential itself.

public import ProxyCore

/// A credential to ask about, as the client showed it.
public struct Question: Sendable {
    public let digest: TokenDigest
    public let token: [UInt8]
    /// Where it stood.
    public let place: TokenPlace
    /// What stood before it in a field, as it was sent ("bearer", "Token"); nil: nothing did.
    public let scheme: [UInt8]?
    /// The client's `Host`; empty: it sent none.
    public let host: [UInt8]
    /// Whether the client came by TLS.
    public let secure: Bool
    /// Whether it stood in double quotes, as a cookie may.
    public let isQuoted: Bool

    public init(
        digest: TokenDigest, token: [UInt8], place: TokenPlace, scheme: [UInt8]? = nil,
        host: [UInt8], secure: Bool, isQuoted: Bool = false
    ) {
        self.digest = digest
        self.token = token
        self.place = place
        self.scheme = scheme
        self.host = host
        self.secure = secure
        self.isQuoted = isQuoted
    }
}

/// A request that counts once it is known whose it was.
public struct Sighting: Sendable {
    public let activity: Bool
    /// "POST /orders/".
    public let label: ShortText
    public let time: Milliseconds

    public init(activity: Bool, label: ShortText, time: Milliseconds) {
        self.activity = activity
        self.label = label
        self.time = time
    }
}

/// Whose an opaque token is, by the word of the application.
public struct OpaqueIdentity: Sendable, Equatable {
    public let user: String
    public let name: String?
    public let isAdmin: Bool
    /// First 8 bytes of SHA-256(user id, 0, session key), as for every session.
    public let session: UInt64
    /// From then on it is asked again.
    public let goodUntil: Milliseconds

    public init(
        user: String, name: String?, isAdmin: Bool, session: UInt64, goodUntil: Milliseconds
    ) {
        self.user = user
        self.name = name
        self.isAdmin = isAdmin
        self.session = session
        self.goodUntil = goodUntil
    }
}

/// What is known of a credential now.
public enum Standing: Sendable, Equatable {
    case known(OpaqueIdentity)
    /// The server does not want it.
    case refused
    /// The server could not say; it is not asked again before `until`.
    case undecided(until: Milliseconds)
    /// Nobody has asked, or the answer is on its way.
    case unknown
}

/// What the desk has done since the start, and what it holds now.
public struct InquiryTotals: Sendable, Equatable {
    /// Requests sent, each try of a server counted.
    public var sent: Int64 = 0
    public var known: Int64 = 0
    public var refused: Int64 = 0
    public var undecided: Int64 = 0
    /// Questions for which there was no room.
    public var dropped: Int64 = 0
    /// Sightings that counted in the end, and those that did not.
    public var sightingsCounted: Int64 = 0
    public var sightingsLost: Int64 = 0
    /// Times at which nothing was asked for a while because the server did not answer.
    public var pauses: Int64 = 0
    /// Questions that wait or are under way, and owners remembered.
    public var open = 0
    public var remembered = 0

    public init() {}
}
