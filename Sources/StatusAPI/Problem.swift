// Owns the answers that say no: RFC 9457 problem documents.
// Called by admission, the endpoints and whoever refuses.
// Never puts a token or a secret into a text.

public import ProxyCore

/// Why a request of ours is not answered as wished; becomes `application/problem+json`.
public enum Problem: Error, Sendable, Equatable {
    case badRequest(String)
    case unauthorized(String)
    case forbidden(String)
    case notFound(String)
    case methodNotAllowed(allow: String)
    case tooLarge(limit: Int)
    case upgradeRequired
    case tooMany(retryAfter: Milliseconds)
    case unavailable(String, retryAfter: Milliseconds?)

    /// Said to whoever has no token or one that does not count. The text is the same for every
    /// reason, so that it tells nothing about keys; the reason is counted in a metric.
    public static let anonymous = Problem.unauthorized(
        "This address needs a valid credential of a signed-in user.")

    /// Said where whoever could say whose a credential is cannot be asked.
    static let undecided = Problem.unavailable(
        "Whose credential this is cannot be found out at the moment.", retryAfter: 1_000)

    public var status: Int {
        switch self {
        case .badRequest: 400
        case .unauthorized: 401
        case .forbidden: 403
        case .notFound: 404
        case .methodNotAllowed: 405
        case .tooLarge: 413
        case .upgradeRequired: 426
        case .tooMany: 429
        case .unavailable: 503
        }
    }

    /// The reason phrase of the status: RFC 9457 §4.2.1 asks for it where `type` is about:blank.
    var title: StaticString {
        switch self {
        case .badRequest: "Bad Request"
        case .unauthorized: "Unauthorized"
        case .forbidden: "Forbidden"
        case .notFound: "Not Found"
        case .methodNotAllowed: "Method Not Allowed"
        case .tooLarge: "Content Too Large"
        case .upgradeRequired: "Upgrade Required"
        case .tooMany: "Too Many Requests"
        case .unavailable: "Service Unavailable"
        }
    }

    var detail: String {
        switch self {
        case .badRequest(let text), .unauthorized(let text), .forbidden(let text),
            .notFound(let text), .unavailable(let text, _):
            text
        case .methodNotAllowed(let allow): "This address answers \(allow)."
        case .tooLarge(let limit): "The body may have at most \(limit) bytes."
        case .upgradeRequired: "This address speaks WebSocket: ask with 'Upgrade: websocket'."
        case .tooMany(let wait): "Too many requests. Try again in \(Self.seconds(wait)) s."
        }
    }

    private var fields: [(name: StaticString, value: String)] {
        switch self {
        case .unauthorized: [("WWW-Authenticate", "Bearer")]
        case .methodNotAllowed(let allow): [("Allow", allow)]
        // RFC 9110 §15.5.22: 426 must name the protocol.
        case .upgradeRequired: [("Upgrade", "websocket"), ("Connection", "Upgrade")]
        case .tooMany(let wait): [("Retry-After", String(Self.seconds(wait)))]
        case .unavailable(_, let wait?): [("Retry-After", String(Self.seconds(wait)))]
        case .badRequest, .forbidden, .notFound, .tooLarge, .unavailable(_, nil):
            []
        }
    }

    /// Whole seconds, rounded up: `Retry-After` knows no fractions (RFC 9110 §10.2.3).
    private static func seconds(_ wait: Milliseconds) -> Int64 { max(1, (wait + 999) / 1000) }

    public var response: LocalResponse {
        var json = JSONWriter(capacity: 256)
        json.beginObject()
        json.key("type")
        json.string("about:blank")
        json.key("title")
        json.string("\(title)")
        json.key("status")
        json.integer(Int64(status))
        json.key("detail")
        json.string(detail)
        json.endObject()
        var all = fields
        all.append(("Cache-Control", "no-store"))
        return LocalResponse(
            status: status, contentType: "application/problem+json", fields: all,
            body: json.finish())
    }
}
