// Owns the way of a request to the sidecar's own endpoints: who may ask, and who answers.
// Called by the loop's application.
// Never answers for the application behind the proxy.

import Presence
public import ProxyCore

extension Endpoint {
    /// Asked without a token: by load balancers and scrapers, and by browsers for files.
    var isPublic: Bool { isUnderPrefixAlone }

    /// The value of `Allow`.
    public var methods: String {
        switch self {
        case .heartbeat, .setStatus, .query: "POST"
        case .webSocket: "GET"
        case .user, .online, .users, .stats, .whoami, .changes, .events, .history, .healthz,
            .readyz, .metrics:
            "GET, HEAD"
        case .dashboard, .dashboardScript, .dashboardStyle, .dashboardSettings, .dashboardPart,
            .clientScript, .reactScript, .apiDescription:
            "GET, HEAD"
        }
    }

    public func answers(_ method: ProxyCore.Method) -> Bool {
        switch self {
        case .heartbeat, .setStatus, .query: method == .post
        case .webSocket: method == .get
        case .user, .online, .users, .stats, .whoami, .changes, .events, .history, .healthz,
            .readyz, .metrics:
            method == .get || method == .head
        case .dashboard, .dashboardScript, .dashboardStyle, .dashboardSettings, .dashboardPart,
            .clientScript, .reactScript, .apiDescription:
            method == .get || method == .head
        }
    }
}

extension PresenceApplication {
    /// A request that is answered here: who may not ask hears so before the body is read.
    func admitServed(
        _ request: borrowing RequestHead, _ bytes: RawSpan, _ rule: Rule, _ route: UInt32,
        arrival: Arrival, now: Milliseconds
    ) -> Admission {
        do throws(Problem) {
            guard rule.kind == .serve else {
                throw .notFound("The sidecar has nothing at this address.")
            }
            let endpoint = rule.endpoint
            guard endpoint.answers(request.method) else {
                throw .methodNotAllowed(allow: endpoint.methods)
            }
            var ticket = Ticket(route: route)
            if endpoint.isPublic { return .serve(ticket, bodyLimit: APILimits.requestBody) }
            let asker: Asker
            switch asking(endpoint, request, bytes, arrival, now: now) {
            case .asker(let found): asker = found
            case .unknown(let finding, let shown):
                if !arrival.hasWaited { try allow(client(request, bytes, arrival), now: now) }
                var question: Question?
                if case .unasked = finding, let shown {
                    question = self.question(request, bytes, shown, arrival)
                }
                // Charged above, as every request to the sidecar itself.
                do throws(Problem) {
                    return try putOff(finding, question, arrival, stranger: nil, now: now)
                } catch {
                    guard endpoint == .whoami, error == .anonymous else { throw error }
                    return .serve(ticket, bodyLimit: APILimits.requestBody)
                }
            }
            try allow(asker.rateKey, now: now)
            try check(asker, endpoint, request, bytes)
            if endpoint == .webSocket || endpoint == .events {
                if endpoint == .webSocket { try checkHandshake(request, bytes) }
                let opening = try opening(endpoint, request, bytes, asker, arrival, now: now)
                ticket.session = opening.key
                ticket.flags = openings.park(opening, key: opening.key) << Mark.numberShift
                let isSocket = endpoint == .webSocket
                return .serve(ticket, bodyLimit: isSocket ? 0 : APILimits.requestBody)
            }
            return .serve(ticket, bodyLimit: APILimits.requestBody)
        } catch {
            return refuse(error)
        }
    }

    public func serve(
        _ id: ExchangeID, _ ticket: Ticket, _ request: borrowing RequestHead, _ bytes: RawSpan,
        body: RawSpan, arrival: Arrival, now: Milliseconds
    ) -> Service {
        let service: Service
        do throws(Problem) {
            service = try answer(
                id, ticket, request, bytes, body: body, arrival: arrival, now: now)
        } catch {
            service = .answer(error.response)
        }
        switch service {
        case .answer(let response): counters.addServed(status: response.status)
        case .later, .parked: break
        case .webSocket: counters.addServed(status: 101)
        case .stream(let response, _): counters.addServed(status: response.status)
        }
        return service
    }

