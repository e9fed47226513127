// Owns the walk of a survey over a document, along its plan.
// Called by surveys, once a document.
// Never recurses: what is open is noted a level at a time, and bounded.

/// An open container.
struct JSONLevel: BitwiseCopyable {
    /// The node that leads to it, or -1: nothing in it is looked for.
    var node: Int32 = -1
    /// Of the element that comes next; -1: it is an object.
    var index: Int32
    /// The seam before the value that it is, or is in; -1: that is not known.
    let home: Int32
    /// The seam that was passed last in it, or -1.
    var last: Int32 = -1
    /// The seam that is expected to be next, or -1.
    var expected: Int32 = -1
    /// Whether it is an item.
    var isItem = false

    /// Around the document.
    init() {
        index = 0
        home = 0
    }

    @inline(__always)
    init(within outer: JSONLevel, isObject: Bool, _ seams: borrowing JSONSeams) {
        index = isObject ? -1 : 0
        home = outer.isObject ? outer.last : outer.home
        if isObject { expected = seams.inner(home) }
    }

    var isObject: Bool { index < 0 }
    /// What ends it.
    var close: UInt8 { isObject ? JSONByte.rightBrace : JSONByte.rightBracket }

    /// - Parameter seam: in an object, or -1: it is not known.
    @inline(__always)
    mutating func pass(_ seam: Int32, _ seams: borrowing JSONSeams) {
        last = seam
        expected = seam < 0 ? -1 : seams[seam].next
    }
}

/// The walk.
struct JSONSurveyor: ~Escapable {
    private let skim: JSONSkim
    private let plan: JSONSurveyPlan
    private(set) var found: JSONSurvey
    private var seams = JSONSeams()
    /// What is open around the innermost container.
    private var levels: [JSONLevel] = []

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
        guard let end = behindValue(start, root) else { return false }
        return skim.behindBlank(end) == bytes.byteCount
    }

    /// A value with all that it holds.
    ///
    /// Each step waits for where the one before has ended: what says where we are is held by
    /// plain variables, of which nobody else has the address, so that they stay in registers.
    ///
    /// - Parameter root: the node that leads to it.
    private mutating func behindValue(_ start: Int, _ root: Int) -> Int? {
        let skim = JSONSkim(skim.bytes)
        var at = start
        var node = root
        var level = JSONLevel()
        while true {
            let first = skim.byte(at)
            // The two differ in this bit alone, and from every other byte.
            var isFirst = first | 0x20 == JSONByte.leftBrace
            if isFirst {
                guard levels.count < Limits.jsonSkimDepth else { return nil }
                levels.append(level)
                level = JSONLevel(within: level, isObject: first == JSONByte.leftBrace, seams)
                if node >= 0, !begin(at, node, &level) { return nil }
                at &+= 1
            } else {
                guard let end = skim.behindScalar(at, first) else { return nil }
                if node >= 0 { note(first, at, end, node) }
                at = end
            }
            // Behind a value, or behind what opens a container.
            while true {
                if levels.isEmpty { return at }
                if seams.isAt(at, level.expected, level.node, in: skim.bytes) {
                    let seam = seams[level.expected]
                    // There may be more blank than there.
                    at = skim.behindBlank(at &+ Int(seam.count))
                    node = Int(seam.node)
                    level.last = level.expected
                    level.expected = seam.next
                    break
                }
                let end = at
                at = skim.behindBlank(at)
                if skim.byte(at) == level.close {
                    if level.isItem { found.end(isFirst ? nil : end) }
                    level = levels.removeLast()
                    at &+= 1
                    isFirst = false
                    continue
                }
                guard let next = behindMark(level, at, end, isFirst) else { return nil }
                at = next.value
                node = next.node
                if level.isObject { level.pass(next.seam, seams) } else { level.index &+= 1 }
                break
            }
        }
    }

    /// Passes what stands before a value that was not expected there.
    /// - Parameters:
    ///   - start: behind white space.
    ///   - end: where the value before it ends.
    /// - Returns: where the value begins, the node that leads to it, and the seam before it or -1.
    @inline(never)
    private mutating func behindMark(
        _ level: JSONLevel, _ start: Int, _ end: Int, _ isFirst: Bool
    ) -> (value: Int, node: Int, seam: Int32)? {
        var at = start
        if !isFirst {
            guard skim.byte(at) == JSONByte.comma else { return nil }
            at = skim.behindBlank(at &+ 1)
        }
        let parent = Int(level.node)
        guard level.isObject else {
            return (at, parent < 0 ? -1 : plan.child(of: parent, at: Int(level.index)), -1)
        }
        guard skim.byte(at) == JSONByte.quote, let name = skim.behindString(at &+ 1) else {
            return nil
        }
        let colon = skim.behindBlank(name)
        guard skim.byte(colon) == JSONByte.colon else { return nil }
        let node = parent < 0 ? -1 : child(of: parent, at &+ 1..<name &- 1)
        let value = skim.behindBlank(colon &+ 1)
        return (value, node, seams.note(end..<value, node, level))
    }

    /// A container to which a node leads.
    /// - Returns: false: there are too many items.
    @inline(__always)
    private mutating func begin(_ place: Int, _ node: Int, _ level: inout JSONLevel) -> Bool {
        note(0, place, place, node)
        let every = plan.nodes[node].every
        if every >= 0, plan.nodes[every].isItem { found.note(reached: .container) }
        level.isItem = level.isObject && plan.nodes[node].isItem
        // An array where an item is expected is none, and nothing in it is a value of one.
        if level.isObject || !plan.nodes[node].isItem {
            level.node = Int32(truncatingIfNeeded: node)
        }
        return !level.isItem || found.begin()
    }

    /// A value to which a node leads.
    /// - Parameter first: its first byte; 0: it is a container.
    @inline(never)
    private mutating func note(_ first: UInt8, _ start: Int, _ end: Int, _ node: Int) {
        if plan.nodes[node].isItem { found.note(reached: .values) }
        if plan.nodes[node].name >= 0 { found.note(name: plan.nodes[node].name) }
        let value = plan.nodes[node].value
        guard value >= 0 else { return }
        let counts = first == JSONByte.quote || first == JSONByte.minus || JSONByte.isDigit(first)
        found.note(value: value, start, counts ? end : start)
    }

    /// The node of the member with this name.
    private func child(of node: Int, _ range: Range<Int>) -> Int {
        let name = skim.bytes.extracting(range)
        guard !plan.nodes[node].edges.isEmpty, name.first(JSONByte.backslash) != nil else {
            return plan.child(of: node, named: name)
        }
        // A name with escapes is rare, and may be one of ours all the same.
        let quoted = skim.bytes.extracting(range.lowerBound &- 1..<range.upperBound &+ 1)
        guard let text = JSONText.decoded(quoted) else { return plan.nodes[node].every }
        return plan.child(of: node, named: text.rawSpan)
    }
}
