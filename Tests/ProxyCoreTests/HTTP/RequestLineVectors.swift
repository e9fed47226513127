// Owns the vectors of request lines and Host, requirements 18 to 25.
// Called by RequestLineTests and by the export of refused requests.
// Never repeats a rule: each vector is one way of breaking or keeping it.

import ProxyCore

enum RequestLineVectors {
    static var all: [RequestVector] {
        shapes + versions + targets + absolute + asterisk + methods + hosts + goodHosts + limits
    }

    private static func line(_ line: String) -> String { line + "\r\nHost: a\r\n\r\n" }

    /// 18: blanks and missing parts.
    static let shapes: [RequestVector] = [
        .refused(18, "TwoSpaces", line("GET  / HTTP/1.1"), 400, .targetEmpty),
        .refused(18, "TwoSpacesLater", line("GET /  HTTP/1.1"), 400, .versionMalformed),
        .refused(18, "SpaceLast", line("GET / HTTP/1.1 "), 400, .versionMalformed),
        .refused(18, "SpaceFirst", line(" GET / HTTP/1.1"), 400, .emptyMethod),
        .refused(18, "TabFirst", line("\tGET / HTTP/1.1"), 400, .emptyMethod),
        .refused(18, "TabAfterMethod", line("GET\t/ HTTP/1.1"), 400, .methodCharacter),
        .refused(18, "TabAfterTarget", line("GET /\tHTTP/1.1"), 400, .targetCharacter),
        .refused(18, "TabLast", line("GET / HTTP/1.1\t"), 400, .versionMalformed),
        .refused(18, "SpaceInTarget", line("GET /a b HTTP/1.1"), 400, .versionMalformed),
        .refused(18, "NoVersion", line("GET /"), 400, .versionMalformed),
        .refused(18, "NoVersionSpace", line("GET / "), 400, .versionMalformed),
        .refused(18, "NoTarget", line("GET HTTP/1.1"), 400, .versionMalformed),
        .refused(18, "MethodOnly", line("GET"), 400, .methodCharacter),
        .refused(18, "MethodSpace", line("GET "), 400, .targetEmpty),
        .refused(18, "VerticalTab", line("GET\u{b}/\u{b}HTTP/1.1"), 400, .methodCharacter),
        .refused(18, "FormFeed", line("GET /\u{c}HTTP/1.1"), 400, .targetCharacter),
        .refused(18, "NoBreakSpace", line("GET\u{a0}/ HTTP/1.1"), 400, .methodCharacter),
        .refused(18, "CRBetween", line("GET\r/ HTTP/1.1"), 400, .methodCharacter),
        .refused(18, "TLSHello", "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}", 400, .emptyMethod),
        .refused(18, "BinaryLine", line("\u{0}\u{1}\u{2}"), 400, .emptyMethod),
    ]

