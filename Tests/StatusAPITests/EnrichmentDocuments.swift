// Owns a generator of JSON documents together with what enriching must make of them.
// Called by the differential tests of enrichment.
// Never parses: it knows what it has written.

import Presence
import ProxyCore

@testable import StatusAPI

/// Numbers that a seed determines (splitmix64).
struct Dice {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
        return z ^ z >> 31
    }

    mutating func below(_ count: Int) -> Int { Int(next() % UInt64(count)) }
    mutating func chance(_ percent: Int) -> Bool { below(100) < percent }
    mutating func pick<T>(_ list: [T]) -> T { list[below(list.count)] }
}

/// Presence that an id determines: the same whether the id came as a number or as a text.
enum MadeUpPresence {
    /// No generated document holds it.
    static let year = "2255"

    static func of(_ id: String) -> PresenceBrief {
        var sum = 7
        for byte in id.utf8 { sum = (sum &* 31 &+ Int(byte)) & 0xffff }
        let status = [Status.offline, .away, .online][sum % 3]
        return PresenceBrief(status: status, lastSeen: 9_000_000_000_000 + Int64(sum))
    }

    /// The three members, without those that an item has already.
    static func members(_ id: String, without taken: Set<String> = []) -> [String] {
        let brief = of(id)
        return [
            ("online_status", "\"\(brief.status.word)\""),
            ("is_online", brief.status == .online ? "true" : "false"),
            ("last_seen", "\"\(Timestamp.text(brief.lastSeen ?? 0))\""),
        ].filter { !taken.contains($0.0) }.map { "\"\($0.0)\":\($0.1)" }
    }
}

/// One document.
struct EnrichmentDocument {
    var original = ""
    var enriched = ""
    /// Every piece that was added, in order.
    var added: [String] = []

    mutating func write(_ text: String) {
        original += text
        enriched += text
    }

    mutating func add(_ text: String) {
        enriched += text
        added.append(text)
    }
}

/// A way in which documents are enriched, as text and as the generator follows it.
struct EnrichmentShape {
    enum Step {
        case member(String)
        case every
        case item(Int)
        case everyMember
    }

    let items: String?
    let steps: [Step]
    let id: [String]
    let fields: [(id: [String], name: String)]

    static let all: [EnrichmentShape] = [
        EnrichmentShape(items: "$", steps: [], id: ["id"], fields: []),
        EnrichmentShape(items: "$[*]", steps: [.every], id: ["id"], fields: []),
        EnrichmentShape(items: nil, steps: [.every], id: ["id"], fields: []),
        EnrichmentShape(
            items: "$.results[*]", steps: [.member("results"), .every], id: ["id"], fields: []),
        EnrichmentShape(
            items: "$.results[*]", steps: [.member("results"), .every], id: ["user", "id"],
            fields: [
                (["author_id"], "author_presence"), (["assignee", "id"], "assignee presence"),
            ]),
        EnrichmentShape(
            items: "$.data.user", steps: [.member("data"), .member("user")], id: ["id"],
            fields: [(["boss"], "boss_presence")]),
        EnrichmentShape(
            items: "$.groups[*].members[*]",
            steps: [.member("groups"), .every, .member("members"), .every], id: ["id"], fields: []),
        EnrichmentShape(items: "$.*", steps: [.everyMember], id: ["id"], fields: []),
        EnrichmentShape(
            items: "$['odd name'][1]", steps: [.member("odd name"), .item(1)], id: ["the id"],
            fields: []),
    ]

    func plan() throws -> EnrichmentPlan {
        func path(_ names: [String]) throws -> JSONPath {
            try JSONPath("$" + names.map { "['\($0)']" }.joined())
        }
        return EnrichmentPlan(
            Enrichment(
                items: try items.map { try JSONPath($0) }, id: try path(id),
                fields: try fields.map {
                    Enrichment.Field(id: try path($0.id), name: $0.name)
                }))
    }
}

/// Writes documents.
struct EnrichmentWriter {
    var dice: Dice
    let shape: EnrichmentShape
    var document = EnrichmentDocument()

