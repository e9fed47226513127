// Owns the sample application of the demo: what an old backend without presence looks like.
// Called by its own loop, which the sidecar forwards to.
// Never knows that there is a sidecar.

import ProxyCore

/// The sample application: pages for people, the same as JSON, one slow and one failing endpoint.
final class DemoBackend: Application {
    private enum Page: UInt32 {
        case home, signIn, signedIn, signOut, team, patients, person, style
        case login, logout, users, patientList, slow, broken, missing
    }

    private static let slowness: Milliseconds = 2_000
    private static let tokenLifetime: Milliseconds = 3_600_000
    private static let cookie = "access_token="

    private let host: any ApplicationHost
    private let key: TokenKey
    private let rules = ClaimRules()
    private let verifier: Verifier
    private let signer: TokenSigner
    private var slow: [(id: ExchangeID, due: Milliseconds)] = []

    init(host: any ApplicationHost, key: TokenKey, keys: KeyRing) {
        self.host = host
        self.key = key
        verifier = Verifier(keys)
        signer = TokenSigner(key)
    }

    func admit(
        _ request: borrowing RequestHead, _ bytes: RawSpan, arrival: Arrival, now: Milliseconds
    ) -> Admission {
        .serve(Ticket(route: page(request, bytes).rawValue), bodyLimit: 4096)
    }

    private func page(_ request: borrowing RequestHead, _ bytes: RawSpan) -> Page {
        let path = bytes[request.path]
        switch request.method {
        case .post:
            if path.equals("/signin/") { return .signedIn }
            if path.equals("/signout/") { return .signOut }
            if path.equals("/api/login/") { return .login }
            if path.equals("/api/logout/") { return .logout }
            return .missing
        case .get, .head:
            if path.equals("/") { return .home }
            if path.equals("/signin/") { return .signIn }
            if path.equals("/team/") { return .team }
            if path.equals("/patients/") { return .patients }
            if Self.person(path) != nil { return .person }
            if path.equals("/style.css") { return .style }
            if path.equals("/api/users/") { return .users }
            if path.equals("/api/patients/") { return .patientList }
            if path.equals("/api/slow/") { return .slow }
            if path.equals("/api/broken/") { return .broken }
            return .missing
        default: return .missing
        }
    }

    /// Who has the page at `/people/ID/`.
    private static func person(_ path: RawSpan) -> DemoUser? {
        DemoUser.all.first { path.equals("/people/\($0.id)/".rawSpan) }
    }

    func serve(
        _ id: ExchangeID, _ ticket: Ticket, _ request: borrowing RequestHead, _ bytes: RawSpan,
        body: RawSpan, arrival: Arrival, now: Milliseconds
    ) -> Service {
        let page = Page(rawValue: ticket.route) ?? .missing
        let user = signedIn(request, bytes, now: now)
        switch page {
        case .home: return .answer(redirect(to: user == nil ? "/signin/" : "/team/"))
        case .signIn: return .answer(html(DemoPages.signIn(refused: false)))
        case .signedIn: return .answer(signIn(body, now: now))
        case .signOut: return .answer(redirect(to: "/signin/", cookie: "; Max-Age=0"))
        case .style:
            let style = Array(DemoPages.style.utf8)
            return .answer(.init(status: 200, contentType: "text/css; charset=utf-8", body: style))
        case .team, .patients, .person:
            guard let user else { return .answer(redirect(to: "/signin/")) }
            switch page {
            case .team: return .answer(html(DemoPages.team(for: user)))
            case .patients: return .answer(html(DemoPages.patients(for: user)))
            default:
                let person = Self.person(bytes[request.path]) ?? user
                return .answer(html(DemoPages.person(person, for: user)))
            }
        case .login: return .answer(login(body, now: now))
        case .broken: return .answer(json(500) { $0.detail("This endpoint always fails.") })
        case .missing: return .answer(json(404) { $0.detail("Not found.") })
        case .slow:
            slow.append((id, now + Self.slowness))
            return .later
        case .logout, .users, .patientList:
            guard user != nil else { return .answer(json(401) { $0.detail("Sign in first.") }) }
            switch page {
            case .users: return .answer(list(DemoUser.all) { $0.write($1) })
            case .patientList: return .answer(list(DemoPatient.all) { $0.write($1) })
            default: return .answer(.init(status: 204))
            }
        }
    }

    // MARK: Signing in

    /// Whose token came: in `Authorization` from programs, in a cookie from browsers.
    private func signedIn(
        _ request: borrowing RequestHead, _ bytes: RawSpan, now: Milliseconds
    ) -> DemoUser? {
        let authorization = request.fields.value(.authorization, in: bytes)?.text()
        let cookies = request.fields.value(.cookie, in: bytes)?.text()
        let shown = authorization.map { [$0[...]] } ?? cookies?.split(separator: ";") ?? []
        let mark = authorization == nil ? Self.cookie : "Bearer "
        guard let part = shown.map({ $0.drop { $0 == " " } }).first(where: { $0.hasPrefix(mark) })
        else { return nil }
        let token = Array(part.dropFirst(mark.count).utf8)
        guard case .valid(let claims, _) = verifier.verify(token.rawSpan, now: now) else {
            return nil
        }
        return Int(claims.user).flatMap { DemoUser.with(id: $0) }
    }

