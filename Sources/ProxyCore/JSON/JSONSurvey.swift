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

    /// The value `number` of item `item`, by the plan's `valueNumbers`.
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
    mutating func note(reached place: Reach) {
        if place == .values || reach == .nowhere { reach = place }
    }

    @inline(__always)
    mutating func begin() -> Bool {
        items.append(JSONItem())
        for _ in 0..<width { places.append(.absent) }
        return items.count <= Limits.surveyItems
    }

    /// An object without members is nobody.
    @inline(__always)
    mutating func end(_ place: Int?) {
        let last = items.count - 1
        if let place {
            items[last].end = place
        } else {
            items.removeLast()
            places.removeLast(width)
        }
    }

    @inline(__always)
    mutating func note(name: Int) { items[items.count - 1].names |= 1 << UInt32(name) }

    @inline(__always)
    mutating func note(value: Int, _ start: Int, _ end: Int) {
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
