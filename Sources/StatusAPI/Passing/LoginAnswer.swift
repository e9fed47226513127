// Owns what is read of a login's or a refresh's answer: who, by which token, until when.
// Called with the whole body, once the head has shown success.
// Never keeps a token in clear beyond the call.

import ProxyCore

/// What waits between the head and the body of an answer that issues a token.
struct Issuing {
    /// The request's token where it did not count: it may have expired a moment ago.
    var shown: [UInt8]?
    /// Out of the answer's head.
    var issued: HeadToken?
}

/// What an answer said.
struct LoginAnswer {
    /// The answer could not be read, and its head showed no token.
    enum Fault: Error { case unreadable, notJSON }

    var user: String?
    var name: String?
    /// The first token that is there, judged; nil: none, or none of use.
    var token: IssuedToken?
    /// A token was there.
    var hasToken = false
    /// When a token ends that does not say so itself.
    var expires: Milliseconds?

    /// - Parameter body: nil: too large, broken or content-coded.
    init(
        _ body: RawSpan?, head: HeadToken?, paths: LoginPaths, tokens: IssuedTokens,
        now: Milliseconds
    ) throws(Fault) {
        let root: JSONNode?
        do throws(Fault) {
            root = try Self.read(body)
        } catch {
            // A token in the head may say enough.
            guard head != nil else { throw error }
            root = nil
        }
        if let found = Self.token(root, head, paths.token) {
            hasToken = true
            token = tokens.judge(found.rawSpan, now: now)
        }
        guard let root else { return }
        user = Self.text(root, paths.user)
        name = Self.text(root, paths.name)
        for path in paths.expires where expires == nil {
            expires = path.first(in: root).flatMap { Self.end($0, now: now) }
        }
    }

    private static func read(_ body: RawSpan?) throws(Fault) -> JSONNode {
        guard let body else { throw .unreadable }
        do {
            return try JSONReader.read(body, maximumDepth: APILimits.loginDepth)
        } catch {
            throw .notJSON
        }
    }

    private static func token(
        _ root: JSONNode?, _ head: HeadToken?, _ sources: [TokenSource]
    ) -> [UInt8]? {
        for (index, source) in sources.enumerated() {
            switch source {
            case .header, .cookie: if let head, head.source == index { return head.token }
            case .path(let path):
                guard let text = root.flatMap({ path.first(in: $0)?.string }), !text.isEmpty
                else { continue }
                // Some answers name the scheme too: "Bearer eyJ…".
                return SchemeChoice.stripped(text.rawSpan)
            }
        }
        return nil
    }

    /// The first of the paths that leads to a text or a whole number.
    private static func text(_ root: JSONNode, _ paths: [JSONPath]) -> String? {
        for path in paths {
            if let text = path.first(in: root)?.identifier { return text }
        }
        return nil
    }

    /// Seconds below ten years are counted from now (`expires_in`, RFC 6749 §5.1), more since
    /// 1970; from 100,000,000,000 on they are milliseconds. Or a text as in RFC 3339. Nil:
    /// nothing of that kind.
    private static func end(_ node: JSONNode, now: Milliseconds) -> Milliseconds? {
        if let text = node.string, let time = Timestamp.parse(text.rawSpan) { return time }
        guard let number = node.double ?? node.string.flatMap(Double.init), number.isFinite
        else { return nil }
        let limit = Double(APILimits.claimTime)
        if number < 315_360_000 { return now + Milliseconds(max(number * 1000, -limit)) }
        let time = number < 100_000_000_000 ? number * 1000 : number
        return Milliseconds(min(time, Double(now) + limit))
    }
}
