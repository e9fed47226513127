// Owns the notation of a route: a method and a path with holes.
// Called by the config reader; compiled into a RouteTable.
// Never sees a request.

/// Why a pattern cannot be used.
public struct RoutePatternError: Error, Sendable, Equatable {
    public let reason: String
}

/// `GET /a/{id}/b/`, `* /static/**`: `{x}` is one segment, `**` the rest.
public struct RoutePattern: Sendable, Equatable {
    public let text: String

    public init(_ text: String) throws(RoutePatternError) {
        self.text = text
    }
}
