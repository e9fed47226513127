// Owns requests whose credentials are not remembered, or count by somebody's word alone.
// Called by the loop's application, where the usual way does not lead on.
// Never keeps a forwarded request waiting, but where its route demands a credential.

import Presence
public import ProxyCore

/// A question that is asked if the application lets the request pass, and who caused it.
struct Doubt {
    var question: Question
    /// nil: nobody's allowance is charged.
    var sender: RateKey?
}

extension PresenceApplication {
    /// A forwarded request with a credential that is not remembered.
    @inline(never)
    func admitUnfound(
        _ request: borrowing RequestHead, _ bytes: RawSpan, _ shown: Shown, _ rule: Rule,
        _ route: UInt32, _ arrival: Arrival, _ now: Milliseconds
    ) -> Admission {
        let token = bytes[shown.token]
        let sender = RateKey(client(request, bytes, arrival))
        let finding = identification.resolve(token, isOwn: false, sender: sender, now: now)
        if case .user(let entry) = finding {
            if identification.isProvisional(entry) { verify(request, bytes, shown, arrival, now) }
            return .forward(ticket(entry, rule, route), watch: rule.watch)
        }
        if rule.requires {
            do throws(Problem) {
                return try putOff(
                    finding, question(request, bytes, shown, arrival), arrival,
                    stranger: stranger(request, bytes, arrival), now: now)
            } catch {
                counters.add(.requireRefused)
                return refuse(error)
            }
        }
        if let ticket = ticketOfFormerOwner(token, rule, route, now: now) {
            return .forward(ticket, watch: rule.watch)
        }
        var ticket = Ticket(route: route, flags: rule.flags, note: rule.note)
        if rule.flags & Mark.refresh != 0 {
            beginRefresh(&ticket, showing: token)
        } else if case .unasked = finding,
            rule.flags & (Mark.logout | Mark.tracked) == Mark.tracked,
            let question = question(request, bytes, shown, arrival)
        {
            ticket.session = question.digest.words.0
            let doubt = Doubt(question: question, sender: stranger(request, bytes, arrival))
            let number = doubts.park(doubt, key: ticket.session)
            ticket.flags |= Mark.unasked | number << Mark.numberShift
        }
        return .forward(ticket, watch: rule.watch)
    }

    /// Asks about a credential that counts by a login's word, while the request passes.
    private func verify(
        _ request: borrowing RequestHead, _ bytes: RawSpan, _ shown: Shown, _ arrival: Arrival,
        _ now: Milliseconds
    ) {
        guard let question = question(request, bytes, shown, arrival) else { return }
        // A question that nobody waits for is not asked.
        _ = service.desk?.ask(question, sighting: nil, waiter: {}, now: now)
    }

    /// What becomes of a request that needs a credential, by what was found of its own: `.wait`
    /// where more will be known soon.
    /// - Parameter stranger: whose allowance of questions it is put to; nil: nobody's.
    func putOff(
        _ finding: Finding, _ question: Question?, _ arrival: Arrival, stranger: RateKey?,
        now: Milliseconds
    ) throws(Problem) -> Admission {
        switch finding {
        case .user, .service, .nobody: throw .anonymous
        case .limited(let wait): throw .tooMany(retryAfter: wait)
        case .undecided: throw .undecided
        case .keysAwaited:
            guard !arrival.hasWaited, awaitingKeys.count < APILimits.awaitingKeys else {
                throw .undecided
            }
            awaitingKeys.append(arrival.connection)
            return .wait
        case .unasked:
            guard let question, let desk = service.desk else { throw .anonymous }
            guard !arrival.hasWaited else { throw .undecided }
            if let wait = allowance(question, stranger, now: now) {
                throw .tooMany(retryAfter: wait)
            }
            guard
                desk.ask(
                    question, sighting: nil,
                    waiter: { [post, connection = arrival.connection] in post.post(connection) },
                    now: now)
            else { throw .undecided }
            return .wait
        }
    }

    /// Counts a question about a credential of which nothing was ever heard, so that nobody fills
    /// the queue with invented ones. One that had an owner, or is being asked about, is free: an
    /// office behind one address asks anew all day long.
    /// - Returns: nil where it may be asked, else in how many milliseconds to come again.
    private func allowance(
        _ question: Question, _ sender: RateKey?, now: Milliseconds
    ) -> Milliseconds? {
        guard let sender, service.desk?.isStrange(question.digest, now: now) == true,
            let wait = service.strangers.count(sender, now: now)
        else { return nil }
        counters.add(.questionLimited)
        return wait
    }

    /// Whose allowance a question is put to; nil: a proxy of ours that does not say for whom it
    /// asks asks for everybody.
    private func stranger(
        _ request: borrowing RequestHead, _ bytes: RawSpan, _ arrival: Arrival
    ) -> RateKey? {
        let client = client(request, bytes, arrival)
        return service.tokens.trusted.contains(client) ? nil : RateKey(client)
    }