    init(seed: UInt64, _ shape: EnrichmentShape) {
        dice = Dice(state: seed)
        self.shape = shape
    }

    static func document(seed: UInt64, _ shape: EnrichmentShape) -> EnrichmentDocument {
        var writer = EnrichmentWriter(seed: seed, shape)
        if writer.dice.chance(3) { writer.document.write("\u{FEFF}") }
        writer.blank()
        writer.walk(0)
        writer.blank()
        return writer.document
    }

    mutating func blank() {
        guard dice.chance(20) else { return }
        for _ in 0...dice.below(4) { document.write(dice.pick([" ", "\n", "\t", "\r\n", "    "])) }
    }

    // MARK: Values of no interest

    mutating func string() -> String {
        var text = ""
        for _ in 0..<dice.below(dice.chance(10) ? 60 : 6) {
            text += dice.pick([
                "a", "Zeta", " ", "é", "Анна", "𝄞", "€", "\\n", "\\\"", "\\\\", "\\/", "\\u0041",
                "\\ud83d\\ude00", "\\ud800", "\\u0000", "{", "}", "[", "]", ":", ",", "\u{7f}",
                "\\\",\\\"online_status\\\":", "the quick brown fox",
            ])
        }
        return "\"\(text)\""
    }

    mutating func number() -> String {
        dice.pick([
            "0", "-0", "1", "-17", "3.25", "1e5", "1E-7", "-2.50e+10", "1e400",
            "123456789012345678901234567890", "0.1",
        ])
    }

    mutating func other(depth: Int) {
        switch dice.below(depth > 0 ? 9 : 6) {
        case 0: document.write("null")
        case 1: document.write("true")
        case 2: document.write("false")
        case 3: document.write(number())
        case 4, 5: document.write(string())
        case 6, 7:
            let count = dice.below(4)
            container("{", "}", count) { writer, place in
                writer.name(writer.otherName())
                writer.other(depth: depth - 1)
            }
        default:
            container("[", "]", dice.below(4)) { writer, _ in writer.other(depth: depth - 1) }
        }
    }

    mutating func otherName() -> String {
        dice.pick(["k", "K1", "äöü", "k\\u0032", "", "ID", "Id", "id_", "results2", "a\\nb", "k"])
    }

    /// A name as it stands in the text, and its colon.
    mutating func name(_ raw: String) {
        document.write("\"\(raw)\"")
        blank()
        document.write(":")
        blank()
    }

    /// A name of the shape's, sometimes behind escapes.
    mutating func ownName(_ name: String) {
        guard dice.chance(5), let first = name.utf8.first else { return self.name(name) }
        self.name("\\u00" + String(first, radix: 16) + String(name.dropFirst()))
    }

    mutating func container(
        _ open: String, _ close: String, _ count: Int, _ body: (inout EnrichmentWriter, Int) -> Void
    ) {
        document.write(open)
        blank()
        for place in 0..<count {
            if place > 0 {
                document.write(",")
                blank()
            }
            body(&self, place)
            blank()
        }
        document.write(close)
    }

    // MARK: The way to the items

    mutating func walk(_ step: Int) {
        guard step < shape.steps.count else { return item() }
        // Another shape than the expected one.
        if dice.chance(6) {
            return document.write(dice.pick(["null", "7", "\"results\"", "false", "[]", "{}"]))
        }
        switch shape.steps[step] {
        case .member(let name):
            let place = dice.below(3)
            let isThere = dice.chance(95)
            container("{", "}", 3) { writer, at in
                if at == place, isThere {
                    writer.ownName(name)
                    writer.walk(step + 1)
                } else {
                    writer.name(writer.otherName())
                    writer.other(depth: 3)
                }
            }
        case .everyMember:
            let count = dice.below(6)
            container("{", "}", count) { writer, _ in
                writer.name(writer.otherName())
                writer.walk(step + 1)
            }
        case .every:
            let count = dice.chance(3) ? dice.below(60) : dice.below(5)
            container("[", "]", count) { writer, _ in writer.walk(step + 1) }
        case .item(let wanted):
            container("[", "]", dice.below(4)) { writer, at in
                if at == wanted { writer.walk(step + 1) } else { writer.other(depth: 2) }
            }
        }
    }

