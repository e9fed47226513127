// Owns a loop that is no loop: a host that records, a clock that is turned by hand.
// Called by every test of this target.
// Never opens a socket, never sleeps.

import Presence
import ProxyCore
import XCTest

@testable import StatusAPI

/// Records what the application asks of its loop.
final class FakeHost: ApplicationHost {
    let mailbox: Mailbox
    var answers: [ExchangeID: LocalResponse] = [:]
    var released: [ExchangeID] = []
    var frames: [SocketID: [[UInt8]]] = [:]
    var closes: [SocketID: UInt16] = [:]
    var resumed: [ConnectionID] = []
    /// Sockets that can take nothing more.
    var slow: Set<SocketID> = []
    /// Sockets whose connection breaks when anything is sent, and who hears of it at once.
    var broken: Set<SocketID> = []
    var onBreak: (SocketID) -> Void = { _ in }

    init() throws { mailbox = try Mailbox() }

    func answer(_ id: ExchangeID, with response: LocalResponse) { answers[id] = response }
    func resume(_ connection: ConnectionID) { resumed.append(connection) }
    func release(_ id: ExchangeID) { released.append(id) }

    func send(_ socket: SocketID, frames bytes: RawSpan) -> Bool {
        guard !slow.contains(socket), closes[socket] == nil else { return false }
        if broken.remove(socket) != nil {
            onBreak(socket)
            return false
        }
        frames[socket, default: []].append(bytes.array())
        return true
    }

    func close(_ socket: SocketID, code: UInt16, reason: String) {
        if closes[socket] == nil { closes[socket] = code }
    }
}

/// Keeps facts when it is told to.
final class FakeSink: FactSink {
    private let waiting = Lock<[(Fact, @Sendable (Bool) -> Void)]>([])

    func commit(_ fact: Fact, then: @escaping @Sendable (Bool) -> Void) {
        waiting.withLock { $0.append((fact, then)) }
    }

    var facts: [Fact] { waiting.withLock { $0.map(\.0) } }

    func finish(_ kept: Bool = true) {
        let all = waiting.withLock { waiting in
            let taken = waiting
            waiting = []
            return taken
        }
        for (_, then) in all { then(kept) }
    }
}

/// What a request led to.
enum Outcome {
    case forwarded(Ticket, watch: Watch)
    case waits
    case answered(LocalResponse)
    case later(ExchangeID)
    case webSocket(Ticket, fields: [(name: StaticString, value: String)])
    case stream(Ticket, LocalResponse)

    var response: LocalResponse? {
        if case .answered(let response) = self { return response }
        return nil
    }
    var status: Int? { response?.status }

    /// Whose answer comes later.
    var later: ExchangeID? {
        if case .later(let id) = self { return id }
        return nil
    }
}

final class Harness {
    static let secret = Array("a secret that is long enough for HS256".utf8)
    static let start: Milliseconds = 1_790_000_000_000

    var now = Harness.start
    let host: FakeHost
    let sink: FakeSink?
    let engine: PresenceEngine
    let service: PresenceService
    let app: PresenceApplication
    private var generation: UInt32 = 0

    init(
        _ settings: APISettings? = nil, presence: PresenceSettings? = nil,
        sink: FakeSink? = nil, probes: HealthProbes = HealthProbes(),
        restored: RestoredState? = nil, capacity: PresenceCapacity = PresenceCapacity(),
        introspection: IntrospectionSettings? = nil, history: (any HistoryKeeper)? = nil,
        tokens change: (inout TokenSettings) throws -> Void = { _ in }
    ) throws {
        let host = try FakeHost()
        // Long started: nobody is presumed present.
        let rules = presence ?? PresenceSettings(startedAt: Self.start - 10_000_000)
        let engine = PresenceEngine(
            settings: rules, restored: restored, epoch: 7, sink: sink, capacity: capacity)
        var tokens = TokenSettings(ring: try KeyRing([TokenKey(.hs256, secret: Self.secret)]))
        try change(&tokens)
        var chosen = APISettings()
        chosen.rateLimit = nil
        if let settings { chosen = settings }
        let service = try PresenceService(
            settings: chosen, engine: engine, tokens: tokens,
            lists: try ListDesk(engine), history: history,
            desk: try introspection.map { try InquiryDesk($0, engine: engine) }, probes: probes)
        self.host = host
        self.sink = sink
        self.engine = engine
        self.service = service
        app = service.application(for: host)
    }