    /// What to ask about a credential; nil: nobody can be asked. (Nor about one that is itself
    /// part of a question: whoever is asked would ask back.)
    func question(
        _ request: borrowing RequestHead, _ bytes: RawSpan, _ shown: Shown, _ arrival: Arrival
    ) -> Question? {
        guard service.desk != nil, !InquiryForm.isQuestion(request, bytes) else { return nil }
        let token =
            shown.isDecoded ? scratch.bytes[shown.token].array() : bytes[shown.token].array()
        let base = LinkBase(request, bytes)
        return Question(
            digest: TokenDigest.of(token.rawSpan), token: token,
            place: credentials.place(of: shown),
            scheme: shown.scheme.isEmpty ? nil : bytes[shown.scheme].array(),
            host: base.authority.map { Array($0.utf8) } ?? [],
            secure: arrival.from.secure || base.scheme == "https", isQuoted: shown.isQuoted)
    }

    /// Who sent it, as far as the peer is to be believed.
    func client(
        _ request: borrowing RequestHead, _ bytes: RawSpan, _ arrival: Arrival
    ) -> ClientAddress {
        arrival.from.client(of: request, bytes, networks: service.tokens.trusted)
    }

    /// Requests for which somebody's word has come.
    func resume(_ mail: LoopPost.Mail) {
        for connection in mail.resumed { host.resume(connection) }
        guard mail.keysTried else { return }
        let waiting = awaitingKeys
        awaitingKeys.removeAll()
        for connection in waiting { host.resume(connection) }
    }

    // MARK: At the answer

    /// Whether a request that only the application can judge counts as any other: it counts on
    /// its 2xx and 3xx alone, and its 401 ends the credential.
    @inline(never)
    func sightJudged(
        _ ticket: Ticket, _ status: Int, _ byUpstream: Bool, _ label: RawSpan, now: Milliseconds
    ) -> Bool {
        let isGood = byUpstream && (200..<400).contains(status)
        if ticket.flags & Mark.unasked != 0 {
            let number = ticket.flags >> Mark.numberShift
            let doubt = doubts.take(number, key: ticket.session)
            let isAsked = isGood && doubt.map { ask($0, ticket, label, now: now) } ?? true
            counters.add(isAsked ? .sightUnasked : .sightAnonymous)
            return false
        }
        if byUpstream, status == 401 { disown(ticket, now: now) }
        guard !isGood, ticket.flags & Mark.tracked != 0 else { return true }
        counters.add(.sightRefused)
        return false
    }

    /// The request counts if the answer names somebody.
    /// - Returns: false: it does not, since its sender has caused too many questions.
    private func ask(
        _ doubt: Doubt, _ ticket: Ticket, _ label: RawSpan, now: Milliseconds
    ) -> Bool {
        guard allowance(doubt.question, doubt.sender, now: now) == nil else { return false }
        let sighting = Sighting(
            activity: ticket.flags & Mark.activity != 0,
            label: ShortText(label, label.extracting(0..<0)), time: now)
        _ = service.desk?.ask(doubt.question, sighting: sighting, waiter: nil, now: now)
        return true
    }

    /// The application has refused a credential that it gave out itself.
    private func disown(_ ticket: Ticket, now: Milliseconds) {
        let number = ticket.flags >> Mark.numberShift
        let key: RevocationKey?
        if ticket.flags & Mark.logout != 0 {
            key = logouts.take(number, key: ticket.session)?.revocation
        } else {
            let session = SessionRef(subjectWord: ticket.subject, tag: ticket.session)
            key = identification.forgetJudged(session, at: Int32(truncatingIfNeeded: number))
        }
        guard let key else { return }
        let digest = key.tokenDigest
        engine.forgetToken(digest, now: now)
        service.desk?.forget(digest)
        service.disownments.add(key)
    }

    // MARK: What the application is told

    /// Who sent the request, where the configuration says so.
    public func writeFields(_ ticket: Ticket, into out: inout ByteBuffer) {
        guard ticket.flags & Mark.identified != 0 else { return }
        let names = service.tokens.forwarded
        let subject = SessionRef(subjectWord: ticket.subject, tag: ticket.session).subject
        let view = engine.view(subject: subject, now: lastAdmission)
        Self.write(names.user, view.userID, into: &out)
        if let name = view.name { Self.write(names.name, name, into: &out) }
        Self.write(names.admin, ticket.flags & Mark.admin != 0 ? "true" : "false", into: &out)
    }

    /// Visible ASCII stands as it is, all else and `%` percent-encoded (RFC 3986 §2.1): a value
    /// can neither end its line nor be read in two ways.
    private static func write(_ field: String?, _ value: String, into out: inout ByteBuffer) {
        guard let field else { return }
        out.append(field.rawSpan)
        out.append(": ")
        for byte in value.utf8 {
            if byte > 0x20, byte < 0x7F, byte != 0x25 {
                out.append(byte)
            } else {
                out.append(0x25)
                out.append(hexadecimal(byte >> 4))
                out.append(hexadecimal(byte & 15))
            }
        }
        out.append("\r\n")
    }

    private static func hexadecimal(_ nibble: UInt8) -> UInt8 {
        nibble < 10 ? 0x30 + nibble : 0x37 + nibble
    }
}

extension RevocationKey {
    /// The digest that an opaque credential is revoked by.
    var tokenDigest: TokenDigest { TokenDigest(words: (first, second, third, fourth)) }
}
