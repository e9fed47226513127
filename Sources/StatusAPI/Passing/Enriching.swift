// Owns the answers to the proxy about responses on routes with `enrich`.
// Called by the loop at the head of such a response and with its whole body.
// Never holds a response back for longer than its body takes to come.

import Presence
public import ProxyCore

extension PresenceApplication {
    /// Whether an answer to what may have asked for a page is data for its route's `enrich`.
    func isEnriched(
        _ ticket: Ticket, _ head: borrowing ResponseHead, _ bytes: RawSpan
    ) -> Bool {
        router.enrichment(ticket.route) != nil && EnrichableHead.isJSON(head, bytes)
    }

    /// At the head of an answer that may be enriched.
    func beginEnrichment(
        _ ticket: Ticket, _ head: borrowing ResponseHead, _ bytes: RawSpan
    ) -> Rewriting {
        guard let plan = router.enrichment(ticket.route) else { return .untouched }
        switch EnrichableHead(head, bytes) {
        case .enrichable:
            return head.framing == .none ? .announced : .whole(limit: plan.maximumBody)
        case .status: counters.add(.enrichStatus)
        case .partial: counters.add(.enrichPartial)
        case .type: counters.add(.enrichType)
        case .coded: counters.add(.enrichCoded)
        case .shared: counters.add(.enrichShared)
        case .fixed: counters.add(.enrichFixed)
        }
        return .untouched
    }

    public func rewrite(
        _ id: ExchangeID, _ ticket: Ticket, body: RawSpan?, into out: inout ByteBuffer,
        now: Milliseconds
    ) -> Rewritten {
        guard let plan = router.enrichment(ticket.route) else { return .unchanged }
        return enrich(plan, body, into: &out, now: now)
    }

    private func enrich(
        _ plan: EnrichmentPlan, _ body: RawSpan?, into out: inout ByteBuffer, now: Milliseconds
    ) -> Rewritten {
        guard let body else {
            counters.add(.enrichTooLarge)
            return .unchanged
        }
        let engine = engine
        let outcome = enricher.enrich(body, plan, into: &out) { id, memo in
            engine.brief(user: id, memo: &memo, now: now)
        }
        switch outcome {
        case .enriched(let mark):
            counters.add(.enriched)
            return .changed(mark: mark)
        case .empty: counters.add(.enrichEmpty)
        case .shape: counters.add(.enrichShape)
        case .notJSON: counters.add(.enrichNotJSON)
        case .tooManyItems: counters.add(.enrichTooManyItems)
        }
        return .unchanged
    }
}
