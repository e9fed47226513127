// Owns what a route with `enrich` adds to the application's lists, prepared.
// Called by the assembly (settings), by the router once a configuration and by the enricher.
// Never sees a document.

public import ProxyCore

/// What is added to the JSON that passes on a route.
public struct Enrichment: Sendable {
    /// Presence of a further id of an item, as an object under a name of its own.
    public struct Field: Sendable {
        /// Relative to an item; names one place.
        public var id: JSONPath
        public var name: String

        public init(id: JSONPath, name: String) {
            self.id = id
            self.name = name
        }
    }

    /// Nil: the elements of a document that is a list, else the document itself.
    public var items: JSONPath?
    /// Whose presence an item shows, relative to it; nil: nobody's but those of `fields`.
    public var id: JSONPath?
    /// At most `APILimits.enrichedFields`.
    public var fields: [Field]
    /// The longest body that is looked at, bytes.
    public var maximumBody: Int

    public init(
        items: JSONPath? = nil, id: JSONPath?, fields: [Field] = [],
        maximumBody: Int = APILimits.enrichedBody
    ) {
        self.items = items
        self.id = id
        self.fields = fields
        self.maximumBody = maximumBody
    }
}

/// The members that an item of its own id gets, by the number of their bit.
enum EnrichedMember: Int, CaseIterable {
    case status, isOnline, lastSeen

    var name: StaticString {
        switch self {
        case .status: "online_status"
        case .isOnline: "is_online"
        case .lastSeen: "last_seen"
        }
    }

    var bit: UInt32 { 1 << UInt32(rawValue) }
}

/// An enrichment, prepared.
struct EnrichmentPlan: Sendable {
    struct Addition: Sendable {
        /// The number of the id among the surveyed values.
        let value: Int
        /// Of its name among the surveyed names.
        let bit: UInt32
        /// `,"name":{`
        let opening: [UInt8]
    }

    let survey: JSONSurveyPlan
    let hasOwnID: Bool
    let additions: [Addition]
    let maximumBody: Int
    /// Bytes that a document may have grown to.
    var maximumOutput: Int { 2 * maximumBody }
    /// Tells the lists of one configuration from those of another, in their ETags.
    let seed: EnrichmentMark

    init(_ enrichment: Enrichment) {
        let own = enrichment.id.map { [$0] } ?? []
        hasOwnID = enrichment.id != nil
        let survey = JSONSurveyPlan(
            items: enrichment.items, values: own + enrichment.fields.map(\.id),
            names: EnrichedMember.allCases.map(\.name.description) + enrichment.fields.map(\.name))
        self.survey = survey
        additions = enrichment.fields.enumerated().map { number, field in
            var json = JSONWriter()
            json.string(field.name)
            return Addition(
                value: survey.valueNumbers[own.count + number],
                bit: 1 << UInt32(EnrichedMember.allCases.count + number),
                opening: Array(",".utf8) + json.finish() + Array(":{".utf8))
        }
        maximumBody = enrichment.maximumBody
        var seed = EnrichmentMark()
        for text in [enrichment.items?.text ?? "", enrichment.id?.text ?? ""]
            + enrichment.fields.flatMap({ [$0.id.text, $0.name] })
        {
            seed.add(text)
        }
        self.seed = seed
    }
}
