// Owns one loop's connections, exchanges and buffers, and sends each event to where it belongs.
// Called by the thread that runs it; the pages beside this one extend it, a step of an exchange each.
// Never shares anything with another loop.

/// One event loop of the proxy, with everything that it owns.
///
/// The steps of an exchange stand in files of their own: Listening, Reading, Forwarding, Relaying,
/// Rewriting, Ending, Serving, ServedSockets, Tunnelling, Draining.
public final class ProxyLoop: EventHandler, ApplicationHost {
    let settings: ProxySettings
    let loop: EventLoop
    let metrics: ProxyMetrics
    let row: Int
    let accessLog: AccessLog?
    let reserved: ReservedFields
    /// `reserved` names any.
    let hasReserved: Bool
    let health: UpstreamHealth
    /// Set right after `init`, before the loop runs: the application needs the loop to be made.
    var application: any Application

    let downstreams: Slab<Downstream>
    let upstreams: Slab<Upstream>
    let exchanges: Slab<Exchange>
    let sockets: Slab<ServedSocket>
    var freeExchanges: [Int32] = []
    var pool: UpstreamPool
    var waiters: [Int32] = []
    /// Exchanges whose body is being collected.
    var collecting = 0
    var listeners: [FileDescriptor] = []
    /// No descriptor was left: the listeners are not watched for a moment.
    var isListeningPaused = false
    var generation: UInt32 = 0

    /// Where everything that is received is parsed: one buffer a loop, not one a connection.
    var scratch = ByteBuffer(capacity: Limits.readSize * 3)
    /// Where everything that is sent down is written.
    var outgoing = ByteBuffer(capacity: Limits.readSize * 2)
    var body = ByteBuffer()
    /// What the application has made of a response, or of a piece of one.
    var rewritten = ByteBuffer()
    /// Bytes of all responses that are collected to be changed, or were and have not left yet.
    var rewritingBytes = 0
    /// Where a piece of a stream is framed.
    var piece = ByteBuffer()
    /// The application's own fields of the head that is being written.
    var ownFields = ByteBuffer()
    var requestHead = RequestHead()
    var responseHead = ResponseHead()
    var date = ByteBuffer(capacity: 32)
    private var dateSecond: Milliseconds = -1
    /// Connections to look at again in this turn: there was more than one turn's share.
    var again: [EventKey] = []
    private var revisiting: [EventKey] = []
    /// Resumed before it waited: within its own `admit`.
    var resumedEarly: ConnectionID?
    /// Bytes of all requests that wait for their admission.
    var waitingBytes = 0
    var drainingUntil: Milliseconds?
    var isDrainAlarmSet = false

    /// - Parameters:
    ///   - row: the number of this loop, from 0.
    ///   - count: how many loops share the bounds of `settings`.
    ///   - makeApplication: makes the application of this loop.
    /// - Throws: where the kernel gives no epoll or event counter.
    public init(
        settings: ProxySettings, row: Int, of count: Int, metrics: ProxyMetrics,
        health: UpstreamHealth, accessLog: AccessLog? = nil,
        makeApplication: (any ApplicationHost) -> any Application
    ) throws(SystemError) {
        self.settings = settings
        self.row = row
        self.metrics = metrics
        self.health = health
        self.accessLog = accessLog
        reserved = ReservedFields(settings.reservedFields)
        hasReserved = !reserved.isEmpty
        loop = try EventLoop()
        let share = { (total: Int) in max(1, (total + count - 1) / count) }
        downstreams = Slab(limit: share(settings.connections))
        exchanges = Slab(limit: share(settings.connections))
        sockets = Slab(limit: share(settings.sockets))
        let perServer = share(settings.upstreamConnections)
        upstreams = Slab(limit: perServer * max(settings.upstreams.count, 1))
        pool = UpstreamPool(servers: settings.upstreams, perServer: perServer)
        application = NoApplication()
        application = makeApplication(self)
    }

    public var mailbox: Mailbox { loop.mailbox }

    /// Runs on the calling thread until the loop has drained.
    public func run() {
        loop.run(self)
        for listener in listeners { listener.close() }
        listeners.removeAll()
        mailbox.close()
    }

    // MARK: Events

    func ready(_ key: EventKey, _ readiness: Readiness) {
        switch key.kind {
        case .downstream:
            guard isCurrent(downstream: key) else { return }
            downstreamReady(key.slot, readiness)
        case .upstream:
            guard isCurrent(upstream: key) else { return }
            upstreamReady(key.slot, readiness)
        case .listener:
            acceptWaiting(on: Int(key.slot))
        case .mailbox, nil:
            break
        }
    }

    func expired(_ key: EventKey) {
        switch key.kind {
        case .downstream:
            guard isCurrent(downstream: key) else { return }
            downstreamExpired(key.slot)
        case .upstream:
            guard isCurrent(upstream: key) else { return }
            upstreamExpired(key.slot)
        case .listener:
            resumeListening()
        case .mailbox, nil:
            break
        }
    }

    func turnEnded() -> Milliseconds? {
        if !again.isEmpty { revisit() }
        let wish = application.turn(now: loop.utc)
        accessLog?.flush()
        if let until = drainingUntil, finishDraining(until) { return 0 }
        if !again.isEmpty { return 0 }
        return wish
    }

