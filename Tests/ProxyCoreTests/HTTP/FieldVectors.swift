// Owns the vectors of field lines, requirements 13 to 17 and the limits of 25.
// Called by RequestFieldTests and by the export of refused requests.
// Never repeats a rule: each vector is one way of breaking or keeping it.

import ProxyCore

enum FieldVectors {
    static var all: [RequestVector] {
        endings + folds + names + values + confusable + limits + incomplete
    }

    /// 13: every line ends in CR LF.
    static let endings: [RequestVector] = [
        .refused(13, "BareLFs", "GET / HTTP/1.1\nHost: a\n\n", 400, .lineEnding),
        .refused(13, "LFAfterRequestLine", "GET / HTTP/1.1\nHost: a\r\n\r\n", 400, .lineEnding),
        .refused(13, "LFAfterField", "GET / HTTP/1.1\r\nHost: a\n\r\n", 400, .lineEnding),
        .refused(13, "LFAsBlankLine", "GET / HTTP/1.1\r\nHost: a\r\n\n", 400, .lineEnding),
        .refused(
            13, "CRAfterRequestLine", "GET / HTTP/1.1\rHost: a\r\n\r\n", 400, .lineEnding),
        .refused(
            13, "CRAfterField", "GET / HTTP/1.1\r\nHost: a\rX: y\r\n\r\n", 400,
            .lineEnding),
        .refused(
            13, "CRInBlankLine", "GET / HTTP/1.1\r\nHost: a\r\n\rX: y\r\n\r\n", 400,
            .lineEnding),
        .refused(13, "BlankLineThenX", "GET / HTTP/1.1\r\nHost: a\r\n\rX", 400, .lineEnding),
        .refused(13, "TwoCRs", "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", 400, .lineEnding),
        .refused(
            13, "TwoCRsAfterField", "GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", 400,
            .lineEnding),
        .refused(13, "LFCR", "GET / HTTP/1.1\n\rHost: a\n\r\n\r", 400, .lineEnding),
        .refused(13, "LFInValue", get("X: a\nTransfer-Encoding: chunked"), 400, .lineEnding),
        .refused(13, "CRInValue", get("X: a\rb"), 400, .lineEnding),
        .refused(13, "LFFirst", "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400, .emptyMethod),
        .refused(13, "CRFirst", "\rGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400, .lineEnding),
        .refused(13, "LFInName", get("X\nY: a"), 400, .lineEnding),
        .accepted(
            13, "EmptyLineFirst", "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            Reading(method: "GET", length: 29)),
        .accepted(
            13, "TwoEmptyLinesFirst", "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            Reading(method: "GET", length: 31)),
        .refused(
            13, "ThreeEmptyLinesFirst", "\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            400, .emptyMethod),
        .accepted(
            13, "BodyFollows", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi",
            Reading(framing: .length(2), length: 47)),
        .accepted(
            13, "RequestFollows",
            "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: b\r\n\r\n",
            Reading(path: "/", authority: "a", length: 27)),
    ]

    /// 14: no folded lines, nothing before the first field.
    static let folds: [RequestVector] = [
        .refused(14, "FoldSpace", get("X: a", " b"), 400, .foldedLine),
        .refused(14, "FoldTab", get("X: a", "\tb"), 400, .foldedLine),
        .refused(14, "FoldedCoding", post("Transfer-Encoding:", " chunked"), 400, .foldedLine),
        .refused(14, "FoldedField", get("X: a", " Content-Length: 5"), 400, .foldedLine),
        .refused(14, "FoldBlankOnly", get("X: a", " "), 400, .foldedLine),
        .refused(14, "SpaceFirst", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400, .leadingSpace),
        .refused(14, "TabFirst", "GET / HTTP/1.1\r\n\tHost: a\r\n\r\n", 400, .leadingSpace),
        .refused(
            14, "SpaceLineFirst", "GET / HTTP/1.1\r\n \r\nHost: a\r\n\r\n", 400,
            .leadingSpace),
        .refused(
            14, "FoldAfterHost", "GET / HTTP/1.1\r\nHost: a\r\n .example\r\n\r\n", 400,
            .foldedLine),
    ]

    /// 15: names.
    static var names: [RequestVector] {
        var vectors: [RequestVector] = [
            .refused(15, "SpaceBeforeColon", get("X : a"), 400, .nameSpace),
            .refused(15, "TabBeforeColon", get("X\t: a"), 400, .nameSpace),
            .refused(15, "CodingSpace", post("Transfer-Encoding : chunked"), 400, .nameSpace),
            .refused(15, "LengthSpace", post("Content-Length : 5"), 400, .nameSpace),
            .refused(15, "HostSpace", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400, .nameSpace),
            .refused(15, "SpaceInName", get("X Y: a"), 400, .nameSpace),
            .refused(15, "NoColon", get("Xa"), 400, .missingColon),
            .refused(15, "NoColonLast", get("X: a", "Y"), 400, .missingColon),
            .refused(15, "NoColonBlank", get("X a"), 400, .nameSpace),
            .refused(15, "EmptyName", get(": a"), 400, .nameEmpty),
            .refused(15, "OnlyColon", get(":"), 400, .nameEmpty),
            .refused(15, "SecondRequestLine", get("GET / HTTP/1.1"), 400, .nameSpace),
            .accepted(
                15, "EveryTokenByte",
                get("!#$%&'*+-^`|~0123456789abcXYZ: v"),
                Reading(fields: ["Host: a", "!#$%&'*+-^`|~0123456789abcXYZ: v"])),
            .accepted(15, "EmptyValue", get("X:"), Reading(fields: ["Host: a", "X: "])),
            .accepted(15, "ColonInValue", get("X::a:b"), Reading(fields: ["Host: a", "X: :a:b"])),
            .accepted(15, "NoBlank", get("X:a"), Reading(fields: ["Host: a", "X: a"])),
            .accepted(
                15, "LongName", get(String(repeating: "n", count: 300) + ": v"),
                Reading(fields: ["Host: a", String(repeating: "n", count: 300) + ": v"])),
        ]
        for byte in 0...255 where !isToken(UInt8(byte)) {
            let scalar = String(Unicode.Scalar(UInt8(byte)))
            let reason: RefusalReason
            switch byte {
            case 0x20, 0x09: reason = .nameSpace
            case 0x0a, 0x0d: reason = .lineEnding
            case 0x3a: continue
            default: reason = .nameCharacter
            }
            let hex = String(byte, radix: 16)
            vectors.append(
                .refused(15, "NameByte\(hex)", get("Xa\(scalar)b: c"), 400, reason))
        }
        return vectors
    }

    private static func isToken(_ byte: UInt8) -> Bool {
        "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8
            .contains(byte)
    }

    /// 16: values.
    static var values: [RequestVector] {
        var vectors: [RequestVector] = []
        for byte in 0...255 {
            let scalar = String(Unicode.Scalar(UInt8(byte)))
            let hex = String(byte, radix: 16)
            let isBad = byte < 0x20 && byte != 9 || byte == 0x7f
            if isBad {
                let reason: RefusalReason =
                    byte == 10 || byte == 13 ? .lineEnding : .valueCharacter
                vectors += [
                    .refused(16, "Value\(hex)", get("X: a\(scalar)b"), 400, reason),
                    .refused(
                        16, "LongValue\(hex)",
                        get("X: " + String(repeating: "v", count: 37) + scalar + "w"), 400,
                        reason),
                ]
            } else if byte > 0x7f || byte == 9 {
                vectors.append(
                    .accepted(
                        16, "Value\(hex)", get("X: a\(scalar)b"),
                        Reading(fields: ["Host: a", "X: a\(scalar)b"])))
            }
        }
        vectors += [
            .accepted(
                16, "Trimmed", get("X: \t a b\t \t"),
                Reading(fields: ["Host: a", "X: a b"])),
            .accepted(16, "OnlyBlanks", get("X: \t \t"), Reading(fields: ["Host: a", "X: "])),
            .accepted(
                16, "UTF8", get("X: \u{c3}\u{a9}"),
                Reading(fields: ["Host: a", "X: \u{c3}\u{a9}"])),
            .refused(
                16, "NULInHost", "GET / HTTP/1.1\r\nHost: a\u{0}b\r\n\r\n", 400,
                .valueCharacter),
            .refused(16, "NULInCookie", get("Cookie: a=\u{0}"), 400, .valueCharacter),
            .refused(16, "NULFirst", get("X: \u{0}"), 400, .valueCharacter),
            .refused(16, "DELLast", get("X: abc\u{7f}"), 400, .valueCharacter),
        ]
        return vectors
    }

    /// 17: names that CGI-like servers confuse with others.
    static let confusable: [RequestVector] = [
        .accepted(17, "Underscore", get("X_Y: 1", "Z: 2"), Reading(fields: ["Host: a", "Z: 2"])),
        .accepted(17, "Dot", get("X.Y: 1", "Z: 2"), Reading(fields: ["Host: a", "Z: 2"])),
        .accepted(
            17, "LengthUnderscore", post("Content_Length: 5"),
            Reading(framing: BodyFraming.none, fields: ["Host: a"])),
        .accepted(
            17, "CodingUnderscore", post("Transfer_Encoding: chunked"),
            Reading(framing: BodyFraming.none, fields: ["Host: a"])),
        .accepted(
            17, "LengthBothSpellings", post("Content_Length: 5", "Content-Length: 2"),
            Reading(framing: .length(2), fields: ["Host: a", "Content-Length: 2"])),
        .accepted(
            17, "ForwardedUnderscore", get("X_Forwarded_For: 1.2.3.4"),
            Reading(fields: ["Host: a"])),
        .accepted(
            17, "AuthorizationDot", get("Authorization.: Bearer x"),
            Reading(fields: ["Host: a"])),
        .accepted(
            17, "HostUnderscore", get("_Host: b"),
            Reading(authority: "a", fields: ["Host: a"])),
        .accepted(17, "Leading", get("_: 1", ".: 2"), Reading(fields: ["Host: a"])),
    ]

    /// 25: limits of fields.
    static var limits: [RequestVector] {
        let small = HeadLimits(requestLine: 40, headerBytes: 120, headerCount: 3)
        let head = "GET / HTTP/1.1\r\nHost: a\r\n"
        let fits =
            head + "X: " + String(repeating: "x", count: 120 - head.utf8.count - 7) + "\r\n\r\n"
        return [
            .accepted(25, "CountFits", get("A: 1", "B: 2"), Reading(method: "GET"))
                .limited(small),
            .refused(25, "Count", get("A: 1", "B: 2", "C: 3"), 431, .tooManyFields)
                .limited(small),
            .accepted(25, "BytesFit", fits, Reading(length: 120)).limited(small),
            .refused(25, "Bytes", fits.replacingX(), 431, .headTooLarge).limited(small),
            .refused(
                25, "BytesInName",
                head + String(repeating: "n", count: 200), 431, .headTooLarge
            ).limited(small),
            .refused(
                25, "BytesInValue",
                head + "X: " + String(repeating: "v", count: 200), 431, .headTooLarge
            )
            .limited(small),
            .refused(
                25, "BytesInBlanks",
                head + "X:" + String(repeating: " ", count: 200), 431, .headTooLarge
            )
            .limited(small),
            .refused(
                25, "DefaultCount",
                get(Array(repeating: "a: b", count: 100).joined(separator: "\r\n")), 431,
                .tooManyFields),
            .accepted(
                25, "DefaultCountFits",
                get(Array(repeating: "a: b", count: 99).joined(separator: "\r\n")),
                Reading(method: "GET")),
            .refused(
                25, "DefaultBytes",
                get("X: " + String(repeating: "v", count: 33_000)), 431, .headTooLarge),
            .refused(
                25, "DefaultBytesManyFields",
                get(
                    Array(repeating: "a: " + String(repeating: "v", count: 900), count: 40)
                        .joined(separator: "\r\n")), 431, .headTooLarge),
            .accepted(
                25, "MostFields",
                get(Array(repeating: "a: b", count: 255).joined(separator: "\r\n")),
                Reading(method: "GET")
            ).limited(HeadLimits(headerCount: 5000)),
            .refused(
                25, "HardBound",
                get(Array(repeating: "a: b", count: 256).joined(separator: "\r\n")), 431,
                .tooManyFields
            ).limited(HeadLimits(headerCount: 5000)),
        ]
    }

    /// Heads that are not whole: nothing may be said of them yet.
    static let incomplete: [RequestVector] = [
        .partial(13, "Nothing", ""),
        .partial(13, "Method", "GE"),
        .partial(13, "Target", "GET /abc"),
        .partial(13, "Version", "GET / HTTP/1."),
        .partial(13, "VersionCR", "GET / HTTP/1.1\r"),
        .partial(13, "RequestLine", "GET / HTTP/1.1\r\n"),
        .partial(13, "Name", "GET / HTTP/1.1\r\nHos"),
        .partial(13, "Colon", "GET / HTTP/1.1\r\nHost:"),
        .partial(13, "Value", "GET / HTTP/1.1\r\nHost: a"),
        .partial(13, "ValueCR", "GET / HTTP/1.1\r\nHost: a\r"),
        .partial(13, "Line", "GET / HTTP/1.1\r\nHost: a\r\n"),
        .partial(13, "BlankLineCR", "GET / HTTP/1.1\r\nHost: a\r\n\r"),
        .partial(13, "EmptyLine", "\r\n"),
        .partial(13, "EmptyLineCR", "\r"),
        .partial(13, "TwoEmptyLines", "\r\n\r\n"),
    ]
}

extension String {
    /// One byte more in the value of X.
    fileprivate func replacingX() -> String { prefix(30) + "x" + dropFirst(30) }
}
