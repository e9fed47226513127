// Owns `sidecar whoami`: what one token is to this configuration, and why.
// Called by Main.
// Never shows the token; never writes anything.

import Presence
import ProxyCore
import StatusAPI

/// What `whoami` is asked for.
struct WhoamiOrder: Equatable, Sendable {
    var file: String
    /// `-`: from standard input.
    var token: String
}

/// Explains one token.
struct WhoamiCommand {
    let config: Config
    let token: [UInt8]
    let digest: TokenDigest
    let now: Milliseconds
    let say: (ReportLine) -> Void

    init(
        _ config: Config, token: [UInt8], now: Milliseconds, say: @escaping (ReportLine) -> Void
    ) {
        self.config = config
        self.token = token
        digest = TokenDigest.of(token.rawSpan)
        self.now = now
        self.say = say
    }

    static func run(_ order: WhoamiOrder) -> ExitCode {
        let loaded = ConfigSource.file(order.file).load()
        guard let config = loaded.config else {
            for line in loaded.lines { Console.complain(line) }
            return .failure
        }
        guard let token = Self.token(order) else {
            let what =
                order.token == "-" ? "there is no token on standard input" : "the token is empty"
            Console.complain("sidecar whoami: \(what) (see \"sidecar help whoami\")")
            return .usage
        }
        do throws(AssemblyError) {
            let command = WhoamiCommand(config, token: token, now: Clock.wall()) {
                Console.print($0.text)
            }
            let verdict = try command.judge()
            Console.print(verdict.text.inOneLine)
            return switch verdict {
            case .accepted: .success
            case .refused: .failure
            case .unknown: .unknown
            }
        } catch {
            Console.complain("sidecar whoami: \(error)")
            return .failure
        }
    }

    /// The token alone: what stands around it when it is copied from a request is left out.
    static func token(_ order: WhoamiOrder) -> [UInt8]? {
        var text = Substring(order.token)
        if order.token == "-" {
            do throws(SystemError) {
                let bytes = try FileDescriptor.contents(
                    of: "/dev/stdin", limit: Surroundings.secretLimit)
                text = Substring(String(decoding: bytes, as: UTF8.self))
            } catch {
                return nil
            }
        }
        var words = text.split(whereSeparator: \.isWhitespace)
        if words.first?.lowercased() == "authorization:" { words.removeFirst() }
        if words.count == 2, ["bearer", "token", "jwt"].contains(words[0].lowercased()) {
            words.removeFirst()
        }
        let token = words.joined(separator: " ")
        return token.isEmpty ? nil : Array(token.utf8)
    }

    /// What it all came to.
    enum Verdict: Equatable {
        case accepted(String)
        case refused(String)
        /// Nobody could be asked: that says nothing against it.
        case unknown(String)

        var isAccepted: Bool { if case .accepted = self { true } else { false } }

        var text: String {
            switch self {
            case .accepted(let who): "accepted: \(who)"
            case .refused(let why): "refused: \(why)"
            case .unknown(let why): "not known: \(why)"
            }
        }
    }

    /// In the order in which the service looks.
    func judge() throws(AssemblyError) -> Verdict {
        say(ReportLine("places", .ok, places))
        if let service = config.tokens.service.first(where: { $0.token == token }) {
            let may = service.isAdmin ? "reads, and sets statuses" : "reads alone"
            let who = "the service \(ConfigValue.quoted(service.name))"
            say(ReportLine("service", .ok, "\(who): \(may), is never online"))
            return .accepted(who)
        }
        guard token.count <= Limits.tokenBytes else {
            let why = "a token has \(Limits.tokenBytes) bytes at most, this one \(token.count)"
            say(ReportLine(TokenCheck.form.rawValue, .refused, why))
            return .refused(TokenFault.tooLong.text)
        }
        // As the service does: what may be opaque is not looked at as a signed token.
        let isSigned = token.count(where: { $0 == 0x2E }) == 2
        let isOpaqueKnown = config.learns || config.tokens.introspect != nil
        guard !config.tokens.keys.isEmpty, isSigned || !isOpaqueKnown else {
            let why =
                config.tokens.keys.isEmpty
                ? "there are no tokens.keys" : "\(token.count) bytes, and no two dots"
            say(ReportLine("form", .unreached, "not taken for a signed token: \(why)"))
            return try OpaqueLook(self).judge(nil)
        }
        let (verdict, isFinal) = try signed()
        return isFinal ? verdict : try OpaqueLook(self).judge(verdict)
    }

