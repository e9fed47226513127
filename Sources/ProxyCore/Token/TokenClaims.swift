// Owns what a verified token says: who, in which session, until when.
// Called by the verifier, once a signature has been found good.
// Never looks at a signature, never reads a clock.

/// What the times of a token are compared with, milliseconds.
struct TokenClock {
    let now: Milliseconds
    /// How far the issuer's clock may differ.
    let leeway: Milliseconds
    /// How long ago it may have expired.
    let past: Milliseconds
}

/// A person and a session, out of a verified token.
public struct TokenClaims: Sendable, Equatable {
    /// The user id as text: `42` and `"42"` are one user.
    public var user: String
    /// What the user is called; nil where the token does not say or says nothing usable.
    public var name: String?
    /// The session by `sid` or `jti`; nil: the token itself is the session.
    public var session: String?
    /// `jti`, by which a token is revoked.
    public var tokenID: String?
    /// `exp`.
    public var expires: Milliseconds
    /// `exp` and the leeway: the first moment at which the token counts for nothing.
    public var goodUntil: Milliseconds
    public var isAdmin: Bool
    /// Whose token it is: the number of the issuer in the key ring.
    public var issuer: Int

    public init(
        user: String, name: String? = nil, session: String? = nil, tokenID: String? = nil,
        expires: Milliseconds, goodUntil: Milliseconds, isAdmin: Bool = false, issuer: Int = 0
    ) {
        self.user = user
        self.name = name
        self.session = session
        self.tokenID = tokenID
        self.expires = expires
        self.goodUntil = goodUntil
        self.isAdmin = isAdmin
        self.issuer = issuer
    }
}

extension TokenClaims {
    /// The last moment that RFC 3339 can write; a later `exp` means this one.
    static let endOfTime: Milliseconds = 253_402_300_799_999

    /// Reads the claims of a token that `issuer` has signed.
    ///
    /// - Parameter index: the issuer's number in the key ring.
    init(
        _ bytes: RawSpan, header: TokenHeader, issuer: TokenIssuer, index: Int,
        rules: ClaimRules, clock: TokenClock
    ) throws(TokenFault) {
        let node: JSONNode
        do {
            node = try JSONReader.read(bytes, maximumDepth: Limits.tokenDepth)
        } catch {
            throw .badClaims
        }
        guard node.object != nil else { throw .badClaims }
        let expires = try Self.checkTimes(node, longest: issuer.maximumLifetime, clock)
        try Self.checkParties(node, issuer)
        if let type = issuer.type, !header.hasType(type) { throw .typeMismatch }
        if Self.isRefreshToken(node) { throw .refreshToken }
        let rules = issuer.claims ?? rules
        self.init(
            user: try Self.user(node, rules),
            name: Self.text(node, rules.name), session: Self.text(node, rules.session),
            tokenID: Self.text(node, [ClaimName(member: "jti")]), expires: expires,
            goodUntil: expires + clock.leeway,
            isAdmin: rules.admin?.find(in: node).map(rules.adminEquals.matches) ?? false,
            issuer: index)
    }

    /// RFC 7519 §4.1.4–4.1.6. `exp` must be there: a token that never ends cannot be revoked by
    /// waiting.
    private static func checkTimes(
        _ claims: JSONNode, longest: Milliseconds?, _ clock: TokenClock
    ) throws(TokenFault) -> Milliseconds {
        guard let exp = claims["exp"] else { throw .expiryMissing }
        let expires = try time(exp)
        guard clock.now < expires + clock.leeway + clock.past else { throw .expired }
        if let nbf = claims["nbf"], try time(nbf) > clock.now + clock.leeway {
            throw .notYetValid
        }
        var issued: Milliseconds?
        if let iat = claims["iat"] {
            let time = try time(iat)
            if time > clock.now + clock.leeway { throw .issuedInFuture }
            issued = time
        }
        // Who does not say since when it lives must not have long to live from now on.
        if let longest, expires - (issued ?? clock.now) > longest { throw .lifetimeTooLong }
        return expires
    }

    /// A NumericDate (RFC 7519 §2): seconds, whole or not, as a number and nothing else.
    private static func time(_ node: JSONNode) throws(TokenFault) -> Milliseconds {
        guard let seconds = node.double else { throw .badTime }
        if seconds <= 0 { return 0 }
        if seconds * 1000 >= Double(endOfTime) { return endOfTime }
        return Milliseconds(seconds * 1000)
    }

    /// A refresh token is signed with the same key and names the same user; taking it for an
    /// access token would let it live for weeks (RFC 8725 §3.12). Django's simplejwt marks it by
    /// `token_type`, flask-jwt-extended by `type`, Keycloak by `typ`.
    private static func isRefreshToken(_ claims: JSONNode) -> Bool {
        claims["token_type"].isRefresh || claims["type"].isRefresh || claims["typ"].isRefresh
    }

    /// RFC 8725 §3.8 and §3.9, where configured.
    private static func checkParties(
        _ claims: JSONNode, _ issuer: TokenIssuer
    ) throws(TokenFault) {
        if let name = issuer.name {
            guard let given = claims["iss"]?.string, given.rawSpan.equals(name.rawSpan) else {
                throw .issuerMismatch
            }
        }
        if !issuer.audiences.isEmpty {
            guard let given = claims["aud"],
                issuer.audiences.contains(where: { ClaimScalar.string($0).matches(given) })
            else { throw .audienceMismatch }
        }
    }

    private static func user(_ claims: JSONNode, _ rules: ClaimRules) throws(TokenFault) -> String {
        for name in rules.user {
            guard let node = name.find(in: claims) else { continue }
            guard let id = node.identifier else { throw .badUser }
            return id
        }
        throw .userMissing
    }

    /// The first of the claims that is there and usable: names and sessions are no reason to
    /// refuse anybody.
    private static func text(_ claims: JSONNode, _ names: [ClaimName]) -> String? {
        for name in names {
            if let node = name.find(in: claims), let text = node.identifier { return text }
        }
        return nil
    }
}

extension JSONNode {
    /// A text, or a whole number as text: `42` and `"42"` are one user. Nil where it cannot name
    /// anybody: empty, long, with control characters, or a number that is not written in the one
    /// way in which we would write it (`42.0`, `4.2e1`, `-0`): otherwise two users could be one.
    public var identifier: String? {
        switch kind {
        case .string(let text):
            guard (1...Limits.tokenField).contains(text.utf8.count) else { return nil }
            return text.rawSpan.hasControl ? nil : text
        case .number(let number):
            guard let value = number.integer else { return nil }
            let text = String(value)
            return text.utf8.elementsEqual(number.text.utf8) ? text : nil
        case .null, .bool, .array, .object:
            return nil
        }
    }
}

extension JSONNode? {
    fileprivate var isRefresh: Bool {
        self?.string?.rawSpan.equalsFolded("refresh") ?? false
    }
}

extension RawSpan {
    /// Whether UTF-8 text has a control character: C0, DEL, or C1, which is C2 80 to C2 9F.
    fileprivate var hasControl: Bool {
        var before: UInt8 = 0
        for index in 0..<byteCount {
            let byte = self[at: index]
            if byte < 0x20 || byte == 0x7f || (before == 0xc2 && byte < 0xa0) { return true }
            before = byte
        }
        return false
    }
}
