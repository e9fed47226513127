// Owns explaining one signed token: what each check came to, and why.
// Called by `whoami`.
// Never checks anything: the verifier's verdict is explained; never shows a signature.

import ProxyCore

/// One line of an explanation.
struct ReportLine: Equatable {
    enum Outcome: String, Equatable {
        case ok
        case refused
        case unreached = "not reached"
    }

    let what: String
    let outcome: Outcome
    let detail: String

    init(_ what: String, _ outcome: Outcome, _ detail: String = "") {
        self.what = what
        self.outcome = outcome
        self.detail = detail
    }

    /// `issuer         refused      wrong issuer: …`; one line, whatever stood in the token.
    var text: String {
        let line = [Self.padded(what, 14), Self.padded(outcome.rawValue, 12), detail].joined()
        var end = line.endIndex
        while end > line.startIndex, line[line.index(before: end)] == " " {
            end = line.index(before: end)
        }
        return String(line[..<end]).inOneLine
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(1, width - text.count))
    }
}

/// The checks of one token, each explained.
struct TokenReport {
    let view: TokenView
    let verdict: Verdict
    /// As they were when the verdict was made.
    let issuers: [TokenIssuer]
    let leeway: Milliseconds
    let now: Milliseconds

    /// Every check but that of the revocation, in their order.
    func lines() -> [ReportLine] {
        let fault: TokenFault? = if case .refused(let fault) = verdict { fault } else { nil }
        var isReached = true
        return TokenCheck.allCases.filter { $0 != .revocation }.map { check in
            guard isReached else { return ReportLine(check.rawValue, .unreached) }
            guard let fault, fault.check == check else {
                return ReportLine(check.rawValue, .ok, detail(check))
            }
            isReached = false
            let more = detail(check)
            return ReportLine(
                check.rawValue, .refused, more.isEmpty ? fault.text : "\(fault.text): \(more)")
        }
    }

    var isRefused: Bool { if case .refused = verdict { true } else { false } }

    private func detail(_ check: TokenCheck) -> String {
        switch check {
        case .form: "\(view.length) bytes"
        case .header: header
        case .algorithm: algorithm
        case .key: key
        case .signature: signature
        case .claims: view.claims == nil ? "" : "JSON"
        case .lifetime: lifetime
        case .issuer: party("iss", demanded: issuer.map { $0.name.map { [$0] } ?? [] })
        case .audience: party("aud", demanded: issuer?.audiences)
        case .type: type
        case .user: user
        case .revocation: ""
        }
    }

    // MARK: Header and key

    private var header: String {
        guard let header = view.header, header.object != nil else { return "" }
        return ["alg", "kid", "typ"].map { name in
            header[name].map { "\(name) \(Self.shown($0))" } ?? "no \(name)"
        }.joined(separator: ", ")
    }

    private var algorithm: String {
        guard let name = view.header?["alg"]?.string else { return "" }
        let places = issuers.indices.filter { index in
            issuers[index].algorithms.contains { $0.rawValue == name }
        }
        guard places.isEmpty else { return "\(name) is allowed by \(Self.keys(places))" }
        var allowed: [String] = []
        for algorithm in issuers.flatMap(\.algorithms) where !allowed.contains(algorithm.rawValue) {
            allowed.append(algorithm.rawValue)
        }
        guard !allowed.isEmpty else { return "there are no tokens.keys" }
        return "\(ConfigValue.quoted(name)); tokens.keys allow \(allowed.joined(separator: ", "))"
    }

    private var key: String {
        guard view.choices.isEmpty else {
            return view.choices.map { choice in
                let id = choice.keyID.map { ", kid \(ConfigValue.quoted($0))" } ?? ""
                return "tokens.keys[\(choice.issuer)]\(id)"
            }.joined(separator: " or ")
        }
        let name = view.header?["alg"]?.string
        let asked = view.header?["kid"]?.string.map { "kid \(ConfigValue.quoted($0))" } ?? "no kid"
        let there = issuers.enumerated().compactMap { index, issuer -> String? in
            guard issuer.algorithms.contains(where: { $0.rawValue == name }) else { return nil }
            let named = issuer.name.map { " of \(ConfigValue.quoted($0))" } ?? ""
            return "tokens.keys[\(index)]\(named) has \(Self.keyIDs(issuer))"
        }
        let given = view.claims?["iss"].map { ", iss \(Self.shown($0))" } ?? ""
        return ([asked + given] + there).joined(separator: "; ")
    }

