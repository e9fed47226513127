// Owns responses that the application changes on their way down.
// Called by the relaying side, for exchanges whose admission asked for it.
// Never loses a byte: what the application does not change passes as it came.

/// How far the changing of a response is.
enum RewritingState: Sendable, BitwiseCopyable {
    case none
    /// The body is collected; nothing of the response has left.
    case collecting
    /// The head has left; each piece of the body goes through the application.
    case streaming
}

extension ProxyLoop {
    /// A final response head stands at the start of `scratch`.
    func beginRewriting(_ exchange: Int32) {
        let rewriting = application.rewriting(
            id(of: exchange), &exchanges[exchange].ticket, responseHead, scratch.bytes,
            now: loop.utc)
        if rewriting != .untouched, responseHead.framing == .none {
            return passHeadAlone(exchange)
        }
        guard !responseHead.framing.isEmpty else { return passHead(exchange) }
        switch rewriting {
        case .untouched, .announced:
            passHead(exchange)
        case .whole(let limit) where limit > 0 && isWithin(limit):
            beginCollected(exchange, limit: limit)
        case .whole(let limit):
            if limit > 0 { tellTooLarge(exchange) }
            passHead(exchange)
        case .stream:
            exchanges[exchange].rewriting = .streaming
            settle(exchange, exchanges[exchange].version == .http11 ? .chunked : .untilClose)
            writeHead(exchange, scratch, .rewritten)
        }
    }

    /// The head of a body that does not come (to HEAD), as it would be with that body changed.
    private func passHeadAlone(_ exchange: Int32) {
        settle(exchange, .none)
        writeHead(
            exchange, scratch, exchanges[exchange].isVolatile ? .volatile(mark: nil) : .rewritten)
    }

    /// As it came.
    private func passHead(_ exchange: Int32) {
        settle(exchange, downstreamFraming(exchange))
        writeHead(exchange, scratch, .none)
    }

    private func isWithin(_ limit: Int) -> Bool {
        guard let length = responseHead.declaredLength else { return true }
        return length <= UInt64(limit)
            && length <= UInt64(max(Limits.rewritingBytes - rewritingBytes, 0))
    }

    private func beginCollected(_ exchange: Int32, limit: Int) {
        let length = responseHead.length
        exchanges[exchange].rewriting = .collecting
        exchanges[exchange].framing = .none
        exchanges[exchange].collectedHead = length
        exchanges[exchange].collectedLimit = limit
        exchanges[exchange].collected.reserve(length + Int(responseHead.declaredLength ?? 0))
        exchanges[exchange].collected.append(scratch, 0..<length)
        rewritingBytes += length
    }

    private func tellTooLarge(_ exchange: Int32) {
        rewritten.removeAll()
        _ = application.rewrite(
            id(of: exchange), exchanges[exchange].ticket, body: nil, into: &rewritten,
            now: loop.utc)
    }

    // MARK: The body

    /// A piece of the body, in `scratch`.
    /// - Returns: false where it has to pass as it came, behind what is in `outgoing` now.
    func takePiece(_ exchange: Int32, _ piece: Range<Int>) -> Bool {
        switch exchanges[exchange].rewriting {
        case .none:
            return false
        case .streaming:
            rewritten.removeAll()
            let isMore = application.rewrite(
                id(of: exchange), exchanges[exchange].ticket,
                piece: scratch.bytes.extracting(piece), isLast: false, into: &rewritten)
            if !isMore { exchanges[exchange].rewriting = .none }
            sendRewritten(exchange)
            return true
        case .collecting:
            let held = exchanges[exchange].collected.count - exchanges[exchange].collectedHead
            if held + piece.count <= exchanges[exchange].collectedLimit,
                rewritingBytes + piece.count <= Limits.rewritingBytes
            {
                exchanges[exchange].collected.append(scratch, piece)
                rewritingBytes += piece.count
                return true
            }
            tellTooLarge(exchange)
            passCollected(exchange)
            return false
        }
    }

    private func sendRewritten(_ exchange: Int32) {
        exchanges[exchange].sentDown += UInt64(rewritten.count)
        BodyWriter.append(
            rewritten, 0..<rewritten.count, chunked: exchanges[exchange].framing == .chunked,
            to: &outgoing)
    }

    /// What was collected so far goes on its way as it came, and so will the rest.
    private func passCollected(_ exchange: Int32) {
        let id = id(of: exchange)
        let slot = exchanges[exchange].downstream
        var collected = takeCollected(exchange)
        parseCollected(exchange, collected)
        settle(exchange, downstreamFraming(exchange))
        writeHead(exchange, collected, .none)
        let body = exchanges[exchange].collectedHead..<collected.count
        exchanges[exchange].sentDown += UInt64(body.count)
        BodyWriter.append(
            collected, body, chunked: exchanges[exchange].framing == .chunked, to: &outgoing)
        deliver(slot)
        guard isCurrent(id) else { return }
        countUnsent(slot)
        collected.removeAll()
        swap(&collected, &exchanges[exchange].collected)
    }

    /// What a client has not taken of a response that was collected counts until it has left.
    private func countUnsent(_ slot: Int32) {
        let count = downstreams[slot].output.count
        rewritingBytes += count - downstreams[slot].counted
        downstreams[slot].counted = count
    }

    /// It has left, or its connection is over.
    func forgetUnsent(_ slot: Int32) {
        rewritingBytes -= downstreams[slot].counted
        downstreams[slot].counted = 0
    }