    /// 18: versions.
    static let versions: [RequestVector] =
        [
            ("NoMinor", "HTTP/1"), ("NoMinorPoint", "HTTP/1."), ("LeadingZero", "HTTP/01.1"),
            ("LowerCase", "http/1.1"), ("MixedCase", "Http/1.1"), ("Old", "HTTP/0.9"),
            ("Zero", "HTTP/0.0"), ("TwoDigits", "HTTP/1.10"), ("ThreeParts", "HTTP/1.1.1"),
            ("Comma", "HTTP/1,1"), ("NoSlash", "HTTP1.1"), ("Backslash", "HTTP\\1.1"),
            ("Letter", "HTTP/a.b"), ("HexMinor", "HTTP/1.a"), ("Plus", "HTTP/+1.1"),
            ("HTTPS", "HTTPS/1.1"), ("ICAP", "ICAP/1.0"), ("Space", "HTTP /1.1"),
            ("InnerSpace", "HTTP/1 .1"), ("Suffix", "HTTP/1.1x"), ("FullWidth", "HTTP/\u{ff}.1"),
            ("NUL", "HTTP/1.1\u{0}"), ("Truncated", "HTTP/"), ("Word", "HTTP"),
        ].map { name, version in
            .refused(18, "Version\(name)", line("GET / \(version)"), 400, .versionMalformed)
        } + [
            .refused(18, "VersionTwo", line("GET / HTTP/2.0"), 505, .versionUnsupported),
            .refused(18, "VersionThree", line("GET / HTTP/3.0"), 505, .versionUnsupported),
            .refused(18, "VersionNine", line("GET / HTTP/9.9"), 505, .versionUnsupported),
            .refused(18, "Preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, .versionUnsupported),
            .accepted(
                18, "OneTwo", line("GET / HTTP/1.2"), Reading(keepAlive: true, version: .http11)),
            .accepted(18, "OneNine", line("GET / HTTP/1.9"), Reading(version: .http11)),
            .accepted(
                18, "OneOne", line("GET / HTTP/1.1"), Reading(keepAlive: true, version: .http11)),
            .accepted(
                18, "OneZero", line("GET / HTTP/1.0"),
                Reading(keepAlive: false, version: .http10)),
        ]

    /// 19: bytes of a target.
    static var targets: [RequestVector] {
        var vectors: [RequestVector] = []
        let places = [
            ("First", "/", ""), ("Inner", "/a", "b"), ("Query", "/a?b", "c"),
            ("Far", "/0123456789abcdef0123456789", "z"),
            ("FarQuery", "/0123456789?abcdef0123456789", "z"),
        ]
        for byte in 0...255 where byte <= 0x20 || byte >= 0x7f || byte == 0x23 {
            if byte == 0x20 || byte == 10 || byte == 13 { continue }
            let scalar = String(Unicode.Scalar(UInt8(byte)))
            let (name, before, after) = places[byte % places.count]
            vectors.append(
                .refused(
                    19, "\(name)\(String(byte, radix: 16))",
                    line("GET \(before)\(scalar)\(after) HTTP/1.1"), 400, .targetCharacter))
        }
        let visible = "!\"$%&'()*+,-.0123456789:;<=>@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abc{|}~"
        vectors += [
            .refused(19, "Fragment", line("GET /#x HTTP/1.1"), 400, .targetCharacter),
            .refused(19, "FragmentInQuery", line("GET /?a#x HTTP/1.1"), 400, .targetCharacter),
            .refused(19, "HashFirst", line("GET # HTTP/1.1"), 400, .targetCharacter),
            .refused(19, "LF", line("GET /a\nb HTTP/1.1"), 400, .versionMalformed),
            .refused(19, "CR", line("GET /a\rb HTTP/1.1"), 400, .versionMalformed),
            .refused(19, "NUL", line("GET /a\u{0}.php HTTP/1.1"), 400, .targetCharacter),
            .accepted(
                19, "EveryVisibleByte", line("GET /\(visible)?\(visible)?/ HTTP/1.1"),
                Reading(path: "/\(visible)", query: "\(visible)?/")),
            .accepted(
                19, "Query", line("GET /a/b?c=d&e HTTP/1.1"),
                Reading(path: "/a/b", query: "c=d&e")),
            .accepted(19, "EmptyQuery", line("GET /a? HTTP/1.1"), Reading(path: "/a", query: "")),
            .accepted(
                19, "QueryMarks", line("GET /a???b? HTTP/1.1"),
                Reading(path: "/a", query: "??b?")),
            .accepted(19, "DoubleSlash", line("GET //evil/x HTTP/1.1"), Reading(path: "//evil/x")),
            .accepted(
                19, "Escapes", line("GET /%00%2f%zz HTTP/1.1"),
                Reading(path: "/%00%2f%zz")),
        ]
        return vectors
    }

    /// 20: absolute targets.
    static let absolute: [RequestVector] = [
        .accepted(
            20, "Plain", line("GET http://a/b?c HTTP/1.1"),
            Reading(path: "/b", query: "c", authority: "a")),
        .accepted(
            20, "HTTPS", line("GET https://a/ HTTP/1.1"),
            Reading(path: "/", authority: "a")),
        .accepted(
            20, "Folded", line("GET HTTP://A/ HTTP/1.1"),
            Reading(path: "/", authority: "a")),
        .accepted(
            20, "NoPath", line("GET http://a HTTP/1.1"),
            Reading(path: "", query: "", authority: "a")),
        .accepted(
            20, "NoPathQuery", line("GET http://a?x=/ HTTP/1.1"),
            Reading(path: "", query: "x=/", authority: "a")),
        .accepted(
            20, "Port", "GET http://a:8080/ HTTP/1.1\r\nHost: a:8080\r\n\r\n",
            Reading(authority: "a:8080")),
        .accepted(
            20, "OldWithoutHost", "GET http://a/ HTTP/1.0\r\n\r\n",
            Reading(path: "/", authority: "a")),
        .accepted(
            20, "OptionsWhole", line("OPTIONS http://a HTTP/1.1"),
            Reading(method: "OPTIONS", path: "")),
        .refused(20, "OtherHost", line("GET http://b/ HTTP/1.1"), 400, .authorityMismatch),
        .refused(20, "OtherPort", line("GET http://a:81/ HTTP/1.1"), 400, .authorityMismatch),
        .refused(20, "DefaultPort", line("GET http://a:80/ HTTP/1.1"), 400, .authorityMismatch),
        .refused(20, "Prefix", line("GET http://aa/ HTTP/1.1"), 400, .authorityMismatch),
        .refused(20, "NoHost", "GET http://a/ HTTP/1.1\r\n\r\n", 400, .hostMissing),
        .refused(20, "UserInfo", line("GET http://u@a/ HTTP/1.1"), 400, .authorityMalformed),
        .refused(20, "Password", line("GET http://u:p@a/ HTTP/1.1"), 400, .authorityMalformed),
        .refused(20, "EmptyAuthority", line("GET http:/// HTTP/1.1"), 400, .authorityMalformed),
        .refused(20, "NoAuthority", line("GET http:// HTTP/1.1"), 400, .authorityMalformed),
        .refused(20, "OneSlash", line("GET http:/a HTTP/1.1"), 400, .targetForm),
        .refused(20, "FTP", line("GET ftp://a/ HTTP/1.1"), 400, .absoluteScheme),
        .refused(20, "File", line("GET file:///etc/passwd HTTP/1.1"), 400, .absoluteScheme),
        .refused(20, "WebSocketScheme", line("GET ws://a/ HTTP/1.1"), 400, .absoluteScheme),
        .refused(20, "NoSlash", line("GET a/b HTTP/1.1"), 400, .targetForm),
        .refused(20, "Word", line("GET abc HTTP/1.1"), 400, .targetForm),
        .refused(20, "Dots", line("GET ../x HTTP/1.1"), 400, .targetForm),
        .refused(20, "QueryOnly", line("GET ?a HTTP/1.1"), 400, .targetForm),
        .refused(20, "Backslash", line("GET \\a HTTP/1.1"), 400, .targetForm),
        .refused(20, "AuthorityForm", line("GET a:80 HTTP/1.1"), 400, .targetForm),
        .refused(
            20, "BackslashAuthority", line("GET http://a\\b/ HTTP/1.1"), 400,
            .authorityMalformed),
        .refused(
            20, "CommaAuthority", line("GET http://a,b/ HTTP/1.1"), 400,
            .authorityMalformed),
    ]

    /// 21 and 22: the server as a whole, other methods' targets, CONNECT, TRACE.
    static let asterisk: [RequestVector] = [
        .accepted(
            21, "Options", line("OPTIONS * HTTP/1.1"),
            Reading(method: "OPTIONS", path: "*")),
        .refused(21, "Get", line("GET * HTTP/1.1"), 400, .asteriskForm),
        .refused(21, "Post", line("POST * HTTP/1.1"), 400, .asteriskForm),
        .refused(21, "LowerOptions", line("options * HTTP/1.1"), 400, .asteriskForm),
        .refused(21, "AsteriskPath", line("OPTIONS *a HTTP/1.1"), 400, .targetForm),
        .refused(21, "AsteriskQuery", line("OPTIONS *?a HTTP/1.1"), 400, .targetForm),
        .refused(21, "Connect", line("CONNECT a:443 HTTP/1.1"), 405, .connectMethod),
        .refused(21, "ConnectPath", line("CONNECT / HTTP/1.1"), 405, .connectMethod),
        .refused(
            21, "ConnectAbsolute", line("CONNECT http://a/ HTTP/1.1"), 405,
            .connectMethod),
        .refused(22, "Trace", line("TRACE / HTTP/1.1"), 405, .traceMethod),
        .refused(22, "TraceOld", line("TRACE / HTTP/1.0"), 405, .traceMethod),
        .accepted(
            22, "MaxForwardsZero", request("OPTIONS", "Max-Forwards: 0"),
            Reading(maxForwards: 0)),
        .accepted(
            22, "MaxForwards", request("OPTIONS", "Max-Forwards: 10"),
            Reading(maxForwards: 10)),
        .accepted(
            22, "MaxForwardsHuge",
            request("OPTIONS", "Max-Forwards: 99999999999999999999999999"),
            Reading(maxForwards: .max)),
        .accepted(
            22, "MaxForwardsNoNumber", request("OPTIONS", "Max-Forwards: x"),
            Reading(method: "OPTIONS", fields: ["Host: a", "Max-Forwards: x"])),
    ]

    /// 24: methods.
    static var methods: [RequestVector] {
        var vectors: [RequestVector] = [
            .refused(24, "Empty", line(" / HTTP/1.1"), 400, .emptyMethod),
            .accepted(24, "LowerCase", line("get / HTTP/1.1"), Reading(method: "get")),
            .accepted(24, "Unknown", line("PURGE / HTTP/1.1"), Reading(method: "PURGE")),
            .accepted(24, "WebDAV", line("PROPFIND / HTTP/1.1"), Reading(method: "PROPFIND")),
            .accepted(24, "MixedTrace", line("Trace / HTTP/1.1"), Reading(method: "Trace")),
            .accepted(
                24, "EveryTokenByte", line("!#$%&'*+-.^_`|~09azAZ / HTTP/1.1"),
                Reading(method: "!#$%&'*+-.^_`|~09azAZ")),
            .accepted(24, "OneByte", line("X / HTTP/1.1"), Reading(method: "X")),
        ]
        for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
            vectors.append(
                .accepted(
                    24, method, line("\(method) / HTTP/1.1"),
                    Reading(method: method)))
        }
        for byte in [
            "(", ")", ",", "/", ":", ";", "<", "=", ">", "?", "@", "[", "\\", "]", "{",
            "}", "\"", "\u{0}", "\u{7f}", "\u{80}", "\u{ff}",
        ] {
            vectors.append(
                .refused(
                    24, "Byte\(byte.unicodeScalars.first!.value)",
                    line("GE\(byte)T / HTTP/1.1"), 400, .methodCharacter))
        }
        return vectors
    }

