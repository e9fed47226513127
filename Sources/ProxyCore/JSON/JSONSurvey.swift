// Owns going once over a document that passes, and what was found on the way.
// Called by whoever splices something into such documents.
// Never makes a tree or a text of it, never changes a byte.

/// Where a value of an item stands.
public struct JSONPlace: Sendable, Equatable, BitwiseCopyable {
    let start: UInt32
    let end: UInt32

    static let absent = JSONPlace(start: 0, end: 0)
    /// It stands there more than once: which one counts, readers do not agree on.
    static let ambiguous = JSONPlace(start: 1, end: 1)

    /// The bytes of a string with its quotes, or of a number; empty: there is no such value.
    public var range: Range<Int> { Int(start)..<Int(end) }
}

/// One item.
public struct JSONItem: Sendable, Equatable, BitwiseCopyable {
    /// The offset behind its last member: what is added to it stands there.
    public internal(set) var end = 0
    /// A bit for each name of the plan that it has already.
    public internal(set) var names: UInt32 = 0
}

/// What a survey has found. Kept by whoever makes many, for its memory.
public struct JSONSurvey: Sendable {
    /// Why a document stays as it is.
    public enum Fault: Error, Sendable, Equatable {
        case notJSON
        /// More than `Limits.surveyItems`.
        case tooManyItems
    }

    /// In the order of the text: all objects at the path of the items that have members.
    public private(set) var items: [JSONItem] = []
    /// How the items of the plan were met, which tells an empty list from a document of another
    /// shape.
    public private(set) var reach = Reach.nowhere
    private var places: [JSONPlace] = []
    private var width = 0

    public enum Reach: Sendable {
        /// Nothing stands where items should.
        case nowhere
        /// A list or an object that would hold them stands there.
        case container
        /// Something stands where an item would.
        case values
    }

    public init() {}

    /// The value `number` of item `item`.
    @inline(__always)
    public func place(_ item: Int, _ number: Int) -> JSONPlace { places[item * width + number] }

    /// Goes over a document that is shorter than 4 GiB. A byte order mark before it is passed
    /// (RFC 8259 §8.1 lets a reader do so).
    ///
    /// - Throws: where it is no JSON, or has too many items; then nothing is to be read here.
    public mutating func read(_ bytes: RawSpan, _ plan: JSONSurveyPlan) throws(Fault) {
        items.removeAll(keepingCapacity: true)
        places.removeAll(keepingCapacity: true)
        width = plan.valueCount
        reach = .nowhere
        guard bytes.byteCount < Int(UInt32.max) else { throw .notJSON }
        var surveyor = JSONSurveyor(bytes, plan, self)
        self = JSONSurvey()
        let isWhole = surveyor.document()
        self = surveyor.found
        guard isWhole else { throw items.count > Limits.surveyItems ? .tooManyItems : .notJSON }
    }

    @inline(__always)
    fileprivate mutating func note(reached place: Reach) {
        if place == .values || reach == .nowhere { reach = place }
    }

    @inline(__always)
    fileprivate mutating func begin() -> Bool {
        items.append(JSONItem())
        for _ in 0..<width { places.append(.absent) }
        return items.count <= Limits.surveyItems
    }

    /// An object without members is nobody.
    @inline(__always)
    fileprivate mutating func end(_ place: Int?) {
        let last = items.count - 1
        if let place {
            items[last].end = place
        } else {
            items.removeLast()
            places.removeLast(width)
        }
    }

    @inline(__always)
    fileprivate mutating func note(name: Int) { items[items.count - 1].names |= 1 << UInt32(name) }

    @inline(__always)
    fileprivate mutating func note(value: Int, _ start: Int, _ end: Int) {
        let place = places.count - width + value
        places[place] =
            places[place] == .absent
            ? JSONPlace(start: UInt32(start), end: UInt32(end)) : .ambiguous
    }

    /// Gives the memory of large documents back.
    public mutating func shrink(to count: Int) {
        guard items.capacity > count || places.capacity > count * 4 else { return }
        items = []
        places = []
    }
}

/// The walk. Where no node of the plan leads, it skims; it recurses along the plan alone, whose
/// paths are bounded.
private struct JSONSurveyor: ~Escapable {
    var skim: JSONSkim
    let plan: JSONSurveyPlan
    var found: JSONSurvey

    @_lifetime(copy bytes)
    init(_ bytes: RawSpan, _ plan: JSONSurveyPlan, _ found: JSONSurvey) {
        skim = JSONSkim(bytes)
        self.plan = plan
        self.found = found
    }

    /// Whether all of it is one value, and white space.
    mutating func document() -> Bool {
        let bytes = skim.bytes
        let hasMark =
            bytes.byteCount >= 3 && bytes.extracting(0..<3).equals("\u{FEFF}" as StaticString)
        let start = skim.behindBlank(hasMark ? 3 : 0)
        let root = skim.byte(start) == JSONByte.leftBracket ? plan.arrayRoot : plan.root
        guard let end = behindValue(start, root, depth: 0) else { return false }
        return skim.behindBlank(end) == bytes.byteCount
    }

