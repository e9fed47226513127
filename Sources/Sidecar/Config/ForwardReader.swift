// Owns reading `tokens.forward`: the fields by which the application is told who asks.
// Called by TokensReader.
// Never writes a field.

import ProxyCore
import StatusAPI

/// Reads the names of fields that the sidecar sets and takes from nobody.
struct ForwardReader {
    static let example = "{ user: \"X-Auth-User\" }"

    /// - Parameter places: where tokens stand: no such field can be one that is taken away.
    func read(_ section: ConfigSection, places: [TokenPlace]) -> ForwardedClaims {
        var fields = ForwardedClaims()
        var seen: [(name: String, folded: String)] = []
        for (key, example) in [
            ("user", "X-Auth-User"), ("name", "X-Auth-Name"), ("admin", "X-Auth-Admin"),
        ] {
            guard let value = section.value(key), let name = value.text(like: example) else {
                continue
            }
            if let reason = fault(name, places, like: example) {
                value.error(reason)
                continue
            }
            let folded = FieldRule.folded(name)
            if let twin = seen.first(where: { $0.folded == folded }) {
                value.error(
                    "\(ConfigValue.quoted(name)) and \(ConfigValue.quoted(twin.name)) are one field"
                        + " to many applications, which take '-' and '_' for the same: write"
                        + " \"\(example)\"")
                continue
            }
            guard FieldRule.isPlain(name) else {
                value.error(
                    "\(ConfigValue.quoted(name)) has other characters than letters, digits and '-'"
                        + " in it, and many servers take no such field: write a name like"
                        + " \"\(example)\"")
                continue
            }
            seen.append((name, folded))
            switch key {
            case "user": fields.user = name
            case "name": fields.name = name
            default: fields.admin = name
            }
        }
        if section.value.node.object?.isEmpty == true {
            section.error("names no field: write \(Self.example)")
        }
        return fields
    }

    private func fault(_ name: String, _ places: [TokenPlace], like example: String) -> String? {
        let shown = ConfigValue.quoted(name)
        if let reason = FieldRule.fault(name) { return "\(shown) \(reason)" }
        if FieldRule.isFixed(name) {
            return "\(shown) means something else already, and would be taken from every request:"
                + " write a name of your own, like \"\(example)\""
        }
        let folded = FieldRule.folded(name)
        let carriesToken = places.contains { place in
            if case .header(let field, _) = place {
                FieldRule.folded(field) == folded
            } else {
                false
            }
        }
        guard !carriesToken else {
            return "\(shown) carries tokens (tokens.from), and would be taken from every request:"
                + " write another name, like \"\(example)\""
        }
        return nil
    }
}
