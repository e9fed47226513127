// Owns the picture of one user at one moment, and the words that explain it.
// Called by whoever shows presence.
// Never changes after it was taken.

public import ProxyCore

/// The presence of one user at `asOf`: what the contract's presence object is written from.
public struct PresenceView: Sendable, Equatable {
    public var userID: String
    public var name: String?
    public var status: Status
    /// UTC of the last contact; `asOf` while a presence socket is open; nil: never seen.
    public var lastSeen: Milliseconds?
    public var lastActive: Milliseconds?
    /// When the present status began; nil: never seen and never set.
    public var since: Milliseconds?
    /// Live sessions.
    public var devices: Int
    public var cause: Cause
    public var asOf: Milliseconds
    /// The user's row, where there is one.
    public var subject: UInt32?

    public var isOnline: Bool { status == .online }

    /// What the status rests on, for admins: "POST /orders/ 19 s ago". Nil: never seen.
    public var reason: String? { cause.text(asOf: asOf) }

    /// A user of whom nothing was ever heard.
    public static func unknown(_ userID: String, asOf now: Milliseconds) -> PresenceView {
        PresenceView(
            userID: userID, name: nil, status: .offline, lastSeen: nil, lastActive: nil,
            since: nil, devices: 0, cause: .nothing, asOf: now, subject: nil)
    }
}

/// The part of a view that costs no text.
public struct PresenceBrief: Sendable, Equatable, BitwiseCopyable {
    public var status: Status
    /// As in a view.
    public var lastSeen: Milliseconds?

    public init(status: Status, lastSeen: Milliseconds?) {
        self.status = status
        self.lastSeen = lastSeen
    }

    public static let unknown = PresenceBrief(status: .offline, lastSeen: nil)
}

/// What a status rests on.
public enum Cause: Sendable, Equatable {
    case nothing
    /// A claim in force.
    case setByAdmin
    case loggedOut(at: Milliseconds)
    /// Live before a restart, and not heard of since.
    case presumed
    /// No contact lately but an open presence socket.
    case openSocket
    case sighted(Label, at: Milliseconds)
    /// Seen, in a former life of this process.
    case seen(at: Milliseconds)

    func text(asOf now: Milliseconds) -> String? {
        switch self {
        case .nothing: nil
        case .setByAdmin: "set by admin"
        case .loggedOut(let at): "logged out " + Self.age(now - at)
        case .presumed: "presumed present since the restart"
        case .openSocket: "open socket"
        case .sighted(let label, let at): label.text + " " + Self.age(now - at)
        case .seen(let at): "seen " + Self.age(now - at)
        }
    }

    /// "19 s ago", in the largest unit that still has a whole number of at least one.
    static func age(_ duration: Milliseconds) -> String {
        let seconds = max(duration, 0) / 1000
        if seconds < 60 { return "\(seconds) s ago" }
        if seconds < 3600 { return "\(seconds / 60) min ago" }
        if seconds < 86_400 { return "\(seconds / 3600) h ago" }
        return "\(seconds / 86_400) d ago"
    }
}

/// The first bytes of what was seen last: "POST /orders/", "heartbeat", "login".
public struct Label: Sendable, Equatable, BitwiseCopyable {
    static let words = PresenceLimits.label / 8
    var words: InlineArray<6, Int64>

    init(words: InlineArray<6, Int64>) {
        self.words = words
    }

    /// Cut after `PresenceLimits.label` bytes.
    public init(_ bytes: RawSpan) {
        words = InlineArray(repeating: 0)
        for index in 0..<Self.words { words[index] = Self.word(of: bytes, index) }
    }

    /// Eight bytes of `bytes`, the first one lowest; zeros behind its end.
    @inline(__always)
    static func word(of bytes: RawSpan, _ index: Int) -> Int64 {
        let start = index * 8
        let end = min(start + 8, bytes.byteCount)
        var word: UInt64 = 0
        var place = start
        while place < end {
            word |= UInt64(bytes[unchecked: place]) << UInt64((place - start) * 8)
            place += 1
        }
        return Int64(bitPattern: word)
    }

    /// As text; bytes that are not UTF-8, as where a character was cut, show as U+FFFD.
    public var text: String {
        var bytes: [UInt8] = []
        for index in 0..<Self.words {
            for shift in stride(from: 0, to: 64, by: 8) {
                let byte = UInt8(truncatingIfNeeded: words[index] >> Int64(shift))
                if byte == 0 { return String(decoding: bytes, as: UTF8.self) }
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    public static func == (left: Label, right: Label) -> Bool {
        for index in 0..<words where left.words[index] != right.words[index] { return false }
        return true
    }
}
