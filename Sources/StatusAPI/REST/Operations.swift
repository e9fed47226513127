// Owns the endpoints for those who run the sidecar: healthz, readyz, metrics, stats.
// Called by serving; all but stats without a token.
// Never shows who anybody is.

import Presence
import ProxyCore
import Synchronization

extension PresenceApplication {
    /// The loop runs: it has answered.
    func health() -> LocalResponse {
        var json = JSONWriter()
        json.beginObject()
        json.key("status")
        json.string("ok")
        json.endObject()
        return Answers.json(json)
    }

    /// 503 while draining or without an upstream. A store that does not write is said and is no
    /// reason to send traffic elsewhere: presence goes on in memory.
    func readiness() -> LocalResponse {
        let problem = service.unreadiness()
        let store = service.probes.storeProblem()
        var json = JSONWriter()
        json.beginObject()
        json.key("status")
        json.string(problem == nil ? "ready" : "not ready")
        json.key("detail")
        if let problem { json.string(problem) } else { json.null() }
        json.key("store")
        json.string(store ?? "ok")
        json.endObject()
        return Answers.json(json, status: problem == nil ? 200 : 503)
    }

    /// `GET stats`: how many users have which status, and how many were online lately.
    func stats(now: Milliseconds) -> LocalResponse {
        let counts = engine.counts(now: now)
        var json = JSONWriter()
        json.beginObject()
        json.key("online")
        json.integer(Int64(counts.online))
        json.key("away")
        json.integer(Int64(counts.away))
        json.key("offline")
        json.integer(Int64(counts.offline))
        json.key("users")
        json.integer(Int64(counts.users))
        json.key("sockets")
        json.integer(Int64(counts.sockets))
        json.key("server_time")
        json.timestamp(now)
        hours(engine.onlineHours(now: now), into: &json)
        json.endObject()
        return Answers.json(json)
    }

    /// The peak of the day, which begins at midnight UTC, and the last 24 hours.
    private func hours(_ tally: OnlineHours, into json: inout JSONWriter) {
        json.key("peak_today")
        json.beginObject()
        json.key("online")
        json.integer(Int64(tally.peakToday?.peak ?? 0))
        json.key("at")
        PresenceJSON.time(tally.peakToday?.peakAt, into: &json)
        json.endObject()
        json.key("hours")
        json.beginArray()
        for hour in tally.hours {
            json.beginObject()
            json.key("from")
            json.timestamp(hour.begins)
            json.key("peak")
            json.integer(Int64(hour.peak))
            json.key("users")
            json.integer(Int64(hour.users))
            json.endObject()
        }
        json.endArray()
    }

    func metricsText(now: Milliseconds) -> LocalResponse {
        let counts = engine.counts(now: now)
        let gauges = Gauges(
            sockets: service.sockets.load(ordering: .relaxed)
                - service.streams.load(ordering: .relaxed),
            streams: service.streams.load(ordering: .relaxed),
            polls: service.polls.load(ordering: .relaxed),
            subscriptions: service.subscriptions.load(ordering: .relaxed),
            loops: service.loopCount,
            usersByStatus: [
                (Status.online.word, counts.online), (Status.away.word, counts.away),
                (Status.offline.word, counts.offline),
            ],
            engine: engine.metrics, storeHealthy: service.probes.storeProblem() == nil,
            ready: service.unreadiness() == nil, version: service.settings.version)
        var text = ByteBuffer(capacity: 16 * 1024)
        text.append(Exposition.document(service.metrics, gauges))
        if let more = service.probes.metrics { text.append(more()) }
        return LocalResponse(
            status: 200, contentType: Exposition.contentType,
            fields: [("Cache-Control", "no-store")], body: text.array())
    }
}
