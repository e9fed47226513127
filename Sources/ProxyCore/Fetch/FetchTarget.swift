// Owns the address of what is fetched: a URL, taken apart once.
// Called by whoever configures something to be fetched.
// Never resolves a name.

/// Why a text is no address to fetch from.
public struct FetchURLError: Error, Equatable, Sendable, CustomStringConvertible {
    public let description: String
}

/// `http://host:port/path`, `https://…` or `unix:/path`.
public struct FetchTarget: Sendable, Equatable {
    public let text: String

    public init(_ url: String) throws(FetchURLError) {
        guard url.utf8.contains(0x3A) else { throw FetchURLError(description: "is no URL") }
        text = url
    }
}
