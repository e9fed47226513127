// Owns the vectors of connection state, bodies of old clients, expectations, upgrades and loops:
// requirements 26 to 28, 33 to 37, 40 and 55.
// Called by RequestConnectionTests and by the export of refused requests.
// Never repeats a rule: each vector is one way of breaking or keeping it.

import ProxyCore

enum ConnectionVectors {
    static var all: [RequestVector] {
        hopByHop + nominated + persistence + oldBodies + expectations + upgrades + loops
    }

    private static func old(_ method: String, _ lines: String...) -> String {
        "\(method) / HTTP/1.0\r\n" + lines.map { $0 + "\r\n" }.joined() + "\r\n"
    }

    /// 26: what ends at this connection.
    static let hopByHop: [RequestVector] = [
        .accepted(
            26, "Always",
            get(
                "Connection: y", "Proxy-Connection: y", "Keep-Alive: timeout=5", "TE: gzip",
                "Trailer: X-T", "Upgrade: h2c", "HTTP2-Settings: AAA", "X: 1"),
            Reading(fields: ["Host: a", "X: 1"])),
        .accepted(
            26, "Nominated", get("Connection: X-One", "X-One: 1", "X-Two: 2"),
            Reading(keepAlive: true, fields: ["Host: a", "X-Two: 2"])),
        .accepted(
            26, "NominatedBefore", get("X-One: 1", "Connection: x-one"),
            Reading(fields: ["Host: a"])),
        .accepted(
            26, "NominatedRepeated", get("X-One: 1", "X-ONE: 2", "Connection: x-one"),
            Reading(fields: ["Host: a"])),
        .accepted(
            26, "TwoLines", get("Connection: X-One", "Connection: X-Two", "X-One: 1", "X-Two: 2"),
            Reading(fields: ["Host: a"])),
        .accepted(
            26, "FirstLineEmpty", get("Connection:", "Connection: X-One, close", "X-One: 1"),
            Reading(keepAlive: false, fields: ["Host: a"])),
        .accepted(
            26, "EmptyMembers", get("Connection: ,, X-One ,\t, close,", "X-One: 1"),
            Reading(keepAlive: false, fields: ["Host: a"])),
        .accepted(
            26, "NominatedKnown", get("Connection: User-Agent", "User-Agent: u"),
            Reading(fields: ["Host: a"])),
        .accepted(
            26, "NominatedAbsent", get("Connection: X-Nothing", "X: 1"),
            Reading(fields: ["Host: a", "X: 1"])),
        .accepted(
            26, "NominatedPrefix", get("Connection: X-On", "X-One: 1"),
            Reading(fields: ["Host: a", "X-One: 1"])),
        .refused(26, "NoToken", get("Connection: a b"), 400, .connectionMalformed),
        .refused(26, "Quoted", get("Connection: \"close\""), 400, .connectionMalformed),
        .refused(26, "Parameter", get("Connection: keep-alive;x"), 400, .connectionMalformed),
        .refused(26, "HighByte", get("Connection: close\u{a0}"), 400, .connectionMalformed),
        .refused(
            26, "TooMany",
            get("Connection: " + Array(repeating: "x", count: 33).joined(separator: ",")), 400,
            .connectionOptions),
        .accepted(
            26, "Many",
            get("Connection: " + Array(repeating: "x", count: 32).joined(separator: ",")),
            Reading(method: "GET")),
    ]

    /// 27 and 28: what must not be nominated, and what may.
    static let nominated: [RequestVector] =
        [
            "Host", "Content-Length", "Transfer-Encoding", "Authorization", "Cookie", "host",
            "CONTENT-LENGTH", "transfer-encoding", "authorization", "cOOKIE", "Content_Length",
            "Transfer_Encoding",
        ].flatMap { name -> [RequestVector] in
            [
                .refused(28, name, get("Connection: \(name)"), 400, .connectionNominates),
                .refused(
                    28, "\(name)WithOthers", get("Connection: close, X, \(name)"), 400,
                    .connectionNominates),
                .refused(
                    28, "\(name)SecondLine", get("Connection: keep-alive", "Connection: \(name)"),
                    400, .connectionNominates),
            ]
        } + [
            .refused(
                28, "WithField", get("Connection: authorization", "Authorization: Bearer x"), 400,
                .connectionNominates),
            .accepted(
                27, "ForwardedFor", get("Connection: X-Forwarded-For", "X-Forwarded-For: 1.2.3.4"),
                Reading(fields: ["Host: a"])),
            .accepted(
                27, "RealIP", get("Connection: X-Real-IP, close", "X-Real-IP: 1.2.3.4"),
                Reading(keepAlive: false, fields: ["Host: a"])),
        ]

