// Owns the tests of what a page's policies and charset say about our tag.
// Called by the test runner.
// Never scans a page: that is TagInjectorTests.

import ProxyCore
import XCTest

@testable import StatusAPI

final class PagePolicyTests: XCTestCase {
    private let tag = ScriptTag(prefix: "/_presence", attributes: [])

    /// - Parameter site: `https://a.example:8443`; nil: not known.
    private func origin(_ site: String? = nil) -> PageOrigin {
        let parts = site?.components(separatedBy: "://")
        let base = parts.map { LinkBase(scheme: $0[0], authority: $0[1], path: "/") }
        return PageOrigin(site: base, tag: tag)
    }

    /// "yes", the nonce, or "no".
    private func verdict(
        _ fields: [String], meta: [String] = [], site: String? = nil
    ) -> String {
        let origin = origin(site)
        var verdict = PolicyVerdict()
        for field in fields { verdict.add(field: field.rawSpan, origin: origin) }
        for policy in meta { verdict.add(meta: policy.rawSpan, origin: origin) }
        if verdict.isBlocked { return "no" }
        return verdict.nonce.map { String(decoding: $0, as: UTF8.self) } ?? "yes"
    }

    func testOnePolicy() {
        for (policy, want) in [
            ("", "yes"), (";;", "yes"), ("img-src 'none'", "yes"),
            ("default-src 'self'", "yes"), ("DEFAULT-SRC 'SELF'", "yes"),
            ("default-src *", "yes"), ("default-src", "no"), ("default-src 'none'", "no"),
            ("default-src 'none'; script-src 'self'; connect-src 'self'", "yes"),
            ("default-src 'none'; script-src 'self'", "no"),
            ("script-src 'self'; connect-src https://api.example", "no"),
            ("script-src 'self'; connect-src 'none'", "no"),
            ("script-src 'unsafe-inline' 'unsafe-eval'", "no"),
            ("script-src 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='", "no"),
            ("script-src 'self' 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='", "yes"),
            ("script-src 'nonce-abc'", "abc"), ("script-src 'NONCE-aBc=='", "aBc=="),
            ("script-src 'self' 'nonce-abc'", "yes"),
            ("script-src 'self' 'nonce-abc' 'strict-dynamic'", "abc"),
            ("script-src 'self' 'strict-dynamic'", "no"),
            ("script-src 'nonce-'", "no"), ("script-src 'nonce-a b'", "no"),
            ("script-src 'nonce-a\"onload=x'", "no"), ("script-src 'nonce-a<b'", "no"),
            ("script-src 'nonce-===='", "no"), ("script-src 'nonce-a=b'", "no"),
            ("script-src nonce-abc", "no"), ("script-src 'nonce-abc", "no"),
            ("script-src 'nonce-\(String(repeating: "a", count: 300))'", "no"),
            ("script-src 'none'; script-src 'self'", "no"),
            ("script-src 'self'; script-src 'none'", "yes"),
            ("script-src 'none'; script-src-elem 'self'", "yes"),
            ("script-src 'self'; script-src-elem 'none'", "no"),
            ("script-src-attr 'none'", "yes"), ("script-srcs 'none'", "yes"),
            ("\tscript-src\t'self'\t;\tconnect-src\t*", "yes"),
            ("script-src http:", "yes"), ("script-src https:", "no"),
            ("script-src https://app.example", "no"),
            ("sandbox", "no"), ("sandbox allow-scripts", "no"),
            ("sandbox allow-scripts allow-same-origin", "yes"),
            ("require-sri-for script style", "no"), ("require-sri-for style", "yes"),
            ("require-trusted-types-for 'script'", "yes"), ("upgrade-insecure-requests", "yes"),
        ] {
            XCTAssertEqual(verdict([policy]), want, policy)
        }
        XCTAssertEqual(verdict(["script-src https:"], site: "https://a.example"), "yes")
    }