    /// The defaults without a rate limit, which has tests of its own.
    static func settings(_ change: (inout APISettings) throws -> Void) throws -> APISettings {
        var settings = APISettings()
        settings.rateLimit = nil
        try change(&settings)
        return settings
    }

    func token(
        _ user: String, name: String? = nil, admin: Bool = false, session: String? = nil,
        lifetime: Milliseconds = 3_600_000, secret: [UInt8] = Harness.secret
    ) throws -> String {
        let signer = TokenSigner(try TokenKey(.hs256, secret: secret))
        return try signer.mint(
            .init(user: user, name: name, isAdmin: admin, session: session), now: now,
            lifetime: lifetime)
    }

    func exchange() -> ExchangeID {
        generation += 1
        return ExchangeID(slot: 1, generation: generation)
    }

    /// One request from its head to what became of it.
    func send(
        _ method: String, _ target: String, token: String? = nil,
        fields: [(String, String)] = [], body: String = "", trusted: Bool = false,
        host name: String? = "example.org", client: ClientAddress = .local,
        hasWaited: Bool = false, id: ExchangeID? = nil
    ) -> Outcome {
        var text = "\(method) \(target) HTTP/1.1\r\n"
        if let name { text += "Host: \(name)\r\n" }
        if let token { text += "Authorization: Bearer \(token)\r\n" }
        for (field, value) in fields { text += "\(field): \(value)\r\n" }
        if !body.isEmpty { text += "Content-Length: \(body.utf8.count)\r\n" }
        let bytes = Array((text + "\r\n").utf8)
        var head = RequestHead()
        let outcome = head.parse(bytes.rawSpan, limits: HeadLimits(), trustedPeer: trusted)
        XCTAssertEqual(outcome, .complete, "\(method) \(target)")
        generation += 1
        let arrival = Arrival(
            connection: ConnectionID(slot: 1, generation: generation),
            from: ForwardedFields(peer: client, trusted: trusted, secure: false),
            hasWaited: hasWaited)
        switch app.admit(head, bytes.rawSpan, arrival: arrival, now: now) {
        case .wait: return .waits
        case .forward(let ticket, let watch): return .forwarded(ticket, watch: watch)
        case .refuse(let response): return .answered(response)
        case .serve(let ticket, let limit):
            XCTAssertLessThanOrEqual(body.utf8.count, limit)
            let id = id ?? exchange()
            let payload = Array(body.utf8)
            let service = app.serve(
                id, ticket, head, bytes.rawSpan, body: payload.rawSpan, arrival: arrival, now: now)
            switch service {
            case .answer(let response): return .answered(response)
            case .later, .parked: return .later(id)
            case .stream(let response, _): return .stream(ticket, response)
            case .webSocket(let fields): return .webSocket(ticket, fields: fields)
            }
        }
    }

    /// A forwarded request and its answer's head.
    @discardableResult
    func forward(
        _ method: String, _ target: String, token: String? = nil, status: Int = 200,
        byUpstream: Bool = true, fields: [(String, String)] = [], id: ExchangeID? = nil
    ) -> Passage? {
        let outcome = send(method, target, token: token, fields: fields)
        guard case .forwarded(var ticket, _) = outcome else { return nil }
        let label = Array("\(method) \(target)".utf8)
        return app.sight(
            id ?? exchange(), &ticket, status: status, byUpstream: byUpstream,
            request: label.rawSpan, now: now)
    }

    func turn() { _ = app.turn(now: now) }

