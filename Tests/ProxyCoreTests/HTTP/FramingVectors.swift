// Owns the vectors of message framing, requirements 1 to 7.
// Called by RequestFramingTests and by the export of refused requests.
// Never repeats a rule: each vector is one way of breaking or keeping it.

import ProxyCore

enum FramingVectors {
    static var all: [RequestVector] {
        both + lengths + badLengths + codings + oldCodings + strayBytes
    }

    /// 1 and 2: two framings, or one twice.
    static let both: [RequestVector] = [
        .refused(
            1, "LengthThenCoding", post("Content-Length: 5", "Transfer-Encoding: chunked"), 400,
            .lengthAndCoding),
        .refused(
            1, "CodingThenLength", post("Transfer-Encoding: chunked", "Content-Length: 5"), 400,
            .lengthAndCoding),
        .refused(
            1, "ZeroLengthAndCoding", post("Content-Length: 0", "Transfer-Encoding: chunked"),
            400, .lengthAndCoding),
        .refused(
            1, "Folded", post("content-length: 5", "TRANSFER-ENCODING: CHUNKED"), 400,
            .lengthAndCoding),
        .refused(
            1, "BadCodingAndLength", post("Content-Length: 5", "Transfer-Encoding: x"), 400,
            .lengthAndCoding),
        .refused(
            1, "BadLengthAndCoding", post("Content-Length: x", "Transfer-Encoding: chunked"),
            400, .lengthAndCoding),
        .refused(
            1, "GetToo", get("Content-Length: 5", "Transfer-Encoding: chunked"), 400,
            .lengthAndCoding),
        .refused(
            1, "FarApart",
            post("Content-Length: 5", "A: 1", "B: 2", "C: 3", "Transfer-Encoding: chunked"),
            400, .lengthAndCoding),
        .refused(
            2, "Equal", post("Content-Length: 5", "Content-Length: 5"), 400, .lengthRepeated),
        .refused(
            2, "Different", post("Content-Length: 5", "Content-Length: 6"), 400,
            .lengthRepeated),
        .refused(
            2, "Apart", post("Content-Length: 5", "X: 1", "content-length: 5"), 400,
            .lengthRepeated),
        .refused(2, "ListEqual", post("Content-Length: 5, 5"), 400, .lengthMalformed),
        .refused(2, "ListDifferent", post("Content-Length: 5,6"), 400, .lengthMalformed),
        .refused(2, "ListTrailingComma", post("Content-Length: 5,"), 400, .lengthMalformed),
        .refused(2, "ListLeadingComma", post("Content-Length: ,5"), 400, .lengthMalformed),
        .refused(
            2, "Three", post("Content-Length: 1", "Content-Length: 1", "Content-Length: 1"), 400,
            .lengthRepeated),
        .refused(
            2, "EmptyAndFive", post("Content-Length:", "Content-Length: 5"), 400,
            .lengthRepeated),
    ]

    /// 4, and the lengths that are right.
    static let lengths: [RequestVector] = [
        .accepted(4, "LeadingZeros", post("Content-Length: 005"), Reading(framing: .length(5))),
        .accepted(
            4, "ManyZeros", post("Content-Length: 0000000000000000000000000000007"),
            Reading(framing: .length(7))),
        .accepted(4, "AllZeros", post("Content-Length: 000"), Reading(framing: .length(0))),
        .accepted(4, "Plain", post("Content-Length: 5"), Reading(framing: .length(5))),
        .accepted(4, "NoBlank", post("Content-Length:5"), Reading(framing: .length(5))),
        .accepted(
            4, "Blanks", post("Content-Length: \t 5 \t "), Reading(framing: .length(5))),
        .accepted(
            4, "Largest", post("Content-Length: 9223372036854775807"),
            Reading(framing: .length(9_223_372_036_854_775_807))),
        .accepted(4, "NoneOnPost", post(), Reading(framing: BodyFraming.none)),
        .accepted(4, "UpperCase", post("CONTENT-LENGTH: 12"), Reading(framing: .length(12))),
    ]

