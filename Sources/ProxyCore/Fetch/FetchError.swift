// Owns what can go wrong when a server is asked something, in exact words.
// Called by Fetch; read by logs, findings and people.
// Never carries a byte of a request's secrets.

/// What a request was at when its time was up.
public enum FetchPhase: String, Sendable {
    case resolving = "resolving the name"
    case connecting = "connecting"
    case handshake = "in the TLS handshake"
    case sending = "sending the request"
    case waiting = "waiting for the answer"
    case reading = "reading the answer"
}

/// Why there is no answer.
public enum FetchError: Error, Equatable, Sendable, CustomStringConvertible {
    case unresolved(ResolveError)
    /// The last of the addresses that were tried.
    case unreachable(SystemError)
    case timedOut(FetchPhase, after: Milliseconds)
    case tls(TLSError)
    case broken(SystemError)
    /// The server ended the connection before the answer was whole.
    case brokenOff
    /// The server ended the connection and said nothing.
    case unanswered
    case noHTTP(RefusalReason)
    case badBody(RefusalReason)
    /// An answer that no client asked for: a switch of protocols, interim answers without end.
    case unexpected(status: Int)
    case tooLarge(limit: Int)
    /// The head of the answer, by its bytes or its fields.
    case hugeHead
    /// A content coding, which was not asked for.
    case encoded(String)
    case redirected(to: String, reason: String)
    /// A field or a path of the request that would make two requests of one.
    case malformedRequest(String)
    /// Another thread has ended it.
    case interrupted

    public var description: String {
        switch self {
        case .unresolved(let error): "\(error)"
        case .unreachable(let error): "\(error)"
        case .timedOut(let phase, let time): "gave up after \(time) ms, \(phase.rawValue)"
        case .tls(let error): "\(error)"
        case .broken(let error): "the connection broke: \(error)"
        case .brokenOff: "the answer broke off"
        case .unanswered: "the server closed the connection without an answer"
        case .noHTTP(let reason): "no HTTP answer: \(reason.rawValue)"
        case .badBody(let reason): "the answer's body is malformed: \(reason.rawValue)"
        case .unexpected(let status): "an answer that nobody asked for (\(status))"
        case .tooLarge(let limit): "the answer is larger than \(limit) bytes"
        case .hugeHead:
            "the head of the answer has more than \(Limits.fetchHead) bytes or"
                + " \(Limits.maximumFields) fields"
        case .encoded(let coding): "the answer is compressed (\(coding))"
        case .redirected(let place, let reason): "redirected to \(place): \(reason)"
        case .malformedRequest(let what): "\(what) cannot stand in a request"
        case .interrupted: "broken off by the end of the program"
        }
    }

    static func ended(_ end: PatienceEnd, _ phase: FetchPhase, _ time: Milliseconds) -> FetchError {
        switch end {
        case .timedOut: .timedOut(phase, after: time)
        case .interrupted: .interrupted
        }
    }
}

/// What a server answered.
public struct FetchAnswer: Sendable {
    /// 200...599.
    public let status: Int
    public let body: [UInt8]
    /// In the order in which they came.
    public let fields: [(name: String, value: String)]

    /// The value of the first field of this name, whatever its case.
    public func field(_ name: String) -> String? {
        let wanted = name.utf8.map(\.lowercasedASCII)
        return fields.first { $0.name.utf8.map(\.lowercasedASCII) == wanted }?.value
    }

    public var isSuccess: Bool { (200..<300).contains(status) }

    /// The body as JSON; nil where it is none.
    public var json: JSONNode? {
        do throws(JSONError) { return try JSONReader.read(body.rawSpan) } catch { return nil }
    }
}
