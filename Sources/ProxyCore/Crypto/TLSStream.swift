// Owns TLS as a client: whom to trust, one protected stream, and what went wrong in exact words.
// Called by blocking clients on threads of their own.
// Never on a loop, never without verifying the certificate and the name in it.

import COpenSSL

/// Why there is no protected stream.
public enum TLSError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file of trusted certificates cannot be used.
    case trust(path: String, reason: String)
    /// The server's certificate is refused; the reason in libcrypto's own words.
    case certificate(reason: String, host: String)
    /// The other side speaks no TLS, or none that both understand.
    case handshake(reason: String)
    /// The server ended the connection within the handshake.
    case closed
    /// A record that does not verify, or an alert, after the handshake.
    case broken(reason: String)
    case connection(SystemError)
    case patience(PatienceEnd)

    public var description: String {
        switch self {
        case .trust(let path, let reason):
            "the trusted certificates in \(path) cannot be used: \(reason)"
        case .certificate(let reason, let host):
            "certificate verify failed: \(reason) (asked for \(host))"
        case .handshake(let reason): "the TLS handshake failed: \(reason)"
        case .closed: "the TLS handshake failed: the server closed the connection"
        case .broken(let reason): "the TLS connection broke: \(reason)"
        case .connection(let error): "the connection broke: \(error)"
        case .patience(.timedOut): "timed out"
        case .patience(.interrupted): "interrupted"
        }
    }
}

/// Which certificates are believed. Read once; a change on the disk needs a new one.
@safe public final class TLSTrust {
    fileprivate let context: OpaquePointer

    /// Bytes of a file of trusted certificates: the system's own has 220 KiB.
    private static let fileLimit = 4 * 1024 * 1024

    /// - Parameter caFile: PEM certificates, believed instead of the system's; nil: the system's
    ///   (`SSL_CERT_FILE` and `SSL_CERT_DIR` name others).
    public init(caFile: String?) throws(TLSError) {
        guard let context = unsafe SSL_CTX_new(TLS_client_method()) else {
            throw .handshake(reason: LibraryErrors.first())
        }
        unsafe self.context = context
        unsafe SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nil)
        // No renegotiation: a server that asks for it again and again would make work without end.
        _ = unsafe shim_SSL_CTX_set_safe_options(context)
        guard unsafe shim_SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 else {
            throw .handshake(reason: LibraryErrors.first())
        }
        guard let caFile else {
            guard unsafe SSL_CTX_set_default_verify_paths(context) == 1 else {
                throw .trust(path: "the system's store", reason: LibraryErrors.first())
            }
            return
        }
        // Read first for the exact errno: libssl only says that something is wrong.
        do throws(SystemError) {
            _ = try FileDescriptor.contents(of: caFile, limit: Self.fileLimit)
        } catch {
            throw .trust(path: caFile, reason: "\(error)")
        }
        ERR_clear_error()
        guard unsafe SSL_CTX_load_verify_file(context, caFile) == 1 else {
            throw .trust(path: caFile, reason: LibraryErrors.first())
        }
    }

    deinit { unsafe SSL_CTX_free(context) }
}

/// A stream protected by TLS 1.2 or newer to a server that has proved its name.
///
/// libssl reads and writes memory alone; what goes over the socket goes by `FileDescriptor`, so
/// that a broken pipe is an outcome and every wait has its end.
@safe public final class TLSStream {
    private let stream: FileDescriptor
    private let session: OpaquePointer
    /// What came from the socket, for libssl to read; and what it has for the socket.
    private let arriving: OpaquePointer
    private let leaving: OpaquePointer
    private var received = ByteBuffer(capacity: TLSStream.piece)
    private var toSend = ByteBuffer(capacity: TLSStream.piece)

    /// A record is 16 KiB at most (RFC 8446 §5.1), with a little around it.
    private static let piece = 17 * 1024

    /// Shakes hands. The socket stays the caller's, who closes it.
    /// - Parameter host: a name or a numeric address, which the certificate must hold.
    public init(
        _ stream: FileDescriptor, trust: TLSTrust, host: String, _ patience: Patience
    ) throws(TLSError) {
        let method = unsafe BIO_s_mem()
        guard let session = unsafe SSL_new(trust.context) else {
            throw .handshake(reason: LibraryErrors.first())
        }
        guard let arriving = unsafe BIO_new(method), let leaving = unsafe BIO_new(method) else {
            fatalError("no memory for TLS")
        }
        // The session owns both from here on.
        unsafe SSL_set_bio(session, arriving, leaving)
        self.stream = stream
        unsafe self.session = session
        unsafe self.arriving = arriving
        unsafe self.leaving = leaving
        try expect(host)
        try shakeHands(host, patience)
    }

    deinit { unsafe SSL_free(session) }

    /// The name that is asked for (SNI) and must be proved (RFC 9525 §6: by the alternative names
    /// alone, no part of a label by a wildcard).
    private func expect(_ host: String) throws(TLSError) {
        let parameters = unsafe SSL_get0_param(session)
        unsafe SSL_set_hostflags(
            session,
            CUnsignedInt(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT)
        )
        // A numeric address is no server name (RFC 6066 §3).
        if unsafe X509_VERIFY_PARAM_set1_ip_asc(parameters, host) == 1 { return }
        ERR_clear_error()
        guard unsafe shim_SSL_set_tlsext_host_name(session, host) == 1,
            unsafe SSL_set1_host(session, host) == 1
        else {
            throw .handshake(reason: "\(host) is no server name")
        }
        // Servers of several protocols must not guess (RFC 7301).
        let protocols = Array("\u{8}http/1.1".utf8)
        _ = unsafe SSL_set_alpn_protos(session, protocols, CUnsignedInt(protocols.count))
    }

