// Owns finding the route of a request.
// Called by the application when a request is admitted.
// Never changes what travels on: it matches a normalised copy of the path.

/// What the path of a request leads to.
public enum RouteMatch: Sendable, Equatable, BitwiseCopyable {
    case none
    /// Servers disagree about what this path means; `route` is what its normalised form would
    /// hit, or nil.
    case ambiguous(route: UInt32?)
    /// The index of the pattern, and the value of its `{x}` as a range of `scratch`, decoded.
    case route(UInt32, parameter: HeadRange?)
}

/// Compiled patterns; the first that matches wins.
public struct RouteTable: Sendable {
    public init(_ patterns: [RoutePattern]) {}

    /// - Parameters:
    ///   - path: without the query, as sent; empty means `/`.
    ///   - scratch: holds the decoded path afterwards where a parameter was found.
    public func match(
        _ method: RawSpan, _ path: RawSpan, scratch: inout ByteBuffer
    ) -> RouteMatch { .none }

    /// The earlier pattern that leaves nothing for pattern `index`, if there is one.
    public func shadowing(_ index: Int) -> Int? { nil }
}
