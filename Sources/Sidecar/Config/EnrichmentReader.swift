// Owns reading `enrich` of a route: where items and ids stand, and what is added to them.
// Called by RoutesReader.
// Never reads an answer.

import ProxyCore
import StatusAPI

/// Reads `items`, `id`, `fields` and `max_body`.
struct EnrichmentReader {
    static let example = "{ items: \"$.results[*]\", id: \"$.id\" }"
    /// The longest name of a member that is added, bytes.
    private static let longestName = 64
    private static let ownNames = ["online_status", "is_online", "last_seen"]

    func read(_ section: ConfigSection) -> Enrichment? {
        let items = section.value("items")?.jsonPath(like: "$.results[*]")
        let id = id(section)
        let fields = fields(section)
        let bytes = section.size(
            "max_body", or: APILimits.enrichedBody, in: 1024...APILimits.enrichedBodyCeiling)
        guard id != nil || !fields.isEmpty else {
            // Whatever is wrong with them has been said.
            if section.value.node["id"]?.isNull == true, section.value.node["fields"] == nil {
                section.error("adds nothing: write id: \"$.id\" or fields")
            }
            return nil
        }
        return Enrichment(items: items, id: id, fields: fields, maximumBody: bytes)
    }

    /// `null`: nobody's presence but that of `fields`.
    private func id(_ section: ConfigSection) -> JSONPath? {
        guard let value = section.value("id", nullable: true) else { return try? JSONPath("$.id") }
        return value.node.isNull ? nil : path(value)
    }

    private func path(_ value: ConfigValue) -> JSONPath? {
        guard let path = value.singlePath(like: "$.id") else { return nil }
        guard !path.isRoot else {
            value.error("is the item itself: write where in it the id stands, like \"$.id\"")
            return nil
        }
        guard !path.beginsWithIndex else {
            value.error("is a place in an array: an item is an object; write one like \"$.id\"")
            return nil
        }
        return path
    }

    private func fields(_ section: ConfigSection) -> [Enrichment.Field] {
        let example = "{ author_id: \"author_presence\" }"
        guard let value = section.value("fields") else { return [] }
        guard let members = value.node.object else {
            value.expected("an object", write: example)
            return []
        }
        if members.isEmpty { value.error("is empty: write \(example), or leave it out") }
        guard members.count <= APILimits.enrichedFields else {
            value.error(
                "has \(members.count) ids: at most \(APILimits.enrichedFields) can be shown besides"
                    + " id")
            return []
        }
        var fields: [Enrichment.Field] = []
        for member in members {
            let entry = ConfigValue(
                node: member.value, path: value.path + "." + member.key, log: value.log)
            guard let id = fieldPath(member, entry), let name = name(entry, besides: fields)
            else { continue }
            fields.append(Enrichment.Field(id: id, name: name))
        }
        return fields
    }

    /// `author_id`, `assignee.id`: as a path, but for its beginning.
    private func fieldPath(_ member: JSONMember, _ entry: ConfigValue) -> JSONPath? {
        let text = member.key.hasPrefix("$") ? member.key : "$." + member.key
        do throws(JSONPathError) {
            let path = try JSONPath(text)
            guard path.isPlural || path.isRoot || path.beginsWithIndex else { return path }
            entry.error(
                "\(ConfigValue.quoted(member.key)) names no single place of an item: write where an"
                    + " id stands, like \"author_id\" or \"assignee.id\"")
        } catch {
            entry.error(
                "\(ConfigValue.quoted(member.key)) is no path: \(error.reason); an id stands at a"
                    + " place like \"author_id\" or \"assignee.id\"")
        }
        return nil
    }

    private func name(_ value: ConfigValue, besides fields: [Enrichment.Field]) -> String? {
        guard let name = value.text(like: "author_presence") else { return nil }
        guard name.utf8.count <= Self.longestName else {
            value.error("is longer than \(Self.longestName) bytes: write a shorter name")
            return nil
        }
        if Self.ownNames.contains(name) {
            value.error(
                "\(ConfigValue.quoted(name)) is what id adds: write another name, like"
                    + " \"author_presence\"")
            return nil
        }
        if fields.contains(where: { $0.name == name }) {
            value.error("\(ConfigValue.quoted(name)) is added already: write another name")
            return nil
        }
        return name
    }
}
