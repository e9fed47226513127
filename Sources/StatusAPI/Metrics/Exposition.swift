// Owns the text of /metrics: Prometheus exposition format 0.0.4.
// Called by the metrics endpoint.
// Never counts anything itself.

import Presence
public import ProxyCore

/// What is read at the moment of the scrape.
struct Gauges {
    var sockets: Int
    var streams: Int
    var polls: Int
    var subscriptions: Int
    var loops: Int
    var usersByStatus: [(status: String, count: Int)]
    var engine: PresenceMetrics
    var storeHealthy: Bool
    var ready: Bool
    var version: String
}

/// Writes families of metrics.
struct Exposition: ~Copyable {
    static let contentType: StaticString = "text/plain; version=0.0.4; charset=utf-8"

    private var out = ByteBuffer(capacity: 8192)

    init() {}

    /// The whole document.
    static func document(_ registry: MetricsRegistry, _ gauges: Gauges) -> [UInt8] {
        var text = Exposition()
        text.write(gauges)
        text.write(registry)
        return text.out.array()
    }

    private mutating func write(_ gauges: Gauges) {
        family("presence_build_info", "gauge", "The version that runs.")
        sample("presence_build_info", [("version", gauges.version)], 1)
        family("presence_users", "gauge", "Users by their present status.")
        for (status, count) in gauges.usersByStatus {
            sample("presence_users", [("status", status)], Int64(count))
        }
        write(gauges.engine)
        gauge("presence_sockets", "Presence sockets open now.", gauges.sockets)
        gauge("presence_streams", "Event streams open now.", gauges.streams)
        gauge("presence_polls", "Requests that wait for changes now.", gauges.polls)
        gauge(
            "presence_subscriptions", "Users that sockets asked for by name.",
            gauges.subscriptions)
        gauge("presence_loops", "Event loops.", gauges.loops)
        gauge(
            "presence_store_up", "1: facts are written; 0: see readyz.",
            gauges.storeHealthy ? 1 : 0)
        gauge("presence_ready", "1: readyz answers 200.", gauges.ready ? 1 : 0)
    }

    private mutating func write(_ engine: PresenceMetrics) {
        gauge("presence_users_known", "Users of whom there is a row.", engine.users)
        gauge("presence_sessions", "Session rows in use.", engine.sessions)
        gauge("presence_revocations", "Revoked tokens remembered.", engine.revocations)
        gauge(
            "presence_learnt_tokens", "Opaque tokens learnt from logins.", engine.learntTokens)
        family("presence_changes_total", "counter", "Changes of status, all kinds.")
        sample("presence_changes_total", [], Int64(clamping: engine.changes))
        let lost: StaticString = "presence_bounds_met_total"
        family(lost, "counter", "What the bounds of the tables have cost.")
        sample(lost, [("what", "user untracked")], Int64(engine.untrackedUsers))
        sample(lost, [("what", "session untracked")], Int64(engine.untrackedSessions))
        sample(lost, [("what", "session evicted")], Int64(engine.evictedSessions))
        sample(lost, [("what", "revocation forgotten")], Int64(engine.forgottenRevocations))
        sample(lost, [("what", "learnt token evicted")], Int64(engine.evictedTokens))
    }

    private mutating func write(_ registry: MetricsRegistry) {
        for group in CounterFamily.all {
            family(group.name, "counter", group.help)
            for (value, counter) in group.samples {
                let labels = group.label.map { [("\($0)", value)] } ?? []
                sample(group.name, labels, registry.total(counter))
            }
        }
        let refused: StaticString = "presence_tokens_refused_total"
        family(refused, "counter", "Tokens that count for nothing, by reason.")
        for fault in TokenFault.allCases {
            sample(refused, [("reason", fault.text)], registry.total(fault))
        }
        sample(refused, [("reason", "revoked")], registry.total(.tokenRevoked))
        sample(refused, [("reason", "sources disagree")], registry.total(.tokenConflict))
        sample(refused, [("reason", "no room")], registry.total(.tokenNoRoom))
        sample(refused, [("reason", "unknown")], registry.total(.tokenStrange))
        sample(refused, [("reason", "disowned")], registry.total(.tokenDisowned))
        sample(refused, [("reason", "too many bad ones")], registry.total(.tokenLimited))
        sample(refused, [("reason", "too many unknown ones")], registry.total(.questionLimited))
    }

