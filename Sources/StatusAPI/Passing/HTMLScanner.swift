// Owns cutting the beginning of a page into tags, as the tokenizer of HTML §13.2.5 does.
// Called by PageHead with pieces of any size.
// Never keeps the page: only the name and the value that it is reading, both bounded.

import ProxyCore

/// What the scanner has come upon.
enum HTMLToken: Equatable {
    /// All bytes given have been read.
    case more
    /// Something between tags that is not white space; it begins at `start`.
    case text
    case doctype
    /// The name is known, and the tag begins at `start`; its attributes and `.tagEnd` follow.
    case startTag(HTMLName)
    case endTag(HTMLName)
    /// Of a tag that `HTMLName.isRead`; `value` is its value as it stands.
    case attribute(HTMLAttribute)
    case tagEnd
}

/// Reads a page up to wherever its reader stops. The states have the names of the standard.
struct HTMLScanner: ~Copyable {
    enum State: UInt8, BitwiseCopyable {
        case data, tagOpen, endTagOpen, tagName
        /// The rest of a name that is none of ours.
        case longName
        case declaration, declarationDash, doctype, bogusComment, comment
        case rawText
        case beforeName, name, afterName, beforeValue, doubleQuoted, singleQuoted, unquoted
    }

    /// Longer than any name that is looked for.
    static let nameBytes = 16

    var state = State.data
    /// Where the tag or the text began, in the present piece; negative: in an earlier one.
    private(set) var start = 0
    private var isEndTag = false
    private var tag = HTMLName.other
    private var comment = CommentText()
    private var raw = RawText(until: "title")
    /// The name of a tag, a declaration or an attribute so far, in lower case.
    var text = ByteBuffer(capacity: HTMLScanner.nameBytes + 1)

    var attribute = HTMLAttribute.other
    /// The attributes that the present tag has had.
    var had: UInt8 = 0
    var value = ByteBuffer()
    /// Whether the value was longer than `APILimits.pageValue`.
    var isCut = false

    /// Whether what stands from `start` on may yet become a place to insert at.
    var isUndecided: Bool {
        state == .tagOpen || state == .endTagOpen || state == .tagName
    }

    /// The next piece begins `count` bytes later.
    mutating func rebase(by count: Int) { start -= count }

    /// Reads on from `offset`.
    mutating func next(_ bytes: RawSpan, at offset: inout Int) -> HTMLToken {
        while offset < bytes.byteCount {
            let token: HTMLToken? =
                switch state {
                case .data: data(bytes, &offset)
                case .tagOpen: tagOpen(bytes, &offset)
                case .endTagOpen: endTagOpen(bytes, &offset)
                case .tagName: tagName(bytes, &offset)
                case .longName: longName(bytes, &offset)
                case .declaration, .declarationDash: declaration(bytes, &offset)
                case .doctype, .bogusComment: skipToEnd(bytes, &offset)
                case .comment: comment(bytes, &offset)
                case .rawText: rawText(bytes, &offset)
                case .beforeName: beforeName(bytes, &offset)
                case .name: name(bytes, &offset)
                case .afterName: afterName(bytes, &offset)
                case .beforeValue: beforeValue(bytes, &offset)
                case .doubleQuoted: quoted(bytes, &offset, by: HTMLByte.quote)
                case .singleQuoted: quoted(bytes, &offset, by: HTMLByte.apostrophe)
                case .unquoted: unquoted(bytes, &offset)
                }
            if let token { return token }
        }
        return .more
    }

    // MARK: Tags

    private mutating func data(_ bytes: RawSpan, _ offset: inout Int) -> HTMLToken? {
        while offset < bytes.byteCount, HTMLByte.isBlank(bytes[at: offset]) { offset += 1 }
        guard offset < bytes.byteCount else { return nil }
        start = offset
        offset += 1
        guard bytes[at: start] == HTMLByte.less else { return .text }
        state = .tagOpen
        return nil
    }

    private mutating func tagOpen(_ bytes: RawSpan, _ offset: inout Int) -> HTMLToken? {
        let byte = bytes[at: offset]
        text.removeAll()
        isEndTag = false
        if HTMLByte.isLetter(byte) {
            state = .tagName
            return nil
        }
        switch byte {
        case HTMLByte.slash: state = .endTagOpen
        case HTMLByte.bang: state = .declaration
        case HTMLByte.question: state = .bogusComment
        default:
            // The `<` was one for people.
            state = .data
            return .text
        }
        offset += 1
        return nil
    }

