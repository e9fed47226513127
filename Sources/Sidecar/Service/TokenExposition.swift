// Owns the metrics of keys and of questions about opaque tokens.
// Called by the metrics endpoint through a probe.
// Never counts anything itself.

import ProxyCore
import StatusAPI

/// Prometheus text (exposition format 0.0.4) of the keys and the desk.
enum TokenExposition {
    static func text(_ threads: TokenThreads) -> [UInt8] {
        var page = ExpositionPage()
        page.begin("sidecar_keys", "gauge", "Keys in use, by the number of their entry.")
        for (index, issuer) in threads.ring.snapshot().enumerated() {
            let count = if case .published(let keys) = issuer.keys { keys.count } else { 1 }
            page.sample("sidecar_keys", "{entry=\"\(index)\"}", Int64(count))
        }
        if let fetcher = threads.fetcher {
            page.counter(
                "sidecar_key_fetches_total", "Times that a key set was asked for.",
                Int64(clamping: fetcher.attempts))
        }
        if let desk = threads.desk { write(desk.totals, &page) }
        return page.bytes
    }

    private static func write(_ totals: InquiryTotals, _ page: inout ExpositionPage) {
        page.counter(
            "sidecar_introspections_sent_total", "Requests about opaque tokens.", totals.sent)
        page.begin(
            "sidecar_introspections_total", "counter", "What was said of opaque tokens.")
        for (answer, count) in [
            ("known", totals.known), ("refused", totals.refused),
            ("undecided", totals.undecided), ("dropped", totals.dropped),
        ] {
            page.sample("sidecar_introspections_total", "{answer=\"\(answer)\"}", count)
        }
        page.begin(
            "sidecar_introspection_sightings_total", "counter",
            "Requests that waited to be counted.")
        for (result, count) in [
            ("counted", totals.sightingsCounted), ("lost", totals.sightingsLost),
        ] {
            page.sample("sidecar_introspection_sightings_total", "{result=\"\(result)\"}", count)
        }
        page.counter(
            "sidecar_introspection_pauses_total",
            "Times at which nothing was asked for a while, for lack of answers.", totals.pauses)
        for (name, help, value) in [
            ("sidecar_introspections_open", "Questions that wait or are under way.", totals.open),
            (
                "sidecar_introspections_remembered", "Tokens whose owner is remembered.",
                totals.remembered
            ),
        ] {
            page.begin(name, "gauge", help)
            page.sample(name, "", Int64(value))
        }
    }
}

/// Lines of the exposition format.
struct ExpositionPage: ~Copyable {
    private var out = ByteBuffer(capacity: 4096)

    var bytes: [UInt8] { out.array() }

    mutating func begin(_ name: String, _ kind: String, _ help: String) {
        out.append("# HELP \(name) \(help)\n# TYPE \(name) \(kind)\n")
    }

    mutating func sample(_ name: String, _ label: String, _ value: Int64) {
        out.append("\(name)\(label) \(value)\n")
    }

    /// One number and nothing else.
    mutating func counter(_ name: String, _ help: String, _ value: Int64) {
        begin(name, "counter", help)
        sample(name, "", value)
    }
}