    /// 3: what is almost a number.
    static let badLengths: [RequestVector] =
        [
            ("Empty", ""), ("Blank", "   "), ("Plus", "+5"), ("Minus", "-5"), ("MinusZero", "-0"),
            ("Hexadecimal", "0x5"), ("Octal", "0o5"), ("Underscore", "1_0"), ("Inner", "1 0"),
            ("InnerTab", "1\t0"), ("Exponent", "5e0"), ("Point", "5.0"), ("Comma", "5,"),
            ("Word", "five"), ("Quoted", "\"5\""), ("Semicolon", "5;"), ("Letter", "5a"),
            ("LeadingLetter", "a5"), ("HexDigits", "ff"), ("NoBreakSpace", "5\u{a0}"),
            ("NextLine", "5\u{85}"), ("LeadingNoBreakSpace", "\u{a0}5"), ("HighByte", "\u{ff}"),
            ("ArabicDigitByte", "\u{d9}\u{a5}"), ("Slash", "/5"), ("ColonDigit", ":"),
            ("Parentheses", "(5)"), ("Infinity", "inf"), ("Equals", "=5"),
        ].map { name, value in
            .refused(3, name, post("Content-Length: \(value)"), 400, .lengthMalformed)
        } + [
            .refused(
                3, "OneTooMany", post("Content-Length: 9223372036854775808"), 400, .lengthTooLarge),
            .refused(
                3, "UInt64Wraps", post("Content-Length: 18446744073709551621"), 400,
                .lengthTooLarge),
            .refused(
                3, "WrapsTwice", post("Content-Length: 36893488147419103237"), 400,
                .lengthTooLarge),
            .refused(
                3, "Endless", post("Content-Length: " + String(repeating: "9", count: 400)), 400,
                .lengthTooLarge),
            .refused(
                3, "ManyDigitsThenLetter",
                post("Content-Length: " + String(repeating: "9", count: 40) + "x"), 400,
                .lengthMalformed),
        ]

