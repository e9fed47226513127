// Owns what readers are told: the snapshot at the beginning, then the changes, in batches.
// Called by the loop's turn, and by a client's subscription.
// Never encodes a change twice for readers who may see the same of it.

import Presence
import ProxyCore

extension Hub {
    /// The engine says that somebody's status has changed.
    func journalGrew() { isBehind = true }

    func turn(now: Milliseconds) {
        if isBehind { tellChanges(now: now) }
        if !arrivals.isEmpty {
            for socket in arrivals { welcome(socket, now: now) }
            arrivals.removeAll(keepingCapacity: true)
        }
        if !prepared.isEmpty { prepared.removeAll() }
        expireDue(now: now)
    }

    /// What came into the journal since the last turn.
    private func tellChanges(now: Milliseconds) {
        guard !audience.isEmpty else {
            cursor = engine.journal.cursor
            isBehind = false
            return
        }
        // So many a turn and the rest in the next one: requests come between.
        for _ in 0..<4 {
            switch engine.journal.read(since: cursor, limit: APILimits.changesPerMessage) {
            case .changes(let changes, let next):
                cursor = next
                guard !changes.isEmpty else {
                    isBehind = false
                    return
                }
                tell(engine.views(subjects: changes.map(\.subject), now: now))
            case .reset(let next):
                cursor = next
                counters.add(.journalLost)
                tellAnew(now: now)
            }
        }
    }

    /// Tells everybody who listens about these users, whose status has changed.
    private func tell(_ views: [PresenceView]) {
        var encoded = EncodedChanges(views)
        var slow: [SocketID] = []
        for readers in Readers.kinds {
            let listening = audience.everyone[readers.index]
            guard !listening.isEmpty else { continue }
            let text = encoded.text(
                Array(views.indices), readers.form, cursor, admin: readers.isAdmin)
            counters.add(.socketDeliveries, Int64(listening.count))
            for socket in listening where !host.send(socket, frames: text.rawSpan) {
                slow.append(socket)
            }
        }
        for (socket, places) in interested(in: views) {
            guard let readers = subscribers[socket]?.readers else { continue }
            counters.add(.socketDeliveries)
            send(socket, encoded.text(places, readers.form, cursor, admin: readers.isAdmin))
        }
        counters.add(.changesEncoded, Int64(encoded.count))
        for socket in slow {
            end(socket, CloseCode.tooSlow.rawValue, "reader too slow", .socketsSlow)
        }
    }

    /// Which sockets asked for which of these users by name.
    private func interested(in views: [PresenceView]) -> [SocketID: [Int]] {
        guard !audience.watchers.isEmpty else { return [:] }
        var places: [SocketID: [Int]] = [:]
        for (place, view) in views.enumerated() {
            for socket in audience.watchers[Array(view.userID.utf8)] ?? [] {
                places[socket, default: []].append(place)
            }
        }
        return places
    }

    /// The journal has lost what was not told yet: state is sent again as a whole.
    private func tellAnew(now: Milliseconds) {
        for (socket, subscriber) in subscribers where subscriber.isWelcomed {
            begin(socket, subscriber.scope, now: now)
        }
    }

    /// Listens to `scope` from now on, and to nothing else; first comes its state as a whole.
    func begin(_ socket: SocketID, _ scope: Subscriber.Scope, now: Milliseconds) {
        silence(socket)
        subscribers[socket]?.isWelcomed = false
        subscribers[socket]?.awaited = nil
        subscribers[socket]?.resume = nil
        subscribers[socket]?.scope = scope
        welcome(socket, now: now)
    }

