// Owns the endpoints by which changes are followed without a WebSocket: `changes` and `events`.
// Called by serving, with somebody who may ask.
// Never keeps a request itself: Polls does, and the hub has the streams.

import Presence
import ProxyCore
import Synchronization

extension Answers {
    static func news(_ news: News, admin: Bool) -> LocalResponse {
        LocalResponse(
            status: 200, contentType: "application/json",
            fields: [("Cache-Control", "no-store")], body: news.text(.body, admin: admin))
    }
}

extension PresenceApplication {
    /// `GET changes`: what has changed since a cursor; where nothing has, perhaps later.
    func changes(
        _ id: ExchangeID, _ request: borrowing RequestHead, _ bytes: RawSpan, _ asker: Asker,
        now: Milliseconds
    ) throws(Problem) -> Service {
        var parameters = QueryParameters()
        if let query = request.query { parameters = try QueryParameters(bytes[query]) }
        let wait = try Self.wait(parameters["wait"])
        // A cursor that is none of ours is as good as none.
        guard let since = parameters["since"].flatMap({ Cursor($0) }),
            let distance = engine.journal.distance(from: since)
        else { return try allPresent(id, asker, now: now) }
        let isBatch = distance >= APILimits.changesPerMessage
        if wait == 0 || isBatch { return .answer(news(since: since, asker.isAdmin, now: now)) }
        let poll = ParkedPoll(
            since: since, owner: owner(asker, now: now), asker: asker.rateKey.word,
            earliest: now + min(APILimits.pollGathering, wait), deadline: now + wait)
        try park(id, poll, hasNews: distance > 0)
        return .parked(upTo: wait + APILimits.commitPatience)
    }

    /// Everybody who is present; among many users made off the loop.
    private func allPresent(
        _ id: ExchangeID, _ asker: Asker, now: Milliseconds
    ) throws(Problem) -> Service {
        let isAdmin = asker.isAdmin
        guard service.lists.isWanted else {
            return .answer(Answers.news(engine.news(since: nil, now: now), admin: isAdmin))
        }
        let order = AnswerOrder(exchange: id) { engine, now in
            Answers.news(engine.news(since: nil, now: now), admin: isAdmin)
        }
        guard service.lists.submit(order, post, now: now) else {
            throw .unavailable("Too many lists are asked for at once.", retryAfter: 1_000)
        }
        return .later
    }

    /// How long to wait for changes: at most `APILimits.pollTime`, whatever is asked for.
    private static func wait(_ text: String?) throws(Problem) -> Milliseconds {
        guard let text, !text.isEmpty else { return 0 }
        guard let wait = Durations.parse(text, cutTo: APILimits.pollTime) else {
            throw .badRequest("'wait' must be a duration such as \"25s\"; \"60s\" is the longest.")
        }
        return wait
    }

    /// `GET events`: server-sent events (HTML Standard §9.2).
    func events(_ id: ExchangeID, isHead: Bool) throws(Problem) -> Service {
        let open = service.sockets.load(ordering: .relaxed)
        guard isHead || open < service.settings.maximumSockets else {
            counters.add(.socketsRefused)
            throw .unavailable("Too many sockets and streams are open.", retryAfter: 5_000)
        }
        // Readers who are cut off together shall not come back together: 2 to 5 s.
        let retry = 2_000 + (id.generation &* 2_654_435_761 >> 16) % 3_000
        // nginx would gather a buffer of it first.
        let response = LocalResponse(
            status: 200, contentType: "text/event-stream",
            fields: [("Cache-Control", "no-store"), ("X-Accel-Buffering", "no")],
            body: Array("retry: \(retry)\n\n".utf8))
        return .stream(response, idle: ":\n\n")
    }
}
