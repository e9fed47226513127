// Owns the answers to the proxy's questions, for one loop.
// Called by that loop, on its thread alone.
// Never blocks, never decides a status: the engine does.

import Presence
public import ProxyCore

/// The presence side of one loop.
///
/// The order of an exchange: `admit` finds the route and the session (and may `.wait` for
/// somebody's word), `sight` counts once the application's answer is known, `answered` and
/// `watched` read a login. The sidecar's own endpoints are admitted, then served.
public final class PresenceApplication: Application {
    let service: PresenceService
    let host: any ApplicationHost
    let post: LoopPost
    let engine: PresenceEngine
    let router: Router
    let counters: LoopCounters
    let credentials: Credentials
    let identification: Identification
    let issued: IssuedTokens
    let hub: Hub
    var polls = Polls()
    /// For decoded paths and tokens; nothing in it outlives a call.
    var scratch = ByteBuffer(capacity: 1024)
    var logouts = Parking<Identity>(limit: APILimits.pendingLogouts)
    var openings = Parking<Opening>(limit: APILimits.pendingLogouts)
    var issuing = Parking<Issuing>(limit: APILimits.pendingIssues)
    /// Keys for what is parked in `issuing`.
    var issues: UInt64 = 0
    var doubts = Parking<Doubt>(limit: APILimits.pendingQuestions)
    /// Requests that wait for keys.
    var awaitingKeys: [ConnectionID] = []
    /// The time of the last request, for what is asked without one.
    var lastAdmission: Milliseconds = 0
    var awaiting = Awaiting()
    var pageOrigins = Parking<PageOrigin>(limit: APILimits.pendingPages)
    /// Pages asked for so far.
    var pageRequests: UInt32 = 0
    /// Answers into which the client script's tag goes.
    var pages: [ExchangeID: PassingPage] = [:]
    var enricher = Enricher()

    init(_ service: PresenceService, host: any ApplicationHost, post: LoopPost) {
        self.service = service
        self.host = host
        self.post = post
        engine = service.engine
        router = service.router
        counters = service.metrics.register()
        credentials = Credentials(service.tokens.places)
        identification = Identification(
            service.tokens, engine: engine, desk: service.desk, disownments: service.disownments,
            vainWork: service.vainWork, counters: counters)
        issued = IssuedTokens(service.tokens)
        hub = Hub(service, host: host, post: post, counters: counters)
    }

    // MARK: Forwarded requests

    public func admit(
        _ request: borrowing RequestHead, _ bytes: RawSpan, arrival: Arrival, now: Milliseconds
    ) -> Admission {
        lastAdmission = now
        guard let route = router.route(request, bytes, scratch: &scratch) else {
            return refuseAmbiguous()
        }
        var rule = router[route]
        guard rule.kind == .forward else {
            return admitServed(request, bytes, rule, route, arrival: arrival, now: now)
        }
        if rule.flags & Mark.page != 0 { settlePage(&rule, route, request, bytes, arrival) }
        // Whoever signs in may still carry the token of somebody else.
        if rule.flags & Mark.login == 0 {
            switch credentials.ofRequest(request, bytes) {
            case .none: break
            case .conflict: counters.add(.tokenConflict)
            case .shown(let shown):
                guard let entry = identification.find(bytes[shown.token], now: now) else {
                    return admitUnfound(request, bytes, shown, rule, route, arrival, now)
                }
                return .forward(ticket(entry, rule, route), watch: rule.watch)
            }
        }
        if rule.requires { return refuseAnonymous() }
        return .forward(
            Ticket(route: route, flags: rule.flags, note: rule.note), watch: rule.watch)
    }

    /// Whose request it is, in the words of a ticket.
    @inline(__always)
    func ticket(_ entry: Int32, _ rule: Rule, _ route: UInt32) -> Ticket {
        let identity = identification.identity(entry)
        var number = UInt32(truncatingIfNeeded: entry)
        if rule.flags & Mark.logout != 0 {
            number = logouts.park(identity, key: identity.session.tag)
        }
        var flags = rule.flags | Mark.identified | number << Mark.numberShift
        if identity.isAdmin { flags |= Mark.admin }
        if identification.isJudged(entry) { flags |= Mark.judged }
        return Ticket(
            route: route, flags: flags, subject: identity.session.subjectWord,
            session: identity.session.tag, note: rule.note)
    }

    private func refuseAmbiguous() -> Admission {
        counters.add(.refusedAmbiguous)
        return refuse(.badRequest("Servers may read this path in two ways."))
    }

    func refuseAnonymous() -> Admission {
        counters.add(.requireRefused)
        return refuse(.anonymous)
    }

    func refuse(_ problem: Problem) -> Admission {
        counters.addServed(status: problem.status)
        return .refuse(problem.response)
    }

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
        if ticket.flags & (Mark.judged | Mark.unasked) != 0 {
            guard sightJudged(ticket, status, byUpstream, label, now: now) else { return .pass }
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
            for ready in mail.answers {
                awaiting.forget(ready.exchange)
                answer(ready.exchange, ready.response)
            }
            for news in mail.news { hub.arrived(news, now: now) }
            if !mail.orders.isEmpty { endPolls(of: mail.orders, now: now) }
            resume(mail)
            for socket in mail.inquired { hub.inquired(socket, now: now) }
            hub.journalGrew()
            polls.mayHaveNews = true
        }
        hub.turn(now: now)
        if !polls.isEmpty { turnPolls(now: now) }
        for (id, response) in awaiting.overdue(now: now) {
            counters.add(.commitLate)
            answer(id, response)
        }
        return Self.earlier(
            Self.earlier(hub.delay(now: now), awaiting.delay(now: now)), polls.delay(now: now))
    }

    /// Without an array of them: this is asked in every turn.
    private static func earlier(_ one: Milliseconds?, _ other: Milliseconds?) -> Milliseconds? {
        guard let one, let other else { return one ?? other }
        return min(one, other)
    }

    public func abandoned(_ id: ExchangeID) {
        awaiting.forget(id)
        forgetPoll(id)
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

    func answer(_ id: ExchangeID, _ response: LocalResponse) {
        counters.addServed(status: response.status)
        host.answer(id, with: response)
    }
}
