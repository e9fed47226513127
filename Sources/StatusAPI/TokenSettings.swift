// Owns what counts as a credential, and what is told to the application of whoever showed one.
// Called by the assembly, which fills it from the config file, and by whoever reads credentials.
// Never holds a token in clear, never judges one.

public import ProxyCore

/// One place of a request where a token may stand.
public enum TokenPlace: Sendable, Equatable {
    /// A field. In `Authorization` without a scheme: behind `Bearer`, `Token` or `JWT`, or as a
    /// bare word; other schemes (`Basic`) are no tokens. With one: behind that one alone. In any
    /// other field without a scheme: the whole value, or behind one of these three.
    case header(name: String, scheme: String?)
    case cookie(String)
    /// A parameter of the target; looked at for the sidecar's own sockets alone, since addresses
    /// are kept by histories and logs on the way.
    case query(String)
}

/// A credential of a program instead of a person: it may read, and as an admin set a status. It
/// never makes anybody online.
public struct ServiceToken: Sendable, Equatable {
    /// For logs.
    public var name: String
    public var digest: TokenDigest
    public var isAdmin: Bool

    /// - Parameter token: what it sends; only its digest is kept.
    public init(name: String, token: [UInt8], isAdmin: Bool = false) {
        self.name = name
        digest = TokenDigest.of(token.rawSpan)
        self.isAdmin = isAdmin
    }
}

/// Names of the fields in which the application is told who sent a request; nil: it is not told.
/// The same names belong into `ProxySettings.reservedFields`, so that no client can send them.
public struct ForwardedClaims: Sendable, Equatable {
    public var user: String?
    public var name: String?
    /// Its value is `true` or `false`.
    public var admin: String?

    public init(user: String? = nil, name: String? = nil, admin: String? = nil) {
        self.user = user
        self.name = name
        self.admin = admin
    }

    public var isEmpty: Bool { names.isEmpty }

    /// The fields that only the sidecar may send.
    public var names: [String] { [user, name, admin].compactMap(\.self) }
}

/// What tokens are judged by; each loop makes its own verifier of it.
public struct TokenSettings: Sendable {
    /// Without issuers no token verifies.
    public var ring: KeyRing
    /// Where a token may stand. `Sec-WebSocket-Protocol: bearer, TOKEN` is read besides them, on
    /// the sidecar's own sockets alone.
    public var places = TokenSettings.usualPlaces
    public var service: [ServiceToken] = []
    public var forwarded = ForwardedClaims()
    /// Whose word on a client's address is believed: allowances are counted by that address.
    public var trusted = TrustedNetworks()
    /// A login route learns tokens that say nothing themselves (`token` of a login and `user`).
    public var learns = false
    /// Whether it is worth waiting for keys of the issuer of this number: they are being fetched.
    public var keysAwaited: @Sendable (_ issuer: Int) -> Bool = { _ in false }

    public static let usualPlaces: [TokenPlace] = [
        .header(name: "Authorization", scheme: nil), .query("token"),
    ]

    public init(ring: KeyRing) {
        self.ring = ring
    }

    /// Whether a browser may send a credential of itself, for whichever site's script is asking.
    public var readsCookies: Bool {
        places.contains { if case .cookie = $0 { true } else { false } }
    }
}
