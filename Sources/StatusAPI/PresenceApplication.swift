// Owns the answers to the proxy's questions, for one loop.
// Called by that loop, on its thread alone.
// Never blocks, never decides a status: the engine does.

import Presence
public import ProxyCore

/// The presence side of one loop.
///
/// The order of an exchange: `admit` finds the route and the session, `sight` counts once the
/// application's answer is known, `watched` reads a login. The sidecar's own endpoints are
/// admitted, then served.
public final class PresenceApplication: Application {
    let service: PresenceService
    let host: any ApplicationHost
    let post: LoopPost
    let engine: PresenceEngine
    let router: Router
    let counters: LoopCounters
    let identification: Identification
    let issued: IssuedTokens
    let hub: Hub
    /// For decoded paths and tokens; nothing in it outlives a call.
    var scratch = ByteBuffer(capacity: 1024)
    var logouts = Parking<Identity>(limit: APILimits.pendingLogouts)
    var openings = Parking<Opening>(limit: APILimits.pendingLogouts)
    var issuing = Parking<Issuing>(limit: APILimits.pendingIssues)
    /// Keys for what is parked in `issuing`.
    var issues: UInt64 = 0
    var awaiting = Awaiting()

    init(_ service: PresenceService, host: any ApplicationHost, post: LoopPost) {
        self.service = service
        self.host = host
        self.post = post
        engine = service.engine
        router = service.router
        counters = service.metrics.register()
        identification = Identification(service.tokens, engine: engine, counters: counters)
        issued = IssuedTokens(service.tokens)
        hub = Hub(service, host: host, counters: counters)
    }

    // MARK: Forwarded requests

    public func admit(
        _ request: borrowing RequestHead, _ bytes: RawSpan, arrival: Arrival, now: Milliseconds
    ) -> Admission {
        let route: UInt32
        switch router.route(request, bytes, scratch: &scratch) {
        case .none: route = 0
        case .route(let found, _): route = found
        case .ambiguous(let meant):
            // What another server might take for a route of ours is no path to guess about.
            if let meant, router[meant].isStrict { return refuseAmbiguous() }
            route = 0
        }
        let rule = router[route]
        guard rule.kind == .forward else {
            return admitServed(request, bytes, rule, route, arrival: arrival, now: now)
        }
        var ticket = ticket(request, bytes, rule, route, now: now)
        if rule.flags & Mark.refresh != 0 { beginRefresh(&ticket, request, bytes) }
        return .forward(ticket, watch: watch(of: rule, route))
    }

    /// Whose request it is, in the words of a ticket.
    @inline(__always)
    private func ticket(
        _ request: borrowing RequestHead, _ bytes: RawSpan, _ rule: Rule, _ route: UInt32,
        now: Milliseconds
    ) -> Ticket {
        // Whoever signs in may still carry the token of somebody else.
        guard rule.flags & Mark.login == 0 else { return Ticket(route: route, flags: rule.flags) }
        switch Credentials.ofRequest(request, bytes) {
        case .none, .scratch: break
        case .conflict: counters.add(.tokenConflict)
        case .head(let range):
            guard let entry = identification.find(bytes[range], now: now) else { break }
            let identity = identification.identity(entry)
            var number = UInt32(truncatingIfNeeded: entry)
            if rule.flags & Mark.logout != 0 {
                number = logouts.park(identity, key: identity.session.tag)
            }
            return Ticket(
                route: route, flags: rule.flags | Mark.identified | number << Mark.numberShift,
                subject: identity.session.subjectWord, session: identity.session.tag)
        }
        return Ticket(route: route, flags: rule.flags)
    }

    private func refuseAmbiguous() -> Admission {
        counters.add(.refusedAmbiguous)
        return refuse(.badRequest("Servers may read this path in two ways."))
    }

    func refuse(_ problem: Problem) -> Admission {
        counters.addServed(status: problem.status)
        return .refuse(problem.response)
    }

    public func writeFields(_ ticket: Ticket, into out: inout ByteBuffer) {}