    private func revisit() {
        swap(&again, &revisiting)
        for key in revisiting {
            switch key.kind {
            case .downstream where isCurrent(downstream: key):
                downstreams[key.slot].flags.remove(.queued)
                resumeDownstream(key.slot)
            case .upstream where isCurrent(upstream: key):
                upstreams[key.slot].flags.remove(.queued)
                readUpstream(key.slot)
            default:
                break
            }
        }
        revisiting.removeAll(keepingCapacity: true)
    }

    /// Comes back to a connection in the next turn: it has had its share of this one.
    func lookAgain(downstream slot: Int32) {
        guard !downstreams[slot].flags.contains(.queued) else { return }
        downstreams[slot].flags.insert(.queued)
        again.append(key(downstream: slot))
    }

    func lookAgain(upstream slot: Int32) {
        guard !upstreams[slot].flags.contains(.queued) else { return }
        upstreams[slot].flags.insert(.queued)
        again.append(key(upstream: slot))
    }

    // MARK: Names and deadlines

    func nextGeneration() -> UInt32 {
        generation = (generation &+ 1) & 0xff_ffff
        return generation
    }

    func key(downstream slot: Int32) -> EventKey {
        EventKey(.downstream, slot: slot, generation: downstreams[slot].generation)
    }

    func key(upstream slot: Int32) -> EventKey {
        EventKey(.upstream, slot: slot, generation: upstreams[slot].generation)
    }

    func isCurrent(downstream key: EventKey) -> Bool {
        downstreams.contains(key.slot) && downstreams[key.slot].generation == key.generation
    }

    func isCurrent(upstream key: EventKey) -> Bool {
        upstreams.contains(key.slot) && upstreams[key.slot].generation == key.generation
    }

    /// Sets when the present phase of a client connection has lasted too long. The wheel is
    /// touched only where that is earlier than anything noted before.
    func setDeadline(downstream slot: Int32, after pause: Milliseconds) {
        let due = loop.now + pause
        downstreams[slot].deadline = due
        guard due < downstreams[slot].armed else { return }
        downstreams[slot].armed = due
        loop.wheel.insert(key(downstream: slot).word, due: due)
    }

    func setDeadline(upstream slot: Int32, after pause: Milliseconds) {
        let due = loop.now + pause
        upstreams[slot].deadline = due
        guard due < upstreams[slot].armed else { return }
        upstreams[slot].armed = due
        loop.wheel.insert(key(upstream: slot).word, due: due)
    }

    /// Whether the deadline has really come; else notes when to look again.
    ///
    /// A deadline that was moved to an earlier time has left a second note behind. The earliest
    /// stands for all: were each renewed when it comes, their number would double every round.
    func isDue(downstream slot: Int32) -> Bool {
        guard downstreams[slot].armed <= loop.now else { return false }
        // Nothing is noted any more: the next deadline must be, even where it is a later one.
        downstreams[slot].armed = .max
        let due = downstreams[slot].deadline
        guard due > loop.now else { return true }
        downstreams[slot].armed = due
        if due != .max { loop.wheel.insert(key(downstream: slot).word, due: due) }
        return false
    }

    func isDue(upstream slot: Int32) -> Bool {
        guard upstreams[slot].armed <= loop.now else { return false }
        // Nothing is noted any more: the next deadline must be, even where it is a later one.
        upstreams[slot].armed = .max
        let due = upstreams[slot].deadline
        guard due > loop.now else { return true }
        upstreams[slot].armed = due
        if due != .max { loop.wheel.insert(key(upstream: slot).word, due: due) }
        return false
    }

    /// `Date` of this second (RFC 9110 §6.6.1).
    func refreshDate() {
        let second = loop.utc / 1000
        guard second != dateSecond else { return }
        dateSecond = second
        date.removeAll()
        HTTPDate.write(loop.utc, into: &date)
    }
}

/// Stands in for the application until it has been made.
private final class NoApplication: Application {
    func admit(
        _ request: borrowing RequestHead, _ bytes: RawSpan, arrival: Arrival, now: Milliseconds
    ) -> Admission { .forward(Ticket(), watch: .nothing) }
    func writeFields(_ ticket: Ticket, into out: inout ByteBuffer) {}
    func answered(
        _ id: ExchangeID, _ ticket: inout Ticket, _ head: borrowing ResponseHead,
        _ bytes: RawSpan, now: Milliseconds
    ) {}
    func sight(
        _ id: ExchangeID, _ ticket: inout Ticket, status: Int, byUpstream: Bool,
        request label: RawSpan, now: Milliseconds
    ) -> Passage { .pass }
    func watched(
        _ id: ExchangeID, _ ticket: Ticket, status: Int, body: RawSpan?, now: Milliseconds
    ) {}
    func serve(
        _ id: ExchangeID, _ ticket: Ticket, _ request: borrowing RequestHead, _ bytes: RawSpan,
        body: RawSpan, arrival: Arrival, now: Milliseconds
    ) -> Service { .answer(LocalResponse.problem(status: 503, detail: "Not ready.")) }
    func abandoned(_ id: ExchangeID) {}
    func socketOpened(_ socket: SocketID, _ ticket: Ticket, now: Milliseconds) {}
    func socketMessage(_ socket: SocketID, _ text: RawSpan, now: Milliseconds) {}
    func socketClosed(_ socket: SocketID, _ end: SocketEnd, now: Milliseconds) {}
    func turn(now: Milliseconds) -> Milliseconds? { nil }
}
