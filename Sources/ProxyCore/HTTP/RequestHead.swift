// Owns the parsed head of a request.
// Called by the downstream side of an exchange, which refills one head for all its requests.
// Never holds the bytes themselves: it holds ranges of them.

/// Whether a request asks to become a WebSocket (RFC 6455 §4.2.1).
public enum WebSocketOffer: UInt8, Sendable, BitwiseCopyable {
    case none
    /// A whole and proper opening handshake.
    case valid
    /// It names `websocket` but the handshake is not proper; it travels on as a plain request.
    case invalid
}

/// The head of a request as ranges over the bytes that it was parsed from.
public struct RequestHead: ~Copyable {
    public internal(set) var method: Method
    /// As sent: `.other` methods are known by this alone.
    public internal(set) var methodName: HeadRange
    /// As sent: origin-form, absolute-form or `*`.
    public internal(set) var target: HeadRange
    /// The path of the target; empty where an absolute target has none (it means `/`).
    public internal(set) var path: HeadRange
    /// Without the `?`; nil where there is none.
    public internal(set) var query: HeadRange?
    public internal(set) var version: HTTPVersion
    public internal(set) var fields: FieldTable
    /// Bytes of the head with its blank line and skipped leading CRLFs: the body begins here.
    public internal(set) var length: Int
    public internal(set) var framing: BodyFraming
    /// The value of Host, or the authority of an absolute target; nil: neither was sent (1.0).
    public internal(set) var authority: HeadRange?
    /// The client wants the connection kept, and may have it.
    public internal(set) var keepAlive: Bool
    /// The client waits for a 100 before it sends its body.
    public internal(set) var expectsContinue: Bool
    public internal(set) var webSocketUpgrade: WebSocketOffer
    /// The Max-Forwards of an OPTIONS request; at 0 it is to be answered here (RFC 9110 §7.6.2).
    public internal(set) var maxForwards: UInt32?
    /// The peer is one of `trusted_proxies`: what it says of the client is believed.
    public internal(set) var isPeerTrusted: Bool
    /// `TE: trailers`: the one transfer option that travels on (RFC 9110 §10.1.4).
    var acceptsTrailers: Bool

    public init() {
        method = .other
        methodName = .empty
        target = .empty
        path = .empty
        query = nil
        version = .http11
        fields = FieldTable()
        length = 0
        framing = .none
        authority = nil
        keepAlive = false
        expectsContinue = false
        webSocketUpgrade = .none
        maxForwards = nil
        isPeerTrusted = false
        acceptsTrailers = false
    }

    /// Reads a request head from the start of `bytes`.
    ///
    /// Faults are reported as soon as they are certain: a control byte or a limit at once, any
    /// other fault at the latest with the LF that ends its line.
    /// - Parameters:
    ///   - bytes: everything received of this request so far.
    ///   - scanned: how many of them an earlier call that said `.partial` has seen.
    ///   - trustedPeer: the other end is one of `trusted_proxies`.
    public mutating func parse(
        _ bytes: RawSpan, from scanned: Int = 0, limits: HeadLimits, trustedPeer: Bool
    ) -> HeadOutcome {
        if scanned > 0, !HeadParser.isWorthReading(bytes, from: scanned, limits: limits) {
            return .partial
        }
        reset()
        isPeerTrusted = trustedPeer
        do throws(HeadStop) {
            let line = try readLine(bytes, limits: limits)
            length = try HeadParser.fields(
                bytes, from: line, limits: limits, hopByHop: HopByHop.always,
                dropsConfusable: true, into: &fields)
            try settleHost(bytes)
            try settleConnection(bytes)
            try settleFraming(bytes, trustedPeer: trustedPeer)
            if fields.hasAny(Self.rare) {
                try settleRareFields(bytes, refusesOwnVia: limits.refusesOwnVia)
            }
            return .complete
        } catch {
            switch error {
            case .partial: return .partial
            case .refused(let refusal): return .refused(refusal)
            }
        }
    }

    @inline(__always)
    private mutating func reset() {
        fields.reset()
        query = nil
        length = 0
        framing = .none
        authority = nil
        keepAlive = false
        expectsContinue = false
        webSocketUpgrade = .none
        maxForwards = nil
        acceptsTrailers = false
    }
}
