// Owns every call of libcrypto: digests, keyed MACs, comparing secrets, random bytes.
// Called by the verifier, the signer, the caches and the WebSocket handshake.
// Never parses anything, never decides anything.

import COpenSSL

/// SHA-256 of a token: its name wherever the token itself must not stand (store, logs, cluster).
public struct TokenDigest: Sendable, Hashable, BitwiseCopyable {
    /// The 32 bytes as four big-endian words.
    public let words: (UInt64, UInt64, UInt64, UInt64)

    public init(words: (UInt64, UInt64, UInt64, UInt64)) {
        self.words = words
    }

    /// The digest from its 32 bytes (a row of the store), or nil at any other length.
    public init?(bytes: RawSpan) {
        guard bytes.byteCount == 32 else { return nil }
        words = (
            UInt64(bigEndian: bytes.word(at: 0)), UInt64(bigEndian: bytes.word(at: 8)),
            UInt64(bigEndian: bytes.word(at: 16)), UInt64(bigEndian: bytes.word(at: 24))
        )
    }

    /// The digest of a whole token.
    public static func of(_ token: RawSpan) -> TokenDigest {
        DigestContext(.sha256).tokenDigest(token)
    }

    /// The 32 bytes.
    public var bytes: [UInt8] {
        [words.0, words.1, words.2, words.3].flatMap { word in
            (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(56 - 8 * $0)) }
        }
    }

    public static func == (left: TokenDigest, right: TokenDigest) -> Bool {
        left.words == right.words
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(words.0)
        hasher.combine(words.1)
    }
}

/// One digest, fetched once and used again and again: a fetch costs more than hashing a token.
@safe final class DigestContext {
    enum Kind {
        case sha1, sha256

        var name: String { self == .sha1 ? "SHA1" : "SHA256" }
        var length: Int { self == .sha1 ? 20 : 32 }
    }

    private let kind: Kind
    private let method: OpaquePointer
    private let context: OpaquePointer

    /// Dies where libcrypto has no such digest: nothing here works without it.
    init(_ kind: Kind) {
        self.kind = kind
        guard let method = unsafe EVP_MD_fetch(nil, kind.name, nil),
            let context = unsafe EVP_MD_CTX_new()
        else { fatalError("libcrypto offers no \(kind.name)") }
        unsafe self.method = method
        unsafe self.context = context
    }

    deinit {
        unsafe EVP_MD_CTX_free(context)
        unsafe EVP_MD_free(method)
    }

    /// Appends the digest of `message`.
    func append(_ message: RawSpan, to out: inout ByteBuffer) {
        _ = unsafe out.write(atMost: kind.length) { target in
            unsafe digest(message, into: target)
            return kind.length
        }
    }

    /// The SHA-256 of `token`. Traps on a context of another kind.
    func tokenDigest(_ token: RawSpan) -> TokenDigest {
        precondition(kind == .sha256)
        var raw: [4 of UInt64] = [0, 0, 0, 0]
        unsafe withUnsafeMutableBytes(of: &raw) { unsafe digest(token, into: $0) }
        return TokenDigest(
            words: (
                UInt64(bigEndian: raw[0]), UInt64(bigEndian: raw[1]), UInt64(bigEndian: raw[2]),
                UInt64(bigEndian: raw[3])
            ))
    }

    private func digest(_ message: RawSpan, into target: UnsafeMutableRawBufferPointer) {
        let out = unsafe target.baseAddress?.assumingMemoryBound(to: UInt8.self)
        let done = unsafe message.withUnsafeBytes { bytes in
            unsafe EVP_DigestInit_ex2(context, method, nil) == 1
                && EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) == 1
                && EVP_DigestFinal_ex(context, out, nil) == 1
        }
        guard done else { fatalError("libcrypto failed to digest") }
    }
}

/// An HMAC context that holds its key: initialising it again with no key skips both key blocks
/// (0.2 µs a token against 1.1 for the one-shot call).
@safe final class KeyedMAC {
    let algorithm: TokenAlgorithm
    private let context: OpaquePointer

    /// - Parameter secret: not empty.
    init(_ algorithm: TokenAlgorithm, secret: [UInt8]) {
        self.algorithm = algorithm
        guard let method = unsafe EVP_MAC_fetch(nil, "HMAC", nil) else {
            fatalError("libcrypto offers no HMAC")
        }
        defer { unsafe EVP_MAC_free(method) }
        guard let context = unsafe EVP_MAC_CTX_new(method) else { fatalError("no memory for HMAC") }
        unsafe self.context = context
        // A parameter keeps pointers to its key and its value: both must live through the call.
        var name = Array(algorithm.digestName.utf8CString)
        let keyed = unsafe name.withUnsafeMutableBufferPointer { name in
            unsafe OSSL_MAC_PARAM_DIGEST.withCString { key in
                let parameters = unsafe [
                    OSSL_PARAM_construct_utf8_string(key, name.baseAddress, 0),
                    OSSL_PARAM_construct_end(),
                ]
                return unsafe EVP_MAC_init(context, secret, secret.count, parameters)
            }
        }
        guard keyed == 1 else { fatalError("libcrypto refuses \(algorithm.rawValue)") }
    }

    deinit { unsafe EVP_MAC_CTX_free(context) }

    /// Whether `signature` is the whole MAC of `message`, compared in constant time.
    func verifies(_ message: RawSpan, _ signature: RawSpan) -> Bool {
        guard signature.byteCount == algorithm.signatureLength else { return false }
        var tag = [64 of UInt8](repeating: 0)
        guard unsafe withUnsafeMutableBytes(of: &tag, { unsafe compute(message, into: $0) }) else {
            return false
        }
        return unsafe signature.withUnsafeBytes { given in
            unsafe withUnsafeBytes(of: tag) { mine in
                unsafe CRYPTO_memcmp(mine.baseAddress, given.baseAddress, given.count) == 0
            }
        }
    }

    /// Appends the MAC of `message`.
    func sign(_ message: RawSpan, into out: inout ByteBuffer) {
        _ = unsafe out.write(atMost: 64) { target in
            guard unsafe compute(message, into: target) else { fatalError("libcrypto: no HMAC") }
            return algorithm.signatureLength
        }
    }

    private func compute(_ message: RawSpan, into tag: UnsafeMutableRawBufferPointer) -> Bool {
        let out = unsafe tag.baseAddress?.assumingMemoryBound(to: UInt8.self)
        var length = 0
        let done = unsafe message.withUnsafeBytes { bytes in
            let input = unsafe bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
            return unsafe EVP_MAC_init(context, nil, 0, nil) == 1
                && EVP_MAC_update(context, input, bytes.count) == 1
                && EVP_MAC_final(context, out, &length, tag.count) == 1
        }
        return done && length == algorithm.signatureLength
    }
}

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
