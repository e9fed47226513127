// Owns the tests of TLS as a client: whom it believes, what it says where it does not.
// Called by XCTest.
// Never asks a server that the test does not play.

import COpenSSL
import Glibc
import XCTest

@testable import ProxyCore

final class TLSStreamTests: XCTestCase {
    private static let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

    /// Asks `https://HOST:PORT` and plays the server; `serve` is called once hands are shaken.
    private func ask(
        _ host: String = "localhost", believing authority: TestAuthority?, _ context: OpaquePointer,
        timeout: Milliseconds = 10_000,
        serve: (ProtectedWire) -> Void = { wire in
            _ = wire.readHead()
            wire.send(TLSStreamTests.ok)
            wire.awaitEnd()
        }
    ) throws -> Asking.Outcome? {
        defer { SSL_CTX_free(context) }
        // As a process has it that never thought of broken pipes.
        signal(SIGPIPE, SIG_DFL)
        let backend = Backend()
        let asking = try Asking(
            FetchTarget("https://\(host):\(backend.port)/"),
            Fetch.Settings(caFile: authority?.file, timeout: timeout))
        withoutBrokenPipes {
            let wire = ProtectedWire(backend.accept(), context)
            if wire.isOpen { serve(wire) } else { wire.cut() }
        }
        // Its file goes with the authority.
        return withExtendedLifetime(authority) { asking.end() }
    }

    func testR14AServerThatProvesItsNameIsAnswered() throws {
        let authority = TestAuthority()
        for version in [TLS1_2_VERSION, TLS1_3_VERSION] {
            let outcome = try ask(
                believing: authority, authority.context(newest: version)
            ) { wire in
                XCTAssertEqual(wire.askedName, "localhost")
                XCTAssertTrue(wire.readHead().hasPrefix("GET / HTTP/1.1\r\nHost: localhost:"))
                wire.send(Self.ok)
                wire.awaitEnd()
            }
            XCTAssertEqual(outcome?.text, "ok")
        }
    }

    func testR14AnAddressIsProvedAsAnAddressAndNotAsAName() throws {
        let authority = TestAuthority()
        let good = try ask("127.0.0.1", believing: authority, authority.context()) { wire in
            // RFC 6066 §3: no server name where the host is a literal address.
            XCTAssertNil(wire.askedName)
            _ = wire.readHead()
            wire.send(Self.ok)
            wire.awaitEnd()
        }
        XCTAssertEqual(good?.text, "ok")
        var leaf = TestAuthority.Leaf()
        leaf.names = "DNS:127.0.0.1,IP:127.0.0.2"
        XCTAssertEqual(
            try ask("127.0.0.1", believing: authority, authority.context(leaf))?.fault,
            "certificate verify failed: IP address mismatch (asked for 127.0.0.1)")
    }

    func testR14EveryBadCertificateIsRefusedInExactWords() throws {
        let authority = TestAuthority()
        let other = TestAuthority()
        typealias Leaf = TestAuthority.Leaf
        let cases: [(Leaf, String)] = [
            (Leaf(begins: -7_200, ends: -60), "certificate has expired"),
            (Leaf(begins: 600), "certificate is not yet valid"),
            (Leaf(names: "DNS:elsewhere.example"), "hostname mismatch"),
            (Leaf(names: "DNS:local*"), "hostname mismatch"),
            // The subject's common name is no proof (RFC 9525 §6).
            (Leaf(names: "email:localhost@localhost"), "hostname mismatch"),
            (Leaf(isOwn: true), "self-signed certificate"),
            (Leaf(purpose: "clientAuth"), "unsuitable certificate purpose"),
        ]
        for (leaf, words) in cases {
            let fault = try ask(believing: authority, authority.context(leaf))?.fault
            XCTAssertEqual(
                fault, "certificate verify failed: \(words) (asked for localhost)", "\(leaf)")
        }
        XCTAssertEqual(
            try ask(believing: other, authority.context())?.fault,
            "certificate verify failed: unable to get local issuer certificate"
                + " (asked for localhost)")
        XCTAssertEqual(
            try ask(believing: nil, authority.context())?.fault,
            "certificate verify failed: unable to get local issuer certificate"
                + " (asked for localhost)")
    }

