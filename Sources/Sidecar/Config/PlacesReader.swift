// Owns reading `tokens.from`: where in a request a credential is looked for.
// Called by TokensReader.
// Never looks into a request.

import ProxyCore
import StatusAPI

/// Reads places: `header:NAME`, `header:NAME SCHEME`, `cookie:NAME`, `query:NAME`.
struct PlacesReader {
    /// What a token follows in a field where no scheme is named.
    private static let schemes = ["Bearer", "Token", "JWT"]
    /// Schemes whose credentials are no tokens: passwords, handshakes, signatures of a request.
    private static let foreign = [
        "basic", "digest", "negotiate", "ntlm", "hoba", "mutual", "vapid", "scram-sha-1",
        "scram-sha-256", "aws4-hmac-sha256", "hawk", "signature",
    ]
    /// Each place is looked at in every request.
    static let limit = 8

    func read(_ list: ConfigValue) -> [TokenPlace] {
        guard let entries = list.texts(like: "header:Authorization") else { return [] }
        if list.node.array?.isEmpty == true {
            list.error("is empty: write [\"header:Authorization\"]")
        }
        if entries.count > Self.limit {
            list.error("names \(entries.count) places: write at most \(Self.limit)")
        }
        var places: [TokenPlace] = []
        var faulty = false
        for (text, value) in entries {
            guard let place = place(text, value) else {
                faulty = true
                continue
            }
            if let twin = places.first(where: { Self.covers($0, place) || Self.covers(place, $0) })
            {
                let isSame = twin.text.lowercased() == place.text.lowercased()
                value.error(
                    isSame
                        ? "\(ConfigValue.quoted(text)) stands twice: keep one of them"
                        : "\(ConfigValue.quoted(text)) and \(ConfigValue.quoted(twin.text)) are one"
                            + " place: keep one of them")
            }
            places.append(place)
        }
        checkForRequests(places, list, faulty)
        return places
    }

    /// An address with a token in it is kept by histories and logs, so that only what cannot set
    /// a field may use one.
    private func checkForRequests(_ places: [TokenPlace], _ list: ConfigValue, _ faulty: Bool) {
        let isQuery: (TokenPlace) -> Bool = { if case .query = $0 { true } else { false } }
        guard !faulty, !places.isEmpty, places.allSatisfy(isQuery) else { return }
        list.error(
            "a token in the address counts on the sidecar's own sockets alone, so"
                + " that no request would be recognised: add \"header:Authorization\" or"
                + " \"cookie:NAME\"")
    }

    private func place(_ text: String, _ value: ConfigValue) -> TokenPlace? {
        guard let colon = text.firstIndex(of: ":"), text.index(after: colon) < text.endIndex else {
            value.error(
                "\(ConfigValue.quoted(text)) names no place: write \"header:NAME\","
                    + " \"cookie:NAME\" or \"query:NAME\"")
            return nil
        }
        let name = String(text[text.index(after: colon)...])
        switch text[..<colon] {
        case "header": return header(name, value)
        case "cookie":
            guard FieldRule.isToken(name), name.utf8.count <= FieldRule.longest else {
                value.error(
                    "\(ConfigValue.quoted(name)) is no name of a cookie: write letters, digits, '-'"
                        + " and '_', like \"cookie:access_token\"")
                return nil
            }
            return .cookie(name)
        case "query":
            guard isParameter(name) else {
                value.error(
                    "\(ConfigValue.quoted(name)) is no name of a parameter: write letters, digits,"
                        + " '-' and '_', like \"query:token\"")
                return nil
            }
            return .query(name)
        default:
            value.error(
                "\(ConfigValue.quoted(text)) is no place for a token: write"
                    + " \"header:\(name)\", \"cookie:\(name)\" or \"query:\(name)\"")
            return nil
        }
    }

    private func isParameter(_ name: String) -> Bool {
        name.utf8.count <= FieldRule.longest
            && name.utf8.allSatisfy { byte in
                (byte | 0x20) &- 0x61 < 26 || byte &- 0x30 < 10
                    || [0x2D, 0x2E, 0x5F, 0x7E].contains(byte)
            }
    }

    private func header(_ text: String, _ value: ConfigValue) -> TokenPlace? {
        let words = text.split(separator: " ", omittingEmptySubsequences: true).map(String.init)
        guard let name = words.first, words.count <= 2 else {
            value.error(
                "\(ConfigValue.quoted(text)) is more than a field and a scheme: write"
                    + " \"header:Authorization\" or \"header:Authorization Token\"")
            return nil
        }
        if let reason = FieldRule.requestFault(name) {
            value.error("\(ConfigValue.quoted(name)) \(reason)")
            return nil
        }
        let folded = name.lowercased()
        if folded == "cookie" {
            value.error("a cookie is named by itself: write \"cookie:NAME\"")
            return nil
        }
        if folded == "sec-websocket-protocol" {
            value.error("is looked at for sockets always: leave it out")
            return nil
        }
        if folded != "authorization", FieldRule.isFixed(name) {
            value.error(
                "\(ConfigValue.quoted(name)) means something else already: write the field that"
                    + " carries the token, like \"header:Authorization\"")
            return nil
        }
        guard words.count == 2 else { return .header(name: name, scheme: nil) }
        guard isScheme(words[1], name, value) else { return nil }
        return .header(name: name, scheme: words[1])
    }

    private func isScheme(_ scheme: String, _ name: String, _ value: ConfigValue) -> Bool {
        let shown = ConfigValue.quoted(scheme)
        let known = "\"header:\(name) Bearer\", \"header:\(name) Token\" or \"header:\(name) JWT\""
        guard FieldRule.isToken(scheme), scheme.utf8.count <= FieldRule.longest else {
            value.error("\(shown) is no scheme: write \(known)")
            return false
        }
        if Self.foreign.contains(scheme.lowercased()) {
            value.error("\(shown) is a scheme that carries no token: write \(known)")
            return false
        }
        if Self.schemes.contains(where: { $0.lowercased() == scheme.lowercased() }) { return true }
        if let meant = Nearest.match(scheme, among: Self.schemes) {
            value.error("unknown scheme \(shown): did you mean \"header:\(name) \(meant)\"?")
            return false
        }
        // Applications with a scheme of their own are rare, and misspelt ones are not.
        value.warning(
            "unknown scheme \(shown), which is taken as it stands: usual are \(known)")
        return true
    }

    /// Whether the first place sees every token that the second sees.
    private static func covers(_ one: TokenPlace, _ other: TokenPlace) -> Bool {
        switch (one, other) {
        case (.header(let name, let scheme), .header(let otherName, let otherScheme)):
            guard name.lowercased() == otherName.lowercased() else { return false }
            guard let scheme else {
                guard let otherScheme else { return true }
                return schemes.contains { $0.lowercased() == otherScheme.lowercased() }
            }
            return scheme.lowercased() == otherScheme?.lowercased()
        case (.cookie(let name), .cookie(let other)): return name == other
        case (.query(let name), .query(let other)): return name == other
        case (.header, _), (.cookie, _), (.query, _): return false
        }
    }
}

extension TokenPlace {
    /// As it is written in the file.
    var text: String {
        switch self {
        case .header(let name, let scheme): "header:\(name)" + (scheme.map { " \($0)" } ?? "")
        case .cookie(let name): "cookie:\(name)"
        case .query(let name): "query:\(name)"
        }
    }
}