    /// 5: exactly one `chunked`.
    static let codings: [RequestVector] =
        [
            ("Prefixed", "xchunked"), ("Suffixed", "chunkedx"), ("Identity", "identity"),
            ("Gzip", "gzip"), ("GzipChunked", "gzip,chunked"),
            ("GzipChunkedBlank", "gzip, chunked"),
            ("ChunkedGzip", "chunked,gzip"), ("Twice", "chunked,chunked"),
            ("TwiceBlank", "chunked, chunked"), ("LeadingComma", ",chunked"),
            ("TrailingComma", "chunked,"), ("Quoted", "\"chunked\""), ("Parameter", "chunked;x=y"),
            ("EmptyParameter", "chunked;"), ("Empty", ""), ("Comma", ","),
            ("Apostrophes", "'chunked'"),
            ("Blank", "  "), ("ChunkedIdentity", "chunked, identity"), ("Unknown", "foo"),
            ("UnknownLast", "chunked, foo"), ("Inner", "chun ked"), ("Equals", "chunked=1"),
            ("TwoWords", "chunked chunked"), ("Cow", "cow"), ("NoBreakSpace", "chunked\u{a0}"),
            ("NextLine", "\u{85}chunked"), ("Kelvin", "chun\u{e2}\u{84}\u{aa}ed"),
            ("HighByte", "chunked\u{ff}"), ("Truncated", "chunke"), ("Colon", ":chunked"),
            ("DeflateChunked", "deflate, chunked"), ("IdentityChunked", "identity, chunked"),
            ("GzipQuality", "gzip;q=1, chunked"), ("Slash", "chunked/"),
        ].map { name, value in
            .refused(5, name, post("Transfer-Encoding: \(value)"), 400, .codingMalformed)
        } + [
            .refused(
                5, "UnknownThenChunked", post("Transfer-Encoding: foo, chunked"), 501,
                .codingUnknown),
            .refused(
                5, "UnknownsThenChunked", post("Transfer-Encoding: br,zstd,chunked"), 501,
                .codingUnknown),
            .refused(
                5, "TwoLines", post("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
                400,
                .codingRepeated),
            .refused(
                5, "TwoLinesUnlike",
                post("Transfer-Encoding: gzip", "Transfer-Encoding: chunked"), 400,
                .codingRepeated),
            .refused(
                5, "TwoLinesEmpty", post("Transfer-Encoding:", "Transfer-Encoding: chunked"), 400,
                .codingRepeated),
            .accepted(5, "Chunked", post("Transfer-Encoding: chunked"), Reading(framing: .chunked)),
            .accepted(5, "Folded", post("transfer-encoding: ChUnKeD"), Reading(framing: .chunked)),
            .accepted(
                5, "Trimmed", post("Transfer-Encoding:\t chunked \t"), Reading(framing: .chunked)),
            .accepted(
                5, "OnGet", get("Transfer-Encoding: chunked"), Reading(framing: .chunked)),
        ]

    /// 7: never in HTTP/1.0.
    static let oldCodings: [RequestVector] = [
        .refused(
            7, "Alone", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400,
            .codingInHTTP10),
        .refused(
            7, "WithLength",
            "POST / HTTP/1.0\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400,
            .codingInHTTP10),
        .refused(
            7, "WithHost", "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
            400, .codingInHTTP10),
        .refused(
            7, "KeepAlive",
            "POST / HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n",
            400, .codingInHTTP10),
        .refused(
            7, "Identity", "GET / HTTP/1.0\r\nTransfer-Encoding: identity\r\n\r\n", 400,
            .codingInHTTP10),
    ]

    /// 6: bytes that some parsers skip, beside the names and values that matter most.
    static var strayBytes: [RequestVector] {
        var vectors: [RequestVector] = []
        let controls: [(String, String)] = [
            ("NUL", "\u{0}"), ("VT", "\u{b}"), ("FF", "\u{c}"), ("DEL", "\u{7f}"),
            ("ESC", "\u{1b}"), ("BS", "\u{8}"),
        ]
        let high: [(String, String)] = [
            ("NEL", "\u{85}"), ("NBSP", "\u{a0}"), ("FF8", "\u{ff}"),
        ]
        for (field, value, reason) in [
            ("Transfer-Encoding", "chunked", RefusalReason.codingMalformed),
            ("Content-Length", "5", RefusalReason.lengthMalformed),
        ] {
            for (name, byte) in controls + high {
                let isControl = controls.contains { $0.0 == name }
                let valueReason = isControl ? .valueCharacter : reason
                vectors += [
                    .refused(
                        6, "\(field)\(name)BeforeName", post("\(byte)\(field): \(value)"),
                        400, .nameCharacter),
                    .refused(
                        6, "\(field)\(name)AfterName", post("\(field)\(byte): \(value)"),
                        400, .nameCharacter),
                    .refused(
                        6, "\(field)\(name)BeforeValue", post("\(field): \(byte)\(value)"),
                        400, valueReason),
                    .refused(
                        6, "\(field)\(name)AfterValue", post("\(field): \(value)\(byte)"),
                        400, valueReason),
                ]
            }
            vectors += [
                .refused(
                    6, "\(field)CRBeforeName", post("\r\(field): \(value)"), 400,
                    .lineEnding),
                .refused(
                    6, "\(field)CRAfterName", post("\(field)\r: \(value)"), 400,
                    .lineEnding),
                .refused(
                    6, "\(field)CRBeforeValue", post("\(field): \r\(value)"), 400,
                    .lineEnding),
                .refused(
                    6, "\(field)CRAfterValue", post("\(field): \(value)\r"), 400,
                    .lineEnding),
                .refused(
                    6, "\(field)LFAfterValue", post("\(field): \(value)\nX: y"), 400,
                    .lineEnding),
            ]
        }
        return vectors
    }
}
