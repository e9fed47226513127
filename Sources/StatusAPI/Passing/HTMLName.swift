// Owns the names of elements, attributes and bytes by which a page is read.
// Called by the scanner, once a tag and once an attribute.
// Never knows what follows from a name: that is PageHead's.

import ProxyCore

/// The elements that matter up to the end of a head; every other name is `.other`.
enum HTMLName: UInt8, BitwiseCopyable {
    case other
    case html, head, body, frameset, br
    case base, basefont, bgsound, link, meta
    case title, style, script, noscript, noframes, template
    /// Only within a template: their content is text too.
    case textarea, xmp, iframe, noembed, plaintext
    /// Only within a template: by other rules than those of HTML.
    case svg, math, select

    /// - Parameter name: in lower case.
    init(_ name: RawSpan) {
        self = Self.table.first { name.equals($0.0) }?.1 ?? .other
    }

    private static let table: [(StaticString, HTMLName)] = [
        ("html", .html), ("head", .head), ("body", .body), ("frameset", .frameset), ("br", .br),
        ("base", .base), ("basefont", .basefont), ("bgsound", .bgsound), ("link", .link),
        ("meta", .meta), ("title", .title), ("style", .style), ("script", .script),
        ("noscript", .noscript), ("noframes", .noframes), ("template", .template),
        ("textarea", .textarea), ("xmp", .xmp), ("iframe", .iframe), ("noembed", .noembed),
        ("plaintext", .plaintext), ("svg", .svg), ("math", .math), ("select", .select),
    ]

    /// The name in its text, where only the end tag of the same name ends that text (HTML
    /// §13.2.6: RCDATA, RAWTEXT and script data; `noscript` as browsers that run scripts read it).
    var rawEnd: String? {
        switch self {
        case .title: "title"
        case .style: "style"
        case .script: "script"
        case .noscript: "noscript"
        case .noframes: "noframes"
        case .textarea: "textarea"
        case .xmp: "xmp"
        case .iframe: "iframe"
        case .noembed: "noembed"
        case .other, .html, .head, .body, .frameset, .br, .base, .basefont, .bgsound, .link,
            .meta, .template, .plaintext, .svg, .math, .select:
            nil
        }
    }

    /// Whether its attributes say something about our tag.
    var isRead: Bool { self == .meta || self == .script || self == .base }
}

/// The attributes that are read.
enum HTMLAttribute: UInt8, BitwiseCopyable {
    case other
    case src, href, charset, content, httpEquiv, dataPresence

    /// - Parameter name: in lower case.
    init(_ name: RawSpan) {
        if name.equals("src") {
            self = .src
        } else if name.equals("href") {
            self = .href
        } else if name.equals("charset") {
            self = .charset
        } else if name.equals("content") {
            self = .content
        } else if name.equals("http-equiv") {
            self = .httpEquiv
        } else if name.equals("data-presence") {
            self = .dataPresence
        } else {
            self = .other
        }
    }

    /// Its place in a set of those that a tag has had: of two with one name the first counts.
    var bit: UInt8 { 1 << rawValue }
}

/// The bytes that HTML gives a meaning to.
enum HTMLByte {
    static let escape: UInt8 = 0x1B
    static let bang: UInt8 = 0x21
    static let quote: UInt8 = 0x22
    static let ampersand: UInt8 = 0x26
    static let apostrophe: UInt8 = 0x27
    static let dash: UInt8 = 0x2D
    static let slash: UInt8 = 0x2F
    static let less: UInt8 = 0x3C
    static let equals: UInt8 = 0x3D
    static let greater: UInt8 = 0x3E
    static let question: UInt8 = 0x3F

    /// Tab, line feed, form feed, carriage return, space.
    @inline(__always)
    static func isBlank(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x0A || byte == 0x09 || byte == 0x0D || byte == 0x0C
    }

    @inline(__always)
    static func isLetter(_ byte: UInt8) -> Bool { (byte | 0x20) &- 0x61 < 26 }

    /// What may stand behind the name of a tag.
    @inline(__always)
    static func endsName(_ byte: UInt8) -> Bool {
        isBlank(byte) || byte == slash || byte == greater
    }
}
