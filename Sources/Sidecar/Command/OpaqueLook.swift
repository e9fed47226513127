// Owns finding out whose a token is that says nothing itself: by the store, and by asking.
// Called by `whoami`.
// Never lets what it learns count.

import Presence
import ProxyCore
import StatusAPI

/// Looks a token up as the service would.
struct OpaqueLook {
    private let whoami: WhoamiCommand
    private var config: Config { whoami.config }

    init(_ whoami: WhoamiCommand) {
        self.whoami = whoami
    }

    /// - Parameter refusal: what spoke against it as a signed token; nil: it looks like none.
    func judge(_ refusal: String?) throws(AssemblyError) -> WhoamiCommand.Verdict {
        if config.learns, let verdict = learnt() { return verdict }
        let unknown = WhoamiCommand.Verdict.refused(refusal ?? "nobody knows it")
        guard let settings = try config.introspection(), let verdict = try asked(settings) else {
            return unknown
        }
        guard let refusal, case .refused(let why) = verdict else { return verdict }
        return .refused("\(refusal); as an opaque token \(why)")
    }

    // MARK: By a login

    private func learnt() -> WhoamiCommand.Verdict? {
        guard let path = config.store.path else {
            say(.unreached, "store.path is null: only the running service knows")
            return nil
        }
        do throws(StoreProblem) {
            guard let token = try StoreLook.read(path: path).learnt(whoami.digest) else {
                say(.refused, "no login has handed it out, by \(path)")
                return nil
            }
            return verdict(token, path)
        } catch {
            say(.unreached, "\(error)")
            return nil
        }
    }

    private func verdict(_ token: LearntToken, _ path: String) -> WhoamiCommand.Verdict? {
        let who = Self.shown(token.user, token.name, token.isAdmin)
        let seen = "last shown \(SpanText.text(token.seenAt - whoami.now))"
        let end = token.goodUntil
        let until = "good until \(Timestamp.text(end)), \(SpanText.text(end - whoami.now))"
        guard end > whoami.now else {
            say(.refused, "a login gave it to \(who); it has ended: \(until), \(seen)")
            return .refused("expired")
        }
        say(.ok, "a login gave it to \(who); \(until), \(seen), by \(path)")
        if whoami.checkRevocation(RevocationKey(token.digest)) { return .refused("revoked") }
        return .accepted("user \(ConfigValue.quoted(token.user))")
    }

    private func say(_ outcome: ReportLine.Outcome, _ detail: String) {
        whoami.say(ReportLine("learnt", outcome, detail))
    }

    private static func shown(_ user: String, _ name: String?, _ isAdmin: Bool) -> String {
        let name = name.map { ", name \(ConfigValue.quoted($0))" } ?? ""
        return "\(ConfigValue.quoted(user))\(name)\(isAdmin ? ", an admin" : ", no admin")"
    }

    // MARK: By asking

    /// The places at which the token may have stood, each as a client would have shown it.
    private var places: [(place: TokenPlace, scheme: [UInt8]?)] {
        config.tokens.from.compactMap { place in
            switch place {
            case .header(let name, nil):
                (place, name.lowercased() == "authorization" ? Array("Bearer".utf8) : nil)
            case .header(_, let scheme?): (place, Array(scheme.utf8))
            case .cookie: (place, nil)
            case .query: nil
            }
        }
    }

    private func asked(
        _ settings: IntrospectionSettings
    ) throws(AssemblyError) -> WhoamiCommand.Verdict? {
        // At each place in turn: the application may look at one of them alone. A server of its
        // own (RFC 7662) is given the token itself.
        let places =
            config.tokens.introspect?.url == nil ? self.places : Array(self.places.prefix(1))
        var verdict: WhoamiCommand.Verdict?
        for (place, scheme) in places {
            let question = Question(
                digest: whoami.digest, token: whoami.token, place: place, scheme: scheme,
                host: [], secure: false)
            let shown =
                config.tokens.introspect?.url.map { "asked \($0.text)" }
                ?? "shown in \(place.text)"
            verdict = try answer(question, settings, shown)
            if verdict?.isAccepted == true { break }
        }
        return verdict
    }

    private func answer(
        _ question: Question, _ settings: IntrospectionSettings, _ shown: String
    ) throws(AssemblyError) -> WhoamiCommand.Verdict? {
        let look: InquiryLook
        do throws(SystemError) {
            look = try InquiryLook(question, settings, now: whoami.now)
        } catch {
            throw AssemblyError(description: "\(error)")
        }
        let check = "introspection"
        let why = look.reason.isEmpty ? "" : ": \(look.reason)"
        switch look.outcome {
        case .known(let identity):
            let who = Self.shown(identity.user, identity.name, identity.isAdmin)
            whoami.say(ReportLine(check, .ok, "\(shown): \(who)"))
            if whoami.checkRevocation(RevocationKey(question.digest)) { return .refused("revoked") }
            return .accepted("user \(ConfigValue.quoted(identity.user))")
        case .refused:
            whoami.say(ReportLine(check, .refused, "\(shown)\(why)"))
            return .refused("not wanted by whoever was asked")
        case .undecided:
            whoami.say(ReportLine(check, .unreached, "\(shown)\(why)"))
            return nil
        }
    }
}
