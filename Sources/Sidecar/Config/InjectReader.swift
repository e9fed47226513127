// Owns reading `inject` of a route: whether the client script goes into pages, and what it is told.
// Called by RoutesReader.
// Never writes a tag.

import ProxyCore
import StatusAPI

/// Reads `true`, `false` or an object of what the tag's attributes say.
enum InjectReader {
    private static let example = "{ token_cookie: \"access_token\" }"
    /// Characters of a value: more is a mistake.
    private static let longest = 256
    /// Selectors of one route: each is looked for in every page.
    private static let selectors = 32

    /// Whether the route asks for it, however well.
    static func isAsked(_ entry: ConfigSection) -> Bool {
        guard let node = entry.value("inject")?.node else { return false }
        return node.bool == true || node.object != nil
    }

    static func read(_ entry: ConfigSection) -> [ScriptAttribute]? {
        guard let value = entry.value("inject") else { return nil }
        if let on = entry.value("on")?.node.string, on == "login" || on == "refresh",
            isAsked(entry)
        {
            value.error(
                "contradicts on: \"\(on)\", whose answers are read as they are: put pages on a"
                    + " route of their own")
        }
        if let flag = value.node.bool { return flag ? [] : nil }
        guard value.node.object != nil else {
            value.expected("true, false or an object", write: "true, or \(example)")
            return nil
        }
        if value.node.object?.isEmpty == true { value.error("is empty: write true, or \(example)") }
        let section = ConfigSection(value)
        return [
            text(section, "token_cookie", like: "access_token", cookieFault),
            text(section, "token_storage", like: "access", keyFault),
            text(section, "token_callback", like: "getToken", functionFault),
            text(section, "token_header", like: "Authorization: Token", headerFault),
            awayAfter(section), dots(section), dotsRole(section),
        ].compactMap(\.self)
    }

    private static func text(
        _ section: ConfigSection, _ key: String, like example: String,
        _ fault: (String) -> String?
    ) -> ScriptAttribute? {
        guard let value = section.value(key),
            let text = checked(value, like: example, fault)
        else { return nil }
        return ScriptAttribute("data-" + key.replacing("_", with: "-"), text)
    }

    private static func checked(
        _ value: ConfigValue, like example: String, _ fault: (String) -> String?
    ) -> String? {
        guard let text = value.text(like: example) else { return nil }
        let reason = text.utf8.count > longest ? "is too long" : fault(text)
        guard let reason else { return text }
        value.error("\(ConfigValue.quoted(text)) \(reason): write something like \"\(example)\"")
        return nil
    }

    /// In seconds, as the script takes it.
    private static func awayAfter(_ section: ConfigSection) -> ScriptAttribute? {
        guard let value = section.value("away_after", nullable: true) else { return nil }
        if value.node.isNull { return ScriptAttribute("data-away-after", "off") }
        guard let time = value.duration(in: 1_000...86_400_000, like: 300_000) else { return nil }
        return ScriptAttribute("data-away-after", "\(time / 1_000)")
    }

    /// Where in pages people stand that say nothing of presence.
    private static func dots(_ section: ConfigSection) -> ScriptAttribute? {
        let example = "a[href='/people/{id}/']"
        guard let value = section.value("dots"), let list = value.items(like: "\"\(example)\"")
        else { return nil }
        if list.isEmpty { value.error("is empty: write [\"\(example)\"]") }
        if list.count > selectors {
            value.error("names \(list.count) selectors: write at most \(selectors)")
        }
        let found = list.compactMap { checked($0, like: example, selectorFault) }
        return found.isEmpty
            ? nil : ScriptAttribute("data-presence-dots", found.joined(separator: "\n"))
    }

    /// Pictures are no stops of the Tab key; buttons are what the script makes by itself.
    private static func dotsRole(_ section: ConfigSection) -> ScriptAttribute? {
        guard let value = section.value("dots_role") else { return nil }
        switch value.text(like: "picture") {
        case "picture": return ScriptAttribute("data-dots", "picture")
        case "button", nil: return nil
        case let other?:
            value.error("\(ConfigValue.quoted(other)) is no role: write \"button\" or \"picture\"")
            return nil
        }
    }

    // MARK: What cannot be meant

    private static func cookieFault(_ text: String) -> String? {
        FieldRule.isToken(text) ? nil : "is no name of a cookie"
    }

    /// Keys may be anything; a control character is a mistake.
    private static func keyFault(_ text: String) -> String? {
        isPrintable(text) ? nil : "has a character that cannot be printed"
    }

    /// A name in `window`.
    private static func functionFault(_ text: String) -> String? {
        let bytes = text.utf8
        let isName =
            bytes.allSatisfy { byte in
                (byte | 0x20) &- 0x61 < 26 || byte &- 0x30 < 10 || byte == 0x5F || byte == 0x24
            } && bytes.first.map { $0 &- 0x30 >= 10 } == true
        return isName ? nil : "is no name of a function"
    }

    /// A field, and a scheme where one is needed.
    private static func headerFault(_ text: String) -> String? {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let scheme = parts.count == 2 ? parts[1].drop { $0 == " " } : "Bearer"
        let isField = parts.first.map { FieldRule.fault(String($0)) == nil } ?? false
        return isField && FieldRule.isToken(scheme) ? nil : "is no field with a scheme"
    }

    /// The id stands in the value of an attribute, in quotes.
    private static func selectorFault(_ text: String) -> String? {
        guard isPrintable(text) else { return "has a character that cannot be printed" }
        let parts = text.split(separator: "{id}", omittingEmptySubsequences: false)
        guard parts.count == 2 else { return "does not say once where the {id} stands" }
        guard let quote = parts[0].lastIndex(where: { $0 == "'" || $0 == "\"" }),
            parts[0][..<quote].hasSuffix("="), parts[1].contains(parts[0][quote])
        else { return "does not have the {id} within a quoted value" }
        return nil
    }

    private static func isPrintable(_ text: String) -> Bool {
        text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F }
    }
}
