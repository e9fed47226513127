// Owns reading `claims`: where in a token's claims a person is found.
// Called by TokensReader for the section of its own, and by KeysReader for one issuer.
// Never reads a token.

import ProxyCore

/// Reads claim rules over those that hold where nothing is written.
struct ClaimsReader {
    private static let adminExample = "{ claim: \"is_staff\", equals: true }"
    private static let wordExample = "{ claim: \"scope\", contains: \"presence:admin\" }"

    /// - Parameter base: what holds for the keys that are not there.
    func read(_ section: ConfigSection, over base: ClaimRules) -> ClaimRules {
        var rules = base
        if let names = names(section, "user", like: "user_id") {
            rules.user = names
            if names.isEmpty, section.value("user")?.node.array?.isEmpty == true {
                section.value("user")?.error("is empty: write [\"user_id\"]")
            }
        }
        rules.name = names(section, "name", like: "username") ?? rules.name
        rules.session = names(section, "session", like: "jti") ?? rules.session
        guard let admin = section.value("admin", nullable: true) else { return rules }
        guard !admin.node.isNull else {
            rules.admin = nil
            return rules
        }
        guard let admin = admin.section(like: Self.adminExample) else { return rules }
        self.admin(admin, &rules)
        return rules
    }

    private func admin(_ section: ConfigSection, _ rules: inout ClaimRules) {
        if let claim = section.value("claim") {
            rules.admin = name(claim, like: "is_staff")
        } else {
            section.error("claim is missing: write \(Self.adminExample)")
        }
        let equals = section.value("equals")
        let contains = section.value("contains")
        if let contains, equals != nil {
            contains.error("contradicts equals: keep one of them")
            return
        }
        if let equals {
            rules.adminEquals = scalar(equals) ?? rules.adminEquals
        } else if let contains {
            rules.adminEquals = word(contains).map { .word($0) } ?? rules.adminEquals
        } else {
            rules.adminEquals = .bool(true)
        }
    }

    /// A member of a list, or one of the words of a text (`scope`: RFC 8693 §4.2).
    private func word(_ value: ConfigValue) -> String? {
        guard let text = value.text(like: "presence:admin") else { return nil }
        guard !text.contains(where: \.isWhitespace) else {
            value.error(
                "\(ConfigValue.quoted(text)) is several words, of which none can be looked for:"
                    + " write one, like \(Self.wordExample)")
            return nil
        }
        return text
    }

    private func names(
        _ section: ConfigSection, _ key: String, like example: String
    ) -> [ClaimName]? {
        section.value(key)?.items(like: ConfigValue.quoted(example))?.compactMap {
            name($0, like: example)
        }
    }

    private func name(_ value: ConfigValue, like example: String) -> ClaimName? {
        guard let text = value.text(like: example) else { return nil }
        do throws(JSONPathError) {
            let name = try ClaimName(text)
            if Self.looksLikePath(text) {
                value.warning(
                    "\(ConfigValue.quoted(text)) is looked for as one name, dots and all: did you"
                        + " mean \(ConfigValue.quoted("$." + text))?")
            }
            return name
        } catch {
            value.error("\(ConfigValue.quoted(text)) is no path: \(error.reason)")
            return nil
        }
    }

    /// Whether it has a dot, and is no path, nor a URL or URN, as names are that nobody else takes
    /// (RFC 7519 §4.2).
    private static func looksLikePath(_ text: String) -> Bool {
        text.contains(".") && !text.hasPrefix("$") && !text.contains(where: { ":/".contains($0) })
    }

    private func scalar(_ value: ConfigValue) -> ClaimScalar? {
        if let flag = value.node.bool { return .bool(flag) }
        if let text = value.node.string { return .string(text) }
        if let number = value.node.integer { return .integer(number) }
        value.expected("true, a string or a whole number", write: "true")
        return nil
    }
}