    private mutating func gauge(_ name: StaticString, _ help: StaticString, _ value: Int) {
        family(name, "gauge", help)
        sample(name, [], Int64(value))
    }

    private mutating func family(
        _ name: StaticString, _ kind: StaticString, _ help: StaticString
    ) {
        out.appendFamily(name, kind, help)
    }

    private mutating func sample(
        _ name: StaticString, _ labels: [(name: String, value: String)], _ value: Int64
    ) {
        out.append(name)
        for (index, label) in labels.enumerated() {
            out.append(index == 0 ? "{" : "," as StaticString)
            out.append(label.name)
            out.append("=\"")
            for byte in label.value.utf8 {
                switch byte {
                case 0x22: out.append("\\\"")
                case 0x5C: out.append("\\\\")
                case 0x0A: out.append("\\n")
                default: out.append(byte)
                }
            }
            out.append("\"")
        }
        if !labels.isEmpty { out.append("}") }
        out.append(value < 0 ? " -" : " " as StaticString)
        out.append(decimal: value.magnitude)
        out.append("\n")
    }
}

extension ByteBuffer {
    /// The two lines above the samples of a family.
    public mutating func appendFamily(
        _ name: StaticString, _ kind: StaticString, _ help: StaticString
    ) {
        append("# HELP ")
        append(name)
        append(" ")
        append(help)
        append("\n# TYPE ")
        append(name)
        append(" ")
        append(kind)
        append("\n")
    }
}

/// Counters that make up one family, told apart by one label.
struct CounterFamily {
    let name: StaticString
    let help: StaticString
    let label: StaticString?
    let samples: [(value: String, counter: Counter)]

    static let all: [CounterFamily] = traffic + presence + sockets

    private static let traffic: [CounterFamily] = [
        CounterFamily(
            name: "presence_requests_forwarded_total",
            help: "Requests forwarded, by class of the answer's status.", label: "code",
            samples: [
                ("1xx", .forwarded1xx), ("2xx", .forwarded2xx), ("3xx", .forwarded3xx),
                ("4xx", .forwarded4xx), ("5xx", .forwarded5xx),
            ]),
        CounterFamily(
            name: "presence_upstream_failures_total",
            help: "Forwarded requests that the proxy itself had to answer.", label: nil,
            samples: [("", .upstreamFailed)]),
        CounterFamily(
            name: "presence_requests_served_total",
            help: "Requests to the sidecar itself, by class of the answer's status.",
            label: "code",
            samples: [
                ("1xx", .served1xx), ("2xx", .served2xx), ("3xx", .served3xx),
                ("4xx", .served4xx), ("5xx", .served5xx),
            ]),
        CounterFamily(
            name: "presence_requests_refused_total",
            help: "Requests refused before anything else.", label: "reason",
            samples: [
                ("ambiguous path", .refusedAmbiguous), ("rate", .rateLimited),
                ("credential required", .requireRefused),
            ]),
        CounterFamily(
            name: "presence_enrich_total",
            help: "Answers on routes that enrich: enriched, or why they passed as they came.",
            label: "outcome",
            samples: [
                ("enriched", .enriched), ("empty list", .enrichEmpty),
                ("other shape", .enrichShape), ("not JSON", .enrichNotJSON),
                ("too many items", .enrichTooManyItems), ("too large", .enrichTooLarge),
                ("status", .enrichStatus), ("partial", .enrichPartial),
                ("other type", .enrichType), ("compressed", .enrichCoded),
                ("public", .enrichShared), ("no-transform", .enrichFixed),
            ]),
        CounterFamily(
            name: "presence_tokens_total",
            help: "Look-ups of tokens that counted, by how that was known.", label: "verdict",
            samples: [
                ("cached", .tokenCached), ("verified", .tokenVerified),
                ("learnt", .tokenLearnt), ("introspected", .tokenInquired),
                ("service", .tokenService),
            ]),
    ]

