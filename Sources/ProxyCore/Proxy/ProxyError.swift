// Owns what can go wrong with an exchange, and what each fault looks like from outside.
// Called wherever an exchange fails; status, log line and metric all come from here.
// Never carries bytes of a request.

/// A fault of an exchange.
public enum ProxyError: Error, Equatable, Sendable {
    /// The backend did not accept a connection.
    case connect(SystemError)
    case connectTimeout
    /// Every permitted connection to the backend was in use for the whole response timeout (or,
    /// where its body is still coming, the body timeout).
    case noConnection
    /// The backend closed or reset the connection before a response.
    case upstreamClosed
    /// What the backend sent is not an HTTP response that can be passed on.
    case badResponse(Refusal)
    /// The backend sent more interim responses than `Limits.interimResponses`.
    case interimFlood
    /// A 101 that nobody asked for, or that does not match what was asked.
    case badUpgrade
    case responseTimeout
    /// The backend ended in the middle of a response.
    case truncated
    /// The client's body is not what its framing says.
    case badBody(Refusal)
    case bodyTimeout
    case bodyTooSlow
    case bodyTooLarge
    case clientGone
    /// This process is out of a bounded resource.
    case overloaded

    /// What the client is told, where it still can be.
    public var status: Int {
        switch self {
        case .connect, .upstreamClosed, .badResponse, .interimFlood, .badUpgrade, .truncated: 502
        case .connectTimeout, .responseTimeout: 504
        case .noConnection, .overloaded: 503
        case .badBody(let refusal): refusal.status
        case .bodyTimeout, .bodyTooSlow: 408
        case .bodyTooLarge: 413
        case .clientGone: 499
        }
    }

    /// For the client: no address or name of a backend.
    public var detail: String {
        switch self {
        case .connect: "The application does not accept connections."
        case .connectTimeout: "The application did not accept a connection in time."
        case .noConnection: "Every connection to the application is in use."
        case .upstreamClosed: "The application closed the connection without an answer."
        case .badResponse, .interimFlood, .badUpgrade:
            "The application's answer is not valid HTTP."
        case .truncated: "The application's answer ended early."
        case .responseTimeout: "The application did not answer in time."
        case .badBody: "The request body is malformed."
        case .bodyTimeout, .bodyTooSlow: "The request body did not arrive in time."
        case .bodyTooLarge: "The request body is too large."
        case .clientGone: "The client closed the connection."
        case .overloaded: "Too many requests are under way."
        }
    }

    /// For the log: the cause.
    public var cause: String {
        switch self {
        case .connect(let error): "\(error)"
        case .badResponse(let refusal): "bad response: \(refusal.reason.rawValue)"
        case .badBody(let refusal): "bad body: \(refusal.reason.rawValue)"
        case .truncated: "truncated"
        default: detail
        }
    }

    /// Whether the backend, and not the client or this process, is at fault.
    public var blamesUpstream: Bool {
        switch self {
        case .connect, .connectTimeout, .upstreamClosed, .badResponse, .interimFlood, .badUpgrade,
            .responseTimeout, .truncated:
            true
        case .noConnection, .badBody, .bodyTimeout, .bodyTooSlow, .bodyTooLarge, .clientGone,
            .overloaded:
            false
        }
    }

    /// The answer that takes the place of the backend's: `application/problem+json` (RFC 9457).
    public func response() -> LocalResponse {
        LocalResponse.problem(status: status, detail: detail)
    }
}

extension LocalResponse {
    /// A short problem document (RFC 9457).
    public static func problem(
        status: Int, detail: String, fields: [(name: StaticString, value: String)] = []
    ) -> LocalResponse {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("type")
        writer.string("about:blank")
        writer.key("title")
        writer.string(StatusText.of(status).description)
        writer.key("status")
        writer.integer(Int64(status))
        writer.key("detail")
        writer.string(detail)
        writer.endObject()
        return LocalResponse(
            status: status, contentType: "application/problem+json", fields: fields,
            body: writer.finish())
    }
}