    private func answer(
        _ id: ExchangeID, _ ticket: Ticket, _ request: borrowing RequestHead, _ bytes: RawSpan,
        body: RawSpan, arrival: Arrival, now: Milliseconds
    ) throws(Problem) -> Service {
        let endpoint = router[ticket.route].endpoint
        switch endpoint {
        case .healthz: return .answer(health())
        case .readyz: return .answer(readiness())
        case .metrics: return .answer(metricsText(now: now))
        case .dashboard, .dashboardScript, .dashboardStyle, .dashboardSettings, .dashboardPart,
            .clientScript, .reactScript, .apiDescription:
            return .answer(try file(endpoint, request, bytes))
        case .heartbeat, .user, .setStatus, .online, .users, .query, .webSocket, .stats: break
        case .whoami, .changes, .events, .history: break
        }
        // Looked up again: the token may have been revoked while the body came.
        var asker: Asker
        switch asking(endpoint, request, bytes, arrival, now: now) {
        case .asker(let found): asker = found
        case .unknown(let finding, _):
            guard endpoint == .whoami, isNobodys(finding) else { throw finding.problem }
            return .answer(whoami(nil, now: now))
        }
        if endpoint == .heartbeat {
            return .answer(try heartbeat(asker, body: body, now: now))
        }
        touch(&asker, request, bytes, now: now)
        switch endpoint {
        case .user:
            return .answer(try user(request, bytes, asker, now: now))
        case .setStatus:
            return try setStatus(id, request, bytes, asker, body: body, now: now)
        case .online, .users:
            return try list(id, endpoint, request, bytes, asker, now: now)
        case .query:
            return .answer(try query(body, asker, now: now))
        case .stats:
            return .answer(stats(now: now))
        case .changes:
            return try changes(id, request, bytes, asker, now: now)
        case .events:
            return try events(id, isHead: request.method == .head)
        case .history:
            return try history(id, request, bytes, asker, now: now)
        case .whoami:
            return .answer(whoami(asker, now: now))
        case .webSocket:
            let name = asker.subprotocol.flatMap { bytes[$0].text() }
            return .webSocket(fields: name.map(Credentials.subprotocolFields) ?? [])
        case .heartbeat, .healthz, .readyz, .metrics, .dashboard, .dashboardScript,
            .dashboardStyle, .dashboardSettings, .dashboardPart, .clientScript, .reactScript,
            .apiDescription:
            throw .notFound("The sidecar has nothing at this address.")
        }
    }

    /// Whether no waiting and no question can tell more.
    private func isNobodys(_ finding: Finding) -> Bool {
        if case .unasked = finding { return service.desk == nil }
        return finding.problem == .anonymous
    }

    /// Asking the sidecar shows that the client is there, not that a person is at work.
    private func touch(
        _ asker: inout Asker, _ request: borrowing RequestHead, _ bytes: RawSpan,
        now: Milliseconds
    ) {
        guard case .user(var identity, let entry) = asker.who else { return }
        var label = ByteBuffer(capacity: 64)
        label.append(bytes[request.methodName])
        label.append(0x20)
        label.append(bytes[request.path])
        engine.sight(&identity.session, activity: false, label: label.bytes, now: now)
        identification.remember(identity.session, at: entry)
        asker.who = .user(identity, entry: entry)
    }

    private func allow(_ client: ClientAddress, now: Milliseconds) throws(Problem) {
        guard let key = RateKey(client) else { return }
        try allow(key, now: now)
    }

    private func allow(_ key: RateKey, now: Milliseconds) throws(Problem) {
        guard let wait = service.limiter?.count(key, now: now) else { return }
        counters.add(.rateLimited)
        throw .tooMany(retryAfter: wait)
    }
}