    private func shakeHands(_ host: String, _ patience: Patience) throws(TLSError) {
        unsafe SSL_set_connect_state(session)
        while true {
            ERR_clear_error()
            let outcome = unsafe SSL_do_handshake(session)
            let error = unsafe SSL_get_error(session, outcome)
            let reason = LibraryErrors.first()
            if error == SSL_ERROR_SSL {
                // The alert tells the server's log why; nobody waits for it.
                collect()
                _ = stream.send(toSend)
                let verdict = unsafe SSL_get_verify_result(session)
                guard verdict == Int(X509_V_OK) else {
                    let words = unsafe String(cString: X509_verify_cert_error_string(verdict))
                    throw .certificate(reason: words, host: host)
                }
                throw .handshake(reason: reason)
            }
            try flush(patience)
            if outcome == 1 { return }
            guard error == SSL_ERROR_WANT_READ else { throw .handshake(reason: reason) }
            guard try fill(patience) else { throw .closed }
        }
    }

    // MARK: Reading and writing

    public enum Reading: Equatable, Sendable {
        case bytes(Int)
        /// The server has ended the stream and said so.
        case end
        /// The connection ended without the server's word that this is the end: somebody may have
        /// cut it.
        case cut
    }

    /// Waits for some bytes and appends them, `count` at most.
    public func read(
        into buffer: inout ByteBuffer, atMost count: Int, _ patience: Patience
    ) throws(TLSError) -> Reading {
        while true {
            ERR_clear_error()
            var taken = 0
            var outcome: CInt = 0
            _ = unsafe buffer.write(atMost: count) { space in
                unsafe outcome = SSL_read_ex(session, space.baseAddress, space.count, &taken)
                return outcome == 1 ? taken : 0
            }
            if outcome == 1 { return .bytes(taken) }
            let error = unsafe SSL_get_error(session, outcome)
            if error == SSL_ERROR_ZERO_RETURN { return .end }
            guard error == SSL_ERROR_WANT_READ else {
                throw .broken(reason: LibraryErrors.first())
            }
            // An answer to a key update, before waiting for what the server says to it.
            try flush(patience)
            guard try fill(patience) else { return .cut }
        }
    }

    /// Sends all of `bytes`.
    public func write(_ bytes: borrowing ByteBuffer, _ patience: Patience) throws(TLSError) {
        var sent = 0
        while sent < bytes.count {
            ERR_clear_error()
            var taken = 0
            let end = min(bytes.count, sent + Self.piece)
            let outcome = unsafe bytes.bytes.extracting(sent..<end).withUnsafeBytes { part in
                unsafe SSL_write_ex(session, part.baseAddress, part.count, &taken)
            }
            guard outcome == 1 else { throw .broken(reason: LibraryErrors.first()) }
            sent += taken
            try flush(patience)
        }
    }

    /// Says that nothing more comes, without waiting for the server to take it.
    public func end() {
        ERR_clear_error()
        _ = unsafe SSL_shutdown(session)
        collect()
        _ = stream.send(toSend)
        toSend.removeAll()
    }

    // MARK: The socket

    /// Takes what libssl has for the socket.
    private func collect() {
        while unsafe BIO_ctrl_pending(leaving) > 0 {
            _ = unsafe toSend.write(atMost: Self.piece) { space in
                var taken = 0
                let outcome = unsafe BIO_read_ex(leaving, space.baseAddress, space.count, &taken)
                return outcome == 1 ? taken : 0
            }
        }
    }

    private func flush(_ patience: Patience) throws(TLSError) {
        collect()
        while !toSend.isEmpty {
            switch stream.send(toSend) {
            case .bytes(let count): toSend.consume(count)
            case .blocked: try wait(.writable, patience)
            case .failed(let code): throw .connection(SystemError(call: "send", code: code))
            }
        }
    }

    /// Waits for the socket and hands what came to libssl; false: it has ended.
    private func fill(_ patience: Patience) throws(TLSError) -> Bool {
        while true {
            switch stream.receive(into: &received, atMost: Self.piece) {
            case .bytes(0): return false
            case .bytes:
                handOver(received.bytes)
                received.removeAll()
                return true
            case .blocked: try wait(.readable, patience)
            case .failed(let code): throw .connection(SystemError(call: "recv", code: code))
            }
        }
    }

    private func handOver(_ bytes: RawSpan) {
        var taken = 0
        let outcome = unsafe bytes.withUnsafeBytes { memory in
            unsafe BIO_write_ex(arriving, memory.baseAddress, memory.count, &taken)
        }
        guard outcome == 1, taken == bytes.byteCount else { fatalError("no memory for TLS") }
    }

    private func wait(_ wanted: Readiness, _ patience: Patience) throws(TLSError) {
        do throws(PatienceEnd) {
            try patience.wait(for: stream, wanted)
        } catch {
            throw .patience(error)
        }
    }
}

/// The errors that the library has left for this thread.
private enum LibraryErrors {
    /// The oldest, which names the cause; the later ones say what failed because of it.
    static func first() -> String {
        let code = ERR_peek_error()
        guard code != 0 else { return "no reason given" }
        guard let words = unsafe ERR_reason_error_string(code) else { return "error \(code)" }
        return unsafe String(cString: words)
    }
}
