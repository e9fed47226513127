// Owns what a survey of a document looks for, prepared: a tree of the steps of paths.
// Called by whoever changes documents that pass, once a configuration.
// Never sees a document.

/// Items at one path, and within each item values at paths of their own.
public struct JSONSurveyPlan: Sendable {
    struct Node: Sendable {
        /// Edges for the members of an object or the elements of an array.
        var edges: Range<Int> = 0..<0
        /// A bit for each length that a name of `edges` has; 63 stands for all greater ones.
        var lengths: UInt64 = 0
        /// The node of each element and member, or -1.
        var every = -1
        /// Whether an object here is an item.
        var isItem = false
        /// The number of the value that stands here, or -1.
        var value = -1
        /// The number of the name that leads here, or -1.
        var name = -1
    }

    struct Edge: Sendable {
        /// A range of `text`; empty together with an index of 0 or more: an element.
        let name: Range<Int>
        let index: Int
        let node: Int
    }

    let nodes: [Node]
    let edges: [Edge]
    let text: [UInt8]
    /// Where a document that is an array begins, and any other.
    let arrayRoot: Int
    let root: Int
    /// How many values are noted of an item: one that several paths lead to is noted once.
    public let valueCount: Int
    /// Which of them each path leads to.
    public let valueNumbers: [Int]

    /// - Parameters:
    ///   - items: nil: the elements of a document that is an array, else the document itself.
    ///   - values: relative to an item, each to one place within it; no more than
    ///     `Limits.surveyPlaces`.
    ///   - names: members of an item of which it is noted whether they are there; no more than
    ///     `Limits.surveyPlaces`.
    public init(items: JSONPath?, values: [JSONPath], names: [String]) {
        precondition(max(values.count, names.count) <= Limits.surveyPlaces)
        precondition(values.allSatisfy { !$0.isPlural && !$0.steps.isEmpty })
        var draft = JSONSurveyDraft()
        root = 0
        var item = 0
        if let items {
            for step in items.steps { item = draft.node(behind: step, of: item) }
            arrayRoot = root
        } else {
            arrayRoot = draft.node()
            draft.nodes[arrayRoot].every = item
        }
        draft.nodes[item].isItem = true
        var valueCount = 0
        var valueNumbers: [Int] = []
        for path in values {
            var node = item
            for step in path.steps { node = draft.node(behind: step, of: node) }
            if draft.nodes[node].value < 0 {
                draft.nodes[node].value = valueCount
                valueCount += 1
            }
            valueNumbers.append(draft.nodes[node].value)
        }
        for (number, name) in names.enumerated() {
            draft.nodes[draft.node(behind: .member(name), of: item)].name = number
        }
        self.valueCount = valueCount
        self.valueNumbers = valueNumbers
        (nodes, edges, text) = draft.flattened()
    }

    /// The node of the member with this name, or -1.
    @inline(__always)
    func child(of node: Int, named name: RawSpan) -> Int {
        let found = nodes[node].every
        guard nodes[node].lengths >> UInt64(min(name.byteCount, 63)) & 1 == 1 else { return found }
        for place in nodes[node].edges where edges[place].index < 0 {
            if text.rawSpan.extracting(edges[place].name).equals(name) { return edges[place].node }
        }
        return found
    }

    /// The node of an element, or -1.
    @inline(__always)
    func child(of node: Int, at index: Int) -> Int {
        for place in nodes[node].edges where edges[place].index == index {
            return edges[place].node
        }
        return nodes[node].every
    }
}

/// A plan in the making.
private struct JSONSurveyDraft {
    var nodes: [JSONSurveyPlan.Node] = [JSONSurveyPlan.Node()]
    private var steps: [[(step: JSONPath.Step, node: Int)]] = [[]]

    mutating func node() -> Int {
        nodes.append(JSONSurveyPlan.Node())
        steps.append([])
        return nodes.count - 1
    }

    /// The node behind a step, made where there is none.
    mutating func node(behind step: JSONPath.Step, of node: Int) -> Int {
        if step == .every {
            if nodes[node].every < 0 { nodes[node].every = self.node() }
            return nodes[node].every
        }
        if let known = steps[node].first(where: { $0.step == step }) { return known.node }
        let made = self.node()
        steps[node].append((step, made))
        return made
    }

    func flattened() -> ([JSONSurveyPlan.Node], [JSONSurveyPlan.Edge], [UInt8]) {
        var nodes = nodes
        var edges: [JSONSurveyPlan.Edge] = []
        var text: [UInt8] = []
        for (number, steps) in steps.enumerated() {
            let first = edges.count
            for (step, node) in steps {
                let start = text.count
                var index = -1
                switch step {
                case .member(let name):
                    text += Array(name.utf8)
                    nodes[number].lengths |= 1 << UInt64(min(name.utf8.count, 63))
                case .item(let place): index = place
                case .every: continue
                }
                edges.append(
                    JSONSurveyPlan.Edge(name: start..<text.count, index: index, node: node))
            }
            nodes[number].edges = first..<edges.count
        }
        return (nodes, edges, text)
    }
}
