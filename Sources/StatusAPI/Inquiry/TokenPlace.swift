// Owns the places where a client may show its token.
// Called by whoever reads tokens, and by those who show them to a server.
// Never holds a token.

/// One place of a request.
public enum TokenPlace: Sendable, Equatable {
    case header(name: String, scheme: String?)
    case cookie(String)
    case query(String)
}
