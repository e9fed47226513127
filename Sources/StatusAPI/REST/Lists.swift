// Owns the lists of users: `users/online` and `users`, with their filters.
// Called by serving, with somebody who may ask.
// Never filters or sorts itself: the engine does, among many users on another thread.

import Presence
import ProxyCore

extension PresenceApplication {
    /// A page of users: those online, or all that the filters leave. Among many users it is made
    /// off the loop.
    func list(
        _ id: ExchangeID, _ endpoint: Endpoint, _ request: borrowing RequestHead,
        _ bytes: RawSpan, _ asker: Asker, now: Milliseconds
    ) throws(Problem) -> Service {
        var parameters = QueryParameters()
        if let query = request.query { parameters = try QueryParameters(bytes[query]) }
        let pagination = try Pagination(parameters, settings: service.settings)
        var query = try ListFilters.query(parameters)
        query.statuses =
            endpoint == .online
            ? try ListFilters.present(parameters) : try ListFilters.statuses(parameters)
        query.offset = pagination.offset
        query.limit = pagination.size
        // No link repeats a credential.
        parameters.drop(credentials.queryNames)
        let order = ListOrder(
            query: query, pagination: pagination, parameters: parameters,
            base: LinkBase(request, bytes), isAdmin: asker.isAdmin)
        guard service.lists.isWanted else { return .answer(order.response(engine, now: now)) }
        let made = AnswerOrder(exchange: id) { order.response($0, now: $1) }
        guard service.lists.submit(made, post, now: now) else {
            throw .unavailable("Too many lists are asked for at once.", retryAfter: 1_000)
        }
        return .later
    }
}

/// Filters in a query. An empty value is no filter, as a form sends it.
enum ListFilters {
    /// What both lists read.
    static func query(_ parameters: QueryParameters) throws(Problem) -> UserQuery {
        var query = UserQuery()
        if let search = given(parameters, "search") {
            guard search.unicodeScalars.count <= APILimits.search else {
                throw .badRequest("'search' may have at most \(APILimits.search) characters.")
            }
            query.search = search
        }
        query.seenAfter = try time(parameters, "seen_after")
        query.seenBefore = try time(parameters, "seen_before")
        query.ordering = try ordering(parameters)
        return query
    }

    /// Who counts as present in `users/online`: those online, with `include=away` the away too.
    static func present(_ parameters: QueryParameters) throws(Problem) -> Set<Status> {
        guard let include = given(parameters, "include") else { return [.online] }
        guard include == "away" else { throw .badRequest("'include' can only be 'away'.") }
        return [.online, .away]
    }

    private static func given(_ parameters: QueryParameters, _ name: String) -> String? {
        parameters[name].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// `status=online`, `status=online,away`, or the parameter several times.
    static func statuses(_ parameters: QueryParameters) throws(Problem) -> Set<Status>? {
        var statuses: Set<Status> = []
        for (name, value) in parameters.pairs where name == "status" && !value.isEmpty {
            for word in value.split(separator: ",", omittingEmptySubsequences: false) {
                guard let status = Status(word: String(word)) else {
                    throw .badRequest("'status' must be 'online', 'away' or 'offline'.")
                }
                statuses.insert(status)
            }
        }
        return statuses.isEmpty ? nil : statuses
    }

    static func time(
        _ parameters: QueryParameters, _ name: String
    ) throws(Problem) -> Milliseconds? {
        guard let text = given(parameters, name) else { return nil }
        if let time = Timestamp.parse(text.rawSpan) { return time }
        // The `+` of an offset is a space in a query that was not escaped.
        var bytes = Array(text.utf8)
        if bytes.count > 6, bytes[bytes.count - 6] == 0x20 {
            bytes[bytes.count - 6] = 0x2B
            if let time = Timestamp.parse(bytes.rawSpan) { return time }
        }
        throw .badRequest("'\(name)' must be a time such as 2026-11-21T09:30:00Z.")
    }

    private static func ordering(_ parameters: QueryParameters) throws(Problem)
        -> UserQuery.Ordering
    {
        switch given(parameters, "ordering") {
        case nil, "user_id": return .userID
        case "name": return .name
        case "last_seen": return .lastSeen
        case "-last_seen": return .lastSeenDescending
        default:
            throw .badRequest(
                "'ordering' must be 'user_id', 'name', 'last_seen' or '-last_seen'.")
        }
    }
}

extension LinkBase {
    /// What a client called this address: X-Forwarded-Host and -Proto where a trusted proxy sent
    /// them, else Host.
    init(_ request: borrowing RequestHead, _ bytes: RawSpan) {
        scheme = "http"
        let trusted = request.isPeerTrusted
        if trusted, let sent = request.fields.value(.xForwardedProto, in: bytes),
            Self.first(sent).equalsFolded("https")
        {
            scheme = "https"
        }
        if trusted, let sent = request.fields.value(.xForwardedHost, in: bytes) {
            authority = Self.first(sent).text()
        }
        if authority == nil || authority == "", let host = request.authority {
            authority = bytes[host].text()
        }
        if authority == "" { authority = nil }
        path = bytes[request.path].text() ?? "/"
        if path.isEmpty { path = "/" }
    }

    /// The first of a list: what the proxy nearest to the client saw.
    @_lifetime(copy value)
    private static func first(_ value: RawSpan) -> RawSpan {
        var end = value.first(0x2C) ?? value.byteCount
        while end > 0, value[at: end - 1] == 0x20 || value[at: end - 1] == 0x09 { end -= 1 }
        return value.extracting(0..<end)
    }
}