    private mutating func endTagOpen(_ bytes: RawSpan, _ offset: inout Int) -> HTMLToken? {
        let byte = bytes[at: offset]
        if HTMLByte.isLetter(byte) {
            isEndTag = true
            state = .tagName
        } else if byte == HTMLByte.greater {
            state = .data
            offset += 1
        } else {
            state = .bogusComment
        }
        return nil
    }

    private mutating func tagName(_ bytes: RawSpan, _ offset: inout Int) -> HTMLToken? {
        while offset < bytes.byteCount {
            let byte = bytes[at: offset]
            guard !HTMLByte.endsName(byte) else { return named(HTMLName(text.bytes)) }
            offset += 1
            text.append(byte.lowercasedASCII)
            guard text.count > Self.nameBytes else { continue }
            let token = named(.other)
            state = .longName
            return token
        }
        return nil
    }

    private mutating func longName(_ bytes: RawSpan, _ offset: inout Int) -> HTMLToken? {
        while offset < bytes.byteCount {
            if HTMLByte.endsName(bytes[at: offset]) {
                state = .beforeName
                return nil
            }
            offset += 1
        }
        return nil
    }

    private mutating func named(_ name: HTMLName) -> HTMLToken {
        state = .beforeName
        tag = name
        had = 0
        return isEndTag ? .endTag(name) : .startTag(name)
    }

    /// Behind the `>` of a tag.
    mutating func tagEnded() -> HTMLToken {
        state = .data
        if !isEndTag, let end = tag.rawEnd {
            raw = RawText(until: end)
            state = .rawText
        }
        return .tagEnd
    }

    /// Whether anybody asks for the attributes of the present tag.
    var isRead: Bool { !isEndTag && tag.isRead }

    // MARK: What is no tag

    private mutating func declaration(_ bytes: RawSpan, _ offset: inout Int) -> HTMLToken? {
        let byte = bytes[at: offset].lowercasedASCII
        if state == .declarationDash {
            guard byte == HTMLByte.dash else {
                state = .bogusComment
                return nil
            }
            comment = CommentText()
            state = .comment
        } else if byte == HTMLByte.dash, text.isEmpty {
            state = .declarationDash
        } else {
            text.append(byte)
            guard Self.beginsDoctype(text.bytes) else {
                state = .bogusComment
                return nil
            }
            if text.count == 7 {
                state = .doctype
                offset += 1
                return .doctype
            }
        }
        offset += 1
        return nil
    }

    private static func beginsDoctype(_ text: RawSpan) -> Bool {
        switch text.byteCount {
        case 1: text.equals("d")
        case 2: text.equals("do")
        case 3: text.equals("doc")
        case 4: text.equals("doct")
        case 5: text.equals("docty")
        case 6: text.equals("doctyp")
        default: text.equals("doctype")
        }
    }

    /// A `>` ends a DOCTYPE even within its quotes.
    private mutating func skipToEnd(_ bytes: RawSpan, _ offset: inout Int) -> HTMLToken? {
        guard let end = bytes.first(HTMLByte.greater, from: offset) else {
            offset = bytes.byteCount
            return nil
        }
        offset = end + 1
        state = .data
        return nil
    }

    private mutating func comment(_ bytes: RawSpan, _ offset: inout Int) -> HTMLToken? {
        while offset < bytes.byteCount {
            let byte = bytes[at: offset]
            offset += 1
            if comment.isEnd(at: byte) {
                state = .data
                return nil
            }
        }
        return nil
    }

    private mutating func rawText(_ bytes: RawSpan, _ offset: inout Int) -> HTMLToken? {
        while offset < bytes.byteCount {
            if raw.isIdle {
                guard let less = bytes.first(HTMLByte.less, from: offset) else {
                    offset = bytes.byteCount
                    return nil
                }
                offset = less
            }
            if raw.isEnd(at: bytes[at: offset]) {
                isEndTag = true
                return named(.other)
            }
            offset += 1
        }
        return nil
    }
}