    private static let presence: [CounterFamily] = [
        CounterFamily(
            name: "presence_sightings_total", help: "Forwarded requests, by what they showed.",
            label: "kind",
            samples: [
                ("activity", .sightActivity), ("contact", .sightContact),
                ("refused", .sightRefused), ("untracked", .sightUntracked),
                ("anonymous", .sightAnonymous), ("to be asked", .sightUnasked),
            ]),
        CounterFamily(
            name: "presence_logins_total", help: "Answers of login routes, by what was read.",
            label: "result",
            samples: [
                ("seen", .loginSeen), ("failed", .loginFailed),
                ("too large or unreadable", .loginUnreadable), ("not JSON", .loginNotJSON),
                ("no user in it", .loginNoUser), ("token of another user", .loginMismatch),
                ("no token in it", .loginNoToken),
                ("token learnt", .loginLearnt), ("token unusable", .loginTokenUnusable),
            ]),
        CounterFamily(
            name: "presence_refreshes_total", help: "Answers of refresh routes, by what was read.",
            label: "result",
            samples: [
                ("seen", .refreshSeen), ("failed", .refreshFailed),
                ("no token or no user in it", .refreshUnread),
            ]),
        CounterFamily(
            name: "presence_logouts_total", help: "Answers of logout routes, by what was known.",
            label: "result",
            samples: [
                ("seen", .logoutSeen), ("anonymous", .logoutAnonymous),
                ("forgotten", .logoutForgotten),
            ]),
        CounterFamily(
            name: "presence_inject_total",
            help: "Answers on routes that inject, by what became of the client script's tag.",
            label: "outcome",
            samples: [
                ("injected", .pageInjected), ("already there", .pageAlready),
                ("policy", .pagePolicy), ("fragment", .pageFragment),
                ("no place", .pageNoPlace), ("charset", .pageCharset),
                ("unclear", .pageUnclear), ("encoded", .pageEncoded),
                ("not a page", .pageNotHTML), ("no-transform", .pageNoTransform),
            ]),
        CounterFamily(
            name: "presence_heartbeats_total", help: "Heartbeats by HTTP and socket.", label: nil,
            samples: [("", .heartbeats)]),
        CounterFamily(
            name: "presence_statuses_set_total", help: "Statuses set by hand.", label: nil,
            samples: [("", .statusesSet)]),
        CounterFamily(
            name: "presence_commits_missed_total",
            help: "Facts whose writing failed or took too long for the answer.", label: "reason",
            samples: [("failed", .commitFailed), ("late", .commitLate)]),
    ]

    private static let sockets: [CounterFamily] = [
        CounterFamily(
            name: "presence_sockets_opened_total", help: "Presence sockets opened.", label: nil,
            samples: [("", .socketsOpened)]),
        CounterFamily(
            name: "presence_streams_opened_total", help: "Event streams opened.", label: nil,
            samples: [("", .streamsOpened)]),
        CounterFamily(
            name: "presence_polls_total", help: "Requests for changes while there were none.",
            label: "result",
            samples: [("parked", .pollsParked), ("no room", .pollsCrowded)]),
        CounterFamily(
            name: "presence_sockets_ended_total",
            help: "Presence sockets and event streams that we closed.",
            label: "reason",
            samples: [
                ("too many", .socketsRefused), ("token expired", .socketsExpired),
                ("token revoked", .socketsRevoked), ("token disowned", .socketsDisowned),
                ("reader too slow", .socketsSlow),
            ]),
        CounterFamily(
            name: "presence_socket_messages_total", help: "Messages of clients.", label: "result",
            samples: [("understood", .socketMessages), ("bad", .socketMessagesBad)]),
        CounterFamily(
            name: "presence_socket_deliveries_total",
            help: "Messages about changes, each to one socket or stream.", label: nil,
            samples: [("", .socketDeliveries)]),
        CounterFamily(
            name: "presence_changes_encoded_total",
            help: "Presence objects written for sockets, once for all readers of a loop.",
            label: nil, samples: [("", .changesEncoded)]),
        CounterFamily(
            name: "presence_journal_lost_total",
            help: "Times that a loop was behind the journal and sockets were told to start anew.",
            label: nil, samples: [("", .journalLost)]),
    ]
}