    /// The first state of a reader, and from then on changes.
    func welcome(_ socket: SocketID, now: Milliseconds) {
        guard let subscriber = subscribers[socket], !subscriber.isWelcomed,
            subscriber.awaited == nil, !subscriber.isClosing
        else { return }
        // Nobody listened so far: the changes until now are not of interest to anybody.
        if audience.isEmpty { cursor = engine.journal.cursor }
        guard case .list(let users) = subscriber.scope else {
            let key = NewsKey(since: subscriber.resume, readers: subscriber.readers)
            if isHeavy(key.since) { return wait(socket, for: key, now: now) }
            return begin(socket, with: news(key, now: now), now: now)
        }
        listen(socket, to: subscriber.scope)
        subscribers[socket]?.isWelcomed = true
        let ids = users.map { String(decoding: $0, as: UTF8.self) }
        // Taken after `cursor`: what changes in between is told twice, nothing never.
        let views = ids.isEmpty ? [] : engine.views(users: ids, now: now)
        let present = News(
            cursor: cursor, isReset: true, views: views.filter { $0.status != .offline })
        send(socket, present.text(subscriber.readers.form, admin: subscriber.readers.isAdmin))
    }

    /// Tells a reader what it begins with, and what came after that was made.
    private func begin(_ socket: SocketID, with news: ReadyNews, now: Milliseconds) {
        guard let readers = subscribers[socket]?.readers, send(socket, news.text) else { return }
        listen(socket, to: .all)
        subscribers[socket]?.isWelcomed = true
        subscribers[socket]?.awaited = nil
        guard news.cursor.isBefore(cursor) else { return }
        let more = self.news(NewsKey(since: news.cursor, readers: readers), now: now)
        if !more.isEmpty { send(socket, more.text) }
    }

    /// Made once a turn, however many readers come back in it: after a break all of them do.
    private func news(_ key: NewsKey, now: Milliseconds) -> ReadyNews {
        // One that was made before others were told what has changed since leaves a gap.
        if let made = prepared[key], !made.cursor.isBefore(cursor) { return made }
        let made = ReadyNews(key, engine.news(since: key.since, now: now))
        if prepared.count < APILimits.preparedNews { prepared[key] = made }
        return made
    }

    // MARK: Off the loop

    /// Whether making it would hold up this loop.
    private func isHeavy(_ since: Cursor?) -> Bool {
        guard service.lists.isWanted else { return false }
        let changes = since.flatMap { engine.journal.distance(from: $0) }
        return changes ?? .max > APILimits.listedOnLoop
    }

    private func wait(_ socket: SocketID, for key: NewsKey, now: Milliseconds) {
        subscribers[socket]?.awaited = key
        awaiting[key, default: []].append(socket)
        guard awaiting[key]?.count == 1 else { return }
        guard service.lists.submit(NewsOrder(key: key), post, now: now) else {
            awaiting[key] = nil
            end(socket, CloseCode.tryAgainLater.rawValue, "too many at once", .socketsRefused)
            return
        }
    }

    /// What readers wait for has been made.
    func arrived(_ news: ReadyNews, now: Milliseconds) {
        for socket in awaiting.removeValue(forKey: news.key) ?? []
        where subscribers[socket]?.awaited == news.key {
            begin(socket, with: news, now: now)
        }
    }
}

/// Presence objects, each encoded at most once for plain readers and once for admins.
private struct EncodedChanges {
    private let views: [PresenceView]
    private var plain: [[UInt8]?]
    private var full: [[UInt8]?]
    private(set) var count = 0

    init(_ views: [PresenceView]) {
        self.views = views
        plain = Array(repeating: nil, count: views.count)
        full = plain
    }

    /// A batch of those at these places.
    mutating func text(
        _ places: [Int], _ form: NewsForm, _ cursor: Cursor, admin: Bool
    ) -> [UInt8] {
        NewsText.write(form, cursor: cursor, isReset: false, count: places.count) { json in
            for place in places { json.raw(object(place, admin: admin).rawSpan) }
        }
    }

    private mutating func object(_ place: Int, admin: Bool) -> [UInt8] {
        if let held = admin ? full[place] : plain[place] { return held }
        let made = SocketMessages.object(views[place], admin: admin)
        count += 1
        if admin { full[place] = made } else { plain[place] = made }
        return made
    }
}
