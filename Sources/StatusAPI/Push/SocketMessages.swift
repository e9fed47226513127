// Owns the form of every message to a presence socket.
// Called by the hub.
// Never knows who reads it.

import Presence
import ProxyCore

/// Messages as whole text frames.
enum SocketMessages {
    static func hello(
        user: String?, heartbeatEvery: Milliseconds, now: Milliseconds
    ) -> [UInt8] {
        var json = begin("hello")
        json.key("user_id")
        if let user { json.string(user) } else { json.null() }
        json.key("server_time")
        json.timestamp(now)
        json.key("heartbeat_every")
        json.integer(heartbeatEvery / 1000)
        return frame(&json)
    }

    static func object(_ view: PresenceView, admin: Bool) -> [UInt8] {
        var json = JSONWriter(capacity: 320)
        PresenceJSON.write(view, admin: admin, into: &json)
        return json.finish()
    }

    static func heartbeat(_ view: PresenceView, now: Milliseconds) -> [UInt8] {
        var json = begin("heartbeat")
        json.key("status")
        json.string(view.status.word)
        json.key("last_seen")
        PresenceJSON.time(view.lastSeen, into: &json)
        json.key("server_time")
        json.timestamp(now)
        return frame(&json)
    }

    static func error(_ detail: String) -> [UInt8] {
        var json = begin("error")
        json.key("detail")
        json.string(detail)
        return frame(&json)
    }

    private static func begin(_ type: StaticString, capacity: Int = 256) -> JSONWriter {
        var json = JSONWriter(capacity: capacity)
        json.beginObject()
        json.key("type")
        json.string("\(type)")
        return json
    }

    private static func frame(_ json: inout JSONWriter) -> [UInt8] {
        json.endObject()
        var out = ByteBuffer(capacity: json.bytes.byteCount + 16)
        FrameEncoder.text(json.bytes, into: &out)
        return out.array()
    }
}

/// What a client may say.
enum ClientMessage: Equatable {
    case heartbeat(Status)
    case subscribeAll
    case subscribe([String])

    /// - Throws: 400 with what to write instead; the socket's `error` message says it.
    init(_ text: RawSpan) throws(Problem) {
        guard let root = try Bodies.object(text, called: "message") else {
            throw .badRequest("The message is empty.")
        }
        switch root["type"]?.string {
        case "heartbeat":
            self = .heartbeat(try Bodies.status(root, among: [.online, .away]) ?? .online)
        case "subscribe":
            self = try Self.subscription(root["users"])
        default:
            throw .badRequest("'type' must be 'heartbeat' or 'subscribe'.")
        }
    }

    private static func subscription(_ users: JSONNode?) throws(Problem) -> ClientMessage {
        if users?.string == "*" { return .subscribeAll }
        guard let items = users?.array else {
            throw .badRequest(#"Say which users: {"type":"subscribe","users":["1","2"]} or "*"."#)
        }
        if items.count == 1, items[0].string == "*" { return .subscribeAll }
        guard items.count <= APILimits.subscribedUsers else {
            throw .badRequest(
                "At most \(APILimits.subscribedUsers) users by name; \"*\" means all of them.")
        }
        return .subscribe(try UserIDs.read(items))
    }
}