    /// A value to which a node leads.
    private mutating func behindValue(_ start: Int, _ node: Int, depth: Int) -> Int? {
        if plan.nodes[node].isItem { found.note(reached: .values) }
        if plan.nodes[node].name >= 0 { found.note(name: plan.nodes[node].name) }
        let value = plan.nodes[node].value
        switch skim.byte(start) {
        case JSONByte.leftBrace:
            if value >= 0 { found.note(value: value, start, start) }
            return behindObject(start, node, depth: depth)
        case JSONByte.leftBracket:
            if value >= 0 { found.note(value: value, start, start) }
            return behindArray(start, node, depth: depth)
        default:
            guard let end = skim.behindScalar(start) else { return nil }
            guard value >= 0 else { return end }
            let byte = skim.byte(start)
            let counts = byte == JSONByte.quote || byte == JSONByte.minus || JSONByte.isDigit(byte)
            found.note(value: value, start, counts ? end : start)
            return end
        }
    }

    private mutating func behindObject(_ start: Int, _ node: Int, depth: Int) -> Int? {
        guard depth < Limits.jsonSkimDepth else { return nil }
        let isItem = plan.nodes[node].isItem
        if isItem, !found.begin() { return nil }
        noteContainer(node)
        var at = skim.behindBlank(start &+ 1)
        if skim.byte(at) == JSONByte.rightBrace {
            if isItem { found.end(nil) }
            return at &+ 1
        }
        while true {
            guard skim.byte(at) == JSONByte.quote else { return nil }
            skim.passedEscape = false
            let name = at &+ 1
            guard let nameEnd = skim.behindString(name),
                let value = skim.valueBehindColon(nameEnd)
            else { return nil }
            let child = child(of: node, name..<nameEnd &- 1)
            let end =
                child < 0
                ? skim.behindValue(value, depth: depth &+ 1)
                : behindValue(value, child, depth: depth &+ 1)
            guard let end else { return nil }
            at = skim.behindBlank(end)
            let byte = skim.byte(at)
            if byte == JSONByte.comma {
                at = skim.behindBlank(at &+ 1)
                continue
            }
            guard byte == JSONByte.rightBrace else { return nil }
            if isItem { found.end(end) }
            return at &+ 1
        }
    }

    private mutating func behindArray(_ start: Int, _ node: Int, depth: Int) -> Int? {
        guard depth < Limits.jsonSkimDepth else { return nil }
        noteContainer(node)
        // An array where an item is expected is none, and nothing in it is a value of one.
        let isItem = plan.nodes[node].isItem
        var at = skim.behindBlank(start &+ 1)
        if skim.byte(at) == JSONByte.rightBracket { return at &+ 1 }
        var index = 0
        while true {
            let child = isItem ? -1 : plan.child(of: node, at: index)
            let end =
                child < 0
                ? skim.behindValue(at, depth: depth &+ 1)
                : behindValue(at, child, depth: depth &+ 1)
            guard let end else { return nil }
            at = skim.behindBlank(end)
            let byte = skim.byte(at)
            guard byte == JSONByte.comma else {
                return byte == JSONByte.rightBracket ? at &+ 1 : nil
            }
            at = skim.behindBlank(at &+ 1)
            index &+= 1
        }
    }

    @inline(__always)
    private mutating func noteContainer(_ node: Int) {
        let every = plan.nodes[node].every
        if every >= 0, plan.nodes[every].isItem { found.note(reached: .container) }
    }

    /// The node to which a member's name leads.
    @inline(__always)
    private func child(of node: Int, _ name: Range<Int>) -> Int {
        skim.passedEscape
            ? decodedChild(of: node, name)
            : plan.child(of: node, named: skim.bytes.extracting(name))
    }

    /// A name with escapes is rare, and may be one of ours all the same.
    @inline(never)
    private func decodedChild(of node: Int, _ name: Range<Int>) -> Int {
        guard !plan.nodes[node].edges.isEmpty else { return plan.nodes[node].every }
        let quoted = skim.bytes.extracting(name.lowerBound &- 1..<name.upperBound &+ 1)
        guard let text = JSONText.decoded(quoted) else { return plan.nodes[node].every }
        return plan.child(of: node, named: text.rawSpan)
    }
}

/// Strings out of documents that pass.
public enum JSONText {
    /// The text of a string with its quotes; nil where it names no text (a surrogate without its
    /// other half).
    public static func decoded(_ quoted: RawSpan) -> String? {
        do throws(JSONError) {
            return try JSONReader.read(quoted, maximumDepth: 1).string
        } catch {
            return nil
        }
    }
}
