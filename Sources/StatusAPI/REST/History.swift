// Owns `users/{id}/history`: what one user's past was, for admins.
// Called by serving, and by the loop when the store has answered.
// Never reads the store itself: its own thread does, and no loop waits for it.

import Presence
import ProxyCore

extension PresenceApplication {
    /// `GET users/{id}/history`: the last 24 hours, or between `from` and `to`.
    func history(
        _ id: ExchangeID, _ request: borrowing RequestHead, _ bytes: RawSpan, _ asker: Asker,
        now: Milliseconds
    ) throws(Problem) -> Service {
        guard asker.isAdmin else { throw .forbidden("Only an admin may read a history.") }
        let user = try userID(request, bytes)
        guard let keeper = service.history else { throw HistoryText.notKept }
        var parameters = QueryParameters()
        if let query = request.query { parameters = try QueryParameters(bytes[query]) }
        // What lies ahead is not known: up to now, of which the store's clock may be a breath ahead.
        let to = try ListFilters.time(parameters, "to").flatMap { $0 < now ? $0 : nil }
        let from =
            try ListFilters.time(parameters, "from") ?? (to ?? now) - APILimits.historyTime
        guard from < to ?? now else { throw .badRequest("'from' must be a time before 'to'.") }
        guard !awaiting.isFull else {
            throw .unavailable("Too many requests wait for the store.", retryAfter: 1_000)
        }
        let isTaken = keeper.history(
            of: user, from: from, to: to, limit: APILimits.historyIntervals
        ) { [post] answer in
            post.post(
                ReadyAnswer(exchange: id, response: HistoryText.response(answer, of: user)))
        }
        guard isTaken else {
            throw .unavailable("Too many histories are asked for at once.", retryAfter: 1_000)
        }
        awaiting.put(id, late: HistoryText.late.response, now: now)
        return .later
    }
}

/// Writing histories.
enum HistoryText {
    static let notKept = Problem.notFound("No history is kept (presence.history).")
    static let late = Problem.unavailable(
        "The store does not answer at the moment.", retryAfter: 5_000)

    static func response(_ answer: HistoryAnswer, of user: String) -> LocalResponse {
        switch answer {
        case .found(let history): Answers.json(json(history, of: user))
        case .notKept: notKept.response
        // Why stands in the log and in readyz: a path on our disk is nothing to send out.
        case .failed:
            Problem.unavailable(
                "The history cannot be read at the moment: the store has a problem (see readyz).",
                retryAfter: 5_000
            ).response
        }
    }

    private static func json(_ history: UserHistory, of user: String) -> JSONWriter {
        var json = JSONWriter(capacity: 256 + 112 * history.intervals.count)
        json.beginObject()
        json.key("user_id")
        json.string(user)
        json.key("from")
        json.timestamp(history.from)
        json.key("to")
        json.timestamp(history.to)
        json.key("online_seconds")
        json.integer(history.online / 1_000)
        if history.isCut {
            json.key("truncated")
            json.bool(true)
        }
        json.key("intervals")
        json.beginArray()
        for interval in history.intervals {
            json.beginObject()
            json.key("status")
            json.string(interval.status.word)
            span(interval.from, interval.to, into: &json)
        }
        json.endArray()
        if !history.gaps.isEmpty {
            json.key("gaps")
            json.beginArray()
            for gap in history.gaps {
                json.beginObject()
                span(gap.from, gap.to, into: &json)
            }
            json.endArray()
        }
        json.endObject()
        return json
    }

    private static func span(
        _ from: Milliseconds, _ to: Milliseconds?, into json: inout JSONWriter
    ) {
        json.key("from")
        json.timestamp(from)
        json.key("to")
        PresenceJSON.time(to, into: &json)
        json.endObject()
    }
}
