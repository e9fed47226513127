// Owns one public key as libcrypto holds it.
// Called by PublicKey, to read and to judge it, and by SignatureCheck.
// Never holds a private key, never reads a password.

import COpenSSL

/// An `EVP_PKEY`. Not Sendable: each loop makes its own.
@safe final class KeyHandle {
    let pointer: OpaquePointer

    private init(_ pointer: OpaquePointer) {
        unsafe self.pointer = pointer
    }

    deinit { unsafe EVP_PKEY_free(pointer) }

    /// Of a SubjectPublicKeyInfo; nil where it is none, or where something stands behind it.
    convenience init?(der: RawSpan) {
        let read = unsafe Self.whole(der, free: EVP_PKEY_free) { unsafe d2i_PUBKEY(nil, &$0, $1) }
        guard let key = unsafe read else { return nil }
        unsafe self.init(key)
    }

    /// Of an RSAPublicKey (RFC 8017 §A.1.1).
    convenience init?(rsaPublicKey der: RawSpan) {
        let read = unsafe Self.whole(der, free: EVP_PKEY_free) {
            unsafe d2i_PublicKey(EVP_PKEY_RSA, nil, &$0, $1)
        }
        guard let key = unsafe read else { return nil }
        unsafe self.init(key)
    }

    /// The key in a certificate.
    convenience init?(certificate der: RawSpan) {
        let read = unsafe Self.whole(der, free: X509_free) { unsafe d2i_X509(nil, &$0, $1) }
        guard let certificate = unsafe read else { return nil }
        defer { unsafe X509_free(certificate) }
        guard let key = unsafe X509_get_pubkey(certificate) else {
            ERR_clear_error()
            return nil
        }
        unsafe self.init(key)
    }

    /// Runs a reader of DER, which moves the place that it is given behind what it has read.
    /// What it leaves unread makes the whole no DER of that kind.
    private static func whole(
        _ der: RawSpan, free: (OpaquePointer?) -> Void,
        _ read: (inout UnsafePointer<UInt8>?, Int) -> OpaquePointer?
    ) -> OpaquePointer? {
        unsafe der.withUnsafeBytes { bytes in
            var place = unsafe bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
            let start = unsafe place
            defer { ERR_clear_error() }
            guard let start = unsafe start, let found = unsafe read(&place, bytes.count) else {
                return nil
            }
            guard unsafe place == start + bytes.count else {
                unsafe free(found)
                return nil
            }
            return unsafe found
        }
    }

    /// The SubjectPublicKeyInfo, or nil where libcrypto cannot write it.
    func der() -> [UInt8]? {
        defer { ERR_clear_error() }
        var memory: UnsafeMutablePointer<UInt8>?
        let count = unsafe i2d_PUBKEY(pointer, &memory)
        guard count > 0, let memory = unsafe memory else { return nil }
        defer { unsafe CRYPTO_free(memory, #fileID, #line) }
        return unsafe Array(UnsafeBufferPointer(start: memory, count: Int(count)))
    }

    /// What sort of key it is.
    ///
    /// - Throws: `KeyError` for one that no signature should be verified with.
    func kind() throws(KeyError) -> PublicKey.Kind {
        defer { ERR_clear_error() }
        switch unsafe EVP_PKEY_get_base_id(pointer) {
        case EVP_PKEY_RSA: return try rsaKind()
        case EVP_PKEY_EC: return try curveKind()
        case EVP_PKEY_ED25519: return .ed25519
        case EVP_PKEY_ED448: return .ed448
        // RFC 4055: the key itself says which salt it takes, which RFC 7518 §3.5 fixes.
        case EVP_PKEY_RSA_PSS: throw .unsupported("an RSASSA-PSS key (use an RSA key)")
        case let other:
            let name = unsafe OBJ_nid2sn(other).map { unsafe String(cString: $0) }
            throw .unsupported("a key of the kind \(name ?? "\(other)")")
        }
    }

    /// RFC 7518 §3.3: 2048 bits at least. More than 8192 serve nobody and cost milliseconds.
    private func rsaKind() throws(KeyError) -> PublicKey.Kind {
        guard let modulus = number(OSSL_PKEY_PARAM_RSA_N),
            let exponent = number(OSSL_PKEY_PARAM_RSA_E)
        else { throw .malformed }
        guard modulus.bits >= 2048 else { throw .weakRSA(bits: modulus.bits) }
        guard modulus.bits <= 8192 else { throw .hugeRSA(bits: modulus.bits) }
        guard modulus.isOdd else { throw .badModulus }
        // With the exponent 1 everything is its own signature.
        guard exponent.isOdd, exponent.bits > 1, exponent.bits <= 64 else { throw .badExponent }
        return .rsa(bits: modulus.bits)
    }

    private func curveKind() throws(KeyError) -> PublicKey.Kind {
        // Parameters written out could describe another generator on the same curve, under which
        // anybody knows a private key for this public one.
        var explicit: CInt = 0
        let asked = unsafe EVP_PKEY_get_int_param(
            pointer, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &explicit)
        guard asked == 1, explicit == 0 else { throw .unsupported("a curve without a name") }
        let name = group()
        let kind: PublicKey.Kind
        switch name {
        case "prime256v1": kind = .p256
        case "secp384r1": kind = .p384
        case "secp521r1": kind = .p521
        default: throw .unsupported("the curve \(name)")
        }
        guard isOnItsCurve() else { throw .badPoint }
        return kind
    }

    private func group() -> String {
        var room = [CChar](repeating: 0, count: 80)
        let count = room.count
        var length = 0
        guard unsafe EVP_PKEY_get_group_name(pointer, &room, count, &length) == 1, length < count
        else { return "of no name" }
        return String(
            decoding: room[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// SP 800-56A §5.6.2.3.3: not at infinity, within the field, on the curve, of its order.
    private func isOnItsCurve() -> Bool {
        guard let context = unsafe EVP_PKEY_CTX_new_from_pkey(nil, pointer, nil) else {
            return false
        }
        defer { unsafe EVP_PKEY_CTX_free(context) }
        return unsafe EVP_PKEY_public_check(context) == 1
    }

    private func number(_ name: String) -> (bits: Int, isOdd: Bool)? {
        var number: OpaquePointer?
        guard unsafe EVP_PKEY_get_bn_param(pointer, name, &number) == 1,
            let number = unsafe number
        else { return nil }
        defer { unsafe BN_free(number) }
        return (Int(unsafe BN_num_bits(number)), unsafe BN_is_odd(number) == 1)
    }
}
