// Owns the endpoints about one user: heartbeat, user, set-status, and several by their ids.
// Called by serving, with somebody who may ask.
// Never decides a status.

import Presence
import ProxyCore

extension PresenceApplication {
    /// `POST heartbeat`: the body may say `away`.
    func heartbeat(
        _ asker: Asker, body: RawSpan, now: Milliseconds
    ) throws(Problem) -> LocalResponse {
        guard case .user(var identity, let entry) = asker.who else { throw Asker.noPerson }
        let said = try Bodies.object(body).flatMap { root throws(Problem) in
            try Bodies.status(root, among: [.online, .away])
        }
        let view = engine.heartbeat(&identity.session, status: said ?? .online, now: now)
        identification.remember(identity.session, at: entry)
        counters.add(.heartbeats)
        var json = JSONWriter()
        json.beginObject()
        PresenceJSON.fields(view, admin: asker.isAdmin, into: &json)
        json.key("status")
        json.string(view.status.word)
        json.key("server_time")
        json.timestamp(now)
        json.endObject()
        return Answers.json(json)
    }

    /// `GET users/{id}`: any user may read any other, as in a chat.
    func user(
        _ request: borrowing RequestHead, _ bytes: RawSpan, _ asker: Asker, now: Milliseconds
    ) throws(Problem) -> LocalResponse {
        let id = try userID(request, bytes)
        var json = JSONWriter()
        PresenceJSON.write(engine.view(user: id, now: now), admin: asker.isAdmin, into: &json)
        return Answers.json(json)
    }

    /// `POST users/{id}/status`: answered once the claim is safe.
    func setStatus(
        _ id: ExchangeID, _ request: borrowing RequestHead, _ bytes: RawSpan, _ asker: Asker,
        body: RawSpan, now: Milliseconds
    ) throws(Problem) -> Service {
        guard asker.isAdmin else { throw .forbidden("Only an admin may set a status.") }
        let user = try userID(request, bytes)
        guard let root = try Bodies.object(body),
            let status = try Bodies.status(root, among: [.online, .away, .offline])
        else {
            throw .badRequest(#"Say which status: {"online_status": "away", "for": "30m"}."#)
        }
        let until = try Self.length(root["for"]).map { now + $0 }
        guard !awaiting.isFull else {
            throw .unavailable("Too many statuses are being set.", retryAfter: 1_000)
        }
        let view = engine.claim(user: user, status: status, until: until, now: now) {
            [post] kept in
            post.post(Finished(exchange: id, purpose: .answer, kept: kept))
        }
        guard let view else {
            throw .unavailable("There is no room for a further user.", retryAfter: nil)
        }
        counters.add(.statusesSet)
        var json = JSONWriter()
        PresenceJSON.write(view, admin: true, into: &json)
        awaiting.put(id, Answers.json(json), now: now)
        return .later
    }

    private static func length(_ node: JSONNode?) throws(Problem) -> Milliseconds? {
        guard let node, !node.isNull else { return nil }
        guard let length = node.string.flatMap(Durations.parse) else {
            throw .badRequest(
                "'for' must be a duration such as \"30s\", \"30m\", \"8h\" or \"7d\".")
        }
        return length
    }

    /// `POST users/query`: up to `APILimits.subscribedUsers` ids.
    func query(_ body: RawSpan, _ asker: Asker, now: Milliseconds) throws(Problem) -> LocalResponse
    {
        guard let items = try Bodies.object(body)?["ids"]?.array else {
            throw .badRequest(#"Say which users: {"ids": ["1", "2"]}."#)
        }
        guard items.count <= APILimits.subscribedUsers else {
            throw .badRequest("At most \(APILimits.subscribedUsers) ids at once.")
        }
        let ids = try UserIDs.read(items)
        var json = JSONWriter(capacity: 256 * (ids.count + 1))
        json.beginObject()
        json.key("results")
        json.beginObject()
        for view in engine.views(users: ids, now: now) {
            json.key(text: view.userID)
            PresenceJSON.write(view, admin: asker.isAdmin, into: &json)
        }
        json.endObject()
        json.endObject()
        return Answers.json(json)
    }

    /// `GET whoami`: nobody is an answer too, so that a page may ask before it opens a socket,
    /// whose refusal a browser tells its script nothing of.
    func whoami(_ asker: Asker?, now: Milliseconds) -> LocalResponse {
        var json = JSONWriter()
        json.beginObject()
        json.key("signed_in")
        json.bool(asker != nil)
        json.key("user_id")
        if case .user(let identity, _) = asker?.who {
            let view = engine.view(subject: identity.subject, now: now)
            json.string(view.userID)
            json.key("name")
            if let name = view.name { json.string(name) } else { json.null() }
        } else {
            json.null()
            json.key("name")
            json.null()
        }
        json.key("is_admin")
        json.bool(asker?.isAdmin ?? false)
        json.key("heartbeat_every")
        json.integer(service.settings.heartbeatEvery / 1_000)
        json.key("server_time")
        json.timestamp(now)
        json.endObject()
        return Answers.json(json)
    }

    func userID(
        _ request: borrowing RequestHead, _ bytes: RawSpan
    ) throws(Problem) -> String {
        guard let id = router.user(request, bytes, scratch: &scratch), UserIDs.isUsable(id) else {
            throw .notFound("The path names no user.")
        }
        return id
    }
}

/// User ids as clients give them.
enum UserIDs {
    static func isUsable(_ id: String) -> Bool {
        // No token names somebody with a control character: C0, DEL or C1.
        !id.isEmpty && id.utf8.count <= PresenceLimits.userID
            && id.unicodeScalars.allSatisfy {
                $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value)
            }
    }

    /// Texts or whole numbers, each once, in their order.
    /// - Throws: 400 where one of them is no id.
    static func read(_ items: [JSONNode]) throws(Problem) -> [String] {
        var ids: [String] = []
        // By bytes: Unicode takes two spellings of one letter for the same text, ids do not.
        var seen: Set<[UInt8]> = []
        for item in items {
            guard let id = item.identifier, isUsable(id) else {
                throw .badRequest("A user id must be a text or a whole number.")
            }
            if seen.insert(Array(id.utf8)).inserted { ids.append(id) }
        }
        return ids
    }
}