    /// 23: Host.
    static let hosts: [RequestVector] =
        [
            ("Empty", ""), ("Blank", "  "), ("Comma", "a,b"), ("CommaBlank", "a, b"),
            ("UserInfo", "u@a"), ("Password", "u:p@a"), ("Path", "a/b"), ("PathOnly", "/"),
            ("URL", "http://a"), ("PortEmpty", "a:"), ("PortZero", "a:0"), ("PortLarge", "a:65536"),
            ("PortHuge", "a:999999"), ("PortLetter", "a:8x"), ("PortTwo", "a:1:2"),
            ("PortPlus", "a:+1"), ("PortBlank", "a: 80"), ("PortOnly", ":80"), ("Space", "a b"),
            ("Query", "a?b"), ("Hash", "a#b"), ("Backslash", "a\\b"), ("Percent", "a%2fb"),
            ("Semicolon", "a;b"), ("Quote", "\"a\""), ("Less", "<a>"), ("High", "\u{e9}x"),
            ("NoBreakSpace", "a\u{a0}"), ("V6Open", "[::1"), ("V6Empty", "[]"),
            ("V6V4", "[1.2.3.4]"), ("V6Zone", "[fe80::1%25eth0]"),
            ("V6Long", "[1:2:3:4:5:6:7:8:9]"),
            ("V6Tail", "[::1]x"), ("V6PortEmpty", "[::1]:"), ("V6Future", "[v1.a]"),
            ("V6Bare", "::1"), ("V6TwoGaps", "[1::2::3]"), ("Pipe", "a|b"), ("Star", "*"),
        ].map { name, host in
            .refused(23, name, "GET / HTTP/1.1\r\nHost: \(host)\r\n\r\n", 400, .hostMalformed)
        }
        + [
            .refused(23, "Missing", "GET / HTTP/1.1\r\n\r\n", 400, .hostMissing),
            .refused(23, "MissingOther", "GET / HTTP/1.1\r\nX: y\r\n\r\n", 400, .hostMissing),
            .refused(23, "RepeatedEqual", get("Host: a"), 400, .hostRepeated),
            .refused(23, "RepeatedDifferent", get("host: b"), 400, .hostRepeated),
            .refused(
                23, "RepeatedOld", "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", 400,
                .hostRepeated),
            .refused(23, "EmptyOld", "GET / HTTP/1.0\r\nHost:\r\n\r\n", 400, .hostMalformed),
            .refused(23, "Confusable", "GET / HTTP/1.1\r\nHost_: a\r\n\r\n", 400, .hostMissing),
            .accepted(23, "MissingOld", "GET / HTTP/1.0\r\n\r\n", Reading(authority: "")),
            .accepted(
                23, "Last", "GET / HTTP/1.1\r\nX: y\r\nHost: a\r\n\r\n",
                Reading(authority: "a")),
        ]