    /// 36: whether the connection stays.
    static let persistence: [RequestVector] = [
        .accepted(36, "Default", get(), Reading(keepAlive: true)),
        .accepted(36, "Close", get("Connection: close"), Reading(keepAlive: false)),
        .accepted(36, "CloseFolded", get("Connection: CLOSE"), Reading(keepAlive: false)),
        .accepted(
            36, "CloseAndKeep", get("Connection: keep-alive, close"),
            Reading(keepAlive: false)),
        .accepted(36, "Keep", get("Connection: keep-alive"), Reading(keepAlive: true)),
        .accepted(36, "Old", old("GET"), Reading(keepAlive: false)),
        .accepted(36, "OldKeep", old("GET", "Connection: Keep-Alive"), Reading(keepAlive: true)),
        .accepted(
            36, "OldClose", old("GET", "Host: a", "Connection: close"),
            Reading(keepAlive: false)),
        .accepted(
            36, "OldBoth", old("GET", "Connection: close", "Connection: keep-alive"),
            Reading(keepAlive: false)),
        .accepted(
            36, "OldProxyKeep", old("GET", "Proxy-Connection: keep-alive"),
            Reading(keepAlive: false)),
        .accepted(
            36, "OldNginx", old("GET", "Host: backend", "Connection: close"),
            Reading(keepAlive: false, authority: "backend", version: .http10)),
    ]

    /// 33: bodies of methods that mostly have none.
    static let oldBodies: [RequestVector] = [
        .accepted(33, "Get", get("Content-Length: 5"), Reading(framing: .length(5))),
        .accepted(
            33, "Head", request("HEAD", "Content-Length: 5"),
            Reading(framing: .length(5))),
        .accepted(
            33, "Options", request("OPTIONS", "Content-Length: 5"),
            Reading(framing: .length(5))),
        .accepted(
            33, "Delete", request("DELETE", "Transfer-Encoding: chunked"),
            Reading(framing: .chunked)),
        .refused(33, "OldGet", old("GET", "Content-Length: 5"), 413, .bodyInHTTP10),
        .refused(33, "OldHead", old("HEAD", "Content-Length: 5"), 413, .bodyInHTTP10),
        .refused(33, "OldDelete", old("DELETE", "Content-Length: 1"), 413, .bodyInHTTP10),
        .accepted(
            33, "OldGetZero", old("GET", "Content-Length: 0"),
            Reading(framing: .length(0))),
        .accepted(33, "OldPost", old("POST", "Content-Length: 5"), Reading(framing: .length(5))),
        .accepted(
            33, "OldGetTrusted", old("GET", "Content-Length: 5"),
            Reading(framing: .length(5))
        ).trusted(),
        .accepted(
            33, "OldDeleteTrusted", old("DELETE", "Content-Length: 5"),
            Reading(framing: .length(5))
        ).trusted(),
    ]

    /// 34: Expect.
    static let expectations: [RequestVector] = [
        .accepted(
            34, "Continue", post("Expect: 100-continue", "Content-Length: 5"),
            Reading(
                continues: true,
                fields: [
                    "Host: a", "Expect: 100-continue",
                    "Content-Length: 5",
                ])),
        .accepted(
            34, "Folded", post("expect: 100-CONTINUE", "Transfer-Encoding: chunked"),
            Reading(continues: true)),
        .accepted(
            34, "NoBody", get("Expect: 100-continue"),
            Reading(continues: false, fields: ["Host: a"])),
        .accepted(
            34, "EmptyBody", post("Expect: 100-continue", "Content-Length: 0"),
            Reading(continues: false)),
        .accepted(
            34, "Old", old("POST", "Expect: 100-continue", "Content-Length: 5"),
            Reading(continues: false, fields: ["Content-Length: 5"])),
        .accepted(
            34, "OldOther", old("POST", "Expect: x", "Content-Length: 5"),
            Reading(continues: false, fields: ["Content-Length: 5"])),
        .accepted(
            34, "Twice",
            post("Expect: 100-continue", "Expect: 100-continue", "Content-Length: 5"),
            Reading(
                continues: true,
                fields: [
                    "Host: a", "Expect: 100-continue",
                    "Content-Length: 5",
                ])),
        .refused(
            34, "Prefixed", post("Expect: x 100-continue", "Content-Length: 5"), 417,
            .expectation),
        .refused(34, "Other", post("Expect: 200-ok", "Content-Length: 5"), 417, .expectation),
        .refused(34, "Empty", post("Expect:", "Content-Length: 5"), 417, .expectation),
        .refused(
            34, "List", post("Expect: 100-continue, x", "Content-Length: 5"), 417,
            .expectation),
        .refused(34, "OtherNoBody", get("Expect: x"), 417, .expectation),
        .refused(
            34, "SecondOther",
            post("Expect: 100-continue", "Expect: x", "Content-Length: 5"), 417, .expectation),
    ]

