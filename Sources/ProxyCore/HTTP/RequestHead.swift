// Owns the parsed head of a request.
// Called by the downstream side of an exchange.
// Never holds the bytes themselves: it holds ranges of them.

/// The head of a request as ranges over the bytes that it was parsed from.
public struct RequestHead: ~Copyable {
    public init() {}
}