    public func answered(
        _ id: ExchangeID, _ ticket: inout Ticket, _ head: borrowing ResponseHead,
        _ bytes: RawSpan, now: Milliseconds
    ) {
        headOfLogin(&ticket, head, bytes, now: now)
    }

    public func sight(
        _ id: ExchangeID, _ ticket: inout Ticket, status: Int, byUpstream: Bool,
        request label: RawSpan, now: Milliseconds
    ) -> Passage {
        counters.addForwarded(status: status)
        if !byUpstream { counters.add(.upstreamFailed) }
        if ticket.flags & (Mark.login | Mark.logout) != 0, byUpstream {
            if let passage = sightEvent(id, ticket, status: status, now: now) { return passage }
        }
        let wanted = Mark.identified | Mark.tracked
        guard ticket.flags & wanted == wanted else {
            counters.add(ticket.flags & Mark.tracked == 0 ? .sightUntracked : .sightAnonymous)
            return .pass
        }
        guard !byUpstream || (status != 401 && status != 403) else {
            counters.add(.sightRefused)
            return .pass
        }
        let activity = ticket.flags & Mark.activity != 0
        counters.add(activity ? .sightActivity : .sightContact)
        var session = SessionRef(subjectWord: ticket.subject, tag: ticket.session)
        engine.sight(&session, activity: activity, label: label, now: now)
        if session.subjectWord != ticket.subject {
            ticket.subject = session.subjectWord
            // There the number is that of a parking place.
            if ticket.flags & (Mark.logout | Mark.refresh) == 0 {
                let entry = ticket.flags >> Mark.numberShift
                identification.remember(session, at: Int32(truncatingIfNeeded: entry))
            }
        }
        return .pass
    }

    public func watched(
        _ id: ExchangeID, _ ticket: Ticket, status: Int, body: RawSpan?, now: Milliseconds
    ) {
        if ticket.flags & Mark.login != 0 {
            watchLogin(ticket, status: status, body: body, now: now)
        } else if ticket.flags & Mark.refresh != 0 {
            watchRefresh(ticket, status: status, body: body, now: now)
        }
    }

    // MARK: Sockets

    public func socketOpened(_ socket: SocketID, _ ticket: Ticket, now: Milliseconds) {
        let number = ticket.flags >> Mark.numberShift
        guard let opening = openings.take(number, key: ticket.session) else {
            host.close(socket, code: 1013, reason: "try again")
            return
        }
        hub.open(socket, opening, now: now)
    }

    public func socketMessage(_ socket: SocketID, _ text: RawSpan, now: Milliseconds) {
        hub.message(socket, text, now: now)
    }

    public func socketClosed(_ socket: SocketID, _ end: SocketEnd, now: Milliseconds) {
        hub.closed(socket, now: now)
    }

    // MARK: The turn

    public func turn(now: Milliseconds) -> Milliseconds? {
        if let mail = post.collect() {
            // What closes comes last: a logout after a refresh counts.
            for order in mail.extensions { hub.obey(order) }
            for order in mail.orders { hub.obey(order) }
            for finished in mail.finished { settle(finished) }
            for ready in mail.answers { answer(ready.exchange, ready.response) }
            hub.journalGrew()
        }
        hub.turn(now: now)
        for (id, response) in awaiting.overdue(now: now) {
            counters.add(.commitLate)
            answer(id, response)
        }
        return [hub.delay(now: now), awaiting.delay(now: now)].compactMap(\.self).min()
    }

    public func abandoned(_ id: ExchangeID) {
        awaiting.forget(id)
    }

    private func settle(_ finished: Finished) {
        if !finished.kept { counters.add(.commitFailed) }
        switch finished.purpose {
        case .release: host.release(finished.exchange)
        case .answer:
            guard let response = awaiting.take(finished.exchange, kept: finished.kept) else {
                return
            }
            answer(finished.exchange, response)
        }
    }

    private func answer(_ id: ExchangeID, _ response: LocalResponse) {
        counters.addServed(status: response.status)
        host.answer(id, with: response)
    }
}
