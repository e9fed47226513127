// Owns the pages that pass through one loop and get our tag.
// Called at the admission of requests to routes that inject, and with their answers.
// Never delays a byte, and leaves a page as it is wherever it is in doubt.

public import ProxyCore

/// A page that is on its way.
final class PassingPage {
    private var injector: TagInjector

    init(_ tag: ScriptTag, policies: PolicyVerdict, origin: PageOrigin) {
        injector = TagInjector(tag, policies: policies, origin: origin)
    }

    /// - Returns: what has been decided with this piece; nil: it takes more of the page.
    func pass(
        _ piece: RawSpan, isLast: Bool, into out: inout ByteBuffer
    ) -> InjectionOutcome? {
        if isLast { injector.finish(into: &out) } else { injector.pass(piece, into: &out) }
        return injector.outcome
    }
}

extension PresenceApplication {
    /// Takes the mark of a page from a request of a route that injects, if it asks for none; of one
    /// that does, what its client calls our host is kept.
    func settlePage(
        _ rule: inout Rule, _ route: UInt32, _ request: borrowing RequestHead, _ bytes: RawSpan,
        _ arrival: Arrival
    ) {
        guard PageRequest.isForPage(request, bytes), let tag = router.tag(route) else {
            rule.flags &= ~Mark.page
            // It may ask for a list that is enriched.
            rule.watch.rewrites = rule.watch.isVolatile
            return
        }
        var site = LinkBase(request, bytes)
        if arrival.from.secure { site.scheme = "https" }
        pageRequests &+= 1
        let key = pageRequests & 0xF_FFFF
        let number = pageOrigins.park(PageOrigin(site: site, tag: tag), key: UInt64(key))
        rule.note = number | key << 12
    }

    /// At the head of an answer to a request that asked for a page.
    func beginInjection(
        _ id: ExchangeID, _ ticket: Ticket, _ head: borrowing ResponseHead, _ bytes: RawSpan
    ) -> Rewriting {
        guard let tag = router.tag(ticket.route) else { return .untouched }
        let origin =
            pageOrigins.take(ticket.note & 0xFFF, key: UInt64(ticket.note >> 12))
            ?? PageOrigin(site: nil, tag: tag)
        switch PageAnswer(head, bytes, origin: origin) {
        case .page(let policies):
            pages[id] = PassingPage(tag, policies: policies, origin: origin)
            return .stream
        case .announced: return .announced
        case .leave(let reason): counters.add(Counter(reason))
        case .nothing: break
        }
        return .untouched
    }

    public func rewriting(
        _ id: ExchangeID, _ ticket: inout Ticket, _ head: borrowing ResponseHead,
        _ bytes: RawSpan, now: Milliseconds
    ) -> Rewriting {
        guard ticket.flags & Mark.page != 0, !isEnriched(ticket, head, bytes) else {
            return beginEnrichment(ticket, head, bytes)
        }
        return beginInjection(id, ticket, head, bytes)
    }

    public func rewrite(
        _ id: ExchangeID, _ ticket: Ticket, piece: RawSpan, isLast: Bool,
        into out: inout ByteBuffer
    ) -> Bool {
        guard let page = pages[id] else {
            out.append(piece)
            return false
        }
        guard let outcome = page.pass(piece, isLast: isLast, into: &out) else { return true }
        counters.add(Counter(outcome))
        pages[id] = nil
        return false
    }

    public func rewritingBrokeOff(_ id: ExchangeID) { pages[id] = nil }
}

extension Counter {
    init(_ outcome: InjectionOutcome) {
        self =
            switch outcome {
            case .injected: .pageInjected
            case .already: .pageAlready
            case .policy: .pagePolicy
            case .fragment: .pageFragment
            case .noPlace: .pageNoPlace
            case .charset: .pageCharset
            case .unclear: .pageUnclear
            case .encoded: .pageEncoded
            case .notHTML: .pageNotHTML
            case .noTransform: .pageNoTransform
            }
    }
}
