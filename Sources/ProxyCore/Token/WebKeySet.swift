// Owns reading JSON Web Keys (RFC 7517): a set of them, or one.
// Called by whoever fetches or reads key sets.
// Never takes a set that holds anything secret, never looks at certificates or addresses in it.

/// Key sets that issuers publish.
public enum WebKeySet {
    /// The usable keys of a JWKS or of one JWK.
    public static func read(_ bytes: RawSpan) throws(KeyError) -> [PublishedKey] {
        throw .noUsableKey
    }
}
