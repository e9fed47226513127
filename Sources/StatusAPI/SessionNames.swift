// Owns the names of sessions and of revocable tokens, out of claims.
// Called by identification, by whoever reads logins and by whoever asks about opaque tokens.
// Never holds a token.

import Presence
import ProxyCore

/// Names of sessions and of revocable tokens, out of claims.
enum SessionNames {
    /// The first 8 bytes of SHA-256(user, 0, session key); without a session in the claims the
    /// token itself is the session.
    static func tag(_ claims: TokenClaims, _ digest: TokenDigest) -> UInt64 {
        tag(user: claims.user, session: claims.session, digest)
    }

    static func tag(user: String, session: String?, _ digest: TokenDigest) -> UInt64 {
        let key = session.map { Array($0.utf8) } ?? digest.bytes
        return TokenDigest.of((Array(user.utf8) + [0] + key).rawSpan).words.0
    }

    /// By `jti` where there is one: the same token can be signed twice (RFC 7519 §4.1.7 makes it
    /// unique). With the user before it, so that no issuer's carelessness revokes another's token.
    static func revocation(_ claims: TokenClaims, _ digest: TokenDigest) -> RevocationKey {
        guard let id = claims.tokenID else { return key(digest) }
        let text = Array("jti".utf8) + [0] + Array(claims.user.utf8) + [0] + Array(id.utf8)
        return key(TokenDigest.of(text.rawSpan))
    }

    /// What a token is revoked by that has no other name.
    static func key(_ digest: TokenDigest) -> RevocationKey {
        RevocationKey(digest.words.0, digest.words.1, digest.words.2, digest.words.3)
    }
}