    func testR14OldVersionsAreRefused() throws {
        let authority = TestAuthority()
        for version in [TLS1_VERSION, TLS1_1_VERSION] {
            let fault = try ask(believing: authority, authority.context(newest: version))?
                .fault
            let words = [
                "the TLS handshake failed: unsupported protocol",
                "the TLS handshake failed: tlsv1 alert protocol version",
            ]
            XCTAssertTrue(words.contains(fault ?? ""), "\(fault ?? "it was answered")")
        }
    }

    func testR14AServerWithoutTLSIsSaidSo() throws {
        for (says, words) in [
            ("HTTP/1.1 400 Bad Request\r\n\r\n", "the TLS handshake failed: wrong version number"),
            ("", "the TLS handshake failed: the server closed the connection"),
        ] {
            let backend = Backend()
            let asking = try Asking(FetchTarget("https://127.0.0.1:\(backend.port)/"))
            let wire = backend.accept()
            wire.receive()
            wire.send(says)
            wire.finishSending()
            XCTAssertEqual(asking.end()?.fault, words)
        }
    }

    func testR14AHandshakeThatHangsEndsAtTheDeadline() throws {
        let backend = Backend()
        let asking = try Asking(
            FetchTarget("https://127.0.0.1:\(backend.port)/"), Fetch.Settings(timeout: 1_500))
        let wire = backend.accept()
        XCTAssertEqual(asking.end()?.fault, "gave up after 1500 ms, in the TLS handshake")
        wire.close()
    }

    /// Whoever cuts a protected connection must not be able to shorten an answer.
    func testAnAnswerThatEndsWithTheConnectionNeedsTheServersWord() throws {
        let authority = TestAuthority()
        let text = "HTTP/1.1 200 OK\r\n\r\n{}"
        let said = try ask(believing: authority, authority.context()) { wire in
            _ = wire.readHead()
            wire.send(text)
            wire.finish()
        }
        XCTAssertEqual(said?.text, "{}")
        let cut = try ask(believing: authority, authority.context()) { wire in
            _ = wire.readHead()
            wire.send(text)
            wire.cut()
        }
        XCTAssertEqual(cut?.fault, "the answer broke off")
    }

    func testALongAnswerComesWholeAndALimitHolds() throws {
        let authority = TestAuthority()
        let body = String(repeating: "0123456789", count: 20_000)
        let whole = try ask(believing: authority, authority.context()) { wire in
            _ = wire.readHead()
            wire.send("HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
            wire.awaitEnd()
        }
        XCTAssertEqual(whole?.text, body)
        let tooMuch = try ask(believing: authority, authority.context()) { wire in
            _ = wire.readHead()
            wire.send("HTTP/1.1 200 OK\r\n\r\n\(body)\(body)")
            wire.awaitEnd()
        }
        XCTAssertEqual(tooMuch?.fault, "the answer is larger than 262144 bytes")
    }

    /// A write into a connection that the server has broken must be an error and no signal.
    func testABrokenPipeIsAnErrorAndNoSignal() throws {
        let authority = TestAuthority()
        let context = authority.context()
        defer { SSL_CTX_free(context) }
        signal(SIGPIPE, SIG_DFL)
        let backend = Backend()
        let much = [UInt8](repeating: 97, count: 32 * 1024 * 1024)
        let asking = try Asking(
            FetchTarget("https://localhost:\(backend.port)/"),
            Fetch.Settings(caFile: authority.file, timeout: 20_000)
        ) { (fetch) throws(FetchError) in try fetch.send("POST", body: much) }
        withoutBrokenPipes {
            let wire = ProtectedWire(backend.accept(), context)
            _ = wire.readHead()
            wire.cut()
        }
        let fault = try XCTUnwrap(withExtendedLifetime(authority) { asking.end()?.fault })
        XCTAssertTrue(fault.hasPrefix("the connection broke: send: "), fault)
    }

    func testTrustedCertificatesThatCannotBeUsedAreSaidSo() throws {
        func fault(_ path: String) -> String {
            do throws(TLSError) {
                _ = try TLSTrust(caFile: path)
                return "believed"
            } catch {
                return "\(error)"
            }
        }
        XCTAssertEqual(
            fault("/nowhere/ca.pem"),
            "the trusted certificates in /nowhere/ca.pem cannot be used: open: No such file or"
                + " directory (2)")
        let words = fault(#filePath)
        XCTAssertEqual(
            words,
            "the trusted certificates in \(#filePath) cannot be used: no certificate or crl found")
        let authority = TestAuthority()
        XCTAssertEqual(withExtendedLifetime(authority) { fault(authority.file) }, "believed")
    }
}
