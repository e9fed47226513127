// Owns where in a page our tag goes, and what the page's head says about it.
// Called by TagInjector with the page, piece by piece, until it is decided.
// Never looks behind the head: what a body holds is not known while its head passes.

import ProxyCore

/// Why a page went as it came, or that it did not. Each is a metric.
enum InjectionOutcome: UInt8, BitwiseCopyable, CaseIterable {
    case injected
    /// Its head has a tag of ours.
    case already
    /// A Content-Security-Policy would not let the script run, or not let it connect.
    case policy
    /// No document: what a script asks for and puts into a page.
    case fragment
    /// It ended, or went on for too long, before its head did.
    case noPlace
    /// An encoding in which bytes like those of our tag may mean something else.
    case charset
    /// A base address of another origin, or rules that are not followed here.
    case unclear
    /// Compressed all the same.
    case encoded
    /// No HTML, or no page for people: a redirect, a file to be saved, a part.
    case notHTML
    /// `Cache-Control: no-transform`.
    case noTransform
}

/// What reading on has brought.
enum HeadFinding: Equatable {
    case more
    /// The tag goes before this byte of the piece; negative: before what an earlier one held.
    case place(Int)
    case leave(InjectionOutcome)
}

/// Follows a page up to the end of its head, by the rules of HTML §13.2.6.4.1 to §13.2.6.4.6.
///
/// The tag goes right before what ends the head: `</head>`, or the first thing that cannot be in
/// one. By then the whole head has been seen, and with it every `<meta>` policy.
struct PageHead: ~Copyable {
    private(set) var policies: PolicyVerdict
    private let origin: PageOrigin
    private var scanner = HTMLScanner()
    /// A DOCTYPE, `<html>` or `<head>` was there.
    private var isDocument = false
    /// Templates that are open: what they hold is no part of the page.
    private var templates = 0

    // The tag that is being read.
    private var tag = HTMLName.other
    private var equivalent = MetaKind.none
    private var content = ByteBuffer()
    private var isContentCut = false
    private var hasBase = false

    private enum MetaKind { case none, policy, contentType }

    /// - Parameter policies: those of the response's head.
    init(policies: PolicyVerdict, origin: PageOrigin) {
        self.policies = policies
        self.origin = origin
    }

    /// Whether what stands from `start` on must not pass before more is known.
    var isUndecided: Bool { scanner.isUndecided }
    var start: Int { scanner.start }

    /// Reads a piece; after `.more` the next one is expected.
    mutating func read(_ bytes: RawSpan, from start: Int = 0) -> HeadFinding {
        var offset = start
        while true {
            let finding: HeadFinding? =
                switch scanner.next(bytes, at: &offset) {
                case .more:
                    .more
                case .text: templates == 0 ? headEnded(byPage: false) : nil
                case .doctype: document()
                case .startTag(let name): opened(name)
                case .endTag(let name): closed(name)
                case .attribute(let name): attribute(name)
                case .tagEnd: tagEnded()
                }
            if let finding { return finding }
        }
    }

    /// The next piece begins `count` bytes later.
    mutating func rebase(by count: Int) { scanner.rebase(by: count) }

    private mutating func document() -> HeadFinding? {
        isDocument = true
        return nil
    }

    /// - Parameter byPage: by what stands in whole pages alone.
    private func headEnded(byPage: Bool) -> HeadFinding {
        guard isDocument || byPage else { return .leave(.fragment) }
        if policies.isBlocked { return .leave(.policy) }
        return .place(scanner.start)
    }

    // MARK: Tags

    private mutating func opened(_ name: HTMLName) -> HeadFinding? {
        tag = templates == 0 ? name : .other
        equivalent = .none
        content.removeAll()
        isContentCut = false
        switch name {
        case .html, .head:
            if templates == 0 { isDocument = true }
        case .base, .basefont, .bgsound, .link, .meta, .title, .style, .script, .noscript,
            .noframes:
            break
        case .template:
            templates += 1
            if templates > APILimits.pageTemplates { return .leave(.unclear) }
        case .plaintext, .svg, .math, .select:
            // In a template their content follows rules of its own.
            return templates == 0 ? headEnded(byPage: false) : .leave(.unclear)
        case .body, .frameset:
            if templates == 0 { return headEnded(byPage: true) }
        case .textarea, .xmp, .iframe, .noembed, .br, .other:
            if templates == 0 { return headEnded(byPage: false) }
        }
        return nil
    }

    /// An end tag of anything else is passed over, as long as the head is open.
    private mutating func closed(_ name: HTMLName) -> HeadFinding? {
        tag = .other
        if name == .template {
            templates = max(templates - 1, 0)
        } else if templates == 0 {
            if name == .head { return headEnded(byPage: true) }
            if name == .body || name == .html { return headEnded(byPage: true) }
            if name == .br { return headEnded(byPage: false) }
        }
        return nil
    }

    private mutating func attribute(_ name: HTMLAttribute) -> HeadFinding? {
        switch (tag, name) {
        case (.script, .dataPresence): return .leave(.already)
        case (.script, .src):
            guard !scanner.isCut, CharacterReferences.decode(&scanner.value) else { break }
            if origin.isScript(scanner.value.bytes) { return .leave(.already) }
        case (.base, .href):
            // The first one counts for the page.
            guard !hasBase else { break }
            hasBase = true
            guard !scanner.isCut, CharacterReferences.decode(&scanner.value),
                origin.isOwn(base: scanner.value.bytes)
            else { return .leave(.unclear) }
        case (.meta, .charset):
            return check(label: scanner.value.bytes)
        case (.meta, .httpEquiv):
            if scanner.value.bytes.equalsFolded("content-security-policy") {
                equivalent = .policy
            } else if scanner.value.bytes.equalsFolded("content-type") {
                equivalent = .contentType
            }
        case (.meta, .content):
            swap(&content, &scanner.value)
            isContentCut = scanner.isCut
        default: break
        }
        return nil
    }

    private mutating func tagEnded() -> HeadFinding? {
        guard tag == .meta else { return nil }
        switch equivalent {
        case .none: break
        case .policy:
            if isContentCut || !CharacterReferences.decode(&content) {
                policies.block()
            } else {
                var policies = self.policies
                policies.add(meta: content.bytes, origin: origin)
                self.policies = policies
            }
        case .contentType:
            if let label = PageCharset.label(in: content.bytes) {
                return check(label: content.bytes[label])
            }
        }
        return nil
    }

    /// A page that calls itself UTF-16 in letters that can be read is none (HTML §13.2.3.2).
    private func check(label: RawSpan) -> HeadFinding? {
        let isKnown = PageCharset.isSafe(label) || PageCharset.isWide(label)
        return isKnown ? nil : .leave(.charset)
    }
}