    // MARK: Items

    mutating func item() {
        if dice.chance(8) {
            return document.write(dice.pick(["null", "7", "\"x\"", "true", "{}", "{ }", "[]"]))
        }
        var members: [(inout EnrichmentWriter) -> Void] = []
        let ids = [shape.id] + shape.fields.map(\.id)
        var known: [String?] = []
        for path in ids {
            let (text, id) = idText()
            known.append(nil)
            guard dice.chance(92) else { continue }
            known[known.count - 1] = id
            let write: (inout EnrichmentWriter) -> Void = { writer in
                writer.value(at: path[...], text)
            }
            members.append(write)
            // Twice is nobody's.
            if dice.chance(3) {
                members.append(write)
                known[known.count - 1] = nil
            }
        }
        let names = ["online_status", "is_online", "last_seen"] + shape.fields.map(\.name)
        var taken: Set<String> = []
        if dice.chance(10) {
            for name in names where dice.chance(40) {
                taken.insert(name)
                members.append { writer in
                    writer.ownName(name)
                    writer.other(depth: 1)
                }
            }
        }
        for _ in 0..<dice.below(5) {
            members.append { writer in
                writer.name(writer.otherName())
                writer.other(depth: 2)
            }
        }
        guard !members.isEmpty else { return document.write("{}") }
        for place in members.indices.reversed() { members.swapAt(place, dice.below(place + 1)) }
        document.write("{")
        blank()
        for (place, member) in members.enumerated() {
            if place > 0 {
                blank()
                document.write(",")
                blank()
            }
            member(&self)
        }
        addition(known, taken)
        blank()
        document.write("}")
    }

    private mutating func addition(_ known: [String?], _ taken: Set<String>) {
        var added = ""
        if let id = known[0] {
            for member in MadeUpPresence.members(id, without: taken) { added += "," + member }
        }
        for (field, id) in zip(shape.fields, known.dropFirst()) where !taken.contains(field.name) {
            guard let id else { continue }
            let members = MadeUpPresence.members(id).joined(separator: ",")
            added += ",\"\(field.name)\":{\(members)}"
        }
        if !added.isEmpty { document.add(added) }
    }

    private mutating func value(at path: ArraySlice<String>, _ text: String) {
        guard let first = path.first else { return document.write(text) }
        ownName(first)
        guard path.count > 1 else { return document.write(text) }
        let place = dice.below(2)
        container("{", "}", 2) { writer, at in
            if at == place {
                writer.value(at: path.dropFirst(), text)
            } else {
                writer.name(writer.otherName())
                writer.other(depth: 1)
            }
        }
    }

    /// An id as it stands in the text, and whom it names.
    private mutating func idText() -> (String, String?) {
        switch dice.below(12) {
        case 0: return ("null", nil)
        case 1: return (dice.pick(["1.0", "1e2", "-0", "9223372036854775808"]), nil)
        case 2: return (dice.pick(["true", "\"\"", "[1]", "{\"id\":1}"]), nil)
        case 3: return ("\"\\u0034\\u0032\"", "42")
        case 4: return ("\"Анна\"", "Анна")
        case 5: return ("\"a-b_c.d@e\"", "a-b_c.d@e")
        case 6:
            return (
                "\"7c9e6679-7425-40de-944b-e07fc1f90ae7\"", "7c9e6679-7425-40de-944b-e07fc1f90ae7"
            )
        case 7: return ("9223372036854775807", "9223372036854775807")
        case 8: return ("-5", "-5")
        case 9:
            let id = "\(dice.below(1000))"
            return ("\"\(id)\"", id)
        default:
            let id = "\(dice.below(100_000))"
            return (id, id)
        }
    }
}
