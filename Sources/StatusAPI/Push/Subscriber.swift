// Owns one reader of changes, a presence socket or an event stream, and who listens to what.
// Called by the hub.
// Never sends anything.

import Presence
import ProxyCore

/// What is looked at anew while a socket stands that was opened with an opaque credential.
struct SocketInquiry: Sendable {
    let digest: TokenDigest
    /// nil: nobody can be asked, or nobody is to be.
    let question: Question?
    /// Whether somebody can be asked.
    let isAskable: Bool
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

/// Readers who are sent the same bytes.
struct Readers: Hashable, Sendable {
    var isStream: Bool
    var isAdmin: Bool

    static let kinds = [
        Readers(isStream: false, isAdmin: false), Readers(isStream: false, isAdmin: true),
        Readers(isStream: true, isAdmin: false), Readers(isStream: true, isAdmin: true),
    ]

    /// Its place among `kinds`.
    var index: Int { (isStream ? 2 : 0) + (isAdmin ? 1 : 0) }

    var form: NewsForm { isStream ? .event : .frame }
}

/// One presence socket or event stream.
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
    let readers: Readers
    let rateKey: RateKey
    var scope: Scope
    /// Its place among those who listen to all.
    var place = -1
    /// Where the client stopped listening; nil: it wants a snapshot.
    var resume: Cursor?
    var isWelcomed = false
    /// What another thread is making for it.
    var awaited: NewsKey?
    /// The closing handshake has begun: it is told nothing more.
    var isClosing = false
}

/// The readers of one loop by what they listen to. A reader stands in one of the two.
struct Audience {
    /// Those who listen to everybody, by the place of their kind in `Readers.kinds`.
    private(set) var everyone: [[SocketID]] = Array(repeating: [], count: Readers.kinds.count)
    /// Those who asked for a user by name. Sets, since thousands may watch one user and leave at
    /// once.
    private(set) var watchers: [[UInt8]: Set<SocketID>] = [:]
    /// Names asked for, all sockets together.
    private(set) var named = 0

    var isEmpty: Bool { watchers.isEmpty && everyone.allSatisfy(\.isEmpty) }

    /// - Returns: its place, to be kept for `remove`.
    mutating func addToAll(_ socket: SocketID, _ readers: Readers) -> Int {
        everyone[readers.index].append(socket)
        return everyone[readers.index].count - 1
    }

    /// - Returns: the reader that took its place, if another one did.
    mutating func removeFromAll(_ place: Int, _ readers: Readers) -> SocketID? {
        guard let last = everyone[readers.index].popLast(),
            place < everyone[readers.index].count
        else { return nil }
        everyone[readers.index][place] = last
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
