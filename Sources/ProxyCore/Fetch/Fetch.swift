// Owns asking one server something and waiting for the whole answer, within one deadline.
// Called by threads of their own: fetching keys, introspection, `users`, the demo's people.
// Never runs on a loop, never follows a redirect to another server.

/// A blocking HTTP/1.1 client of one server. One thread at a time.
public final class Fetch {
    public struct Settings: Sendable {
        /// PEM certificates that are believed instead of the system's; nil: the system's.
        public var caFile: String?
        /// For a request with everything that it takes, from the name to the last byte.
        public var timeout: Milliseconds
        /// Bytes of an answer's body.
        public var limit: Int
        /// Redirects to the same server that a GET or HEAD follows; with 0 they are answers.
        public var redirects = 0
        /// Keeps the connection for the next request.
        public var keepsConnection = false
        /// No request changes anything, not even a POST: each may be sent again where the server
        /// has closed the kept connection meanwhile (RFC 9112 §9.3.1).
        public var onlyAsks = false

        public init(
            caFile: String? = nil, timeout: Milliseconds = 5_000, limit: Int = 256 * 1024
        ) {
            self.caFile = caFile
            self.timeout = timeout
            self.limit = limit
        }
    }

    public let target: FetchTarget
    private let settings: Settings
    private let interruption: Interruption?
    private var kept: FetchLine?
    private var trust: (value: TLSTrust, madeAt: Milliseconds)?
    /// A look-up that outlasted an earlier request: never two at a time.
    private var lookup: NameLookup?

    /// How long certificates that were read count: a renewed file needs no restart.
    private static let trustTime: Milliseconds = 600_000

    /// - Parameter interruption: ends a request under way, and every later one, at once.
    public init(
        _ target: FetchTarget, _ settings: Settings = Settings(),
        interruption: Interruption? = nil
    ) {
        self.target = target
        self.settings = settings
        self.interruption = interruption
    }

    /// Sends a request and waits for the whole answer.
    /// - Parameters:
    ///   - path: with a query; nil: the target's.
    ///   - fields: a `Host` among them takes the place of the target's.
    ///   - body: framed by its length; none for GET and HEAD where empty.
    public func send(
        _ method: String, path: String? = nil, fields: [(String, String)] = [], body: [UInt8] = []
    ) throws(FetchError) -> FetchAnswer {
        let patience = Patience(settings.timeout, unless: interruption)
        var place = path.map { target.with(path: $0) } ?? target
        var redirects = 0
        while true {
            let request = FetchRequest(method: method, target: place, fields: fields, body: body)
            let answer = try exchange(request, patience)
            guard settings.redirects > 0, request.followsRedirects,
                [301, 302, 303, 307, 308].contains(answer.status),
                let location = answer.field("location")
            else { return answer }
            place = try follow(location, from: place)
            redirects += 1
            guard redirects <= settings.redirects else {
                throw .redirected(to: place.text, reason: "more than \(settings.redirects) times")
            }
        }
    }

    private func follow(
        _ location: String, from place: FetchTarget
    ) throws(FetchError) -> FetchTarget {
        let next: FetchTarget
        do throws(FetchURLError) {
            next = try place.following(location)
        } catch {
            throw .redirected(to: Self.shown(location), reason: "which \(error.reason)")
        }
        guard next.isSameOrigin(as: target) else {
            throw .redirected(to: next.text, reason: "another server is not asked")
        }
        return next
    }

    /// What a server sent, fit for a log.
    private static func shown(_ text: String) -> String {
        let visible = text.utf8.prefix(200).map { $0 > 0x20 && $0 < 0x7f ? $0 : 0x3f }
        return String(decoding: visible, as: UTF8.self)
    }

    // MARK: One exchange

    private func exchange(
        _ request: FetchRequest, _ patience: Patience
    ) throws(FetchError) -> FetchAnswer {
        let bytes = try request.bytes()
        if let line = kept {
            kept = nil
            // Whatever it has to say before it is asked, it cannot be asked any more.
            if !line.stream.hasInput {
                do throws(FetchError) {
                    return try ask(line, bytes, request, patience)
                } catch {
                    guard request.isRepeatable || settings.onlyAsks, Self.isStale(error) else {
                        throw error
                    }
                }
            }
        }
        let line = try open(patience)
        return try ask(line, bytes, request, patience)
    }

    /// Whether a kept connection was closed before the request could be answered.
    private static func isStale(_ error: FetchError) -> Bool {
        switch error {
        case .unanswered, .broken: true
        case .tls(.broken): true
        case .unresolved, .unreachable, .timedOut, .tls, .brokenOff, .noHTTP, .badBody,
            .unexpected, .tooLarge, .hugeHead, .encoded, .redirected, .malformedRequest,
            .interrupted:
            false
        }
    }

    private func ask(
        _ line: FetchLine, _ bytes: [UInt8], _ request: FetchRequest, _ patience: Patience
    ) throws(FetchError) -> FetchAnswer {
        var out = ByteBuffer(capacity: bytes.count)
        out.append(bytes)
        try line.write(out, patience)
        var reader = AnswerReader(method: request.method, limit: settings.limit)
        let answer = try reader.read(from: line, patience)
        if settings.keepsConnection, reader.leavesConnection { kept = line }
        return answer
    }

    // MARK: Connecting

    private func open(_ patience: Patience) throws(FetchError) -> FetchLine {
        let trust = target.isSecure ? try believed() : nil
        return try FetchLine(
            to: target, try addresses(patience), trust: trust, time: settings.timeout, patience)
    }

    private func believed() throws(FetchError) -> TLSTrust {
        let now = Clock.monotonic()
        if let trust, now - trust.madeAt < Self.trustTime { return trust.value }
        do throws(TLSError) {
            let made = try TLSTrust(caFile: settings.caFile)
            trust = (made, now)
            return made
        } catch {
            throw .tls(error)
        }
    }

    private func addresses(_ patience: Patience) throws(FetchError) -> [SocketAddress] {
        let known =
            target.scheme == .unix
            ? SocketAddress(unixPath: target.host)
            : SocketAddress(numeric: target.host, port: target.port)
        if let known { return [known] }
        do throws(SystemError) {
            if lookup == nil {
                lookup = try NameLookup.start(host: target.host, port: target.port)
            }
        } catch {
            throw .unreachable(error)
        }
        guard let lookup else { return [] }
        let outcome: Result<[SocketAddress], ResolveError>
        do throws(PatienceEnd) {
            outcome = try lookup.addresses(patience)
        } catch {
            throw .ended(error, .resolving, settings.timeout)
        }
        // The next request resolves anew: an address may change.
        self.lookup = nil
        switch outcome {
        case .success(let addresses): return addresses
        case .failure(let error): throw .unresolved(error)
        }
    }
}
