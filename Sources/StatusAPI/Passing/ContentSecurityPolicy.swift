// Owns what the policies of a page say about one script more: let it run, by a nonce, or not.
// Called with the policies of a response's head and with those of a page's `<meta>` tags.
// Never weakens a policy: a page whose policies do not have room for the script is left alone.

import ProxyCore

/// What all policies of a page together say. Each must be content (CSP §4.1).
struct PolicyVerdict {
    private(set) var isBlocked = false
    /// The nonces that every policy takes which asks for one; nil: none does.
    private var nonces: [[UInt8]]?

    /// What the tag must carry.
    var nonce: [UInt8]? { nonces?.first }

    mutating func block() { isBlocked = true }

    /// A field's value: policies with commas between them.
    mutating func add(field value: RawSpan, origin: PageOrigin) {
        var start = 0
        while start <= value.byteCount {
            let end = value.first(0x2C, from: start) ?? value.byteCount
            add(value[start..<end], origin: origin, isMeta: false)
            start = end + 1
        }
    }

    /// The `content` of a `<meta>`, which is one policy and cannot sandbox (HTML §4.2.5.3).
    mutating func add(meta value: RawSpan, origin: PageOrigin) {
        add(value, origin: origin, isMeta: true)
    }

    private mutating func add(_ policy: RawSpan, origin: PageOrigin, isMeta: Bool) {
        guard !isBlocked else { return }
        let directives = Directives(policy)
        let fallback = directives[.fallback]
        let scripts = directives[.scriptElements] ?? directives[.scripts] ?? fallback
        let connections = directives[.connections] ?? fallback
        if let sandbox = directives[.sandbox], !isMeta {
            let list = SourceList(policy[sandbox], origin)
            // Without an origin of its own the page is another site's to us.
            if !list.has("allow-scripts") || !list.has("allow-same-origin") { return block() }
        }
        if let integrity = directives[.integrity],
            SourceList(policy[integrity], origin).has("script")
        {
            return block()
        }
        // A script that can reach nobody is of no use.
        if let connections, !SourceList(policy[connections], origin).allows(origin.tag.socket) {
            return block()
        }
        guard let scripts else { return }
        let list = SourceList(policy[scripts], origin)
        if list.allows(origin.tag.path), !list.has("'strict-dynamic'") { return }
        require(oneOf: list.nonces)
    }

    private mutating func require(oneOf found: [[UInt8]]) {
        let common = nonces.map { known in known.filter(found.contains) } ?? found
        nonces = common
        if common.isEmpty { block() }
    }
}

/// The directives of one policy that matter here, as ranges of it.
private struct Directives {
    enum Name: Int, CaseIterable {
        case scriptElements, scripts, fallback, connections, sandbox, integrity

        init?(_ name: RawSpan) {
            if name.equalsFolded("script-src-elem") {
                self = .scriptElements
            } else if name.equalsFolded("script-src") {
                self = .scripts
            } else if name.equalsFolded("default-src") {
                self = .fallback
            } else if name.equalsFolded("connect-src") {
                self = .connections
            } else if name.equalsFolded("sandbox") {
                self = .sandbox
            } else if name.equalsFolded("require-sri-for") {
                self = .integrity
            } else {
                return nil
            }
        }
    }

    private var places: [Range<Int>?] = Array(repeating: nil, count: Name.allCases.count)

    /// Of directives with one name the first counts (CSP §2.2.1).
    init(_ policy: RawSpan) {
        var start = 0
        while start <= policy.byteCount {
            let end = policy.first(0x3B, from: start) ?? policy.byteCount
            var at = start
            start = end + 1
            while at < end, HTMLByte.isBlank(policy[at: at]) { at += 1 }
            let first = at
            while at < end, !HTMLByte.isBlank(policy[at: at]) { at += 1 }
            guard let name = Name(policy[first..<at]), places[name.rawValue] == nil else {
                continue
            }
            places[name.rawValue] = at..<end
        }
    }

    subscript(name: Name) -> Range<Int>? { places[name.rawValue] }
}

/// The words of a directive.
private struct SourceList: ~Escapable {
    private let bytes: RawSpan
    private let origin: PageOrigin

    @_lifetime(copy bytes)
    init(_ bytes: RawSpan, _ origin: PageOrigin) {
        self.bytes = bytes
        self.origin = origin
    }

    /// The next word from `at`; nil: no more.
    private func word(from at: inout Int) -> Range<Int>? {
        while at < bytes.byteCount, HTMLByte.isBlank(bytes[at: at]) { at += 1 }
        let first = at
        while at < bytes.byteCount, !HTMLByte.isBlank(bytes[at: at]) { at += 1 }
        return first < at ? first..<at : nil
    }

    /// - Parameter text: in lower case.
    func has(_ text: StaticString) -> Bool {
        var at = 0
        while let word = word(from: &at) {
            if bytes[word].equalsFolded(text) { return true }
        }
        return false
    }

    /// Whether the page's own origin is among the sources, for an address with this path.
    func allows(_ path: [UInt8]) -> Bool {
        // CSP §6.7.2.8: a source of http holds for https, not the other way round.
        if has("'self'") || has("*") || has("http:") || (origin.isSecure && has("https:")) {
            return true
        }
        var at = 0
        while let word = word(from: &at) {
            if let text = bytes[word].text(), origin.isNamed(by: text, path: path) { return true }
        }
        return false
    }

    /// `'nonce-…'` (CSP §2.3.1), at most `APILimits.pageNonces` of them.
    var nonces: [[UInt8]] {
        var found: [[UInt8]] = []
        var at = 0
        while let word = word(from: &at), found.count < APILimits.pageNonces {
            let text = bytes[word]
            guard text.byteCount > 8, text.begins(folded: "'nonce-"),
                text[at: text.byteCount - 1] == HTMLByte.apostrophe
            else { continue }
            let nonce = text[7..<text.byteCount - 1]
            if Self.isNonce(nonce) { found.append(nonce.array()) }
        }
        return found
    }

    /// Base64 of either alphabet: nothing that could end an attribute.
    private static func isNonce(_ text: RawSpan) -> Bool {
        guard text.byteCount <= APILimits.pageNonce else { return false }
        var padding = 0
        for index in 0..<text.byteCount {
            let byte = text[at: index]
            if byte == HTMLByte.equals {
                padding += 1
                continue
            }
            let isLetter = HTMLByte.isLetter(byte) || byte &- 0x30 < 10
            let isSign = byte == 0x2B || byte == 0x2F || byte == 0x2D || byte == 0x5F
            guard padding == 0, isLetter || isSign else { return false }
        }
        return padding <= 2 && padding < text.byteCount
    }
}
