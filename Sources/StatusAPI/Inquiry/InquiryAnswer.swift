// Owns reading what a server says of a credential.
// Called by the desk, on a courier's thread; pure.
// Never guesses: what does not name a person plainly is unclear.

import ProxyCore

/// A verdict with the reason for a log. The reason never holds a byte of the answer's body.
struct InquiryFinding: Equatable {
    var outcome: InquiryOutcome
    var reason: String

    init(_ outcome: InquiryOutcome, _ reason: String = "") {
        self.outcome = outcome
        self.reason = reason
    }
}

/// Reads answers by the rules of one installation.
struct InquiryAnswer {
    let settings: IntrospectionSettings

    private var isStandard: Bool {
        switch settings.mode {
        case .backend: false
        case .standard: true
        }
    }

    /// - Parameter now: when the question was sent; what was said then holds for `cache`.
    func finding(
        status: Int, body: [UInt8], digest: TokenDigest, now: Milliseconds
    ) -> InquiryFinding {
        switch status {
        case 200..<300: return reading(body, digest, now)
        case 401, 403:
            // RFC 7662 §2.3: that is us whom it does not want.
            guard !isStandard else {
                return InquiryFinding(
                    .unclear,
                    "it answers \(status): it does not accept client_id and its secret")
            }
            return InquiryFinding(.refused)
        // RFC 6585 §4: it is there, and has had enough of questions like this one. A flood of
        // invented credentials must not end the asking about all others.
        case 429: return InquiryFinding(.unclear, "it answers 429: it limits our questions")
        case 502, 503, 504: return InquiryFinding(.silent, "it answers \(status)")
        case 300..<400:
            return InquiryFinding(
                .unclear, "it answers \(status): no redirect is followed, so name where it leads")
        default: return InquiryFinding(.unclear, "it answers \(status)")
        }
    }

    private func reading(
        _ body: [UInt8], _ digest: TokenDigest, _ now: Milliseconds
    ) -> InquiryFinding {
        let root: JSONNode
        do throws(JSONError) {
            root = try JSONReader.read(body.rawSpan, maximumDepth: InquiryLimits.answerDepth)
        } catch {
            return InquiryFinding(.unclear, "its answer is no JSON")
        }
        var goodUntil = now + settings.cache
        if isStandard {
            switch activity(root, now) {
            case .active(let end): goodUntil = min(goodUntil, end)
            case .inactive: return InquiryFinding(.refused)
            case .unsaid: return InquiryFinding(.unclear, "its answer does not say active")
            }
        }
        guard let user = settings.user.first(in: root)?.identifier else {
            return InquiryFinding(.unclear, "its answer names nobody at \(settings.user.text)")
        }
        let session = settings.session?.first(in: root)?.identifier
        return InquiryFinding(
            .known(
                OpaqueIdentity(
                    user: user, name: settings.name?.first(in: root)?.identifier,
                    isAdmin: settings.admin?.first(in: root)?.bool == true,
                    session: SessionNames.tag(user: user, session: session, digest),
                    goodUntil: goodUntil)))
    }

    // MARK: RFC 7662

    private enum Activity {
        case active(until: Milliseconds)
        case inactive, unsaid
    }

    /// RFC 7662 §2.2. A refresh token is active too, and no sign of anybody's presence.
    private func activity(_ root: JSONNode, _ now: Milliseconds) -> Activity {
        guard let active = root["active"]?.bool else { return .unsaid }
        guard active else { return .inactive }
        for name in ["token_type", "typ", "token_use"] {
            if root[name]?.string?.rawSpan.equalsFolded("refresh") == true { return .inactive }
        }
        guard let exp = root["exp"], !exp.isNull else { return .active(until: .max) }
        guard let seconds = exp.double else { return .unsaid }
        guard seconds * 1000 < Double(Int64.max / 4) else { return .active(until: .max) }
        let end = Milliseconds(max(seconds, 0) * 1000)
        return end > now ? .active(until: end) : .inactive
    }
}
