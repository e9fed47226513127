// Owns which route counts for a request, in every way in which its path can be read.
// Called by Router for every request, and by `sidecar routes`.
// Never answers a request.

public import ProxyCore

/// What a request's path leads to.
public enum RouteFate: Sendable, Equatable, BitwiseCopyable {
    case none
    /// The number of the pattern.
    case route(UInt32)
    /// Servers that compare paths without case find this route, which needs a credential.
    case folded(UInt32)
    /// Servers disagree about the path, and none of them finds a route that minds.
    case doubtful
    /// Servers disagree about the path, and some find this route, which must not be missed.
    case refused(UInt32)
    /// Servers disagree about the path in more ways than are worth trying.
    case tooDoubtful
}

/// The patterns under the prefix and then the configured ones, compiled.
public struct RouteLookup: Sendable {
    private let table: RouteTable
    /// The same patterns without case; nil: no route needs a credential.
    private let folded: RouteTable?
    /// Of each pattern.
    let rules: [Rule]
    /// How many patterns stand before the configured ones.
    public let ownCount: Int

    public init(prefix: String, routes: [PassingRoute]) throws(RoutePatternError) {
        let own = try OwnAddresses.patterns(under: prefix)
        let patterns = own.map(\.pattern) + routes.map(\.match)
        ownCount = own.count
        rules =
            own.map { $0.endpoint.map(Rule.serve) ?? .missing } + routes.map { Rule($0) }
        table = RouteTable(patterns)
        folded = routes.contains(where: \.require) ? RouteTable(patterns, folds: true) : nil
    }

    /// - Parameter scratch: holds anything afterwards.
    @inline(__always)
    public func find(
        _ method: RawSpan, _ path: RawSpan, scratch: inout ByteBuffer
    ) -> RouteFate {
        switch table.match(method, path, scratch: &scratch) {
        case .none:
            return gate(method, path, scratch: &scratch).map { .folded($0) } ?? .none
        case .route(let route, _):
            let rule = rules[Int(route)]
            if folded != nil, rule.kind == .forward, !rule.requires,
                let gate = gate(method, path, scratch: &scratch)
            {
                return .folded(gate)
            }
            return .route(route)
        case .ambiguous:
            return doubtful(method, path, scratch: &scratch)
        }
    }

    /// The user that the path names: where it stands in `scratch` then.
    public func parameter(
        _ method: RawSpan, _ path: RawSpan, scratch: inout ByteBuffer
    ) -> HeadRange? {
        guard case .route(_, let range?) = table.match(method, path, scratch: &scratch) else {
            return nil
        }
        return range
    }

    /// The route that the path leads to without case, if it needs a credential: many servers
    /// (Express, IIS) would run it.
    private func gate(
        _ method: RawSpan, _ path: RawSpan, scratch: inout ByteBuffer
    ) -> UInt32? {
        guard let folded, case .route(let route, _) = folded.match(method, path, scratch: &scratch),
            rules[Int(route)].requires
        else { return nil }
        return route
    }

    /// What another server might take for a route of ours is no path to guess about.
    @inline(never)
    private func doubtful(
        _ method: RawSpan, _ path: RawSpan, scratch: inout ByteBuffer
    ) -> RouteFate {
        guard RouteTable.canReadAll(path) else { return .tooDoubtful }
        let strict =
            table.anyReading(method, path, scratch: &scratch) { rules[Int($0)].isStrict }
            ?? folded?.anyReading(method, path, scratch: &scratch) { rules[Int($0)].requires }
        return strict.map { .refused($0) } ?? .doubtful
    }
}
