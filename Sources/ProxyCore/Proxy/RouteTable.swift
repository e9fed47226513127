// Owns finding the route of a request.
// Called by the application when a request is admitted.
// Never changes what travels on: it matches a normalised copy of the path.

/// What the path of a request leads to.
public enum RouteMatch: Sendable, Equatable, BitwiseCopyable {
    case none
    /// Servers disagree about what this path means; `route` is what its normalised form would
    /// hit, or nil.
    case ambiguous(route: UInt32?)
    /// The index of the pattern, and the value of its `{id}` (else of its first `{x}`) as a range
    /// of `scratch`, decoded.
    case route(UInt32, parameter: HeadRange?)
}

/// Compiled patterns; the first that matches wins.
///
/// A tree of segments: a request costs the length of its path, not the number of routes. All of
/// it lies in four flat arrays, so that no reference is counted on the way.
public struct RouteTable: Sendable {
    struct Node: Sendable {
        var edges: Range<Int> = 0..<0
        /// The child of `{x}`, or 0.
        var hole = 0
        /// Routes that end here, and those whose `**` begins here, in order.
        var ends: Range<Int> = 0..<0
        var rests: Range<Int> = 0..<0
    }

    struct Edge: Sendable, BitwiseCopyable {
        let name: HeadRange
        let node: Int
    }

    struct Ending: Sendable, BitwiseCopyable {
        let route: UInt32
        /// Empty: any.
        let method: HeadRange
    }

    private let patterns: [RoutePattern]
    private let parameters: [Int?]
    private let nodes: [Node]
    /// Those of one node stand together, sorted by length and bytes.
    private let edges: [Edge]
    private let endings: [Ending]
    /// What the ranges of names and methods refer to.
    private let text: [UInt8]
    /// Whether ASCII letters are compared without their case.
    private let folds: Bool

    public var count: Int { patterns.count }

    /// - Parameter folds: ASCII letters of paths match without their case.
    public init(_ patterns: [RoutePattern], folds: Bool = false) {
        self.patterns = patterns
        self.folds = folds
        parameters = patterns.map(\.parameter)
        var draft = RouteTableDraft()
        for (route, pattern) in patterns.enumerated() {
            draft.add(pattern, UInt32(route), folds: folds)
        }
        (nodes, edges, endings, text) = draft.flattened()
    }

    /// - Parameters:
    ///   - path: without the query, as sent; empty means `/`.
    ///   - scratch: holds the decoded path afterwards where a parameter was found.
    public func match(
        _ method: RawSpan, _ path: RawSpan, scratch: inout ByteBuffer
    ) -> RouteMatch {
        guard path.byteCount == 0 || path[at: 0] == 0x2f else { return .none }
        if !folds, RoutePath.isPlain(path) {
            guard let route = search(method, path) else { return .none }
            guard let segment = parameters[Int(route)] else {
                return .route(route, parameter: nil)
            }
            scratch.removeAll()
            scratch.append(path)
            return .route(route, parameter: Self.range(of: segment, in: path))
        }
        let isAmbiguous = RoutePath.write(
            path, as: folds ? [.normal, .folds] : .normal, into: &scratch)
        let route = search(method, scratch.bytes)
        if isAmbiguous { return .ambiguous(route: route) }
        guard let route else { return .none }
        return .route(
            route,
            parameter: parameters[Int(route)].map { Self.range(of: $0, in: scratch.bytes) })
    }

    /// Whether a path is short enough, for the doubts it leaves, to be read in all ways: each
    /// doubt doubles them.
    public static func canReadAll(_ path: RawSpan) -> Bool {
        let doubts = PathReading.doubts(in: path).rawValue.nonzeroBitCount
        return path.byteCount << doubts <= Limits.readingBytes
    }

    /// The first wanted route that a path in doubt leads to in one of its readings: as it stands,
    /// decoded, resolved and so on.
    /// - Parameter scratch: holds anything afterwards.
    public func anyReading(
        _ method: RawSpan, _ path: RawSpan, scratch: inout ByteBuffer,
        _ isWanted: (UInt32) -> Bool
    ) -> UInt32? {
        guard path.byteCount == 0 || path[at: 0] == 0x2f else { return nil }
        var found: UInt32?
        _ = PathReading.doubts(in: path).anyMixture { reading in
            let reading = folds ? reading.union(.folds) : reading
            RoutePath.write(path, as: reading, into: &scratch)
            found = search(method, scratch.bytes).flatMap { isWanted($0) ? $0 : nil }
            return found != nil
        }
        return found
    }

    /// The earlier pattern that leaves nothing for pattern `index`, if there is one.
    public func shadowing(_ index: Int) -> Int? {
        patterns[..<index].firstIndex { $0.covers(patterns[index]) }
    }

    // MARK: Searching

    private func search(_ method: RawSpan, _ path: RawSpan) -> UInt32? {
        var best = UInt32.max
        walk(0, method, path, 1, &best)
        return best == .max ? nil : best
    }

    /// Visits every node that the path reaches; as deep as the longest pattern at most.
    /// - Parameter start: where the next segment begins; behind the end: there is none.
    private func walk(
        _ node: Int, _ method: RawSpan, _ path: RawSpan, _ start: Int, _ best: inout UInt32
    ) {
        take(nodes[node].rests, method, &best)
        guard start < path.byteCount else { return take(nodes[node].ends, method, &best) }
        let end = path.firstNear(0x2f, from: start, before: path.byteCount)
        let segment = path.extracting(start..<end)
        if let child = child(of: node, segment) { walk(child, method, path, end + 1, &best) }
        let hole = nodes[node].hole
        if hole != 0, !segment.isEmpty { walk(hole, method, path, end + 1, &best) }
    }

    /// By bisection.
    private func child(of node: Int, _ segment: RawSpan) -> Int? {
        var low = nodes[node].edges.lowerBound
        var high = nodes[node].edges.upperBound
        while low < high {
            let middle = (low + high) / 2
            let order = Self.order(text.rawSpan[edges[middle].name], segment)
            if order == 0 { return edges[middle].node }
            if order < 0 { low = middle + 1 } else { high = middle }
        }
        return nil
    }

    /// By length first: most comparisons end there.
    static func order(_ left: RawSpan, _ right: RawSpan) -> Int {
        if left.byteCount != right.byteCount { return left.byteCount - right.byteCount }
        for index in 0..<left.byteCount {
            let difference = Int(left[unchecked: index]) - Int(right[unchecked: index])
            if difference != 0 { return difference }
        }
        return 0
    }

    /// The first of these that serves the method, if it is the best so far.
    private func take(_ range: Range<Int>, _ method: RawSpan, _ best: inout UInt32) {
        for index in range where endings[index].route < best {
            let wanted = text.rawSpan[endings[index].method]
            if wanted.isEmpty || wanted.equals(method)
                || (wanted.equals("GET") && method.equals("HEAD"))
            {
                best = endings[index].route
                return
            }
        }
    }

    /// Where segment `index` of a normal path stands.
    private static func range(of index: Int, in path: RawSpan) -> HeadRange {
        var start = 1
        var left = index
        while true {
            let end = path.firstNear(0x2f, from: start, before: path.byteCount)
            if left == 0 { return HeadRange(start, end) }
            left -= 1
            start = end + 1
        }
    }
}
