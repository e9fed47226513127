// Owns the tree of routes while it is being built.
// Called by RouteTable.init.
// Never searched: it is flattened first.

/// A tree of segments with room to grow.
struct RouteTableDraft {
    private struct Node {
        var names: [[UInt8]: Int] = [:]
        var hole = 0
        var ends: [(route: UInt32, method: String)] = []
        var rests: [(route: UInt32, method: String)] = []
    }

    private var nodes: [Node] = [Node()]

    mutating func add(_ pattern: RoutePattern, _ route: UInt32, folds: Bool) {
        let ending = (route: route, method: pattern.method ?? "")
        var node = 0
        for segment in pattern.segments {
            switch segment {
            case .rest:
                nodes[node].rests.append(ending)
                return
            case .hole:
                if nodes[node].hole == 0 { nodes[node].hole = append() }
                node = nodes[node].hole
            case .literal(let exact):
                let name = folds ? exact.map(\.lowercasedASCII) : exact
                let next = nodes[node].names[name] ?? append()
                nodes[node].names[name] = next
                node = next
            }
        }
        nodes[node].ends.append(ending)
    }

    private mutating func append() -> Int {
        nodes.append(Node())
        return nodes.count - 1
    }

    func flattened() -> (
        nodes: [RouteTable.Node], edges: [RouteTable.Edge], endings: [RouteTable.Ending],
        text: [UInt8]
    ) {
        var flat: [RouteTable.Node] = []
        var edges: [RouteTable.Edge] = []
        var endings: [RouteTable.Ending] = []
        var text: [UInt8] = []
        func keep(_ bytes: [UInt8]) -> HeadRange {
            text.append(contentsOf: bytes)
            return HeadRange(text.count - bytes.count, text.count)
        }
        func keep(_ list: [(route: UInt32, method: String)]) -> Range<Int> {
            let first = endings.count
            for (route, method) in list {
                endings.append(
                    RouteTable.Ending(route: route, method: keep(Array(method.utf8))))
            }
            return first..<endings.count
        }
        for node in nodes {
            let names = node.names.sorted {
                RouteTable.order($0.key.rawSpan, $1.key.rawSpan) < 0
            }
            let first = edges.count
            for (name, child) in names {
                edges.append(RouteTable.Edge(name: keep(name), node: child))
            }
            flat.append(
                RouteTable.Node(
                    edges: first..<edges.count, hole: node.hole, ends: keep(node.ends),
                    rests: keep(node.rests)))
        }
        return (flat, edges, endings, text)
    }
}
