// Owns who asks the sidecar itself: a person or a service, and what each may.
// Called by serving, before a body is read and again before the answer.
// Never answers.

import Presence
import ProxyCore

/// Who asks.
struct Asker {
    enum Who {
        /// `entry`: where identification remembers the credential.
        case user(Identity, entry: Int32)
        /// By its number among the service tokens.
        case service(Int)
    }

    var who: Who
    var isAdmin: Bool
    /// The credential counts by somebody's word and not by a signature.
    var isJudged: Bool
    var shown: Shown
    /// A subprotocol that the answer to a WebSocket handshake has to name, in the request's head.
    var subprotocol: HeadRange?

    var rateKey: RateKey {
        switch who {
        case .user(let identity, _): RateKey(subject: identity.subject)
        case .service(let number): RateKey(service: number)
        }
    }

    /// Said to a service that would be somebody.
    static let noPerson = Problem.forbidden("A service token stands for no user: it may read.")
}

/// What is known of whoever asks.
enum AskerOutcome {
    case asker(Asker)
    /// And where the credential stood, if there was one.
    case unknown(Finding, Shown?)
}

extension Finding {
    /// What to say where there is no waiting any more.
    var problem: Problem {
        switch self {
        case .user, .service, .nobody: .anonymous
        case .limited(let wait): .tooMany(retryAfter: wait)
        case .unasked, .undecided, .keysAwaited: .undecided
        }
    }
}

extension PresenceApplication {
    func asking(
        _ endpoint: Endpoint, _ request: borrowing RequestHead, _ bytes: RawSpan,
        _ arrival: Arrival, now: Milliseconds
    ) -> AskerOutcome {
        let isSocket = endpoint == .webSocket
        let credential =
            isSocket
            ? credentials.ofSocket(request, bytes, scratch: &scratch)
            : credentials.ofRequest(request, bytes)
        switch credential {
        case .none: return .unknown(.nobody, nil)
        case .conflict:
            counters.add(.tokenConflict)
            return .unknown(.nobody, nil)
        case .shown(let shown):
            let sender = RateKey(client(request, bytes, arrival))
            let finding =
                shown.isDecoded
                ? finding(scratch.bytes[shown.token], sender, now: now)
                : finding(bytes[shown.token], sender, now: now)
            let subprotocol =
                isSocket ? Credentials.offeredSubprotocol(request, bytes) : nil
            return asking(finding, shown, subprotocol: subprotocol)
        }
    }

    private func finding(_ token: RawSpan, _ sender: RateKey?, now: Milliseconds) -> Finding {
        if let entry = identification.find(token, now: now), !identification.isProvisional(entry) {
            return .user(entry)
        }
        return identification.resolve(token, isOwn: true, sender: sender, now: now)
    }

    private func asking(
        _ finding: Finding, _ shown: Shown, subprotocol: HeadRange?
    ) -> AskerOutcome {
        let who: Asker.Who
        var isJudged = false
        let isAdmin: Bool
        switch finding {
        case .user(let entry):
            let identity = identification.identity(entry)
            who = .user(identity, entry: entry)
            isJudged = identification.isJudged(entry)
            isAdmin = identity.isAdmin
        case .service(let number):
            counters.add(.tokenService)
            who = .service(number)
            isAdmin = service.tokens.service[number].isAdmin
        case .nobody, .unasked, .undecided, .keysAwaited, .limited:
            return .unknown(finding, shown)
        }
        return .asker(
            Asker(
                who: who, isAdmin: isAdmin, isJudged: isJudged, shown: shown,
                subprotocol: subprotocol))
    }

    /// What this asker may not do here, whatever the body says.
    func check(
        _ asker: Asker, _ endpoint: Endpoint, _ request: borrowing RequestHead, _ bytes: RawSpan
    ) throws(Problem) {
        if endpoint == .setStatus, !asker.isAdmin {
            throw .forbidden("Only an admin may set a status.")
        }
        if endpoint == .history, !asker.isAdmin {
            throw .forbidden("Only an admin may read a history.")
        }
        if endpoint == .heartbeat, case .service = asker.who { throw Asker.noPerson }
        if credentials.isCookie(asker.shown), endpoint.isForOurSiteAlone {
            try SameOrigin.check(request, bytes, allowed: service.settings.origins)
        }
    }
}