    /// 37 and 40: which requests may become a tunnel.
    static let upgrades: [RequestVector] = {
        let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
        let version = "Sec-WebSocket-Version: 13"
        let upgrade = "Upgrade: websocket"
        let connection = "Connection: Upgrade"
        func valid(_ name: String, _ lines: String...) -> RequestVector {
            .accepted(
                37, name,
                "GET / HTTP/1.1\r\nHost: a\r\n" + lines.map { $0 + "\r\n" }.joined() + "\r\n",
                Reading(webSocket: .valid))
        }
        func invalid(_ name: String, _ lines: String...) -> RequestVector {
            .accepted(
                37, name,
                "GET / HTTP/1.1\r\nHost: a\r\n" + lines.map { $0 + "\r\n" }.joined() + "\r\n",
                Reading(webSocket: .invalid))
        }
        func keyed(_ name: String, _ key: String) -> RequestVector {
            invalid("Key\(name)", upgrade, connection, version, "Sec-WebSocket-Key: \(key)")
        }
        return [
            valid("Plain", connection, upgrade, key, version),
            valid("Browser", "Connection: keep-alive, Upgrade", "Upgrade: WebSocket", key, version),
            valid("Lines", "Connection: keep-alive", "Connection: upgrade", upgrade, key, version),
            valid("EmptyBody", connection, upgrade, key, version, "Content-Length: 0"),
            invalid("NoOption", upgrade, key, version),
            invalid("KeepAliveOnly", "Connection: keep-alive", upgrade, key, version),
            invalid("NoKey", connection, upgrade, version),
            invalid("TwoKeys", connection, upgrade, key, key, version),
            invalid("NoVersion", connection, upgrade, key),
            invalid("OldVersion", connection, upgrade, key, "Sec-WebSocket-Version: 8"),
            invalid("VersionList", connection, upgrade, key, "Sec-WebSocket-Version: 13, 8"),
            invalid("VersionZero", connection, upgrade, key, "Sec-WebSocket-Version: 013"),
            invalid("TwoVersions", connection, upgrade, key, version, version),
            invalid("Body", connection, upgrade, key, version, "Content-Length: 5"),
            invalid("Chunked", connection, upgrade, key, version, "Transfer-Encoding: chunked"),
            invalid("AndH2C", connection, "Upgrade: websocket, h2c", key, version),
            invalid("H2CAnd", connection, "Upgrade: h2c, websocket", key, version),
            invalid("TwoUpgrades", connection, upgrade, upgrade, key, version),
            invalid("SecondUpgrade", connection, "Upgrade: h2c", upgrade, key, version),
            invalid(
                "KeyNominated", "Connection: upgrade, Sec-WebSocket-Key", upgrade, key, version),
            keyed("Short", "dGhlIHNhbXBsZSBub25jZQ="),
            keyed("Long", "dGhlIHNhbXBsZSBub25jZQAA=="),
            keyed("NoPad", "dGhlIHNhbXBsZSBub25jZQAA"),
            keyed("PadBits", "dGhlIHNhbXBsZSBub25jZR=="),
            keyed("URLAlphabet", "dGhlIHNhbXBsZSBub25j_Q=="),
            keyed("Blank", "dGhlIHNhbXBs ZSBub25jZQ=="),
            keyed("Empty", ""),
            .accepted(
                37, "Post", post(connection, upgrade, key, version),
                Reading(webSocket: .invalid)),
            .accepted(
                37, "OldVersionOfHTTP", old("GET", connection, upgrade, key, version),
                Reading(webSocket: .invalid)),
            .accepted(
                37, "Other", get(connection, "Upgrade: foo"),
                Reading(webSocket: WebSocketOffer.none, fields: ["Host: a"])),
            .accepted(
                37, "Suffixed", get(connection, "Upgrade: websocket/13", key, version),
                Reading(webSocket: WebSocketOffer.none)),
            .accepted(
                40, "H2C",
                get(
                    "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c",
                    "HTTP2-Settings: AAMAAABkAAQAAP__"),
                Reading(webSocket: WebSocketOffer.none, fields: ["Host: a"])),
            .accepted(
                40, "H2CFolded", get("Connection: Upgrade", "Upgrade: H2C"),
                Reading(fields: ["Host: a"])),
        ]
    }()

    /// 55: our own trace.
    static let loops: [RequestVector] = [
        .refused(55, "Plain", get("Via: 1.1 presence-sidecar"), 508, .loop),
        .refused(55, "Old", get("Via: 1.0 presence-sidecar"), 508, .loop),
        .refused(55, "Folded", get("via: 1.1 Presence-Sidecar"), 508, .loop),
        .refused(55, "Last", get("Via: 1.1 nginx, 1.1 presence-sidecar"), 508, .loop),
        .refused(55, "First", get("Via: 1.1 presence-sidecar,1.1 nginx"), 508, .loop),
        .refused(55, "Comment", get("Via: HTTP/1.1 presence-sidecar (x)"), 508, .loop),
        .refused(55, "SecondLine", get("Via: 1.1 a", "Via: 1.1 presence-sidecar"), 508, .loop),
        .refused(
            55, "Nominated", get("Connection: Via", "Via: 1.1 presence-sidecar"), 508, .loop),
        .accepted(
            55, "Other", get("Via: 1.1 nginx"), Reading(fields: ["Host: a", "Via: 1.1 nginx"])),
        .accepted(55, "Longer", get("Via: 1.1 presence-sidecar-2"), Reading(method: "GET")),
        .accepted(55, "Prefix", get("Via: 1.1 my-presence-sidecar"), Reading(method: "GET")),
    ]
}
