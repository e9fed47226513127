// Owns whether an address in a page is one of the page's own site.
// Called with a page's `<base>`, the addresses of its scripts, and the sources of its policies.
// Never guesses: what could be read in two ways is somebody else's.

import ProxyCore

/// Where a page stands, as its client has called it.
struct PageOrigin: Sendable {
    /// nil: it is not known.
    let site: LinkBase?
    /// The one that goes into the page.
    let tag: ScriptTag

    var isSecure: Bool { site?.scheme == "https" }

    /// Whether an address in a `src` is that of the client script.
    func isScript(_ address: RawSpan) -> Bool {
        var end = address.byteCount
        for mark in [HTMLByte.question, 0x23] { end = min(end, address.first(mark) ?? end) }
        while end > 0, HTMLByte.isBlank(address[at: end - 1]) { end -= 1 }
        return tag.isEnd(of: address[0..<end])
    }

    /// Whether `/_presence/client.js` is ours in a page with this base: one without a host, or
    /// with that of the page (URL §4.4).
    func isOwn(base: RawSpan) -> Bool {
        var start = 0
        while start < base.byteCount, base[at: start] <= 0x20 { start += 1 }
        let rest = base[start..<base.byteCount]
        // Browsers leave tabs and line ends out, and take `\` for `/`.
        for index in 0..<rest.byteCount where rest[at: index] < 0x20 || rest[at: index] == 0x5C {
            return false
        }
        guard !rest.begins(folded: "//") else { return isOwn(authority: rest[2...], scheme: nil) }
        for (scheme, text) in Self.schemes where rest.begins(folded: text) {
            return isOwn(authority: rest[text.utf8CodeUnitCount...], scheme: scheme)
        }
        // A path, unless a colon before everything else makes a scheme of it.
        for index in 0..<rest.byteCount {
            switch rest[at: index] {
            case 0x3A: return false
            case HTMLByte.slash, HTMLByte.question, 0x23: return true
            default: break
            }
        }
        return true
    }

    private static let schemes: [(String, StaticString)] = [
        ("http", "http://"), ("https", "https://"),
    ]

    /// - Parameter rest: host, port and whatever follows.
    private func isOwn(authority rest: RawSpan, scheme: String?) -> Bool {
        var end = 0
        while end < rest.byteCount,
            ![HTMLByte.slash, HTMLByte.question, 0x23].contains(rest[at: end])
        {
            end += 1
        }
        guard let host = rest[0..<end].text(), let site else { return false }
        return SameOrigin.isSame("\(scheme ?? site.scheme)://\(host)", site)
    }

    /// Whether a source of a policy names the page's own host, and a path that has this one in it
    /// (CSP §6.7.2.8): `app.example`, `https://*.example:*`, `app.example/_presence/`.
    func isNamed(by source: String, path: [UInt8]) -> Bool {
        guard let site, let authority = site.authority?.lowercased() else { return false }
        var rest = source.lowercased()[...]
        var scheme = site.scheme
        if let mark = rest.firstRange(of: "://") {
            scheme = String(rest[..<mark.lowerBound])
            rest = rest[mark.upperBound...]
        }
        // Of https where we see http: TLS may end before us.
        guard scheme == site.scheme || scheme == "https" else { return false }
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        guard Self.holds(Substring(source).suffix(rest[slash...].count), path) else { return false }
        let port = scheme == "https" ? ":443" : ":80"
        var host = Self.without(port, rest[..<slash])
        var own = Self.without(port, authority[...])
        if host.hasSuffix(":*") {
            host = host.dropLast(2)
            own = own.prefix { $0 != ":" }
        }
        if host == "*" { return !own.contains(":") }
        guard host.hasPrefix("*.") else { return !host.isEmpty && own == host }
        return own.hasSuffix(host.dropFirst())
    }

    private static func without(_ port: String, _ host: Substring) -> Substring {
        host.hasSuffix(port) ? host.dropLast(port.count) : host
    }

    /// No path holds all; one with a slash at its end all below it; another one itself.
    private static func holds(_ part: Substring, _ path: [UInt8]) -> Bool {
        if part.isEmpty || part == "/" { return true }
        return part.hasSuffix("/") ? path.starts(with: part.utf8) : path.elementsEqual(part.utf8)
    }
}

extension RawSpan {
    /// Those of `range`.
    subscript(range: PartialRangeFrom<Int>) -> RawSpan {
        @_lifetime(copy self)
        get { extracting(range.lowerBound..<byteCount) }
    }
}
