// Owns the requests of one loop that wait for changes (long polls), and when each is answered.
// Called by `changes` (park), the loop's turn, and by whoever ends a credential.
// Never tells anything to whoever's credential counts for nothing any more.

import Presence
import ProxyCore
import Synchronization

/// A request that waits for changes.
struct ParkedPoll {
    let since: Cursor
    var owner: SocketOwner
    /// Who asks, as the rate limiter calls him.
    let asker: Int64
    /// Changes that come before are gathered until then.
    let earliest: Milliseconds
    /// Then it is answered in any case.
    let deadline: Milliseconds

    var isAdmin: Bool {
        switch owner {
        case .user(let member): member.identity.isAdmin
        case .service(_, let isAdmin): isAdmin
        }
    }

    /// When there is something to do about it.
    func due(hasNews: Bool) -> Milliseconds {
        var due = hasNews ? min(earliest, deadline) : deadline
        if case .user(let member) = owner, member.inquiry == nil {
            due = min(due, member.identity.expires)
        }
        return due
    }
}

/// The waiting requests of one loop. All of them are looked at when one is due: they are some
/// thousands at most, and each look costs some ten nanoseconds.
struct Polls {
    private(set) var entries: [ExchangeID: ParkedPoll] = [:]
    private var counts: [Int64: Int] = [:]
    /// The journal may have grown since the last look.
    var mayHaveNews = false
    private var due = Milliseconds.max

    var isEmpty: Bool { entries.isEmpty }
    var count: Int { entries.count }

    func delay(now: Milliseconds) -> Milliseconds? {
        if entries.isEmpty || due == .max { return nil }
        return max(due - now, 0)
    }

    mutating func park(_ id: ExchangeID, _ poll: ParkedPoll, hasNews: Bool) {
        entries[id] = poll
        counts[poll.asker, default: 0] += 1
        due = min(due, poll.due(hasNews: hasNews))
    }

    mutating func take(_ id: ExchangeID) -> ParkedPoll? {
        guard let poll = entries.removeValue(forKey: id) else { return nil }
        let left = counts[poll.asker, default: 1] - 1
        counts[poll.asker] = left > 0 ? left : nil
        return poll
    }

    func count(of asker: Int64) -> Int { counts[asker, default: 0] }

    /// Those of users whom an order to close concerns.
    func concerned(by orders: [CloseOrder]) -> [ExchangeID] {
        let subjects = Set(orders.map(\.subject))
        return entries.compactMap { id, poll in
            guard case .user(let member) = poll.owner else { return nil }
            return subjects.contains(member.identity.subject) ? id : nil
        }
    }

    /// Those that are due, so many at most; the others in the next turn.
    /// - Parameter end: where the journal ends.
    mutating func takeDue(_ end: Cursor, limit: Int, now: Milliseconds) -> [ExchangeID] {
        guard mayHaveNews || now >= due else { return [] }
        mayHaveNews = false
        due = .max
        var taken: [ExchangeID] = []
        for (id, poll) in entries {
            let next = poll.due(hasNews: poll.since != end)
            if next > now {
                due = min(due, next)
            } else if taken.count < limit {
                taken.append(id)
            } else {
                due = now
            }
        }
        return taken
    }
}

extension PresenceApplication {
    /// Lets a request wait.
    /// - Throws: where too many wait already. (An empty answer at once would be asked again at once.)
    func park(_ id: ExchangeID, _ poll: ParkedPoll, hasNews: Bool) throws(Problem) {
        guard polls.count(of: poll.asker) < APILimits.parkedPollsEach else {
            counters.add(.pollsCrowded)
            throw .tooMany(retryAfter: 1_000)
        }
        let all = service.polls.add(1, ordering: .relaxed).newValue
        guard polls.count < APILimits.parkedPolls, all <= APILimits.parkedPollsTotal else {
            service.polls.subtract(1, ordering: .relaxed)
            counters.add(.pollsCrowded)
            throw .unavailable("Too many requests wait for changes at once.", retryAfter: 2_000)
        }
        counters.add(.pollsParked)
        polls.park(id, poll, hasNews: hasNews)
    }

    func forgetPoll(_ id: ExchangeID) {
        guard polls.take(id) != nil else { return }
        service.polls.subtract(1, ordering: .relaxed)
    }

    func turnPolls(now: Milliseconds) {
        // Whoever waits would keep a process from ending that has nothing more to tell.
        if service.probes.isDraining() {
            for id in polls.entries.keys { settle(poll: id, [:], now: now) }
            return
        }
        let due = polls.takeDue(
            engine.journal.cursor, limit: APILimits.pollsPerTurn, now: now)
        // Most have stopped at the same place: what they are told is made once.
        var made: [PollKey: LocalResponse] = [:]
        for id in due {
            guard let poll = polls.entries[id] else { continue }
            let key = PollKey(since: poll.since, isAdmin: poll.isAdmin)
            if made[key] == nil { made[key] = news(since: key.since, key.isAdmin, now: now) }
            settle(poll: id, made, now: now)
        }
    }

    /// A logout or a revocation, told by the engine. Whoever has another token that still counts
    /// goes on waiting.
    func endPolls(of orders: [CloseOrder], now: Milliseconds) {
        for id in polls.concerned(by: orders) {
            guard let poll = polls.entries[id], case .user(var member) = poll.owner,
                service.isOver(&member, now: now)
            else { continue }
            forgetPoll(id)
            answer(id, Problem.anonymous.response)
        }
    }

    /// Answers one that has waited.
    private func settle(
        poll id: ExchangeID, _ made: [PollKey: LocalResponse], now: Milliseconds
    ) {
        guard let poll = polls.entries[id] else { return }
        forgetPoll(id)
        // It may have ended while its owner waited.
        if case .user(var member) = poll.owner, service.isOver(&member, now: now) {
            return answer(id, Problem.anonymous.response)
        }
        let key = PollKey(since: poll.since, isAdmin: poll.isAdmin)
        answer(id, made[key] ?? news(since: poll.since, poll.isAdmin, now: now))
    }

    /// What has changed since a cursor that is still at hand, a batch of it.
    func news(since: Cursor, _ isAdmin: Bool, now: Milliseconds) -> LocalResponse {
        let news = engine.news(since: since, limit: APILimits.changesPerMessage, now: now)
        return Answers.news(news, admin: isAdmin)
    }
}

/// Who is told the same.
private struct PollKey: Hashable {
    let since: Cursor
    let isAdmin: Bool
}
