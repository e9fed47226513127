// Owns one presence socket, and who listens to what.
// Called by the hub.
// Never sends anything.

import Presence
import ProxyCore

/// What is looked at anew while a socket stands that was opened with an opaque credential.
struct SocketInquiry: Sendable {
    let digest: TokenDigest
    /// nil: nobody can be asked.
    let question: Question?
    /// When to look.
    var due: Milliseconds
    /// A refresh said that the session goes on until then, whatever becomes of this credential.
    var continuedUntil: Milliseconds = .min
}

/// The user of a socket.
struct Member: Sendable {
    var identity: Identity
    /// The session as it was after `socketOpened`, for `socketClosed`.
    var opened: SessionRef
    /// nil: a signature vouches for the credential until it expires.
    var inquiry: SocketInquiry?

    init(_ identity: Identity) {
        self.identity = identity
        opened = identity.session
    }

    /// Whether the credential is over by its own words.
    func isExpired(now: Milliseconds) -> Bool { inquiry == nil && now >= identity.expires }
}

/// Whose a socket is.
enum SocketOwner: Sendable {
    case user(Member)
    /// A service, by its number: it listens, and is nobody.
    case service(Int, isAdmin: Bool)
}

/// One presence socket.
struct Subscriber {
    enum Scope: Equatable {
        /// Every user's changes.
        case all
        /// Those of some users, by the bytes of their ids; none to begin with.
        case list([[UInt8]])
    }

    let socket: SocketID
    /// nil: a service's.
    var member: Member?
    let isAdmin: Bool
    let rateKey: RateKey
    var scope: Scope
    /// Its place among those who listen to all.
    var place = -1
    /// Where the client stopped listening; nil: it wants a snapshot.
    var resume: Cursor?
    var isWelcomed = false
    /// The closing handshake has begun: it is told nothing more.
    var isClosing = false
}

/// The sockets of one loop by what they listen to. A socket stands in one of the two.
struct Audience {
    /// Those who listen to everybody: plain readers and admins, who are sent other objects.
    private(set) var everyone: [SocketID] = []
    private(set) var admins: [SocketID] = []
    /// Those who asked for a user by name. Sets, since thousands may watch one user and leave at
    /// once.
    private(set) var watchers: [[UInt8]: Set<SocketID>] = [:]
    /// Names asked for, all sockets together.
    private(set) var named = 0

    var isEmpty: Bool { everyone.isEmpty && admins.isEmpty && watchers.isEmpty }

    /// - Returns: its place, to be kept for `remove`.
    mutating func addToAll(_ socket: SocketID, admin: Bool) -> Int {
        if admin {
            admins.append(socket)
            return admins.count - 1
        }
        everyone.append(socket)
        return everyone.count - 1
    }

    /// - Returns: the socket that took its place, if another one did.
    mutating func removeFromAll(_ place: Int, admin: Bool) -> SocketID? {
        admin ? Self.remove(place, from: &admins) : Self.remove(place, from: &everyone)
    }

    private static func remove(_ place: Int, from list: inout [SocketID]) -> SocketID? {
        guard let last = list.popLast(), place < list.count else { return nil }
        list[place] = last
        return last
    }

    mutating func add(_ socket: SocketID, users: [[UInt8]]) {
        for user in users { watchers[user, default: []].insert(socket) }
        named += users.count
    }

    mutating func remove(_ socket: SocketID, users: [[UInt8]]) {
        for user in users {
            watchers[user]?.remove(socket)
            if watchers[user]?.isEmpty == true { watchers[user] = nil }
        }
        named -= users.count
    }
}
