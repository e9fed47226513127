// Owns the verification of signatures by one public key with one algorithm.
// Called by the verifier of one loop.
// Never takes two texts for one signature, never lets a signature choose its parameters.

import COpenSSL

/// What became of a signature.
enum SignatureOutcome: Equatable {
    case good
    /// Well-formed, and not of this key over this message.
    case mismatch
    /// No signature of this algorithm, whatever the message.
    case malformed
}

/// One key with one algorithm. Not Sendable: it owns contexts of libcrypto, which are set up
/// once and used for every signature.
@safe final class SignatureCheck {
    let algorithm: TokenAlgorithm
    private let length: Int
    private let key: KeyHandle
    private let method: Method

    @safe private enum Method {
        /// The message is hashed here, and libcrypto compares: a context for that may be used
        /// again as it is, where one that hashes must be set up for each message.
        case hashed(DigestContext, OpaquePointer)
        /// As `hashed`, with r and s to be framed (RFC 7518 §3.4).
        case curve(DigestContext, OpaquePointer, CurveSignature)
        /// EdDSA hashes the message twice, so that it wants the whole of it (RFC 8032 §5.1).
        case whole(OpaquePointer)
    }

    /// nil: the key does not fit the algorithm, or libcrypto refuses it.
    init?(_ key: PublicKey, _ algorithm: TokenAlgorithm) {
        guard key.fits(algorithm), let handle = KeyHandle(der: key.der.rawSpan) else { return nil }
        self.algorithm = algorithm
        self.key = handle
        length = key.signatureLength
        guard let method = Self.method(key, handle, algorithm) else { return nil }
        self.method = method
    }

    deinit {
        switch method {
        case .hashed(_, let context): unsafe EVP_PKEY_CTX_free(context)
        case .curve(_, let context, _): unsafe EVP_PKEY_CTX_free(context)
        case .whole(let context): unsafe EVP_MD_CTX_free(context)
        }
    }

    private static func method(
        _ key: PublicKey, _ handle: KeyHandle, _ algorithm: TokenAlgorithm
    ) -> Method? {
        defer { ERR_clear_error() }
        if algorithm == .eddsa {
            guard let context = unsafe EVP_MD_CTX_new() else { return nil }
            return unsafe .whole(context)
        }
        guard let context = unsafe EVP_PKEY_CTX_new_from_pkey(nil, handle.pointer, nil) else {
            return nil
        }
        guard unsafe setUp(context, algorithm) else {
            unsafe EVP_PKEY_CTX_free(context)
            return nil
        }
        let digest = DigestContext(algorithm.digest)
        guard let curve = CurveSignature(key.kind) else {
            return unsafe .hashed(digest, context)
        }
        return unsafe .curve(digest, context, curve)
    }

    /// The parameters of RFC 7518 §3.3–3.5, so that none is left to the signature: with PSS the
    /// salt is as long as the hash, and the mask is made with the same hash.
    private static func setUp(_ context: OpaquePointer, _ algorithm: TokenAlgorithm) -> Bool {
        guard unsafe EVP_PKEY_verify_init(context) == 1,
            let hash = unsafe EVP_get_digestbyname(algorithm.digest.name)
        else { return false }
        switch algorithm {
        case .rs256, .rs384, .rs512:
            guard unsafe EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1 else {
                return false
            }
        case .ps256, .ps384, .ps512:
            let salt = CInt(algorithm.digest.length)
            guard unsafe EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1,
                unsafe EVP_PKEY_CTX_set_rsa_pss_saltlen(context, salt) == 1,
                unsafe EVP_PKEY_CTX_set_rsa_mgf1_md(context, hash) == 1
            else { return false }
        case .es256, .es384, .es512: break
        case .hs256, .hs384, .hs512, .eddsa: return false
        }
        return unsafe EVP_PKEY_CTX_set_signature_md(context, hash) == 1
    }

    func verifies(_ message: RawSpan, _ signature: RawSpan) -> Bool {
        outcome(message, signature) == .good
    }

    /// Whether `signature` is the one of the whole `message`.
    func outcome(_ message: RawSpan, _ signature: RawSpan) -> SignatureOutcome {
        guard signature.byteCount == length else { return .malformed }
        let good: Bool
        switch method {
        case .hashed(let digest, let context):
            good = unsafe Self.verify(context, digest, message, signature)
        case .curve(let digest, let context, let curve):
            var framed: CurveSignature.Frame = .init(repeating: 0)
            var span = framed.mutableSpan
            guard let count = curve.frame(signature, into: &span) else { return .malformed }
            good = unsafe Self.verify(
                context, digest, message, framed.span.bytes.extracting(0..<count))
        case .whole(let context):
            good = unsafe Self.verifyWhole(context, key, message, signature)
        }
        // What did not match has left its reasons behind, on a list of this thread.
        if !good { ERR_clear_error() }
        return good ? .good : .mismatch
    }

    private static func verify(
        _ context: OpaquePointer, _ digest: DigestContext, _ message: RawSpan,
        _ signature: RawSpan
    ) -> Bool {
        var hash = [64 of UInt8](repeating: 0)
        return unsafe withUnsafeMutableBytes(of: &hash) { hash in
            unsafe digest.digest(message, into: hash)
            let hash = unsafe hash.baseAddress?.assumingMemoryBound(to: UInt8.self)
            return unsafe signature.withUnsafeBytes { bytes in
                let given = unsafe bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
                return unsafe EVP_PKEY_verify(context, given, bytes.count, hash, digest.length)
                    == 1
            }
        }
    }

    private static func verifyWhole(
        _ context: OpaquePointer, _ key: KeyHandle, _ message: RawSpan, _ signature: RawSpan
    ) -> Bool {
        guard unsafe EVP_DigestVerifyInit_ex(context, nil, nil, nil, nil, key.pointer, nil) == 1
        else { return false }
        return unsafe message.withUnsafeBytes { text in
            unsafe signature.withUnsafeBytes { bytes in
                unsafe EVP_DigestVerify(
                    context, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count,
                    text.baseAddress?.assumingMemoryBound(to: UInt8.self), text.count) == 1
            }
        }
    }
}