    private static func keyIDs(_ issuer: TokenIssuer) -> String {
        let ids: [String?] =
            switch issuer.keys {
            case .shared(_, let keyID): [keyID]
            case .published(let keys): keys.map(\.keyID)
            }
        let named = ids.compactMap(\.self).prefix(8).map(ConfigValue.quoted)
        guard !ids.isEmpty else { return "no keys" }
        guard !named.isEmpty else { return ids.count == 1 ? "a key" : "\(ids.count) keys" }
        return named.joined(separator: ", ") + (ids.count > named.count ? " and others" : "")
    }

    private var signature: String {
        if let claims { return "made with the key of tokens.keys[\(claims.issuer)]" }
        guard !view.choices.isEmpty else { return "" }
        return "tried with \(Self.keys(view.choices.map(\.issuer)))"
    }

    // MARK: Claims

    private var claims: TokenClaims? {
        if case .valid(let claims, _) = verdict { claims } else { nil }
    }

    /// Whose token it is, where that is certain.
    private var issuerIndex: Int? {
        let index = claims?.issuer ?? (view.choices.count == 1 ? view.choices[0].issuer : nil)
        return index.flatMap { issuers.indices.contains($0) ? $0 : nil }
    }

    private var issuer: TokenIssuer? { issuerIndex.map { issuers[$0] } }

    private var lifetime: String {
        let times = ["nbf", "iat", "exp"].compactMap { name -> String? in
            guard let node = view.claims?[name] else { return nil }
            guard let seconds = node.double, seconds > 0, seconds < 253_402_300_800 else {
                return "\(name) \(Self.shown(node))"
            }
            let time = Milliseconds(seconds * 1000)
            return "\(name) \(Timestamp.text(time)), \(SpanText.text(time - now))"
        }
        let longest = issuer?.maximumLifetime.map { ", at most \(DurationText.text($0))" } ?? ""
        return times.joined(separator: "; ") + "; leeway \(DurationText.text(leeway))\(longest)"
    }

    /// - Parameter demanded: nil: it is not certain by whom.
    private func party(_ name: String, demanded: [String]?) -> String {
        let given = view.claims?[name].map { "\(name) \(Self.shown($0))" } ?? "no \(name)"
        guard let demanded else { return given }
        guard !demanded.isEmpty else {
            return "\(given); \(Self.keys([issuerIndex].compactMap(\.self))) demands none"
        }
        return "\(given); demanded is \(demanded.map(ConfigValue.quoted).joined(separator: " or "))"
    }

    private var type: String {
        let given = view.header?["typ"].map { "typ \(Self.shown($0))" } ?? "no typ"
        return issuer?.type.map { "\(given); demanded is \(ConfigValue.quoted($0))" }
            ?? "no refresh token"
    }

    private var user: String {
        guard let claims else { return "" }
        let name = claims.name.map { ", name \(ConfigValue.quoted($0))" } ?? ""
        let admin = claims.isAdmin ? ", an admin" : ", no admin"
        let session = claims.session == nil ? ", the token is the session" : ""
        return "\(ConfigValue.quoted(claims.user))\(name)\(admin)\(session)"
    }

    // MARK: Words

    private static func keys(_ indices: [Int]) -> String {
        indices.map { "tokens.keys[\($0)]" }.joined(separator: ", ")
    }

    /// A value of the token, short.
    private static func shown(_ node: JSONNode) -> String {
        switch node.kind {
        case .null: "null"
        case .bool(let flag): flag ? "true" : "false"
        case .number(let number): String(number.text.prefix(30))
        case .string(let text): ConfigValue.quoted(text)
        case .array(let items):
            "[" + items.prefix(8).map(shown).joined(separator: ", ")
                + (items.count > 8 ? ", …]" : "]")
        case .object: "an object"
        }
    }
}

/// Lengths of time for people: `in 4m 10s`, `29m 3s ago`.
enum SpanText {
    private static let units: [(name: String, length: Milliseconds)] = [
        ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000),
    ]

    static func text(_ span: Milliseconds) -> String {
        span < 0 ? "\(length(-span)) ago" : "in \(length(span))"
    }

    /// In the two largest units.
    static func length(_ span: Milliseconds) -> String {
        guard let first = units.firstIndex(where: { span >= $0.length }) else { return "0s" }
        let (name, unit) = units[first]
        let whole = "\(span / unit)\(name)"
        guard first + 1 < units.count else { return whole }
        let (nextName, nextUnit) = units[first + 1]
        let rest = span % unit / nextUnit
        return rest == 0 ? whole : "\(whole) \(rest)\(nextName)"
    }
}
