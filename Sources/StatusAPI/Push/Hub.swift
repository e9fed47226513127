// Owns the readers of one loop, presence sockets and event streams: opening, end, clocks.
// Called by the loop's application.
// Never waits for a reader, never keeps a message for one: who is too slow starts anew.

import Presence
import ProxyCore
import Synchronization

/// The presence sockets and event streams of one loop.
final class Hub {
    let service: PresenceService
    let engine: PresenceEngine
    let host: any ApplicationHost
    let post: LoopPost
    let counters: LoopCounters
    var subscribers: [SocketID: Subscriber] = [:]
    var audience = Audience()
    private var sockets: [UInt32: Set<SocketID>] = [:]
    /// Opened in this turn, and told of nobody yet.
    var arrivals: [SocketID] = []
    /// How far the journal has been told.
    var cursor: Cursor
    var isBehind = false
    /// What was made in this turn for readers who have just come.
    var prepared: [NewsKey: ReadyNews] = [:]
    /// Who waits for what is being made off the loop.
    var awaiting: [NewsKey: [SocketID]] = [:]

    private var wheel: TimerWheel?
    private var due: Milliseconds?
    private var expired: [UInt64] = []

    init(
        _ service: PresenceService, host: any ApplicationHost, post: LoopPost,
        counters: LoopCounters
    ) {
        self.service = service
        self.post = post
        engine = service.engine
        self.host = host
        self.counters = counters
        cursor = service.engine.journal.cursor
    }

    // MARK: Opening and closing

    func open(_ socket: SocketID, _ opening: Opening, now: Milliseconds) {
        var member: Member?
        let isAdmin: Bool
        let rateKey: RateKey
        switch opening.owner {
        case .service(let number, let admin):
            (isAdmin, rateKey) = (admin, RateKey(service: number))
        case .user(var user):
            guard !engine.isRevoked(&user.identity, now: now), !user.isExpired(now: now) else {
                counters.add(.socketsRevoked)
                return host.close(
                    socket, code: CloseCode.tokenEnded.rawValue,
                    reason: "token expired or revoked")
            }
            (isAdmin, rateKey) = (user.identity.isAdmin, RateKey(subject: user.identity.subject))
            member = user
        }
        let taken = service.sockets.add(1, ordering: .relaxed).newValue
        guard taken <= service.settings.maximumSockets else {
            service.sockets.subtract(1, ordering: .relaxed)
            counters.add(.socketsRefused)
            return host.close(
                socket, code: CloseCode.tryAgainLater.rawValue, reason: "too many sockets")
        }
        counters.add(opening.isStream ? .streamsOpened : .socketsOpened)
        if opening.isStream { service.streams.add(1, ordering: .relaxed) }
        let all =
            opening.isStream
            || opening.listensToAll ?? (service.settings.subscription == .all)
        var subscriber = Subscriber(
            socket: socket, readers: Readers(isStream: opening.isStream, isAdmin: isAdmin),
            rateKey: rateKey, scope: all ? .all : .list([]), resume: opening.resume)
        if var member {
            // A stream is a request that takes long: it shows no more than that it was made.
            if !opening.isStream {
                engine.socketOpened(&member.identity.session, now: now)
                member.opened = member.identity.session
            }
            subscriber.member = member
            sockets[member.identity.subject, default: []].insert(socket)
            schedule(socket, member, now: now)
        }
        subscribers[socket] = subscriber
        arrivals.append(socket)
        guard !opening.isStream else { return }
        let user = member.map { engine.view(subject: $0.identity.subject, now: now).userID }
        send(
            socket,
            SocketMessages.hello(
                user: user, heartbeatEvery: service.settings.heartbeatEvery, now: now))
    }

    func closed(_ socket: SocketID, now: Milliseconds) {
        guard let subscriber = subscribers[socket] else { return }
        silence(socket)
        subscribers[socket] = nil
        service.sockets.subtract(1, ordering: .relaxed)
        if subscriber.readers.isStream { service.streams.subtract(1, ordering: .relaxed) }
        guard let member = subscriber.member else { return }
        let subject = member.identity.subject
        sockets[subject]?.remove(socket)
        if sockets[subject]?.isEmpty == true { sockets[subject] = nil }
        if !subscriber.readers.isStream { engine.socketClosed(member.opened, now: now) }
    }

    /// Begins the end of a socket that is still there. It counts as open until `closed`.
    func end(_ socket: SocketID, _ code: UInt16, _ reason: String, _ counter: Counter) {
        guard let subscriber = subscribers[socket], !subscriber.isClosing else { return }
        counters.add(counter)
        silence(socket)
        subscribers[socket]?.isClosing = true
        host.close(socket, code: code, reason: reason)
    }

