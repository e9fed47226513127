// Owns what presence means: status as a function of facts and time.
// Called by shards at every read and change; by tests with any time they like.
// Never reads a clock, holds a state or knows a table.

public import ProxyCore

/// Ordered: the best of several devices wins.
public enum Status: UInt8, Sendable, CaseIterable, Comparable, BitwiseCopyable {
    case offline = 0
    case away = 1
    case online = 2

    /// The word in JSON.
    public var word: String {
        switch self {
        case .offline: "offline"
        case .away: "away"
        case .online: "online"
        }
    }

    /// The status of a JSON word; nil: none.
    public init?(word: String) {
        switch word {
        case "offline": self = .offline
        case "away": self = .away
        case "online": self = .online
        default: return nil
        }
    }

    public static func < (left: Status, right: Status) -> Bool { left.rawValue < right.rawValue }
}

/// What is known of one session.
public struct SessionFacts: Sendable, Equatable {
    /// UTC of the last contact.
    public var contact: Milliseconds
    /// Open presence sockets.
    public var sockets: Int
    /// The last heartbeat said `away`.
    public var saidAway: Bool
    /// When the last socket closed, where no contact came after it.
    public var disconnectedAt: Milliseconds?
    /// It was live before a restart and has not been heard of since.
    public var presumed: Bool

    public init(
        contact: Milliseconds, sockets: Int = 0, saidAway: Bool = false,
        disconnectedAt: Milliseconds? = nil, presumed: Bool = false
    ) {
        self.contact = contact
        self.sockets = sockets
        self.saidAway = saidAway
        self.disconnectedAt = disconnectedAt
        self.presumed = presumed
    }
}

/// A status set by hand.
public struct Claim: Sendable, Equatable {
    public var status: Status
    public var setAt: Milliseconds
    /// Nil: until the user's next activity, which removes the claim.
    public var until: Milliseconds?

    public init(status: Status, setAt: Milliseconds, until: Milliseconds?) {
        self.status = status
        self.setAt = setAt
        self.until = until
    }
}

/// The rules of the contract.
public enum Rules {
    /// The first moment at which the session is over if nothing more is heard of it.
    public static func end(of session: SessionFacts, _ settings: PresenceSettings) -> Milliseconds {
        if session.sockets > 0 { return .max }
        var end = session.contact + settings.offlineAfter
        if let closed = session.disconnectedAt {
            end = min(end, closed + settings.disconnectGrace)
        }
        return session.presumed ? max(end, settings.presumedUntil) : end
    }

    /// The first moment at which a user counts as idle if nothing more is done.
    public static func idle(
        lastActive: Milliseconds?, _ settings: PresenceSettings
    ) -> Milliseconds {
        guard let awayAfter = settings.awayAfter else { return .max }
        guard let lastActive else { return .min }
        return lastActive + awayAfter
    }

    /// The status of a user at `now`. Sessions that a logout ended are not among `sessions`.
    public static func status(
        lastActive: Milliseconds?, claim: Claim?, sessions: [SessionFacts], at now: Milliseconds,
        _ settings: PresenceSettings
    ) -> Status {
        var outlook = Outlook(lastActive: lastActive, claim: claim, settings)
        for session in sessions { outlook.add(session, settings) }
        return outlook.status(at: now)
    }
}

/// What a user's facts say about every moment from now on, if nothing more is heard.
///
/// Time alone only ever ends things: sessions run out, a user becomes idle, a claim lapses. So
/// four moments tell the whole future.
public struct Outlook: Sendable, Equatable {
    private let idleAt: Milliseconds
    private let claim: Claim?
    private var presentUntil = Milliseconds.min
    private var keenUntil = Milliseconds.min

    public init(lastActive: Milliseconds?, claim: Claim?, _ settings: PresenceSettings) {
        idleAt = Rules.idle(lastActive: lastActive, settings)
        self.claim = claim
    }

    /// Several devices: the best status of any live session wins.
    public mutating func add(_ session: SessionFacts, _ settings: PresenceSettings) {
        let end = Rules.end(of: session, settings)
        presentUntil = max(presentUntil, end)
        if !session.saidAway { keenUntil = max(keenUntil, end) }
    }

    public func status(at now: Milliseconds) -> Status {
        if let claim, now < claim.until ?? .max { return claim.status }
        if now < min(keenUntil, idleAt) { return .online }
        return now < presentUntil ? .away : .offline
    }

    /// The first moment after `now` with another status; nil: none ever.
    public func nextChange(after now: Milliseconds) -> Milliseconds? {
        let present = status(at: now)
        var next: Milliseconds?
        for moment in [claim?.until ?? .max, min(keenUntil, idleAt), presentUntil] {
            guard moment > now, moment < .max, status(at: moment) != present else { continue }
            next = min(next ?? .max, moment)
        }
        return next
    }
}
