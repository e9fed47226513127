// Owns finding where an element ends whose content is text: title, style, script and their like.
// Called by HTMLScanner with each byte of such a content.
// Never holds a byte: what it remembers is how far a mark has been matched.

import ProxyCore

/// The states of HTML §13.2.5.2 to §13.2.5.4 and §13.2.5.9 to §13.2.5.31, in which a
/// `</head>` means nothing.
struct RawText: BitwiseCopyable {
    private enum Step: UInt8, BitwiseCopyable {
        case text
        /// Behind `<`.
        case less
        /// Within the name of an end tag that may be ours.
        case endName
        /// Of a script, behind `<!` and `<!-`.
        case bang, bangDash
        /// Within `<script` in an escaped script, and within `</script` in one twice escaped.
        case innerStart, innerEnd
    }

    /// A script's `<!--` hides `<script>…</script>` pairs until `-->`.
    private enum Escape: UInt8, BitwiseCopyable { case none, once, twice }

    private static let script = word("script")

    /// The element's name, as `word` writes it.
    private let name: UInt64
    private var step = Step.text
    private var escape = Escape.none
    /// The letters of a name so far, as `word` writes them.
    private var letters: UInt64 = 0
    /// Dashes right before the present byte, up to two; counted in escaped scripts alone.
    private var dashes = 0

    /// - Parameter name: of the element, in lower case; at most eight letters.
    init(until name: String) { self.name = Self.word(name) }

    /// Up to eight letters in one number, the last one lowest.
    private static func word(_ text: String) -> UInt64 {
        text.utf8.reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// Whether every byte up to the next `<` says nothing.
    var isIdle: Bool { step == .text && escape == .none }

    /// - Returns: whether the end tag's name ends here; the byte belongs to the rest of the tag.
    mutating func isEnd(at byte: UInt8) -> Bool {
        switch step {
        case .text: text(byte)
        case .less: less(byte)
        case .endName:
            switch match(byte, name) {
            case .letter: break
            case .whole: return true
            case .no: text(byte)
            }
        case .bang:
            if byte == HTMLByte.dash { step = .bangDash } else { text(byte) }
        case .bangDash:
            guard byte == HTMLByte.dash else {
                text(byte)
                break
            }
            (step, escape, dashes) = (.text, .once, 2)
        case .innerStart: inner(byte, becomes: .twice)
        case .innerEnd: inner(byte, becomes: .once)
        }
        return false
    }

    private mutating func text(_ byte: UInt8) {
        step = .text
        if byte == HTMLByte.less {
            step = .less
            dashes = 0
        } else if byte == HTMLByte.dash {
            dashes = min(dashes + 1, 2)
        } else {
            if byte == HTMLByte.greater, dashes == 2 { escape = .none }
            dashes = 0
        }
    }

    private mutating func less(_ byte: UInt8) {
        letters = 0
        if byte == HTMLByte.slash {
            step = escape == .twice ? .innerEnd : .endName
        } else if byte == HTMLByte.bang, name == Self.script, escape == .none {
            step = .bang
        } else if escape == .once, HTMLByte.isLetter(byte) {
            step = .innerStart
            inner(byte, becomes: .twice)
        } else {
            text(byte)
        }
    }

    private mutating func inner(_ byte: UInt8, becomes next: Escape) {
        switch match(byte, Self.script) {
        case .letter: break
        case .whole: (step, escape, dashes) = (.text, next, 0)
        case .no: text(byte)
        }
    }

    private enum Match { case letter, whole, no }

    private mutating func match(_ byte: UInt8, _ name: UInt64) -> Match {
        guard HTMLByte.isLetter(byte) else {
            return letters == name && HTMLByte.endsName(byte) ? .whole : .no
        }
        // A ninth letter: whatever it was, it is no name of ours.
        guard letters >> 56 == 0 else { return .no }
        letters = letters << 8 | UInt64(byte | 0x20)
        return .letter
    }
}

/// Finds where a comment ends (HTML §13.2.5.43 to §13.2.5.52).
struct CommentText: BitwiseCopyable {
    private enum Step: UInt8, BitwiseCopyable {
        /// Behind `<!--` and `<!---`, where `>` ends it already.
        case start, startDash
        case body
        /// Behind `--!`.
        case bang
    }

    private var step = Step.start
    private var dashes = 0

    /// - Returns: whether this byte is the comment's last.
    mutating func isEnd(at byte: UInt8) -> Bool {
        switch step {
        case .start:
            if byte == HTMLByte.greater { return true }
            step = byte == HTMLByte.dash ? .startDash : .body
        case .startDash:
            if byte == HTMLByte.greater { return true }
            step = .body
            dashes = byte == HTMLByte.dash ? 2 : 0
        case .body:
            if byte == HTMLByte.dash {
                dashes = min(dashes + 1, 2)
                break
            }
            if byte == HTMLByte.greater, dashes == 2 { return true }
            if byte == HTMLByte.bang, dashes == 2 { step = .bang }
            dashes = 0
        case .bang:
            if byte == HTMLByte.greater { return true }
            step = .body
            dashes = byte == HTMLByte.dash ? 1 : 0
        }
        return false
    }
}