    /// A logout or a revocation, told by the engine.
    func obey(_ order: CloseOrder) {
        for socket in sockets[order.subject] ?? [] {
            guard let member = subscribers[socket]?.member,
                order.session == nil || order.session == member.opened.tag
            else { continue }
            end(socket, order.code, "token revoked", .socketsRevoked)
        }
    }

    /// A refresh, told by the engine: the sockets of the session go on under its new token.
    func obey(_ order: ExtendOrder) {
        for socket in sockets[order.subject] ?? [] {
            guard var member = subscribers[socket]?.member, member.opened.tag == order.session
            else { continue }
            member.identity.extend(until: order.expires)
            if let until = member.inquiry?.continuedUntil {
                member.inquiry?.continuedUntil = max(until, order.expires)
            }
            subscribers[socket]?.member = member
        }
    }

    // MARK: Listening

    /// Puts a socket among those who listen to `scope` and to nothing else.
    func listen(_ socket: SocketID, to scope: Subscriber.Scope) {
        silence(socket)
        guard let subscriber = subscribers[socket] else { return }
        subscribers[socket]?.scope = scope
        switch scope {
        case .all:
            subscribers[socket]?.place = audience.addToAll(socket, subscriber.readers)
        case .list(let users):
            audience.add(socket, users: users)
            service.subscriptions.add(users.count, ordering: .relaxed)
        }
    }

    /// Takes a socket out of the audience.
    func silence(_ socket: SocketID) {
        guard let subscriber = subscribers[socket], subscriber.isWelcomed else { return }
        switch subscriber.scope {
        case .all:
            guard subscriber.place >= 0 else { return }
            subscribers[socket]?.place = -1
            let moved = audience.removeFromAll(subscriber.place, subscriber.readers)
            if let moved { subscribers[moved]?.place = subscriber.place }
        case .list(let users):
            subscribers[socket]?.scope = .list([])
            audience.remove(socket, users: users)
            service.subscriptions.subtract(users.count, ordering: .relaxed)
        }
    }

    // MARK: Clocks

    func expireDue(now: Milliseconds) {
        guard let due, now >= due else { return }
        expired.removeAll(keepingCapacity: true)
        wheel?.expire(now: now, limit: APILimits.socketsPerTurn, into: &expired)
        for key in expired { tick(Self.socket(key), now: now) }
        self.due = wheel?.delay(now: now).map { now + $0 }
    }

    func delay(now: Milliseconds) -> Milliseconds? {
        if isBehind { return 0 }
        return due.map { max($0 - now, 0) }
    }

    private func tick(_ socket: SocketID, now: Milliseconds) {
        guard let subscriber = subscribers[socket], !subscriber.isClosing,
            let member = subscriber.member
        else { return }
        guard !member.isExpired(now: now) else {
            return end(
                socket, CloseCode.tokenEnded.rawValue, "token expired", .socketsExpired)
        }
        if let inquiry = member.inquiry, now >= inquiry.due {
            guard inquire(socket, inquiry, now: now) else { return }
        }
        schedule(socket, subscribers[socket]?.member ?? member, now: now)
    }

    private func schedule(_ socket: SocketID, _ member: Member, now: Milliseconds) {
        // Looked at now and then, so that sockets long gone do not fill the wheel until their
        // tokens expire.
        let next = min(member.inquiry?.due ?? member.identity.expires, now + APILimits.socketCheck)
        if wheel == nil { wheel = TimerWheel(tick: 500, size: 128, now: now) }
        wheel?.insert(Self.key(socket), due: next)
        due = min(due ?? next, next)
    }

    private static func key(_ socket: SocketID) -> UInt64 {
        UInt64(socket.generation) << 32 | UInt64(UInt32(bitPattern: socket.slot))
    }

    private static func socket(_ key: UInt64) -> SocketID {
        SocketID(
            slot: Int32(truncatingIfNeeded: key), generation: UInt32(truncatingIfNeeded: key >> 32))
    }

    // MARK: Sending

    /// Queues frames on a socket; one that cannot take them is closed.
    @discardableResult
    func send(_ socket: SocketID, _ frames: [UInt8]) -> Bool {
        guard let subscriber = subscribers[socket], !subscriber.isClosing else { return false }
        if host.send(socket, frames: frames.rawSpan) { return true }
        end(socket, CloseCode.tooSlow.rawValue, "reader too slow", .socketsSlow)
        return false
    }
}
