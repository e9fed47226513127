// Owns the tests of findings about where tokens stand, and about who is asked about them.
// Called by XCTest.
// Never tests what a good configuration means: that is ConfigTokenReaderTests.

import XCTest

@testable import Sidecar

final class ConfigPlaceFindingTests: XCTestCase {
    private func from(
        _ places: String, _ expected: [String], file: StaticString = #filePath, line: UInt = #line
    ) {
        ConfigSample.expect(
            "{upstream:{servers:['http://app']},tokens:{from:\(places)}}",
            expected.map { "c:1: tokens.from" + $0 }, file: file, line: line)
    }

    func testGoodPlaces() {
        from(#"["header:Authorization", "cookie:access_token", "query:token"]"#, [])
        from(#"["header:X-Auth-Token"]"#, [])
        from(#"["header:authorization token", "header:Authorization Bearer"]"#, [])
        // Same origin is the default for sockets, so that no origins need to be named.
        from(#"["cookie:__Host-session.id"]"#, [])
    }

    func testPlacesThatAreNone() {
        from(
            #"["Authorization", "cooky:x", "cookie:", "header:X Token Y", "header:", 5]"#,
            [
                #"[0]: "Authorization" names no place: write "header:NAME", "cookie:NAME" or "query:NAME""#,
                #"[1]: "cooky:x" is no place for a token: write "header:x", "cookie:x" or "query:x""#,
                #"[2]: "cookie:" names no place: write "header:NAME", "cookie:NAME" or "query:NAME""#,
                #"[3]: "X Token Y" is more than a field and a scheme: write "header:Authorization" or "header:Authorization Token""#,
                #"[4]: "header:" names no place: write "header:NAME", "cookie:NAME" or "query:NAME""#,
                #"[5]: expected a string, found the number 5: write "header:Authorization""#,
            ])
        from("[]", [#": is empty: write ["header:Authorization"]"#])
    }

    func testNamesThatCannotBe() {
        from(
            #"["cookie:a;b", "cookie:a b", "query:a&b", "header:X(Y)", "header:Cookie", "header:Host", "header:X-Forwarded-User", "header:Sec-WebSocket-Protocol"]"#,
            [
                #"[0]: "a;b" is no name of a cookie: write letters, digits, '-' and '_', like "cookie:access_token""#,
                #"[1]: "a b" is no name of a cookie: write letters, digits, '-' and '_', like "cookie:access_token""#,
                #"[2]: "a&b" is no name of a parameter: write letters, digits, '-' and '_', like "query:token""#,
                #"[3]: "X(Y)" is no name of a field: write letters, digits and '-'"#,
                #"[4]: a cookie is named by itself: write "cookie:NAME""#,
                #"[5]: "Host" means something else already: write the field that carries the token, like "header:Authorization""#,
                #"[6]: "X-Forwarded-User" means something else already: write the field that carries the token, like "header:Authorization""#,
                #"[7]: is looked at for sockets always: leave it out"#,
            ])
    }

    func testFieldsThatNeverComeThrough() {
        let reason =
            " never comes through, since fields with other characters than letters, digits and '-'"
            + " in their names are taken out of requests: have it sent as "
        from(
            #"["header:auth_token", "header:X.Token JWT", "cookie:auth_token", "query:a.b_c"]"#,
            [
                #"[0]: "auth_token""# + reason + #""auth-token""#,
                #"[1]: "X.Token""# + reason + #""X-Token""#,
            ])
    }

    func testSchemes() {
        from(
            #"["header:Authorization Basic", "header:Authorization Baerer", "header:X-Key ApiKey", "header:X-A a(b)"]"#,
            [
                #"[0]: "Basic" is a scheme that carries no token: write "header:Authorization Bearer", "header:Authorization Token" or "header:Authorization JWT""#,
                #"[1]: unknown scheme "Baerer": did you mean "header:Authorization Bearer"?"#,
                #"[2]: warning: unknown scheme "ApiKey", which is taken as it stands: usual are "header:X-Key Bearer", "header:X-Key Token" or "header:X-Key JWT""#,
                #"[3]: "a(b)" is no scheme: write "header:X-A Bearer", "header:X-A Token" or "header:X-A JWT""#,
            ])
    }

    func testRepeatedPlaces() {
        from(
            #"["header:Authorization", "header:authorization", "header:Authorization Token", "cookie:a", "cookie:A", "cookie:a"]"#,
            [
                #"[1]: "header:authorization" stands twice: keep one of them"#,
                #"[2]: "header:Authorization Token" and "header:Authorization" are one place: keep one of them"#,
                #"[5]: "cookie:a" stands twice: keep one of them"#,
            ])
        let nine = (1...9).map { "'cookie:c\($0)'" }.joined(separator: ",")
        from("[\(nine)]", [": names 9 places: write at most 8"])
    }

    func testTheQueryAlone() {
        from(
            #"["query:token"]"#,
            [
                #": a token in the address counts on the sidecar's own sockets alone, so that no request would be recognised: add "header:Authorization" or "cookie:NAME""#
            ])
    }

    private func introspect(
        _ text: String, _ expected: [String], file: StaticString = #filePath, line: UInt = #line
    ) {
        ConfigSample.expect(
            "{upstream:{servers:['http://app']},tokens:{introspect:\(text)}}",
            expected.map { "c:1: tokens.introspect" + $0 }, file: file, line: line)
    }

    func testR20_WhoIsAsked() {
        introspect(#"{ path: "/me/", user: "$.id", name: "$.username", admin: "$.is_staff" }"#, [])
        introspect(
            #"{ url: "https://id.example/introspect", client_id: "me", client_secret_env: "SHORT" }"#,
            [])
        introspect(#"{ url: "http://127.0.0.1:9/introspect", user: "$.sub" }"#, [])
        introspect(
            "{}",
            [
                #": nobody is named to ask: write path: "/api/users/me/" or url: "https://id.example/oauth/introspect""#,
                #": user is missing: write user: "$.id""#,
            ])
        introspect(
            #"{ path: "api/me", user: "id" }"#,
            [
                #".path: "api/me" does not begin with a slash: write "/api/me""#,
                #".user: "id" is no path: a path begins with '$', like "$.user.id""#,
            ])
        introspect(
            #"{ path: "/me", url: "https://id.example/x", user: "$.id" }"#,
            [
                #".url: contradicts path: keep path where the application itself says who somebody is, and url where a server of its own does (RFC 7662)"#
            ])
        introspect(
            #"{ path: "http://app/me", user: "$.ids[*]" }"#,
            [
                #".path: "http://app/me" is a URL: write only the path, or url: for a server of its own"#,
                #".user: names several places: write one, like "$.id""#,
            ])
        introspect(
            #"{ path: "/a b", user: "$.id" }"#,
            [
                #".path: "/a b" is no path: write one like "/api/users/me/", other characters percent-encoded"#
            ])
        introspect(
            #"{ url: "http://id.example/introspect" }"#,
            [
                #".url: "http://id.example/introspect" would carry tokens unencrypted: write https://"#
            ])
    }

    func testR20_HowIsAsked() {
        introspect(
            #"{ path: "/me", user: "$.id", client_id: "me", client_secret_env: "SHORT", ca_file: "/k/ca.pem", cache: "0s", timeout: "5m", concurrency: 0 }"#,
            [
                #".client_id: goes with url alone: the application is asked with the client's own credential; leave it out"#,
                #".client_secret_env: goes with url alone: the application is asked with the client's own credential; leave it out"#,
                #".ca_file: goes with an https:// URL alone: leave it out"#,
                #".cache: "0s" is too short: write "1s" or more"#,
                #".timeout: "5m" is too long: write "1m" or less"#,
                #".concurrency: 0 is out of range: write a whole number from 1 to 64"#,
            ])
        introspect(
            #"{ url: "https://id.example/i", client_secret_env: "SHORT" }"#,
            [
                #".client_secret_env: a secret without an id: add client_id: "presence-sidecar""#
            ])
        introspect(
            #"{ url: "https://id.example/i", client_id: "a", ca_file: "/k/text" }"#,
            [
                #".client_id: an id without its secret: add client_secret_env: "INTROSPECTION_SECRET""#,
                #".ca_file: the file /k/text holds no certificate: write the path of one that begins with -----BEGIN CERTIFICATE-----"#,
            ])
        introspect(
            #"{ url: "https://id.example/i", client_id: "a", client_secret: "b" }"#,
            [
                #".client_id: an id without its secret: add client_secret_env: "INTROSPECTION_SECRET""#,
                #".client_secret: unknown key: a secret never stands in the file; write client_secret_env: "NAME" or client_secret_file: "PATH""#,
            ])
    }
}
