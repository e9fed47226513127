// Owns what sockets are told: the snapshot at the beginning, then the changes, in batches.
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
        if !snapshots.isEmpty { snapshots.removeAll() }
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
        for admin in [false, true] {
            let readers = admin ? audience.admins : audience.everyone
            guard !readers.isEmpty else { continue }
            let frame = SocketMessages.changes(
                cursor: cursor, objects: encoded.objects(admin: admin))
            counters.add(.socketDeliveries, Int64(readers.count))
            for socket in readers where !host.send(socket, frames: frame.rawSpan) {
                slow.append(socket)
            }
        }
        for (socket, places) in interested(in: views) {
            let admin = subscribers[socket]?.isAdmin ?? false
            let objects = places.map { encoded.object($0, admin: admin) }
            counters.add(.socketDeliveries)
            send(socket, SocketMessages.changes(cursor: cursor, objects: objects))
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
            tellSnapshot(socket, now: now)
        }
    }

    /// The first state of a socket, and from then on changes.
    ///
    /// The snapshot is taken after `cursor`: what changes in between is told twice, nothing never.
    func welcome(_ socket: SocketID, now: Milliseconds) {
        guard let subscriber = subscribers[socket], !subscriber.isWelcomed, !subscriber.isClosing
        else { return }
        // Nobody listened so far: the changes until now are not of interest to anybody.
        if audience.isEmpty { cursor = engine.journal.cursor }
        subscribers[socket]?.isWelcomed = true
        listen(socket, to: subscriber.scope)
        if subscriber.scope == .all, let resume = subscriber.resume,
            tellMissed(socket, since: resume, now: now)
        {
            return
        }
        tellSnapshot(socket, now: now)
    }

    func tellSnapshot(_ socket: SocketID, now: Milliseconds) {
        guard let subscriber = subscribers[socket] else { return }
        switch subscriber.scope {
        case .all:
            send(socket, snapshotOfAll(admin: subscriber.isAdmin, now: now))
        case .list(let users):
            let ids = users.map { String(decoding: $0, as: UTF8.self) }
            let views = ids.isEmpty ? [] : engine.views(users: ids, now: now)
            send(
                socket,
                SocketMessages.snapshot(
                    cursor: cursor, users: views.filter { $0.status != .offline },
                    admin: subscriber.isAdmin))
        }
    }

    /// Encoded once a turn, however many sockets arrive in it: after a restart all of them do.
    private func snapshotOfAll(admin: Bool, now: Milliseconds) -> [UInt8] {
        if let frame = snapshots[admin] { return frame }
        let page = engine.page(
            UserQuery(statuses: [.online, .away], limit: APILimits.snapshotUsers), now: now)
        let frame = SocketMessages.snapshot(cursor: cursor, users: page.results, admin: admin)
        snapshots[admin] = frame
        return frame
    }

    /// Sends what a returning client has missed.
    /// - Returns: false where the journal does not hold it any more.
    private func tellMissed(_ socket: SocketID, since resume: Cursor, now: Milliseconds) -> Bool {
        let admin = subscribers[socket]?.isAdmin ?? false
        var from = resume
        var told = false
        // Bounded by the journal's length.
        while true {
            switch engine.journal.read(since: from, limit: APILimits.changesPerMessage) {
            case .reset: return told
            case .changes(let changes, let next):
                if changes.isEmpty, told { return true }
                from = next
                told = true
                let views = engine.views(subjects: changes.map(\.subject), now: now)
                let objects = views.map { SocketMessages.object($0, admin: admin) }
                counters.add(.socketDeliveries)
                guard send(socket, SocketMessages.changes(cursor: next, objects: objects)) else {
                    return true
                }
                if changes.isEmpty { return true }
            }
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

    mutating func object(_ place: Int, admin: Bool) -> [UInt8] {
        if let held = admin ? full[place] : plain[place] { return held }
        let made = SocketMessages.object(views[place], admin: admin)
        count += 1
        if admin { full[place] = made } else { plain[place] = made }
        return made
    }

    mutating func objects(admin: Bool) -> [[UInt8]] {
        var all: [[UInt8]] = []
        all.reserveCapacity(views.count)
        for place in views.indices { all.append(object(place, admin: admin)) }
        return all
    }
}
