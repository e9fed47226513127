// Owns the parsed head of a response.
// Called by the upstream side of an exchange, which refills one head for all its responses.
// Never holds the bytes themselves: it holds ranges of them.

/// The head of a response as ranges over the bytes that it was parsed from.
public struct ResponseHead: ~Copyable {
    /// 100...599.
    public internal(set) var status: Int
    public internal(set) var reason: HeadRange
    public internal(set) var version: HTTPVersion
    public internal(set) var fields: FieldTable
    /// Bytes of the head with its blank line: the body begins here.
    public internal(set) var length: Int
    public internal(set) var framing: BodyFraming
    /// The Content-Length as sent: for HEAD and 304, which announce one without a body.
    public internal(set) var declaredLength: UInt64?
    /// The upstream connection may serve another request after this one.
    public internal(set) var keepAlive: Bool
    /// It has no body by its method or status and speaks of one all the same. Servers that send
    /// it then are common (gunicorn to HEAD, behind the head, on its own): on a connection that is
    /// used again those bytes would be taken for the answer to somebody else's request.
    var isBodyDoubtful: Bool
    /// A 101 with `Upgrade: websocket` and `Connection: upgrade` (RFC 6455 §4.1).
    public internal(set) var switchesToWebSocket: Bool

    public init() {
        status = 0
        reason = .empty
        version = .http11
        fields = FieldTable()
        length = 0
        framing = .none
        declaredLength = nil
        keepAlive = false
        isBodyDoubtful = false
        switchesToWebSocket = false
    }

    /// An interim response: another one follows (RFC 9110 §15.2). 101 is final.
    @inlinable public var isInterim: Bool { status < 200 && status != 101 }

    /// Reads a response head from the start of `bytes`; a fault is a 502.
    /// - Parameters:
    ///   - bytes: everything received of this response so far.
    ///   - scanned: how many of them an earlier call that said `.partial` has seen.
    ///   - method: of the request; a response to HEAD has no body.
    public mutating func parse(
        _ bytes: RawSpan, from scanned: Int = 0, limits: HeadLimits, toMethod method: Method
    ) -> HeadOutcome {
        if scanned > 0, !HeadParser.isWorthReading(bytes, from: scanned, limits: limits) {
            return .partial
        }
        reset()
        do throws(HeadStop) {
            let line = try readStatusLine(bytes, limits: limits)
            length = try HeadParser.fields(
                bytes, from: line, limits: limits, hopByHop: HopByHop.always,
                dropsConfusable: false, into: &fields)
            let options = try HopByHop.connection(bytes, in: &fields, strict: false)
            try settleFraming(bytes, toMethod: method)
            keepAlive =
                options.persists(version) && framing != .untilClose && !isBodyDoubtful
            if status == 101 { settleSwitch(bytes, options) }
            return .complete
        } catch {
            switch error {
            case .partial: return .partial
            case .refused(let refusal):
                return .refused(Refusal(status: 502, reason: refusal.reason))
            }
        }
    }

    @inline(__always)
    private mutating func reset() {
        fields.reset()
        status = 0
        reason = .empty
        length = 0
        framing = .none
        declaredLength = nil
        keepAlive = false
        isBodyDoubtful = false
        switchesToWebSocket = false
    }
}
