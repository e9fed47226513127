// Owns which files browsers find under the prefix.
// Called by the service, which makes it once, and by serving.
// Never holds anything about anybody: all of it is public.

import Presence
import ProxyCore

/// The dashboard with its parts, the scripts for the application's pages, and the description of
/// the API.
struct WebFiles: Sendable {
    private static let html: StaticString = "text/html; charset=utf-8"
    private static let css: StaticString = "text/css; charset=utf-8"
    private static let script: StaticString = "text/javascript; charset=utf-8"

    static let dashboard = file(PackageResources.dashboard_html, html, .page)
    static let dashboardScript = file(PackageResources.dashboard_js, script)
    static let dashboardStyle = file(PackageResources.dashboard_css, css)
    /// Modules that the dashboard's script imports, by their names.
    static let dashboardParts = [
        "api.js": file(PackageResources.api_js, script),
        "charts.js": file(PackageResources.charts_js, script),
        "list.js": file(PackageResources.list_js, script),
        "live.js": file(PackageResources.live_js, script),
        "overview.js": file(PackageResources.overview_js, script),
        "table.js": file(PackageResources.table_js, script),
        "user.js": file(PackageResources.user_js, script),
        "words.js": file(PackageResources.words_js, script),
    ]
    static let client = file(
        oneScope([
            PackageResources.options_js, PackageResources.token_js, PackageResources.people_js,
            PackageResources.tabs_js, PackageResources.connection_js,
            PackageResources.subscription_js, PackageResources.heartbeats_js,
            PackageResources.dots_js, PackageResources.frames_js, PackageResources.markup_js,
            PackageResources.start_js,
        ]), script)
    static let react = WebFile(PackageResources.react_js, script)
    // What a configuration has a say in.
    let dashboardSettings: WebFile
    let description: WebFile

    /// What its readers alone need stays here.
    private static func file(
        _ text: [UInt8], _ type: StaticString, _ kind: WebFile.Kind = .part
    ) -> WebFile {
        WebFile(SourceRemarks.removed(from: text), type, kind)
    }

    /// One classic script of several pages: they see each other, and the page that loads it sees
    /// nothing of theirs.
    private static func oneScope(_ pages: [[UInt8]]) -> [UInt8] {
        Array("(() => {\n".utf8) + Array(pages.joined(separator: Array("\n".utf8)))
            + Array("})();\n".utf8)
    }

    /// Everything that the dashboard loads before it asks about anybody.
    var dashboardFiles: [WebFile] {
        [Self.dashboard, Self.dashboardScript, Self.dashboardStyle, dashboardSettings]
            + Self.dashboardParts.values
    }

    init(_ settings: APISettings, _ presence: PresenceSettings, _ tokens: TokenSettings) {
        dashboardSettings = WebFile(
            Self.settings(settings, presence, tokens), "application/json")
        description = WebFile(
            APIDescription.document(settings, tokens), "application/json")
        // Made now, not at somebody's first request.
        _ = (dashboardFiles, Self.client, Self.react)
    }

    /// `dashboard.json`: what the dashboard must know of the configuration.
    private static func settings(
        _ api: APISettings, _ presence: PresenceSettings, _ tokens: TokenSettings
    ) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        json.key("prefix")
        json.string(api.prefix)
        json.key("login")
        if let login = DashboardLogin(api.routes) {
            json.beginObject()
            json.key("path")
            json.string(login.path)
            json.key("tokens")
            json.beginArray()
            for place in login.tokens { json.string(place) }
            json.endArray()
            json.key("username")
            nullable(login.credentials?.username.text, into: &json)
            json.key("password")
            nullable(login.credentials?.password.text, into: &json)
            json.endObject()
        } else {
            json.null()
        }
        // The first field in which a token counts, and what stands before it there.
        let place = tokens.places.lazy.compactMap(\.asField).first
        json.key("token_field")
        nullable(place?.name, into: &json)
        json.key("token_scheme")
        nullable(place?.scheme, into: &json)
        json.key("offline_after")
        json.integer(presence.offlineAfter / 1_000)
        json.key("heartbeat_every")
        json.integer(api.heartbeatEvery / 1_000)
        json.endObject()
        return json.finish()
    }

    private static func nullable(_ text: String?, into json: inout JSONWriter) {
        if let text { json.string(text) } else { json.null() }
    }
}

extension TokenPlace {
    /// A field as a client writes it; nil: it is none.
    fileprivate var asField: (name: String, scheme: String?)? {
        guard case .header(let name, let scheme) = self else { return nil }
        if scheme == nil, name.lowercased() == "authorization" { return (name, "Bearer") }
        return (name, scheme)
    }
}

extension PresenceApplication {
    /// The file that an endpoint stands for.
    func file(
        _ endpoint: Endpoint, _ request: borrowing RequestHead, _ bytes: RawSpan
    ) throws(Problem) -> LocalResponse {
        let files = service.web
        let file: WebFile?
        switch endpoint {
        case .dashboard:
            // From there the page would look for its parts in the wrong folder.
            if let moved = withoutSlash(request, bytes) { return moved }
            file = WebFiles.dashboard
        case .dashboardScript: file = WebFiles.dashboardScript
        case .dashboardStyle: file = WebFiles.dashboardStyle
        case .dashboardSettings: file = files.dashboardSettings
        case .dashboardPart:
            let name = router.user(request, bytes, scratch: &scratch)
            file = name.flatMap { WebFiles.dashboardParts[$0] }
        case .clientScript: file = WebFiles.client
        case .reactScript: file = WebFiles.react
        case .apiDescription: file = files.description
        case .heartbeat, .user, .setStatus, .online, .users, .query, .webSocket, .stats, .whoami,
            .changes, .events, .history, .healthz, .readyz, .metrics:
            file = nil
        }
        guard let file else { throw .notFound("The sidecar has nothing at this address.") }
        let known = request.fields.value("if-none-match", in: bytes)
        return file.response(ifNoneMatch: known)
    }

    /// `dashboard/` is `dashboard`, for every proxy in front whatever it calls this path.
    private func withoutSlash(
        _ request: borrowing RequestHead, _ bytes: RawSpan
    ) -> LocalResponse? {
        let path = bytes[request.path]
        guard path.byteCount > 0, path[at: path.byteCount - 1] == 0x2F else { return nil }
        return LocalResponse(
            status: 308, fields: [("Location", "../dashboard"), ("Cache-Control", "no-cache")])
    }
}
