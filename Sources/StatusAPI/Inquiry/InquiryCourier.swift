// Owns the connections of one thread to the servers that are asked.
// Called by the desk, on that thread alone.
// Never runs on a loop, never follows a redirect: a credential goes where it was meant to go.

import ProxyCore

/// Carries questions out, one at a time.
final class InquiryCourier {
    private let servers: [Fetch]
    private let settings: IntrospectionSettings
    private let answer: InquiryAnswer
    /// The server that answered last.
    private var preferred = 0

    init(_ settings: IntrospectionSettings, _ interruption: Interruption) {
        self.settings = settings
        answer = InquiryAnswer(settings: settings)
        var targets: [FetchTarget] = []
        var fetching = Fetch.Settings(timeout: settings.timeout, limit: InquiryLimits.answer)
        switch settings.mode {
        case .backend(let servers, _): targets = servers
        case .standard(let server, _, _, let caFile):
            targets = [server]
            fetching.caFile = caFile
        }
        // All tries together take no longer than one question may.
        let share = settings.timeout / Milliseconds(max(targets.count, 1))
        fetching.timeout = max(share, InquiryLimits.tryTime)
        fetching.keepsConnection = true
        fetching.onlyAsks = true
        servers = targets.map { Fetch($0, fetching, interruption: interruption) }
    }

    /// Asks one server after the other until one answers.
    /// - Parameter now: when it is asked.
    /// - Returns: what it comes to, and how many were asked.
    func carry(
        _ form: InquiryForm, _ digest: TokenDigest, now: Milliseconds
    ) -> (finding: InquiryFinding, sent: Int) {
        let deadline = Clock.monotonic() + settings.timeout
        var finding = InquiryFinding(.silent, "no server is configured")
        var sent = 0
        for step in 0..<servers.count {
            guard step == 0 || Clock.monotonic() < deadline else { break }
            let index = (preferred + step) % servers.count
            sent += 1
            finding = ask(servers[index], form, digest, now)
            guard finding.outcome == .silent else {
                preferred = index
                return (finding, sent)
            }
        }
        preferred = servers.isEmpty ? 0 : (preferred + 1) % servers.count
        return (finding, sent)
    }

    private func ask(
        _ server: Fetch, _ form: InquiryForm, _ digest: TokenDigest, _ now: Milliseconds
    ) -> InquiryFinding {
        var finding: InquiryFinding
        do throws(FetchError) {
            let reply = try server.send(
                form.method, path: form.path, fields: form.fields, body: form.body)
            finding = answer.finding(
                status: reply.status, body: reply.body, digest: digest, now: now)
        } catch {
            finding = InquiryFinding(Self.outcome(of: error), error.description)
        }
        if !finding.reason.isEmpty {
            finding.reason = "\(server.target.text): \(finding.reason)"
        }
        return finding
    }

    /// An answer of no use is an answer all the same: one odd credential must not look like a
    /// server that is down.
    private static func outcome(of error: FetchError) -> InquiryOutcome {
        switch error {
        case .unresolved, .unreachable, .timedOut, .tls, .broken, .brokenOff, .unanswered,
            .interrupted:
            .silent
        case .noHTTP, .badBody, .unexpected, .tooLarge, .hugeHead, .encoded, .redirected,
            .malformedRequest:
            .unclear
        }
    }
}
