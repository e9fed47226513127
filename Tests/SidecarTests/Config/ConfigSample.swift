// Owns the sample of the contract, and the world that the tests put around a config.
// Called by the tests of the configuration.
// Never reads a real file or variable.

import ProxyCore
import XCTest

@testable import Sidecar

enum ConfigSample {
    /// The config file of the contract as it stands there.
    static let contract = #"""
        {
          listen: ["127.0.0.1:8080"],          // also "unix:/run/sidecar.sock", "systemd"; [::1]:8080
          workers: 0,                          // 0 = one event loop a core
          tls: { certificate: "…pem", key: "…pem", min_version: "1.2" },
          upstream: {
            servers: ["http://127.0.0.1:8000"],// http, https, unix:/run/gunicorn.sock
            connect_timeout: "2s", response_timeout: "60s", idle_timeout: "1500ms", max_connections: 256,
            tls: { ca_file: "…", verify: true, server_name: "…" },
            health: { path: "/ping/", every: "5s" },
          },
          trusted_proxies: ["127.0.0.1/32", "::1/128"],
          tokens: {
            from: ["header:Authorization", "cookie:access_token", "query:token"],
            keys: [
              { algorithms: ["HS256"], secret_env: "JWT_SECRET" },
              { algorithms: ["RS256", "ES256"], jwks: "https://id.example/.well-known/jwks.json", issuer: "…", audience: "…" },
              { algorithms: ["EdDSA"], public_key_file: "…pem" },
            ],
            leeway: "30s",
            claims: { user: ["user_id", "sub"], name: ["name", "username"], session: ["sid", "jti"], admin: { claim: "is_staff", equals: true } },
            introspect: { path: "/api/users/me/", user: "$.id", name: "$.username", admin: "$.is_staff", cache: "60s" },
            service: [{ name: "wallboard", token_env: "WALLBOARD_TOKEN", admin: false }],
          },
          presence: { offline_after: "2m", away_after: null, heartbeat_every: "30s", disconnect_grace: "10s", logout_scope: "user",
                      history: "30d" },
          routes: [ // the first match wins; {x} is one segment, ** the rest; a trailing slash never matters
            { match: "POST /api/auth/login/",  on: "login", token: "$.access", user: "$.user.id", name: "$.user.username" },
            { match: "POST /api/auth/logout/", on: "logout" },
            { match: "POST /api/users/heartbeat/", serve: "heartbeat" },           // or on: "heartbeat"
            { match: "GET /api/users/admin/users/online/", serve: "online" },
            { match: "GET /api/users/admin/users/{id}/online-status/", serve: "user" },
            { match: "POST /api/users/admin/users/{id}/set-online-status/", serve: "set-status" },
            { match: "GET /api/users/admin/users/", enrich: { items: "$.results[*]", id: "$.id" } },
            { match: "GET /ws/presence/", serve: "websocket" },
            { match: "GET /notifications/poll", activity: false },
            { match: "* /static/**", track: false },
            { match: "GET /app/**", inject: true },                                // the client script into HTML
          ],
          api: { prefix: "/_presence", rate_limit: "20/s", page_size: 20, max_page_size: 1000 },
          websocket: { origins: ["https://app.example"], subscription: "all", max_message: "16KiB", ping_every: "30s", max_sockets: 200000 },
          store: { path: "presence.sqlite3", flush_every: "1s" },                  // path: null = memory only
          cluster: { redis: "redis://127.0.0.1:6379/0", namespace: "app" },
          webhooks: [{ url: "http://127.0.0.1:9000/hook", secret_env: "HOOK_SECRET", events: ["online", "offline"] }],
          log: { level: "info", format: "text", access: "stderr" },
          limits: { request_line: "8KiB", header_bytes: "32KiB", header_count: 100, body: null,          // null = no limit
                    header_timeout: "15s", body_timeout: "30s", keep_alive_timeout: "75s", tunnel_timeout: "1h", min_rate: 500,
                    connections: 100000, connections_per_address: null, drain: "30s" },
        }
        """#

    static let secret = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

    static let surroundings = Surroundings(
        variable: { name in
            switch name {
            case "JWT_SECRET": secret
            case "SHORT": "hunter2"
            case "EMPTY": ""
            case "PUBLIC": "-----BEGIN PUBLIC KEY-----\nMIIB"
            // 48 bytes: enough for HS256 and HS384.
            case "MIDDLING": String(secret.prefix(48))
            case "WALLBOARD_TOKEN": "0123456789abcdef"
            case "OTHER_TOKEN": "a-dashboard's-own-token"
            case "SPACED_TOKEN": "sixteen bytes and a blank"
            case "CREDENTIALS_DIRECTORY": "/run/credentials/sidecar"
            default: nil
            }
        },
        contents: { path, limit throws(SystemError) in
            switch path {
            case "/run/secrets/jwt", "/run/credentials/sidecar/jwt": Array((secret + "\n").utf8)
            case "/run/secrets/empty": Array("\n".utf8)
            case "/k/rsa.pem", "/run/credentials/sidecar/rsa.pem": Array(KeySample.rsa.utf8)
            case "/k/weak.pem": Array(KeySample.weakRSA.utf8)
            case "/k/p256.pem": Array(KeySample.p256.utf8)
            case "/k/ed.pem", "…pem": Array(KeySample.ed25519.utf8)
            case "/k/private.pem": Array(KeySample.privateKey.utf8)
            case "/k/two.pem": Array((KeySample.rsa + "\n" + KeySample.p256 + "\n").utf8)
            case "/run/secrets/empty2": []
            case "/k/text": Array("hello".utf8)
            case "/k/set.json": Array(KeySample.set.utf8)
            case "/k/twins.json": Array(KeySample.twins.utf8)
            case "/k/secret.json": Array(KeySample.secretSet.utf8)
            case "/k/weak.json": Array(KeySample.weakSet.utf8)
            case "/k/ca.pem": Array("-----BEGIN CERTIFICATE-----\nMIIB".utf8)
            case "/root/jwt": throw SystemError(call: "open", code: 13)
            default: throw SystemError(call: "open", code: 2)
            }
        },
        obstacle: { $0.hasPrefix("/gone/") ? "lies in /gone, which does not exist" : nil })

    static func read(_ text: String) -> ConfigOutcome {
        ConfigReader.read(text.rawSpan, surroundings: surroundings)
    }

    /// The findings as `check` prints them for a file named `c`.
    static func lines(_ text: String) -> [String] {
        read(text).findings.map { $0.text(file: "c") }
    }
}

extension ConfigSample {
    /// Fails where `check` says anything else than these lines, each after its `c:`. That nobody
    /// is recognised without a key is not expected of texts that are about something else.
    static func expect(
        _ text: String, _ expected: [String], file: StaticString = #filePath, line: UInt = #line
    ) {
        let all = expected.contains { $0.contains("no key is configured") }
        let found = lines(text).filter { all || !$0.contains("no key is configured") }
        for (index, expected) in expected.enumerated() where index < found.count {
            // What another room says behind a `@` is tested there.
            guard expected.last != "@" else {
                XCTAssertTrue(
                    found[index].hasPrefix(expected.dropLast()), found[index], file: file,
                    line: line)
                continue
            }
            XCTAssertEqual(found[index], expected, file: file, line: line)
        }
        XCTAssertEqual(found.count, expected.count, "\(found)", file: file, line: line)
    }
}
