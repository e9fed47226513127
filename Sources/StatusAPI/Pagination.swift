// Owns the page envelope of every list: which page is asked for and what links to the others.
// Called by the list endpoints.
// Never fetches the items themselves.

import ProxyCore

/// Where a request came to, as its client sees it: what links in an answer are built on.
struct LinkBase: Sendable, Equatable {
    /// `http` or `https`.
    var scheme: String
    /// Host and port; nil from a client that named none (HTTP/1.0): links are paths then.
    var authority: String?
    /// The path as it was sent.
    var path: String
}

/// The page that a client asks for.
struct Pagination: Sendable, Equatable {
    let page: Int
    let size: Int

    var offset: Int { (page - 1) * size }

    /// Reads `page` and `per_page` (or `page_size`). A size above the configured most is cut to
    /// it, as Django REST framework does.
    /// - Throws: 400 where one of them is no whole number from 1.
    init(_ parameters: QueryParameters, settings: APISettings) throws(Problem) {
        page = try Self.number(parameters, "page") ?? 1
        let asked = try Self.number(parameters, "per_page")
        let alias = try Self.number(parameters, "page_size")
        size = min(asked ?? alias ?? settings.pageSize, settings.maximumPageSize)
    }

    private static func number(
        _ parameters: QueryParameters, _ name: String
    ) throws(Problem) -> Int? {
        guard let text = parameters[name] else { return nil }
        guard !text.isEmpty, text.utf8.allSatisfy({ $0 >= 48 && $0 <= 57 }) else {
            throw .badRequest("'\(name)' must be a whole number from 1.")
        }
        // Digits beyond any Int are a whole number all the same: past the end, and not malformed.
        let number = Int(text) ?? .max
        guard number >= 1 else { throw .badRequest("'\(name)' must be a whole number from 1.") }
        return min(number, APILimits.pageNumber)
    }

    /// - Throws: 404 where the page lies behind the last one. The first page always exists.
    func check(count: Int) throws(Problem) {
        let last = max(1, (count + size - 1) / size)
        guard page <= last else {
            // A number that was cut is not the one that was asked for.
            let asked = page < APILimits.pageNumber ? "page \(page)" : "such page"
            throw .notFound("There is no \(asked): the last one is \(last).")
        }
    }

    /// The addresses of the neighbours. Every parameter of the request stays, but for a token.
    func links(
        count: Int, base: LinkBase, parameters: QueryParameters
    ) -> (next: String?, previous: String?) {
        let next = page * size < count ? link(page + 1, base, parameters) : nil
        let previous = page > 1 ? link(page - 1, base, parameters) : nil
        return (next, previous)
    }

    private func link(_ number: Int, _ base: LinkBase, _ parameters: QueryParameters) -> String {
        var out = base.authority.map { "\(base.scheme)://\($0)\(base.path)" } ?? base.path
        out += "?page=\(number)&per_page=\(size)"
        for (name, value) in parameters.pairs
        where name != "page" && name != "per_page" && name != "page_size" && name != "token" {
            out += "&"
            PercentCoding.encode(name, into: &out)
            out += "="
            PercentCoding.encode(value, into: &out)
        }
        return out
    }
}