    /// The body is over.
    func finishRewriting(_ exchange: Int32) {
        switch exchanges[exchange].rewriting {
        case .none:
            break
        case .streaming:
            exchanges[exchange].rewriting = .none
            rewritten.removeAll()
            _ = application.rewrite(
                id(of: exchange), exchanges[exchange].ticket, piece: RawSpan(), isLast: true,
                into: &rewritten)
            sendRewritten(exchange)
        case .collecting:
            finishCollected(exchange)
        }
    }

    /// Sends head and body: the length is known now, whatever the framing was.
    private func finishCollected(_ exchange: Int32) {
        let id = id(of: exchange)
        let head = exchanges[exchange].collectedHead
        var collected = takeCollected(exchange)
        rewritten.removeAll()
        let outcome = application.rewrite(
            id, exchanges[exchange].ticket,
            body: collected.bytes.extracting(head..<collected.count), into: &rewritten,
            now: loop.utc)
        parseCollected(exchange, collected)
        let change = change(exchange, outcome)
        if case .volatile(let mark?) = change, isKnown(exchange, collected, mark) {
            passNotModified(exchange, collected, mark)
            if isCurrent(id) { swap(&collected, &exchanges[exchange].collected) }
            return
        }
        let isChanged = change != .none
        let body = isChanged ? 0..<rewritten.count : head..<collected.count
        settle(exchange, .length(UInt64(body.count)))
        writeHead(exchange, collected, change)
        exchanges[exchange].sentDown += UInt64(body.count)
        // Sent from where it stands: `scratch` has been read to its end.
        if isChanged { swap(&rewritten, &collected) }
        swap(&collected, &scratch)
        let slot = exchanges[exchange].downstream
        deliver(slot, followedBy: body)
        swap(&collected, &scratch)
        if isChanged { swap(&rewritten, &collected) }
        if isCurrent(id) {
            countUnsent(slot)
            swap(&collected, &exchanges[exchange].collected)
        }
        rewritten.removeAll()
        rewritten.shrink(to: Limits.highWater)
    }

    private func change(_ exchange: Int32, _ outcome: Rewritten) -> BodyChange {
        switch outcome {
        case .unchanged: .none
        case .changed(let mark): exchanges[exchange].isVolatile ? .volatile(mark: mark) : .rewritten
        }
    }

    // MARK: What the client has already

    /// At the request: what the client has is noted, and not asked of the upstream. Other methods
    /// than these mean something else by it (RFC 9110 §13.1.2).
    func keepConditions(_ exchange: Int32) {
        guard requestHead.method == .get || requestHead.method == .head else { return }
        exchanges[exchange].isVolatile = true
        guard requestHead.fields.has(.ifNoneMatch) else { return }
        for index in 0..<requestHead.fields.count {
            let field = requestHead.fields[index]
            guard field.known == .ifNoneMatch, !field.dropped else { continue }
            exchanges[exchange].conditions.append(
                scratch, Int(field.value.start)..<Int(field.value.end))
            exchanges[exchange].conditions.append(",")
        }
    }

    /// Whether the client has the body that `rewrite` has just made (RFC 9110 §13.2.2).
    private func isKnown(
        _ exchange: Int32, _ collected: borrowing ByteBuffer, _ mark: UInt64
    ) -> Bool {
        guard !exchanges[exchange].conditions.isEmpty, responseHead.status == 200,
            let field = responseHead.fields.first(.etag), responseHead.fields.count(of: .etag) == 1
        else { return false }
        var tag = ByteBuffer()
        return EntityTag.append(collected.bytes[field.value], mark: mark, to: &tag)
            && Self.list(exchanges[exchange].conditions, names: tag)
    }

    private static func list(
        _ conditions: borrowing ByteBuffer, names tag: borrowing ByteBuffer
    ) -> Bool {
        EntityTag.list(conditions.bytes, names: tag.bytes)
    }

    private func passNotModified(
        _ exchange: Int32, _ collected: borrowing ByteBuffer, _ mark: UInt64
    ) {
        exchanges[exchange].status = 304
        settle(exchange, .none)
        HeadWriter.notModified(
            responseHead, collected.bytes, mark: mark,
            downstream: exchanges[exchange].version, keepAlive: exchanges[exchange].persists,
            into: &outgoing)
        rewritten.removeAll()
        rewritten.shrink(to: Limits.highWater)
    }

    /// Takes the buffer out of the exchange: what is called meanwhile may change that.
    private func takeCollected(_ exchange: Int32) -> ByteBuffer {
        var taken = ByteBuffer()
        swap(&taken, &exchanges[exchange].collected)
        exchanges[exchange].rewriting = .none
        rewritingBytes -= taken.count
        return taken
    }

    /// The head again, which other responses have taken the place of in `responseHead`.
    private func parseCollected(_ exchange: Int32, _ collected: borrowing ByteBuffer) {
        let outcome = responseHead.parse(
            collected.bytes, limits: settings.head, toMethod: exchanges[exchange].method)
        guard outcome == .complete else {
            illegalTransition("rewriting", state: "collecting", event: "parse")
        }
    }

    // MARK: Faults

    /// Of a response that fails while it is collected nothing has left: an answer of our own can
    /// still take its place.
    func withdrawCollected(_ exchange: Int32) {
        guard exchanges[exchange].rewriting == .collecting,
            exchanges[exchange].machine.response == .streaming
        else { return }
        breakOffRewriting(exchange)
        exchanges[exchange].machine.responseWithdrawn()
    }

    /// The exchange ends before its response was whole.
    func breakOffRewriting(_ exchange: Int32) {
        switch exchanges[exchange].rewriting {
        case .none: break
        case .collecting: _ = takeCollected(exchange)
        case .streaming:
            exchanges[exchange].rewriting = .none
            application.rewritingBrokeOff(id(of: exchange))
        }
    }
}