    private func token(of user: DemoUser, now: Milliseconds) -> String? {
        let subject = TokenSigner.Subject(
            user: String(user.id), name: user.name, isAdmin: user.isAdmin)
        do throws(TokenSigner.PathClaim) {
            return try signer.mint(
                subject, rules: rules, now: now, lifetime: Self.tokenLifetime)
        } catch {
            return nil
        }
    }

    private func user(_ login: String?, _ password: String?) -> DemoUser? {
        guard password == "demo" else { return nil }
        return DemoUser.all.first { $0.login == login }
    }

    /// The form of the sign-in page. Nothing of what counts here would be percent-encoded.
    private func signIn(_ body: RawSpan, now: Milliseconds) -> LocalResponse {
        var form: [Substring: String] = [:]
        for pair in (body.text() ?? "").split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1)
            if parts.count == 2 { form[parts[0]] = String(parts[1]) }
        }
        guard let user = user(form["username"], form["password"]),
            let token = token(of: user, now: now)
        else { return html(DemoPages.signIn(refused: true)) }
        return redirect(to: "/team/", cookie: token)
    }

    private func login(_ body: RawSpan, now: Milliseconds) -> LocalResponse {
        var order: JSONNode?
        do throws(JSONError) {
            order = try JSONReader.read(body)
        } catch {
            return json(400) { $0.detail("Send JSON: username and password.") }
        }
        guard let user = user(order?["username"]?.string, order?["password"]?.string),
            let token = token(of: user, now: now)
        else { return json(401) { $0.detail("No such user, or another password.") } }
        return json(200) { writer in
            writer.beginObject()
            writer.key("access")
            writer.string(token)
            writer.key("user")
            writer.write(user)
            writer.endObject()
        }
    }

    // MARK: Answers

    private func html(_ page: String) -> LocalResponse {
        LocalResponse(
            status: 200, contentType: "text/html; charset=utf-8",
            fields: [("Cache-Control", "no-store")], body: Array(page.utf8))
    }

    /// - Parameter cookie: the token for it, with attributes of its own.
    private func redirect(to path: String, cookie: String? = nil) -> LocalResponse {
        var fields: [(name: StaticString, value: String)] = [("Location", path)]
        if let cookie {
            fields.append(
                ("Set-Cookie", "\(Self.cookie)\(cookie); Path=/; HttpOnly; SameSite=Lax"))
        }
        return LocalResponse(status: 303, fields: fields)
    }

    private func list<Item>(
        _ items: [Item], _ write: (inout JSONWriter, Item) -> Void
    ) -> LocalResponse {
        json(200) { writer in
            writer.beginObject()
            writer.key("count")
            writer.integer(Int64(items.count))
            writer.key("results")
            writer.beginArray()
            for item in items { write(&writer, item) }
            writer.endArray()
            writer.endObject()
        }
    }

    private func json(_ status: Int, _ write: (inout JSONWriter) -> Void) -> LocalResponse {
        var writer = JSONWriter()
        write(&writer)
        return LocalResponse(
            status: status, contentType: "application/json", body: writer.finish())
    }

    func abandoned(_ id: ExchangeID) {
        slow.removeAll { $0.id == id }
    }

    func turn(now: Milliseconds) -> Milliseconds? {
        while let first = slow.first, first.due <= now {
            slow.removeFirst()
            host.answer(first.id, with: json(200) { $0.detail("That took two seconds.") })
        }
        return slow.first.map { max($0.due - now, 0) }
    }

    // Nothing of this is asked of an application that forwards nothing and takes no sockets.
    func sight(
        _ id: ExchangeID, _ ticket: inout Ticket, status: Int, byUpstream: Bool,
        request label: RawSpan, now: Milliseconds
    ) -> Passage { .pass }
    func writeFields(_ ticket: Ticket, into out: inout ByteBuffer) {}
    func answered(
        _ id: ExchangeID, _ ticket: inout Ticket, _ head: borrowing ResponseHead,
        _ bytes: RawSpan, now: Milliseconds
    ) {}
    func watched(
        _ id: ExchangeID, _ ticket: Ticket, status: Int, body: RawSpan?, now: Milliseconds
    ) {}
    func socketOpened(_ socket: SocketID, _ ticket: Ticket, now: Milliseconds) {}
    func socketMessage(_ socket: SocketID, _ text: RawSpan, now: Milliseconds) {}
    func socketClosed(_ socket: SocketID, _ end: SocketEnd, now: Milliseconds) {}
}

extension JSONWriter {
    fileprivate mutating func detail(_ text: String) {
        beginObject()
        key("detail")
        string(text)
        endObject()
    }

    fileprivate mutating func write(_ user: DemoUser) {
        beginObject()
        key("id")
        integer(Int64(user.id))
        for (name, value): (StaticString, String) in [
            ("username", user.login), ("name", user.name), ("role", user.role),
            ("ward", user.ward),
        ] {
            key(name)
            string(value)
        }
        endObject()
    }

    fileprivate mutating func write(_ patient: DemoPatient) {
        beginObject()
        key("id")
        integer(Int64(patient.id))
        key("name")
        string(patient.name)
        key("bed")
        string(patient.bed)
        key("doctor_id")
        integer(Int64(patient.doctor.id))
        key("nurse_id")
        integer(Int64(patient.nurse.id))
        endObject()
    }
}