    // MARK: Signed tokens

    /// - Returns: whether nobody else has anything to say about it.
    private func signed() throws(AssemblyError) -> (Verdict, isFinal: Bool) {
        let ring = try config.keyRing()
        let missing = fetchKeys(ring)
        let verifier = Verifier(ring)
        let verdict = verifier.verify(token.rawSpan, now: now)
        let report = TokenReport(
            view: TokenView(token.rawSpan, ring: ring), verdict: verdict,
            issuers: ring.snapshot(), leeway: config.tokens.leeway, now: now)
        for line in report.lines() { say(line) }
        switch verdict {
        case .refused(let fault):
            say(ReportLine(TokenCheck.revocation.rawValue, .unreached))
            guard !fault.isOfSignedToken else { return (.refused(fault.text), true) }
            if let issuer = verifier.missed, missing.contains(issuer) {
                return (.unknown("the keys of tokens.keys[\(issuer)] could not be fetched"), false)
            }
            return (.refused(fault.text), false)
        case .valid(let claims, let digest):
            if checkRevocation(TokenNames.revocation(claims, digest)) {
                return (.refused("revoked"), true)
            }
            let admin = claims.isAdmin ? ", an admin" : ""
            return (.accepted("user \(ConfigValue.quoted(claims.user))\(admin)"), true)
        }
    }

    /// - Returns: the issuers whose keys could not be had.
    private func fetchKeys(_ ring: KeyRing) -> Set<Int> {
        let sources = config.keySources
        guard !sources.isEmpty else { return [] }
        var missing: Set<Int> = []
        do throws(SystemError) {
            let fetcher = try KeyFetcher(ring: ring, sources: sources, log: { _ in })
            for news in fetcher.fetchOnce() {
                if news.isFailure { missing.insert(news.issuer) }
                say(
                    ReportLine(
                        "keys", news.isFailure ? .refused : .ok,
                        "tokens.keys[\(news.issuer)]: \(news.text)"))
            }
        } catch {
            say(ReportLine("keys", .unreached, "\(error)"))
            missing = Set(sources.map(\.issuer))
        }
        return missing
    }

    // MARK: The store

    /// Says whether the store knows a revocation.
    func checkRevocation(_ key: RevocationKey) -> Bool {
        let check = TokenCheck.revocation.rawValue
        guard let path = config.store.path else {
            say(
                ReportLine(
                    check, .unreached, "store.path is null: only the running service knows"))
            return false
        }
        do throws(StoreProblem) {
            let until = try StoreLook.read(path: path).revocation(key)
            guard let until, until > now else {
                say(ReportLine(check, .ok, "not revoked, by \(path)"))
                return false
            }
            say(
                ReportLine(
                    check, .refused,
                    "revoked by a logout, until \(Timestamp.text(until)), by \(path)"))
            return true
        } catch {
            say(ReportLine(check, .unreached, "\(error)"))
            return false
        }
    }

    // MARK: Places

    private var places: String {
        let requests = config.tokens.from.filter { !$0.isQuery }.map(\.text)
        let addresses = config.tokens.from.filter(\.isQuery).map(\.text)
        let more = addresses + ["Sec-WebSocket-Protocol: bearer, TOKEN"]
        return "looked for in \(requests.joined(separator: " and ")); on the sidecar's own sockets"
            + " also in \(more.joined(separator: " and "))"
    }
}

extension TokenPlace {
    fileprivate var isQuery: Bool { if case .query = self { true } else { false } }
}