    private static let wellFormed: [String] = [
        "a", "a.example", "A.Example.", "a-b_c~d", "127.0.0.1", "127.0.0.1:8080", "a:1",
        "a:65535", "a:00080", "[::1]", "[::1]:80", "[2001:DB8::1]:443", "[::ffff:1.2.3.4]",
        "x.y.z:80", "0",
    ]

    static let goodHosts: [RequestVector] = wellFormed.map { host in
        .accepted(
            23, "Good \(host)", "GET / HTTP/1.1\r\nHost: \(host)\r\n\r\n",
            Reading(authority: host))
    }

    /// 25: the length of the line.
    static var limits: [RequestVector] {
        let small = HeadLimits(requestLine: 40, headerBytes: 400, headerCount: 9)
        func target(_ count: Int) -> String { "/" + String(repeating: "t", count: count) }
        return [
            .accepted(25, "LineFits", line("GET \(target(24)) HTTP/1.1"), Reading(method: "GET"))
                .limited(small),
            .refused(25, "Line", line("GET \(target(25)) HTTP/1.1"), 414, .requestLineTooLong)
                .limited(small),
            .accepted(
                25, "LineFitsBehindEmptyLines",
                "\r\n\r\n" + line("GET \(target(24)) HTTP/1.1"), Reading(method: "GET")
            )
            .limited(small),
            .refused(
                25, "LineBehindEmptyLines",
                "\r\n\r\n" + line("GET \(target(25)) HTTP/1.1"), 414, .requestLineTooLong
            )
            .limited(small),
            .refused(
                25, "LineQuery", line("GET /?\(target(60)) HTTP/1.1"), 414,
                .requestLineTooLong
            ).limited(small),
            .refused(
                25, "LineMethod", line(String(repeating: "M", count: 60) + " / HTTP/1.1"),
                414, .requestLineTooLong
            ).limited(small),
            .refused(25, "LineUnended", "GET " + target(60), 414, .requestLineTooLong)
                .limited(small),
            .refused(
                25, "DefaultLine", line("GET \(target(8192)) HTTP/1.1"), 414,
                .requestLineTooLong),
            .accepted(
                25, "DefaultLineFits", line("GET \(target(8192 - 16)) HTTP/1.1"),
                Reading(method: "GET")),
            .refused(
                25, "DefaultLineOneMore", line("GET \(target(8192 - 15)) HTTP/1.1"), 414,
                .requestLineTooLong),
        ]
    }
}
