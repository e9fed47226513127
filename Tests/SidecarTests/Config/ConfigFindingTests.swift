// Owns the tests of findings: a broken config file and the lines that `check` prints for it.
// Called by XCTest.
// Never tests what a good configuration means: that is ConfigReaderTests.

import XCTest

@testable import Sidecar

final class ConfigFindingTests: XCTestCase {
    func testAMisspeltKey() {
        ConfigSample.expect(
            #"""
            {
              upstream: { servers: ["http://app"], conect_timeout: "2s" },
              presense: {},
              offline_after: "2m",
              presence: {
                // a key of another section
                page_size: 10,
                hartbeat_every: "30s",
                zzz: 1,
                page_sice: 1,
              },
              "bad\nkey\u202e": 1,
            }
            """#,
            [
                #"c:2: upstream.conect_timeout: unknown key: did you mean "connect_timeout"?"#,
                #"c:3: presense: unknown key: did you mean "presence"?"#,
                #"c:4: offline_after: unknown key here: it belongs under "presence""#,
                #"c:7: presence.page_size: unknown key here: it belongs under "api""#,
                #"c:8: presence.hartbeat_every: unknown key: did you mean "heartbeat_every"?"#,
                #"c:9: presence.zzz: unknown key: known here are offline_after, away_after, heartbeat_every, disconnect_grace, logout_scope, allow_flapping, history"#,
                #"c:10: presence.page_sice: unknown key: did you mean "page_size" under "api"?"#,
                #"c:12: bad?key?: unknown key: known here are listen, workers, tls, upstream, trusted_proxies, tokens, presence, api, routes, websocket, store, log, limits, cluster, webhooks"#,
            ])
    }

    func testAWrongType() {
        ConfigSample.expect(
            #"""
            {
              upstream: { servers: ["http://app"], max_connections: "256" },
              workers: "many",
              listen: "127.0.0.1:8080",
              trusted_proxies: {},
              presence: { allow_flapping: "yes", logout_scope: 5, offline_after: [] },
              routes: { match: "GET /" },
              api: null,
              store: { path: 7 },
              log: [],
              limits: { header_count: 1.5, connections: null },
            }
            """#,
            [
                #"c:2: upstream.max_connections: expected a number, found "256": write 256, without quotes"#,
                #"c:3: workers: expected a number, found "many": write a whole number from 0 to 1024"#,
                #"c:4: listen: expected a list, found "127.0.0.1:8080": write ["127.0.0.1:8080"]"#,
                #"c:5: trusted_proxies: expected a list, found an object: write ["127.0.0.1/32"]"#,
                #"c:6: presence.allow_flapping: expected true or false, found "yes": write true or false, without quotes"#,
                #"c:6: presence.logout_scope: expected a word, found the number 5: write "user" or "session""#,
                #"c:6: presence.offline_after: expected a duration, found a list: write one like "2m""#,
                #"c:7: routes: expected a list, found an object: write [{ match: "GET /ws/presence/", serve: "websocket" }]"#,
                #"c:8: api: null means nothing here: write a value or leave the key out"#,
                #"c:9: store.path: expected a string, found the number 7: write "presence.sqlite3""#,
                #"c:10: log: expected an object, found a list: write { … }"#,
                #"c:11: limits.header_count: 1.5 is out of range: write a whole number from 8 to 256"#,
                #"c:11: limits.connections: null means nothing here: write a value or leave the key out"#,
            ])
    }

    func testTheTopIsNoObject() {
        ConfigSample.expect(
            #"""
            ["http://app"]
            """#,
            [
                #"c:1: expected an object, found a list: write { upstream: { servers: ["http://127.0.0.1:8000"] } }"#
            ])
    }

    func testABadDuration() {
        ConfigSample.expect(
            #"""
            {
              upstream: { servers: ["http://app"], connect_timeout: 2, response_timeout: "1 minute" },
              presence: {
                offline_after: "2 min",
                away_after: "-5m",
                heartbeat_every: "10ms",
                disconnect_grace: "99999d",
              },
              limits: { drain: "1.5s", header_timeout: "0s" },
            }
            """#,
            [
                #"c:2: upstream.connect_timeout: expected a duration, found the number 2: write "2s""#,
                #"c:2: upstream.response_timeout: "1 minute" is no duration: write a whole number and ms, s, m, h or d, like "1m""#,
                #"c:4: presence.offline_after: "2 min" is no duration: write a whole number and ms, s, m, h or d, like "2m""#,
                #"c:5: presence.away_after: "-5m" is no duration: write a whole number and ms, s, m, h or d, like "5m""#,
                #"c:6: presence.heartbeat_every: "10ms" is too short: write "1s" or more"#,
                #"c:7: presence.disconnect_grace: "99999d" is too long: write "3650d" or less"#,
                #"c:9: limits.drain: "1.5s" is no duration: write a whole number and ms, s, m, h or d, like "30s""#,
                #"c:9: limits.header_timeout: "0s" is too short: write "1ms" or more"#,
            ])
    }

    func testABadSize() {
        ConfigSample.expect(
            #"""
            {
              upstream: { servers: ["http://app"] },
              limits: { request_line: 8192, header_bytes: "32KB", body: "0B" },
              websocket: { max_message: "1GiB" },
            }
            """#,
            [
                #"c:3: limits.request_line: expected a size, found the number 8192: write "8KiB""#,
                #"c:3: limits.header_bytes: "32KB" is no size: write a whole number and B, KiB, MiB or GiB, like "32KiB""#,
                #"c:3: limits.body: "0B" is out of range: write "1B" to "1024GiB""#,
                #"c:4: websocket.max_message: "1GiB" is out of range: write "128B" to "16MiB""#,
            ])
    }

    func testAWrongWord() {
        ConfigSample.expect(
            #"""
            {
              upstream: { servers: ["http://app"] },
              presence: { logout_scope: "usr" },
              log: { level: "verbose", format: "jsno", access: "/var/log/x" },
              websocket: { subscription: "everybody", origins: ["*", "app.example", "https://app.example/"] },
              api: { prefix: "presence/", rate_limit: "20 a second" },
            }
            """#,
            [
                #"c:3: presence.logout_scope: unknown value "usr": did you mean "user"? Known are "user" and "session""#,
                #"c:4: log.level: unknown value "verbose": write "debug", "info", "warning" or "error""#,
                #"c:4: log.format: unknown value "jsno": did you mean "json"? Known are "text" and "json""#,
                #"c:4: log.access: unknown value "/var/log/x": write "stderr" or "off""#,
                #"c:5: websocket.subscription: unknown value "everybody": write "all" or "none""#,
                #"c:5: websocket.origins[0]: "*" is no origin: leave origins out to allow every one"#,
                #"c:5: websocket.origins[1]: "app.example" is no origin: an origin begins with https:// or http://: write "https://app.example""#,
                #"c:5: websocket.origins[2]: "https://app.example/" is no origin: an origin has no path: write "https://app.example""#,
                #"c:6: api.prefix: "presence/" does not begin with a slash: write "/presence/""#,
                #"c:6: api.rate_limit: "20 a second" is no rate: write a whole number and /s, /m or /h, like "20/s""#,
            ])
    }

    func testNumbersOutOfRange() {
        ConfigSample.expect(
            #"""
            {
              upstream: { servers: ["http://app"], max_connections: 0 },
              workers: -1,
              api: { page_size: 2000, max_page_size: 1000 },
              limits: { header_count: 1000, connections: 99999999999999999999, min_rate: -5 },
              websocket: { max_sockets: -3 },
            }
            """#,
            [
                #"c:2: upstream.max_connections: 0 is out of range: write a whole number from 1 to 1000000"#,
                #"c:3: workers: -1 is out of range: write a whole number from 0 to 1024"#,
                #"c:4: api.page_size: 2000 is more than max_page_size (1000): write 1000 or less"#,
                #"c:5: limits.header_count: 1000 is out of range: write a whole number from 8 to 256"#,
                #"c:5: limits.connections: 99999999999999999999 is out of range: write a whole number from 1 to 10000000"#,
                #"c:5: limits.min_rate: -5 is out of range: write a whole number from 0 to 1073741824"#,
                #"c:6: websocket.max_sockets: -3 is out of range: write a whole number from 0 to 10000000"#,
            ])
    }

    func testDuplicateKeys() {
        ConfigSample.expect(
            #"""
            {
              upstream: { servers: ["http://app"] },
              workers: 1,
              store: { path: "a", path: "b" },
              workers: 2,
            }
            """#,
            [
                #"c:4: store.path: stands twice, first in line 4: keep one of them"#,
                #"c:5: workers: stands twice, first in line 3: keep one of them"#,
            ])
    }

    func testASyntaxError() {
        ConfigSample.expect(
            #"""
            {
              upstream: { servers: ["http://app"] }
              workers: 1,
            }
            """#,
            [
                #"c:3:3: syntax error: expected ',' or '}', found 'w'"#
            ])
    }

    func testNothing() {
        ConfigSample.expect(
            "",
            [
                #"c:1:1: syntax error: expected a value, found the end of the text"#
            ])
    }

    func testAStoreThatCannotBeWritten() {
        ConfigSample.expect(
            #"""
            {
              upstream: { servers: ["http://app"] },
              store: { path: "/gone/p.sqlite3" },
            }
            """#,
            [
                #"c:3: store.path: warning: "/gone/p.sqlite3" lies in /gone, which does not exist, so that presence would be kept in memory only: write a path that can be written"#
            ])
    }

    func testFlapping() {
        ConfigSample.expect(
            #"""
            {
              upstream: { servers: ["http://app"] },
              presence: {
                heartbeat_every: "30s",
                offline_after: "1m",
              },
            }
            """#,
            [
                #"c:5: presence.offline_after: 1m is less than 3 × heartbeat_every (30s) + 20s, so that users would flicker: write "110s" or more, or allow_flapping: true"#
            ])
    }

    func testFlappingByTheInterval() {
        ConfigSample.expect(
            #"""
            {
              upstream: { servers: ["http://app"] },
              presence: { heartbeat_every: "1m" },
            }
            """#,
            [
                #"c:3: presence.heartbeat_every: offline_after 2m is less than 3 × heartbeat_every (1m) + 20s, so that users would flicker: write offline_after: "200s""#
            ])
    }

    func testFlappingAllowed() {
        ConfigSample.expect(
            #"""
            { upstream: { servers: ["http://app"] }, presence: { offline_after: "1m", allow_flapping: true } }
            """#,
            [])
    }

    func testAllAtOnce() {
        ConfigSample.expect(
            #"""
            {
              workers: -1,
              upstream: { servers: [] },
              presence: { offline_after: "1m", history: "x" },
              routs: [],
              routes: [{ match: "GET /a", serve: "x" }, { match: "GET /a" }],
            }
            """#,
            [
                #"c:2: workers: -1 is out of range: write a whole number from 0 to 1024"#,
                #"c:3: upstream.servers: is empty: write ["http://127.0.0.1:8000"]"#,
                #"c:4: presence.offline_after: 1m is less than 3 × heartbeat_every (30s) + 20s, so that users would flicker: write "110s" or more, or allow_flapping: true"#,
                #"c:4: presence.history: "x" is no duration: write a whole number and ms, s, m, h or d, like "30d""#,
                #"c:5: routs: unknown key: did you mean "routes"?"#,
                #"c:6: routes[0].serve: unknown value "x": write "heartbeat", "user", "set-status", "online", "users", "query", "websocket", "stats", "whoami", "changes", "events" or "history""#,
                #"c:6: routes[1].match: is never reached: "GET /a" in line 6 matches all of it first; move this route above that one or remove it"#,
            ])
    }
}