    func testEveryPolicyMustBeContent() {
        for (fields, want) in [
            (["script-src 'self'", "script-src 'none'"], "no"),
            (["script-src 'self', script-src 'none'"], "no"),
            (["script-src 'self',"], "yes"),
            (["script-src 'nonce-a'", "script-src 'self'"], "a"),
            (["script-src 'nonce-a'", "script-src 'nonce-b'"], "no"),
            (["script-src 'nonce-a' 'nonce-b'", "script-src 'nonce-c' 'nonce-b'"], "b"),
            (["script-src 'nonce-a', script-src 'nonce-a'"], "a"),
        ] {
            XCTAssertEqual(verdict(fields), want, "\(fields)")
        }
        XCTAssertEqual(verdict(["script-src 'nonce-a'"], meta: ["script-src 'nonce-a'"]), "a")
        XCTAssertEqual(verdict(["script-src 'nonce-a'"], meta: ["script-src 'nonce-b'"]), "no")
    }

    /// A `<meta>` holds one policy, so that a comma is part of it, and its `sandbox` is ignored.
    func testPolicyOfAMeta() {
        XCTAssertEqual(verdict([], meta: ["script-src 'self' a, script-src 'none'"]), "yes")
        XCTAssertEqual(verdict([], meta: ["sandbox"]), "yes")
        XCTAssertEqual(verdict([], meta: ["script-src 'none'"]), "no")
    }

    func testBaseAddresses() {
        let origin = origin()
        for own in ["", " ", "/", "/app/", "app/", ".", "?a=b:c", "#a:b", "a/b:c", "/a//b"] {
            XCTAssertTrue(origin.isOwn(base: own.rawSpan), own)
        }
        for other in [
            "https://a.example/", "//a.example", "HTTP:a", "\\\\a", "/\\a", "\\/a", " //a", "a:b",
            "data:,x", "/\t/a.example/", "ht\ntp://a",
        ] {
            XCTAssertFalse(origin.isOwn(base: other.rawSpan), other)
        }
    }

    /// As a CMS writes it, with the host that the client has named.
    func testBaseOfOurOwnHost() {
        for (base, site, want) in [
            ("https://app.example/x/y", "https://app.example", true),
            ("HTTPS://APP.example:443", "https://app.example", true),
            ("//app.example/", "https://app.example", true),
            ("http://app.example:8080/", "http://app.example:8080", true),
            // TLS may end before us, and nobody have told us.
            ("https://app.example/", "http://app.example", true),
            ("http://app.example/", "https://app.example", false),
            ("https://app.example:8443/", "https://app.example", false),
            ("https://app.example.evil/", "https://app.example", false),
            ("https://user@app.example/", "https://app.example", false),
            ("https:app.example/", "https://app.example", false),
            ("https:///app.example/", "https://app.example", false),
            ("//app.example\\@evil/", "https://app.example", false),
            ("ftp://app.example/", "https://app.example", false),
        ] {
            XCTAssertEqual(origin(site).isOwn(base: base.rawSpan), want, base)
        }
        XCTAssertFalse(origin().isOwn(base: "https://app.example/".rawSpan))
    }

    /// Sources that name a host, of a page at https://app.example.
    func testHostsOfPolicies() {
        for (source, want) in [
            ("app.example", true), ("https://app.example", true), ("HTTPS://App.Example", true),
            ("https://app.example:443", true), ("app.example:*", true), ("https://*", true),
            ("*.example", true), ("https://*.example:*", true), ("https://app.example/", true),
            ("app.example/_presence/", true), ("http://app.example", false),
            ("app.example:8443", false), ("*.app.example", false), ("example", false),
            ("*example", false), ("", false), ("https://", false), ("https://:443", false),
            ("xapp.example", false), ("app.example.evil", false), ("wss://app.example", false),
            ("app.example/_Presence/", false), ("app.example/static/", false),
            ("app.example/_presence/client.js", false), ("'app.example'", false),
        ] {
            let verdict = verdict(["default-src \(source)"], site: "https://app.example")
            XCTAssertEqual(verdict, want ? "yes" : "no", source)
        }
        let path = "script-src app.example/_presence/client.js; connect-src 'self'"
        XCTAssertEqual(verdict([path], site: "https://app.example"), "yes")
        XCTAssertEqual(
            verdict(["default-src a.example:8080"], site: "http://a.example:8080"), "yes")
        XCTAssertEqual(verdict(["default-src *:8080"], site: "http://a.example:8080"), "no")
        XCTAssertEqual(verdict(["default-src *.example:*"], site: "http://a.example:8080"), "yes")
        XCTAssertEqual(verdict(["default-src http://*"], site: "http://a.example:8080"), "no")
        XCTAssertEqual(verdict(["default-src http://*:*"], site: "http://a.example:8080"), "yes")
        XCTAssertEqual(verdict(["default-src app.example"]), "no")
    }

