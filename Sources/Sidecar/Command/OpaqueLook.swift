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

    /// Whoever can be asked is heard before a login, which counts only while he cannot be.
    /// - Parameter signed: what it is as a signed token; nil: it looks like none.
    func judge(_ signed: WhoamiCommand.Verdict?) throws(AssemblyError) -> WhoamiCommand.Verdict {
        let word = try config.introspection().map(asked)
        let login = config.learns ? learnt(beside: word) : nil
        switch word {
        case .known(let identity): return counted(identity.user)
        case .refused:
            let why = "not wanted by whoever was asked"
            switch signed {
            case .refused(let fault): return .refused("\(fault); as an opaque token \(why)")
            case .unknown(let lack): return .unknown("\(lack); as an opaque token \(why)")
            case .accepted, nil: return .refused(why)
            }
        case .undecided, nil:
            if let login, login.goodUntil > whoami.now { return counted(login.user) }
            if word != nil { return .unknown("\(judge) could not be asked") }
            if login != nil { return .refused("expired") }
            return signed ?? .refused(isTooShort ? "too short to be learnt" : "nobody knows it")
        }
    }

    private func counted(_ user: String) -> WhoamiCommand.Verdict {
        whoami.checkRevocation(RevocationKey(whoami.digest))
            ? .refused("revoked") : .accepted("user \(ConfigValue.quoted(user))")
    }

    private var judge: String {
        config.tokens.introspect?.url.map(\.text) ?? "the application"
    }

    // MARK: By a login

    private var isTooShort: Bool { whoami.token.count < APILimits.learntBytes }

    /// - Parameter word: what was said of it by whoever can be asked; nil: nobody can.
    private func learnt(beside word: InquiryLook.Outcome?) -> LearntToken? {
        guard !isTooShort else {
            let least = "logins teach tokens of \(APILimits.learntBytes) bytes at least"
            say(.refused, "\(least), this one has \(whoami.token.count)")
            return nil
        }
        guard let path = config.store.path else {
            say(.unreached, "store.path is null: only the running service knows")
            return nil
        }
        do throws(StoreProblem) {
            guard let token = try StoreLook.read(path: path).learnt(whoami.digest) else {
                say(.refused, "no login has handed it out, by \(path)")
                return nil
            }
            tell(token, path, beside: word)
            return token
        } catch {
            say(.unreached, "\(error)")
            return nil
        }
    }

    private func tell(_ token: LearntToken, _ path: String, beside word: InquiryLook.Outcome?) {
        let who = Self.shown(token.user, token.name, token.isAdmin)
        let seen = "last shown \(SpanText.text(token.seenAt - whoami.now))"
        let end = token.goodUntil
        let until = "good until \(Timestamp.text(end)), \(SpanText.text(end - whoami.now))"
        guard end > whoami.now else {
            return say(.refused, "a login gave it to \(who); it has ended: \(until), \(seen)")
        }
        let weight =
            switch word {
            case nil: ""
            case .undecided: "; this counts while nobody can be asked"
            case .known, .refused: "; what was asked counts before this"
            }
        say(.ok, "a login gave it to \(who); \(until), \(seen), by \(path)\(weight)")
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
    ) throws(AssemblyError) -> InquiryLook.Outcome {
        // At each place in turn: the application may look at one of them alone. A server of its
        // own (RFC 7662) is given the token itself.
        let places =
            config.tokens.introspect?.url == nil ? self.places : Array(self.places.prefix(1))
        var outcomes: [InquiryLook.Outcome] = []
        for (place, scheme) in places {
            let question = Question(
                digest: whoami.digest, token: whoami.token, place: place, scheme: scheme,
                host: [], secure: false)
            let shown =
                config.tokens.introspect?.url.map { "asked \($0.text)" }
                ?? "shown in \(place.text)"
            let outcome = try answer(question, settings, shown)
            if case .known = outcome { return outcome }
            outcomes.append(outcome)
        }
        // It may have stood at the very place that was not heard of.
        return outcomes.isEmpty || outcomes.contains(.undecided) ? .undecided : .refused
    }

    private func answer(
        _ question: Question, _ settings: IntrospectionSettings, _ shown: String
    ) throws(AssemblyError) -> InquiryLook.Outcome {
        let look: InquiryLook
        do throws(SystemError) {
            look = try InquiryLook(question, settings, now: whoami.now)
        } catch {
            throw AssemblyError(description: "\(error)")
        }
        let why = look.reason.isEmpty ? "" : ": \(look.reason)"
        let (outcome, detail): (ReportLine.Outcome, String) =
            switch look.outcome {
            case .known(let identity):
                (.ok, ": \(Self.shown(identity.user, identity.name, identity.isAdmin))")
            case .refused: (.refused, why)
            case .undecided: (.unreached, why)
            }
        whoami.say(ReportLine("introspection", outcome, shown + detail))
        return look.outcome
    }
}
