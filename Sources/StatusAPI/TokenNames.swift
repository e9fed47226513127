// Owns the names by which tokens are revoked, for those outside who look one up.
// Called by `sidecar whoami`.
// Never judges a token.

public import Presence
public import ProxyCore

/// What tokens are called in the store.
public enum TokenNames {
    /// What a logout with this token revokes.
    public static func revocation(_ claims: TokenClaims, _ digest: TokenDigest) -> RevocationKey {
        SessionNames.revocation(claims, digest)
    }
}
