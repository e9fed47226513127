// Owns the making of tokens for trying things out.
// Called by `sidecar token`, the demo and tests.
// Never runs on the passing path.

/// Signs tokens with one shared secret.
public final class TokenSigner {
    /// Who a token is for.
    public struct Subject: Sendable {
        public var user: String
        public var name: String?
        public var isAdmin: Bool
        public var session: String?

        public init(
            user: String, name: String? = nil, isAdmin: Bool = false, session: String? = nil
        ) {
            self.user = user
            self.name = name
            self.isAdmin = isAdmin
            self.session = session
        }
    }

    /// A claim is configured by a path, which a new token cannot be made along.
    public struct PathClaim: Error, Sendable, Equatable {
        public let claim: String
    }

    private let key: TokenKey
    private let mac: KeyedMAC

    public init(_ key: TokenKey) {
        self.key = key
        mac = KeyedMAC(key.algorithm, secret: key.secret)
    }

    /// A token for somebody, with the claims that `rules` look for, from `now` on.
    ///
    /// - Parameter lifetime: milliseconds; written as whole seconds, rounded up.
    /// - Throws: `PathClaim` where a claim that is needed has no plain name.
    public func mint(
        _ subject: Subject, rules: ClaimRules = ClaimRules(), now: Milliseconds,
        lifetime: Milliseconds
    ) throws(PathClaim) -> String {
        var claims = JSONWriter()
        claims.beginObject()
        claims.key(text: try Self.member(rules.user, "user"))
        claims.string(subject.user)
        if let name = subject.name {
            claims.key(text: try Self.member(rules.name, "name"))
            claims.string(name)
        }
        if subject.isAdmin, let admin = rules.admin {
            claims.key(text: try Self.member([admin], "admin"))
            switch rules.adminEquals {
            case .bool(let value): claims.bool(value)
            case .string(let value), .word(let value): claims.string(value)
            case .integer(let value): claims.integer(value)
            }
        }
        var id = Self.freshID()
        if let session = subject.session {
            let claim = try Self.member(rules.session, "session")
            if claim == "jti" {
                id = session
            } else {
                claims.key(text: claim)
                claims.string(session)
            }
        }
        if let issuer = key.issuer {
            claims.key("iss")
            claims.string(issuer)
        }
        if let audience = key.audience {
            claims.key("aud")
            claims.string(audience)
        }
        claims.key("iat")
        claims.integer(now / 1000)
        claims.key("exp")
        claims.integer((now + lifetime + 999) / 1000)
        claims.key("jti")
        claims.string(id)
        claims.endObject()
        return sign(claims: claims.bytes)
    }

    /// A token around claims that are already JSON.
    public func sign(claims: RawSpan) -> String {
        var header = JSONWriter()
        header.beginObject()
        header.key("alg")
        header.string(key.algorithm.rawValue)
        header.key("typ")
        header.string("JWT")
        if let id = key.keyID {
            header.key("kid")
            header.string(id)
        }
        header.endObject()
        return sign(header: header.bytes, claims: claims)
    }

    /// Signs whatever it is given: tests make bad tokens with it.
    func sign(header: RawSpan, claims: RawSpan) -> String {
        var token = ByteBuffer(capacity: 512)
        Base64URL.encode(header, into: &token)
        token.append(0x2e)
        Base64URL.encode(claims, into: &token)
        var signature = ByteBuffer(capacity: 64)
        mac.sign(token.bytes, into: &signature)
        token.append(0x2e)
        Base64URL.encode(signature.bytes, into: &token)
        return token.bytes.text() ?? ""
    }

    private static func member(
        _ names: [ClaimName], _ what: String
    ) throws(PathClaim) -> String {
        guard let name = names.first(where: \.isMember) else {
            throw PathClaim(claim: names.first?.text ?? what)
        }
        return name.text
    }

    private static func freshID() -> String {
        var id = ByteBuffer(capacity: 32)
        Base64URL.encode(Secret.random(16).rawSpan, into: &id)
        return id.bytes.text() ?? ""
    }
}
