// Owns the walk of a survey over a document, along its plan.
// Called by surveys, once a document.
// Never recurses: what is open is noted a level at a time, and bounded.

/// An open container.
private struct JSONLevel: BitwiseCopyable {
    /// The node that leads to it, or -1: nothing in it is looked for.
    var node: Int32 = -1
    /// Of the element that is read; -1: it is an object.
    var index: Int32
    /// The seam before the value that it is, or is in; -1: that is not known.
    let home: Int32
    /// The seam that was passed last in it, or -1.
    var last: Int32 = -1
    /// The seam that is expected to be next, or -1.
    var expected: Int32 = -1
    /// Whether it is an item.
    var isItem = false

    init(isObject: Bool, home: Int32) {
        index = isObject ? -1 : 0
        self.home = home
    }

    var isObject: Bool { index < 0 }
    var close: UInt8 { isObject ? JSONByte.rightBrace : JSONByte.rightBracket }
}

/// Where a walk is.
private struct JSONCursor: BitwiseCopyable {
    var at: Int
    /// What leads to the value that stands there or comes next, or -1.
    var node: Int
    /// The innermost container.
    var level = JSONLevel(isObject: false, home: 0)
    /// Nothing of that was passed yet.
    var isFirst = false

    init(at: Int, node: Int) {
        self.at = at
        self.node = node
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
    /// - Parameter root: the node that leads to it.
    private mutating func behindValue(_ start: Int, _ root: Int) -> Int? {
        // Copies of its own stay in registers.
        let skim = JSONSkim(skim.bytes)
        var cursor = JSONCursor(at: start, node: root)
        while true {
            guard passValue(skim, &cursor) else { return nil }
            var isAtValue = false
            while !isAtValue {
                if levels.isEmpty { return cursor.at }
                if passSeam(skim, &cursor) { break }
                guard passMark(skim, &cursor, &isAtValue) else { return nil }
            }
        }
    }

    /// Passes a value, or what opens a container.
    @inline(__always)
    private mutating func passValue(
        _ skim: borrowing JSONSkim, _ cursor: inout JSONCursor
    ) -> Bool {
        let first = skim.byte(cursor.at)
        // The two differ in this bit alone, and from every other byte.
        cursor.isFirst = first | 0x20 == JSONByte.leftBrace
        guard cursor.isFirst else {
            guard let end = skim.behindScalar(cursor.at, first) else { return false }
            if cursor.node >= 0 { note(first, cursor.at, end, cursor.node) }
            cursor.at = end
            return true
        }
        guard levels.count < Limits.jsonSkimDepth else { return false }
        let outer = cursor.level
        levels.append(outer)
        cursor.level = JSONLevel(
            isObject: first == JSONByte.leftBrace, home: outer.isObject ? outer.last : outer.home)
        if cursor.level.isObject { cursor.level.expected = seams.inner(cursor.level.home) }
        if cursor.node >= 0, !begin(cursor.at, cursor.node, &cursor.level) { return false }
        cursor.at &+= 1
        return true
    }

    /// Passes all that stands before the next value at once, where it is what stood there before.
    @inline(__always)
    private func passSeam(_ skim: borrowing JSONSkim, _ cursor: inout JSONCursor) -> Bool {
        let number = cursor.level.expected
        guard seams.isAt(cursor.at, number, cursor.level.node, in: skim.bytes) else { return false }
        let seam = seams[number]
        // There may be more blank than there.
        cursor.at = skim.behindBlank(cursor.at &+ Int(seam.count))
        cursor.node = Int(seam.node)
        cursor.level.last = number
        cursor.level.expected = seam.next
        return true
    }

    /// Passes the end of a container, or what stands before the next value in it.
    @inline(__always)
    private mutating func passMark(
        _ skim: borrowing JSONSkim, _ cursor: inout JSONCursor, _ isAtValue: inout Bool
    ) -> Bool {
        let end = cursor.at
        var at = skim.behindBlank(end)
        let byte = skim.byte(at)
        if byte == cursor.level.close {
            if cursor.level.isItem { found.end(cursor.isFirst ? nil : end) }
            cursor.level = levels.removeLast()
            cursor.at = at &+ 1
            cursor.isFirst = false
            return true
        }
        isAtValue = true
        if !cursor.isFirst {
            guard byte == JSONByte.comma else { return false }
            at = skim.behindBlank(at &+ 1)
        }
        let parent = Int(cursor.level.node)
        guard cursor.level.isObject else {
            if !cursor.isFirst { cursor.level.index &+= 1 }
            cursor.at = at
            cursor.node = parent < 0 ? -1 : plan.child(of: parent, at: Int(cursor.level.index))
            return true
        }
        guard let member = behindName(at, cursor.level, end) else { return false }
        cursor.at = member.value
        cursor.node = member.node
        cursor.level.last = member.seam
        cursor.level.expected = member.seam < 0 ? -1 : seams[member.seam].next
        return true
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

    /// A member's name and colon: where its value begins, and the node that leads to that.
    /// - Parameter seam: where the value before it ends.
    @inline(never)
    private mutating func behindName(
        _ start: Int, _ level: JSONLevel, _ seam: Int
    ) -> (value: Int, node: Int, seam: Int32)? {
        guard skim.byte(start) == JSONByte.quote, let end = skim.behindString(start &+ 1) else {
            return nil
        }
        let colon = skim.behindBlank(end)
        guard skim.byte(colon) == JSONByte.colon else { return nil }
        let value = skim.behindBlank(colon &+ 1)
        let node = level.node < 0 ? -1 : child(of: Int(level.node), start &+ 1..<end &- 1)
        let number = seams.note(
            seam..<value, node, parent: level.node, expected: level.expected, last: level.last,
            home: level.home)
        return (value, node, number)
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
