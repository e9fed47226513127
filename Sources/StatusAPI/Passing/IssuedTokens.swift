// Owns judging the tokens that the application's answers issue.
// Called with the answers of login and refresh routes.
// Never counts anybody: what a token means is for the engine.

import Presence
import ProxyCore

/// A token by which later requests will be known.
enum IssuedToken {
    /// It says itself whose it is, and its signature was found good.
    case signed(TokenClaims, TokenDigest)
    /// It says nothing; whoever issued it has to.
    case opaque(TokenDigest)

    var claims: TokenClaims? { if case .signed(let claims, _) = self { claims } else { nil } }

    /// The session that the token names by itself, of this user.
    func tag(of user: String) -> UInt64 {
        switch self {
        case .signed(let claims, let digest): SessionNames.tag(claims, digest)
        case .opaque(let digest): SessionNames.tag(user: user, session: nil, digest)
        }
    }
}

/// The judge of one loop. It has a verifier of its own, since what it judges are answers: no
/// request pays for it, and no allowance is charged.
final class IssuedTokens {
    private let verifier: Verifier
    private let hasKeys: Bool
    private let learns: Bool

    init(_ settings: TokenSettings) {
        verifier = Verifier(settings.ring)
        hasKeys = !settings.ring.snapshot().isEmpty
        learns = settings.learns
    }

    /// Nil: no later request will be known by it.
    func judge(_ token: RawSpan, now: Milliseconds) -> IssuedToken? {
        if hasKeys {
            switch verifier.verify(token, now: now) {
            case .valid(let claims, let digest): return .signed(claims, digest)
            case .refused(let fault): guard Self.isNoJWT(fault) else { return nil }
            }
        }
        guard learns, Self.isLearnable(token) else { return nil }
        return .opaque(TokenDigest.of(token))
    }

    /// Who and which session a token names that has expired a while ago at most.
    func past(_ token: RawSpan, now: Milliseconds) -> (TokenClaims, TokenDigest)? {
        guard
            case .valid(let claims, let digest) = verifier.verify(
                token, now: now, expiredFor: APILimits.refreshedFor)
        else { return nil }
        return (claims, digest)
    }

    /// Whether the text is of another kind. A JWT that does not verify is not learnt where keys
    /// are configured: it would count for nothing by its signature and for a month by having
    /// been seen, without its `exp` and its algorithm being looked at. What has three segments
    /// and no header with an `alg` (a signed cookie of Flask has) is no JWT.
    private static func isNoJWT(_ fault: TokenFault) -> Bool {
        switch fault {
        case .notThreeSegments, .badEncoding, .badHeader: true
        default: false
        }
    }

    /// Of some length, since a short text is no secret, and of bytes that can stand in a field.
    private static func isLearnable(_ token: RawSpan) -> Bool {
        guard token.byteCount >= APILimits.learntBytes, token.byteCount <= Limits.tokenBytes
        else { return false }
        for index in 0..<token.byteCount {
            guard token[at: index] > 0x20, token[at: index] < 0x7F else { return false }
        }
        return true
    }
}
