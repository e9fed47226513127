// Owns the sample application of the demo: what an old backend without presence looks like.
// Called by its own loop, which the sidecar forwards to.
// Never knows that there is a sidecar.

import ProxyCore

/// Who may sign in to the sample application; every password is `demo`.
struct DemoUser: Sendable {
    let id: Int
    let name: String
    let role: String
    let isAdmin: Bool

    static let all = [
        DemoUser(id: 1, name: "ada", role: "Administrator", isAdmin: true),
        DemoUser(id: 2, name: "grace", role: "Surgeon", isAdmin: false),
        DemoUser(id: 3, name: "linus", role: "Anaesthetist", isAdmin: false),
        DemoUser(id: 4, name: "barbara", role: "Nurse", isAdmin: false),
        DemoUser(id: 5, name: "edsger", role: "Radiologist", isAdmin: false),
        DemoUser(id: 6, name: "margaret", role: "Physiotherapist", isAdmin: false),
    ]
}

/// The sample application: login, logout, a list of users, one slow and one failing endpoint.
final class DemoBackend: Application {
    private enum Page: UInt32 {
        case home, login, logout, users, slow, broken, missing
    }

    private static let slowness: Milliseconds = 2_000

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
        case .post where path.equals("/api/login/"): return .login
        case .post where path.equals("/api/logout/"): return .logout
        case .get, .head:
            if path.equals("/") { return .home }
            if path.equals("/api/users/") { return .users }
            if path.equals("/api/slow/") { return .slow }
            if path.equals("/api/broken/") { return .broken }
            return .missing
        default: return .missing
        }
    }

    func serve(
        _ id: ExchangeID, _ ticket: Ticket, _ request: borrowing RequestHead, _ bytes: RawSpan,
        body: RawSpan, arrival: Arrival, now: Milliseconds
    ) -> Service {
        switch Page(rawValue: ticket.route) ?? .missing {
        case .home: return .answer(home())
        case .login: return .answer(login(body, now: now))
        case .missing: return .answer(json(404) { $0.detail("Not found.") })
        case .broken: return .answer(json(500) { $0.detail("This endpoint always fails.") })
        case .slow:
            slow.append((id, now + Self.slowness))
            return .later
        case .logout, .users:
            guard isSignedIn(request, bytes, now: now) else {
                return .answer(json(401) { $0.detail("Sign in first.") })
            }
            return .answer(ticket.route == Page.users.rawValue ? users() : .init(status: 204))
        }
    }

    private func isSignedIn(
        _ request: borrowing RequestHead, _ bytes: RawSpan, now: Milliseconds
    ) -> Bool {
        let scheme: StaticString = "Bearer "
        guard let value = request.fields.value(.authorization, in: bytes),
            value.byteCount > scheme.utf8CodeUnitCount
        else { return false }
        let token = value.extracting(scheme.utf8CodeUnitCount..<value.byteCount)
        guard case .valid = verifier.verify(token, now: now) else { return false }
        return true
    }

    private func login(_ body: RawSpan, now: Milliseconds) -> LocalResponse {
        var order: JSONNode?
        do throws(JSONError) {
            order = try JSONReader.read(body)
        } catch {
            return json(400) { $0.detail("Send JSON: username and password.") }
        }
        guard let user = DemoUser.all.first(where: { $0.name == order?["username"]?.string }),
            order?["password"]?.string == "demo"
        else { return json(401) { $0.detail("No such user, or another password.") } }
        let subject = TokenSigner.Subject(
            user: String(user.id), name: user.name, isAdmin: user.isAdmin)
        let token: String
        do throws(TokenSigner.PathClaim) {
            token = try signer.mint(subject, rules: rules, now: now, lifetime: 3_600_000)
        } catch {
            return json(500) { $0.detail("No token can be made.") }
        }
        return json(200) { writer in
            writer.beginObject()
            writer.key("access")
            writer.string(token)
            writer.key("user")
            writer.write(user)
            writer.endObject()
        }
    }

    private func users() -> LocalResponse {
        json(200) { writer in
            writer.beginObject()
            writer.key("count")
            writer.integer(Int64(DemoUser.all.count))
            writer.key("results")
            writer.beginArray()
            for user in DemoUser.all { writer.write(user) }
            writer.endArray()
            writer.endObject()
        }
    }

    private func home() -> LocalResponse {
        let page = """
            <!doctype html><html lang="en"><meta charset="utf-8"><title>Ward</title>
            <h1>Ward</h1><p>A sample application. It knows nothing of presence.</p></html>

            """
        return LocalResponse(
            status: 200, contentType: "text/html; charset=utf-8", body: Array(page.utf8))
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
        key("username")
        string(user.name)
        key("role")
        string(user.role)
        endObject()
    }
}
