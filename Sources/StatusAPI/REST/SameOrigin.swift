// Owns whether a page of our own site has asked: what a cookie alone does not prove.
// Called for endpoints that change something, and for sockets, where the credential is a cookie.
// Never looks at a credential: a field that a script had to write proves the site by itself.

import ProxyCore

extension Endpoint {
    /// What no other site's page may do with its visitor's cookie: change something, or read on
    /// a connection that is not bound by the same-origin policy (RFC 6455 §10.2).
    var isForOurSiteAlone: Bool {
        switch self {
        // A poll or a stream holds a place here in its visitor's name.
        case .heartbeat, .setStatus, .webSocket, .changes, .events: true
        case .user, .online, .users, .query, .stats, .whoami, .history: false
        case .healthz, .readyz, .metrics: false
        case .dashboard, .dashboardScript, .dashboardStyle, .dashboardSettings, .dashboardPart,
            .clientScript, .reactScript, .apiDescription:
            false
        }
    }
}

/// Requests that a browser sent for another site's page.
enum SameOrigin {
    static let refusal = Problem.forbidden(
        "A page of another origin may not do this with its visitor's cookie.")

    /// - Parameter allowed: origins that count as ours.
    /// - Throws: 403 where `Origin` names another origin, or where it is missing and the browser
    ///   says that another site has asked. A client that sends neither is no browser.
    static func check(
        _ request: borrowing RequestHead, _ bytes: RawSpan, allowed: [String]
    ) throws(Problem) {
        if request.fields.has(.origin) {
            guard request.fields.count(of: .origin) == 1,
                let origin = request.fields.value(.origin, in: bytes)?.text()
            else { throw refusal }
            if allowed.contains(where: { $0.rawSpan.equals(origin.rawSpan) }) { return }
            guard isSame(origin, LinkBase(request, bytes)) else { throw refusal }
        } else if let site = request.fields.value("sec-fetch-site", in: bytes) {
            // Fetch Metadata: `none` is a person's own doing (a bookmark, the address bar).
            guard site.equals("same-origin") || site.equals("none") else { throw refusal }
        }
    }

    /// Whether the page stands on the host that this request came to.
    ///
    /// By host and port. Where TLS ends before us and nobody trusted says so, we see http where
    /// the page is https; the other way round the page is one that anybody on the way could have
    /// written.
    static func isSame(_ origin: String, _ base: LinkBase) -> Bool {
        guard let own = base.authority?.lowercased() else { return false }
        let origin = origin.lowercased()
        for (scheme, port) in [("http", ":80"), ("https", ":443")] {
            let before = scheme + "://"
            guard origin.hasPrefix(before) else { continue }
            if scheme == "http", base.scheme == "https" { return false }
            let host = String(origin.dropFirst(before.count))
            return !host.isEmpty && without(port, host) == without(port, own)
        }
        // `null`, and schemes of extensions and apps.
        return false
    }

    private static func without(_ port: String, _ host: String) -> String {
        host.hasSuffix(port) ? String(host.dropLast(port.count)) : host
    }
}