    func pass(_ time: Milliseconds) {
        now += time
        engine.sweep(now: now)
        turn()
    }

    func status(_ user: String) -> Status { engine.view(user: user, now: now).status }
    func total(_ counter: Counter) -> Int64 { service.metrics.total(counter) }

    // MARK: Sockets

    static let handshake = [
        ("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ]

    func connect(
        _ token: String? = nil, _ target: String = "/_presence/ws", turning: Bool = true,
        fields: [(String, String)] = [], file: StaticString = #filePath, line: UInt = #line
    ) throws -> SocketID {
        let outcome = send("GET", target, token: token, fields: Self.handshake + fields)
        guard case .webSocket(let ticket, _) = outcome else {
            XCTFail("no socket: \(outcome)", file: file, line: line)
            throw Problem.upgradeRequired
        }
        generation += 1
        let socket = SocketID(slot: Int32(generation), generation: generation)
        app.socketOpened(socket, ticket, now: now)
        if turning { turn() }
        return socket
    }

    /// Opens an event stream.
    func follow(
        _ token: String, _ target: String = "/_presence/events", turning: Bool = true,
        fields: [(String, String)] = [], file: StaticString = #filePath, line: UInt = #line
    ) throws -> SocketID {
        let outcome = send("GET", target, token: token, fields: fields)
        guard case .stream(let ticket, let response) = outcome else {
            XCTFail("no stream: \(outcome)", file: file, line: line)
            throw Problem.upgradeRequired
        }
        XCTAssertEqual(response.type, "text/event-stream")
        generation += 1
        let stream = SocketID(slot: Int32(generation), generation: generation)
        app.socketOpened(stream, ticket, now: now)
        if turning { turn() }
        return stream
    }

    /// The events since the last call, each with its id.
    func events(_ stream: SocketID) throws -> [(id: String, data: JSONNode)] {
        try (host.frames.removeValue(forKey: stream) ?? []).map { bytes in
            let text = String(decoding: bytes, as: UTF8.self)
            XCTAssertTrue(text.hasSuffix("\n\n"), text)
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            XCTAssertEqual(lines.count, 4, text)
            XCTAssertTrue(lines[0].hasPrefix("id: ") && lines[1].hasPrefix("data: "), text)
            let data = Array(lines[1].dropFirst(6).utf8)
            return (String(lines[0].dropFirst(4)), try JSONReader.read(data.rawSpan))
        }
    }

    func say(_ socket: SocketID, _ text: String) {
        let bytes = Array(text.utf8)
        app.socketMessage(socket, bytes.rawSpan, now: now)
    }

    func leave(_ socket: SocketID) {
        app.socketClosed(socket, .closed(code: 1000), now: now)
    }

    /// The messages since the last call.
    func messages(_ socket: SocketID) throws -> [JSONNode] {
        var nodes: [JSONNode] = []
        for frame in host.frames.removeValue(forKey: socket) ?? [] {
            let payload = Self.payload(frame)
            nodes.append(try JSONReader.read(payload.rawSpan))
        }
        return nodes
    }

    static func payload(_ frame: [UInt8]) -> [UInt8] {
        XCTAssertEqual(frame[0], 0x81)
        switch frame[1] {
        case 126: return Array(frame[4...])
        case 127: return Array(frame[10...])
        default: return Array(frame[2...])
        }
    }
}

extension LocalResponse {
    func json(file: StaticString = #filePath, line: UInt = #line) throws -> JSONNode {
        do {
            return try JSONReader.read(body.rawSpan)
        } catch {
            XCTFail("\(error): \(String(decoding: body, as: UTF8.self))", file: file, line: line)
            throw error
        }
    }

    func field(_ name: String) -> String? {
        fields.first { "\($0.name)".lowercased() == name.lowercased() }?.value
    }

    var type: String? { contentType.map { "\($0)" } }
}

extension JSONNode {
    var keys: [String] { object?.map(\.key) ?? [] }
}
