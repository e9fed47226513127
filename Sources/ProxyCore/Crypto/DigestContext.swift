// Owns digests: SHA-1 for the WebSocket handshake, SHA-2 for tokens and signatures.
// Called by the verifier, signature checks and the WebSocket handshake.
// Never decides what is hashed.

import COpenSSL

/// One digest, fetched once and used again and again: a fetch costs more than hashing a token.
@safe final class DigestContext {
    private let kind: DigestKind
    /// Bytes of a digest.
    var length: Int { kind.length }
    private let method: OpaquePointer
    private let context: OpaquePointer

    /// Dies where libcrypto has no such digest: nothing here works without it.
    init(_ kind: DigestKind) {
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
        return TokenDigest(raw)
    }

    /// Writes the digest to the front of `target`, which must have room for it.
    func digest(_ message: RawSpan, into target: UnsafeMutableRawBufferPointer) {
        let out = unsafe target.baseAddress?.assumingMemoryBound(to: UInt8.self)
        let done = unsafe message.withUnsafeBytes { bytes in
            unsafe EVP_DigestInit_ex2(context, method, nil) == 1
                && EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) == 1
                && EVP_DigestFinal_ex(context, out, nil) == 1
        }
        guard done else { fatalError("libcrypto failed to digest") }
    }
}

extension TokenDigest {
    /// The digest of a whole token, for threads without a context of their own.
    public static func of(_ token: RawSpan) -> TokenDigest {
        var raw: [4 of UInt64] = [0, 0, 0, 0]
        let done = unsafe withUnsafeMutableBytes(of: &raw) { raw in
            let out = unsafe raw.baseAddress?.assumingMemoryBound(to: UInt8.self)
            return unsafe token.withUnsafeBytes { bytes in
                unsafe EVP_Digest(
                    bytes.baseAddress, bytes.count, out, nil, SharedMethod.sha256.pointer, nil)
            }
        }
        guard done == 1 else { fatalError("libcrypto failed to digest") }
        return TokenDigest(raw)
    }

    fileprivate init(_ raw: [4 of UInt64]) {
        self.init(
            words: (
                UInt64(bigEndian: raw[0]), UInt64(bigEndian: raw[1]), UInt64(bigEndian: raw[2]),
                UInt64(bigEndian: raw[3])
            ))
    }
}

/// A digest that was fetched once for the whole process. Nothing changes it, and it stays.
@safe private struct SharedMethod: @unchecked Sendable {
    static let sha256 = SharedMethod(.sha256)

    let pointer: OpaquePointer

    private init(_ kind: DigestKind) {
        guard let method = unsafe EVP_MD_fetch(nil, kind.name, nil) else {
            fatalError("libcrypto offers no \(kind.name)")
        }
        unsafe pointer = method
    }
}
