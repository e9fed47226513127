// Owns the metrics of the process that the endpoints do not know: the proxy's and the store's.
// Called by the metrics endpoint through a probe.
// Never counts anything itself.

import Presence
import ProxyCore
import StatusAPI

/// Prometheus text (exposition format 0.0.4) of the proxy and the store.
enum ProxyExposition {
    static func text(_ proxy: ProxyMetrics, _ store: StoreStatistics) -> [UInt8] {
        var out = ByteBuffer(capacity: 4096)
        for family in families {
            out.appendFamily(family.name, "counter", family.help)
            for (label, counter) in family.samples {
                sample(family.name, label, proxy.total(counter), into: &out)
            }
        }
        let open = proxy.total(.connectionsAccepted) - proxy.total(.connectionsClosed)
        out.appendFamily("sidecar_connections_open", "gauge", "Client connections now.")
        sample("sidecar_connections_open", "", open, into: &out)
        let tunnels = proxy.total(.tunnelsOpened) - proxy.total(.tunnelsClosed)
        out.appendFamily("sidecar_tunnels_open", "gauge", "Upgraded connections now.")
        sample("sidecar_tunnels_open", "", tunnels, into: &out)
        write(store, into: &out)
        return out.array()
    }

    private struct Family {
        let name: StaticString
        let help: StaticString
        let samples: [(label: StaticString, counter: ProxyMetrics.Counter)]
    }

    private static let families = [
        Family(
            name: "sidecar_requests_total", help: "Requests whose head was read.",
            samples: [("", .requests)]),
        Family(
            name: "sidecar_requests_refused_total",
            help: "Requests refused before any upstream work.", samples: [("", .requestsRefused)]),
        Family(
            name: "sidecar_responses_total", help: "Responses by class.",
            samples: [
                (#"{class="1xx"}"#, .status1xx), (#"{class="2xx"}"#, .status2xx),
                (#"{class="3xx"}"#, .status3xx), (#"{class="4xx"}"#, .status4xx),
                (#"{class="5xx"}"#, .status5xx),
            ]),
        Family(
            name: "sidecar_connections_total", help: "Client connections.",
            samples: [
                (#"{what="accepted"}"#, .connectionsAccepted),
                (#"{what="refused"}"#, .connectionsRefused),
                (#"{what="accept failed"}"#, .acceptsFailed),
            ]),
        Family(
            name: "sidecar_upstream_connects_total", help: "Connections opened to upstreams.",
            samples: [("", .upstreamConnects)]),
        Family(
            name: "sidecar_retries_total", help: "Requests sent again on a fresh connection.",
            samples: [("", .retries)]),
        Family(
            name: "sidecar_errors_total", help: "Exchanges that failed, by cause.",
            samples: [
                (#"{cause="connect"}"#, .errorConnect), (#"{cause="timeout"}"#, .errorTimeout),
                (#"{cause="upstream closed"}"#, .errorUpstreamClosed),
                (#"{cause="bad response"}"#, .errorBadResponse),
                (#"{cause="truncated"}"#, .errorTruncated), (#"{cause="client"}"#, .errorClient),
                (#"{cause="client gone"}"#, .errorClientGone),
                (#"{cause="overloaded"}"#, .errorOverloaded),
            ]),
        Family(
            name: "sidecar_holds_expired_total",
            help: "Responses that went out before the store had answered.",
            samples: [("", .holdsExpired)]),
        Family(
            name: "sidecar_fields_omitted_total",
            help: "Fields of ours left out of answers or forwarded requests: not to be written.",
            samples: [("", .fieldsOmitted)]),
    ]

    private static func write(_ store: StoreStatistics, into out: inout ByteBuffer) {
        let counters: [(StaticString, StaticString, Int)] = [
            ("sidecar_store_commits_total", "Transactions written.", store.commits),
            ("sidecar_store_failures_total", "Transactions that failed.", store.failures),
            ("sidecar_store_rows_total", "Rows of users and sessions written.", store.rows),
            ("sidecar_store_facts_total", "Explicit facts written.", store.facts),
            (
                "sidecar_store_facts_refused_total", "Explicit facts that found the queue full.",
                store.factsRefused
            ),
            ("sidecar_history_intervals_total", "Intervals written.", store.intervals),
            (
                "sidecar_history_gaps_total",
                "Times at which changes were lost before they were written.", store.historyGaps
            ),
        ]
        for (name, help, value) in counters {
            out.appendFamily(name, "counter", help)
            sample(name, "", Int64(value), into: &out)
        }
        out.appendFamily("sidecar_store_facts_waiting", "gauge", "Facts that wait for the disk.")
        sample("sidecar_store_facts_waiting", "", Int64(store.factsWaiting), into: &out)
    }

    private static func sample(
        _ name: StaticString, _ label: StaticString, _ value: Int64, into out: inout ByteBuffer
    ) {
        out.append(name)
        out.append(label)
        out.append(" ")
        out.append("\(value)")
        out.append("\n")
    }
}
