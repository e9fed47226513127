// Owns which of the application's logins the dashboard can use.
// Called by WebFiles when the service is made.
// Never signs anybody in: the dashboard does, through the proxy, as any page would.

public import ProxyCore

/// A login route of the application at a fixed address.
struct DashboardLogin: Equatable {
    /// As it is written in the configuration.
    let path: String
    /// Where the answer may show the token, in the configuration's words and order: `$.access`,
    /// `header:X-Token`, `cookie:session`.
    let tokens: [String]
    /// Which members of its JSON the login reads; nil: nothing is said.
    let credentials: LoginCredentials?

    /// The first login that takes a POST and whose path has no holes.
    init?(_ routes: [PassingRoute]) {
        for route in routes {
            guard case .login(let paths) = route.effect else { continue }
            guard route.match.canBeLoginOfDashboard, let path = route.match.literalPath else {
                continue
            }
            self.path = path
            tokens = paths.token.map(\.text)
            credentials = paths.credentials
            return
        }
        return nil
    }
}

extension RoutePattern {
    /// Whether the dashboard could sign people in there: by POST, at an address that is fixed.
    public var canBeLoginOfDashboard: Bool {
        (method == nil || method == "POST") && literalPath != nil
    }

    /// The path as it was written; nil where it has holes.
    fileprivate var literalPath: String? {
        let words = text.split(separator: " ", omittingEmptySubsequences: true)
        guard words.count == 2, !words[1].contains("{"), !words[1].contains("*") else { return nil }
        return String(words[1])
    }
}
