// Owns a certificate authority and a TLS server of a test, made by libssl itself.
// Called by the tests of whatever speaks TLS.
// Never writes a private key anywhere.

import COpenSSL
import Glibc
import XCTest

@testable import ProxyCore

/// An authority of its own for each test: nobody else believes it.
final class TestAuthority {
    /// What a certificate is to be like.
    struct Leaf {
        var names = "DNS:localhost,IP:127.0.0.1"
        /// Seconds from now.
        var begins = -3_600
        var ends = 3_600
        /// Signed by itself instead of by the authority.
        var isOwn = false
        /// For what it may be used.
        var purpose = "serverAuth"
    }

    private let key: OpaquePointer
    private let certificate: OpaquePointer
    /// The authority's certificate in PEM.
    let file: String
    private static let serial = Lock(1)

    init() {
        key = Self.makeKey()
        let number = Self.serial.withLock { number in
            number += 1
            return number
        }
        certificate = Self.make(
            named: "Test Authority \(number)", key: key, begins: -7_200, ends: 7_200,
            extensions: [
                (NID_basic_constraints, "critical,CA:TRUE"),
                (NID_key_usage, "critical,keyCertSign,cRLSign"),
            ])
        _ = X509_sign(certificate, key, EVP_sha256())
        file = "/tmp/authority-\(getpid())-\(number).pem"
        let out = BIO_new_file(file, "w")
        PEM_write_bio_X509(out, certificate)
        BIO_free(out)
    }

    deinit {
        unlink(file)
        X509_free(certificate)
        EVP_PKEY_free(key)
    }

    /// What a server needs to show a certificate of this authority.
    func context(_ leaf: Leaf = Leaf(), newest: CInt = TLS1_3_VERSION) -> OpaquePointer {
        let own = Self.makeKey()
        defer { EVP_PKEY_free(own) }
        let shown = Self.make(
            named: "leaf", key: own, begins: leaf.begins, ends: leaf.ends,
            extensions: [
                (NID_subject_alt_name, leaf.names), (NID_ext_key_usage, leaf.purpose),
            ])
        defer { X509_free(shown) }
        if !leaf.isOwn { X509_set_issuer_name(shown, X509_get_subject_name(certificate)) }
        _ = X509_sign(shown, leaf.isOwn ? own : key, EVP_sha256())
        let context = SSL_CTX_new(TLS_server_method())!
        SSL_CTX_use_certificate(context, shown)
        SSL_CTX_use_PrivateKey(context, own)
        SSL_CTX_ctrl(context, SSL_CTRL_SET_MIN_PROTO_VERSION, Int(TLS1_VERSION), nil)
        SSL_CTX_ctrl(context, SSL_CTRL_SET_MAX_PROTO_VERSION, Int(newest), nil)
        // Old versions need the lowest level of security.
        SSL_CTX_set_security_level(context, 0)
        return context
    }

    private static func makeKey() -> OpaquePointer {
        let maker = EVP_PKEY_CTX_new_from_name(nil, "EC", nil)
        defer { EVP_PKEY_CTX_free(maker) }
        var key: OpaquePointer?
        EVP_PKEY_keygen_init(maker)
        EVP_PKEY_CTX_set_group_name(maker, "P-256")
        EVP_PKEY_generate(maker, &key)
        return key!
    }

    /// An unsigned certificate that names itself as its issuer.
    private static func make(
        named name: String, key: OpaquePointer, begins: Int, ends: Int,
        extensions: [(CInt, String)]
    ) -> OpaquePointer {
        let made = X509_new()!
        X509_set_version(made, 2)
        let number = serial.withLock { number in
            number += 1
            return number
        }
        ASN1_INTEGER_set(X509_get_serialNumber(made), number)
        X509_gmtime_adj(X509_getm_notBefore(made), begins)
        X509_gmtime_adj(X509_getm_notAfter(made), ends)
        X509_set_pubkey(made, key)
        let subject = X509_get_subject_name(made)
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_FLAG | 1, name, -1, -1, 0)
        X509_set_issuer_name(made, subject)
        for (kind, value) in extensions {
            let part = X509V3_EXT_conf_nid(nil, nil, kind, value)
            X509_add_ext(made, part, -1)
            X509_EXTENSION_free(part)
        }
        return made
    }
}

/// One protected connection of a server that the test plays.
final class ProtectedWire {
    private let wire: Wire
    private let session: OpaquePointer
    /// Whether the handshake went through on this side.
    let isOpen: Bool

    /// Shakes hands. The descriptor blocks, at most as long as a test's patience.
    init(_ wire: Wire, _ context: OpaquePointer) {
        self.wire = wire
        _ = fcntl(wire.descriptor, F_SETFL, 0)
        var time = timeval(tv_sec: Int(Wire.patience) / 1000, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(wire.descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, size)
        setsockopt(wire.descriptor, SOL_SOCKET, SO_SNDTIMEO, &time, size)
        session = SSL_new(context)
        SSL_set_fd(session, wire.descriptor)
        isOpen = SSL_accept(session) == 1
    }

    deinit { SSL_free(session) }

    var askedName: String? {
        SSL_get_servername(session, TLSEXT_NAMETYPE_host_name).map { String(cString: $0) }
    }

    var version: String { String(cString: SSL_get_version(session)) }

    /// Reads up to the blank line.
    func readHead() -> String {
        var head: [UInt8] = []
        while !head.reversed().starts(with: [10, 13, 10, 13]) {
            var byte: UInt8 = 0
            guard SSL_read(session, &byte, 1) == 1 else { break }
            head.append(byte)
        }
        return String(decoding: head, as: UTF8.self)
    }

    func send(_ text: String) {
        let bytes = Array(text.utf8)
        _ = SSL_write(session, bytes, CInt(bytes.count))
    }

    /// Says that this is the end, and ends.
    func finish() {
        SSL_shutdown(session)
        wire.close()
    }

    /// Ends without a word, as an attacker would who cuts the connection.
    func cut() { wire.close() }

    /// Waits until the other side has ended.
    func awaitEnd() {
        var byte: UInt8 = 0
        while SSL_read(session, &byte, 1) == 1 {}
    }
}

/// Keeps broken pipes from the thread of a test's own server, and from no other: the thread that
/// asks must get along without.
func withoutBrokenPipes<R>(_ body: () throws -> R) rethrows -> R {
    var set = sigset_t()
    var old = sigset_t()
    sigemptyset(&set)
    sigaddset(&set, SIGPIPE)
    pthread_sigmask(SIG_BLOCK, &set, &old)
    defer {
        var nothing = timespec()
        // What is pending would be delivered by the next line.
        sigtimedwait(&set, nil, &nothing)
        pthread_sigmask(SIG_SETMASK, &old, nil)
    }
    return try body()
}