    func testOwnScript() {
        let origin = origin()
        for own in [
            "/_presence/client.js", "https://a.example/_presence/client.js?v=2#x",
            " /_presence/client.js\n",
            "/sub/_presence/client.js",
        ] {
            XCTAssertTrue(origin.isScript(own.rawSpan), own)
        }
        for other in [
            "", "client.js", "/_presence/client.json", "/x?/_presence/client.js", "/a.js",
        ] {
            XCTAssertFalse(origin.isScript(other.rawSpan), other)
        }
    }

    func testTag() {
        var out = ByteBuffer()
        let attributes = [
            ScriptAttribute("data-token-cookie", "access_token"),
            ScriptAttribute("data-token-storage", "a\"b<c>&'é\n"),
        ]
        ScriptTag(prefix: "/x", attributes: attributes).write(nonce: latin("abc"), into: &out)
        XCTAssertEqual(
            out.bytes.text(),
            "<script src=\"/x/client.js\" defer data-presence data-token-cookie=\"access_token\""
                + " data-token-storage=\"a&#34;b&#60;c&#62;&#38;'&#233;&#10;\""
                + " nonce=\"abc\"></script>")
    }

    private func latin(_ text: String) -> [UInt8] { Array(text.utf8) }

    func testCharsets() {
        for label in [
            "utf-8", "UTF-8", " utf8 ", "us-ascii", "ISO-8859-1", "iso-8859-15", "windows-1252",
            "Shift_JIS", "GB18030", "big5", "euc-kr", "koi8-r", "latin1",
        ] {
            XCTAssertTrue(PageCharset.isSafe(label.rawSpan), label)
        }
        for label in [
            "", "utf-16", "UTF-16LE", "utf-32", "utf-7", "iso-2022-jp", "iso-2022-kr", "hz-gb-2312",
            "ebcdic", "utf-8x", "ucs-2", "replacement", "x",
        ] {
            XCTAssertFalse(PageCharset.isSafe(label.rawSpan), label)
        }
    }

    func testLabelsOfContentTypes() {
        for (value, want) in [
            ("text/html", nil), ("text/html; charset=utf-8", "utf-8"),
            ("text/html;charset=\"utf-8\"", "utf-8"), ("text/html; CHARSET = utf-8 ; a=b", "utf-8"),
            ("text/html; charset='utf-8'", "utf-8"), ("text/html; charset=", ""),
            ("text/html; xcharset; charset=b", "b"), ("charset", nil), ("charset=\"a", "a"),
        ] {
            let label = PageCharset.label(in: value.rawSpan).flatMap { value.rawSpan[$0].text() }
            XCTAssertEqual(label, want, value)
        }
    }

    func testReferences() {
        for (text, want) in [
            ("a", "a"), ("&#39;&#x27;&#X27;&apos;&amp;&quot;", "''''&\""[...]), ("a&b;", nil),
            ("&", "&"), ("& a&1", "& a&1"), ("&#", nil), ("&#x;", nil), ("&#39", "'"),
            ("&#233;", nil), ("&#0;", nil), ("&amp", nil), ("&#99999999999999999999;", nil),
        ] as [(String, Substring?)] {
            var value = ByteBuffer()
            value.append(text)
            let isDecoded = CharacterReferences.decode(&value)
            XCTAssertEqual(isDecoded ? value.bytes.text() : nil, want.map(String.init), text)
        }
    }
}
