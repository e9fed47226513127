// Owns the presence object, the same everywhere.
// Called by the endpoints and the hub.
// Never decides anything: it writes a view as it is.

import Presence
import ProxyCore

/// Writes presence objects.
enum PresenceJSON {
    /// - Parameter admin: whether the reader may see why.
    static func write(_ view: PresenceView, admin: Bool, into json: inout JSONWriter) {
        json.beginObject()
        fields(view, admin: admin, into: &json)
        json.endObject()
    }

    /// The members alone, for an object that has more of them.
    static func fields(_ view: PresenceView, admin: Bool, into json: inout JSONWriter) {
        json.key("user_id")
        json.string(view.userID)
        json.key("name")
        if let name = view.name { json.string(name) } else { json.null() }
        json.key("online_status")
        json.string(view.status.word)
        json.key("is_online")
        json.bool(view.isOnline)
        json.key("last_seen")
        time(view.lastSeen, into: &json)
        json.key("last_active")
        time(view.lastActive, into: &json)
        json.key("since")
        time(view.since, into: &json)
        json.key("devices")
        json.integer(Int64(view.devices))
        if admin {
            json.key("reason")
            if let reason = view.reason { json.string(reason) } else { json.null() }
        }
    }

    static func time(_ time: Milliseconds?, into json: inout JSONWriter) {
        if let time { json.timestamp(time) } else { json.null() }
    }
}
