// Owns comparing with secrets, and random bytes.
// Called by caches, the signer and whoever compares what an outsider sent.
// Never keeps a secret.

import COpenSSL

/// Comparing what an outsider sent with a secret.
public enum Secret {
    /// Whether both are the same bytes; takes as long whatever they hold. Lengths are no secret.
    public static func equals(_ left: RawSpan, _ right: RawSpan) -> Bool {
        guard left.byteCount == right.byteCount else { return false }
        return unsafe left.withUnsafeBytes { a in
            unsafe right.withUnsafeBytes { b in
                unsafe a.isEmpty || CRYPTO_memcmp(a.baseAddress, b.baseAddress, a.count) == 0
            }
        }
    }

    /// Bytes that nobody can foresee.
    public static func random(_ count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        guard unsafe count == 0 || RAND_bytes(&bytes, CInt(count)) == 1 else {
            fatalError("libcrypto has no randomness")
        }
        return bytes
    }

    /// A word that nobody can foresee: seeds of hash tables.
    public static func randomWord() -> UInt64 {
        random(8).rawSpan.word(at: 0)
    }
}
