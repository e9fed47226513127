// Owns the questions that this proxy asks of the program built on it.
// Called by the exchange and socket code of each loop; answered by an Application.
// Never knows what an answer means: people, presence and file formats live on the other side.

/// What the application remembers about an exchange: opaque words that travel with it.
public struct Ticket: Sendable, Equatable, BitwiseCopyable {
    public var route: UInt32
    public var flags: UInt32
    public var subject: UInt64
    public var session: UInt64
    public var note: UInt32

    public init(
        route: UInt32 = 0, flags: UInt32 = 0, subject: UInt64 = 0, session: UInt64 = 0,
        note: UInt32 = 0
    ) {
        self.route = route
        self.flags = flags
        self.subject = subject
        self.session = session
        self.note = note
    }
}

/// Names one exchange of one loop; a number that was reused is recognised as another.
public struct ExchangeID: Sendable, Hashable, BitwiseCopyable {
    public let slot: Int32
    public let generation: UInt32

    public init(slot: Int32, generation: UInt32) {
        self.slot = slot
        self.generation = generation
    }
}

/// Names one arrival of a request at one connection of one loop: the next request of the same
/// connection has another number, so that a late `resume` never meets the wrong one.
public struct ConnectionID: Sendable, Hashable, BitwiseCopyable {
    public let slot: Int32
    public let generation: UInt32

    public init(slot: Int32, generation: UInt32) {
        self.slot = slot
        self.generation = generation
    }
}

/// How a request came.
public struct Arrival: Sendable, BitwiseCopyable {
    public let connection: ConnectionID
    /// The peer and what is believed of it; `from.client` walks X-Forwarded-For where trusted.
    public let from: ForwardedFields
    /// It was told to `.wait` before: now it must be decided.
    public let hasWaited: Bool

    public init(connection: ConnectionID, from: ForwardedFields, hasWaited: Bool) {
        self.connection = connection
        self.from = from
        self.hasWaited = hasWaited
    }
}

/// What the application wants of a forwarded request's response. Unless `rewrites` is set it
/// reaches the client untouched.
public struct Watch: Sendable, Equatable, BitwiseCopyable {
    /// Bytes of the body that `watched` wants to see whole (0: none).
    public var body: Int
    /// Whether `answered` wants to see the head.
    public var fields: Bool
    /// Whether `rewriting` is asked what is to be changed. The upstream is asked for a whole body
    /// without coding then: `Accept-Encoding: identity`, and no `Range`.
    public var rewrites: Bool
    /// What `rewrite` puts in changes by itself, so that the upstream cannot tell whether what a
    /// client has is still good: it is not asked (no `If-None-Match`, no `If-Modified-Since` of a
    /// GET or HEAD), and the answer to that is made here.
    public var isVolatile: Bool

    public init(
        body: Int = 0, fields: Bool = false, rewrites: Bool = false, isVolatile: Bool = false
    ) {
        self.body = body
        self.fields = fields
        self.rewrites = rewrites
        self.isVolatile = isVolatile
    }

    public static let nothing = Watch()
}

/// Names one WebSocket or stream that this process serves, of one loop.
public struct SocketID: Sendable, Hashable, BitwiseCopyable {
    public let slot: Int32
    public let generation: UInt32

    public init(slot: Int32, generation: UInt32) {
        self.slot = slot
        self.generation = generation
    }
}

/// What shall become of a request whose head has been read.
public enum Admission: Sendable {
    /// To the upstream.
    case forward(Ticket, watch: Watch)
    /// Answered here by `serve`, once its body of at most `bodyLimit` bytes is at hand.
    case serve(Ticket, bodyLimit: Int)
    /// Answered here at once; the rest of the request is not read.
    case refuse(LocalResponse)
    /// Not to be decided yet. The head is kept and nothing more of the connection is read; after
    /// `ApplicationHost.resume`, or after `Limits.admissionTime`, `admit` is asked again with
    /// `hasWaited`. Whoever waits a second time gets 503.
    case wait
}

/// What `sight` says of a response that is about to pass.
public enum Passage: Sendable {
    case pass
    /// Nothing of it reaches the client until `EventLoop.release` or `Limits.holdTime`.
    case hold
}

/// How the application changes a response.
public enum Rewriting: Sendable, Equatable, BitwiseCopyable {
    /// Not at all.
    case untouched
    /// There is no body here (HEAD, 304), and that of a GET would be changed: its length and its
    /// digests are left out, its ETag is weak.
    case announced
    /// The body, decoded of its chunks, is shown to `rewrite(_:_:body:into:now:)` once it is whole.
    /// One of more than `limit` bytes passes untouched.
    case whole(limit: Int)
    /// Each piece goes through `rewrite(_:_:piece:isLast:into:)` as it comes.
    case stream
}

/// What `rewrite` made of a whole body.
public enum Rewritten: Sendable, Equatable, BitwiseCopyable {
    /// It passes as it came.
    case unchanged
    /// Another one passes in its place. `mark` is another whenever what was put in differs: with
    /// `Watch.isVolatile` it goes into the ETag.
    case changed(mark: UInt64)
}

/// What `serve` made of a request.
public enum Service: Sendable {
    case answer(LocalResponse)
    /// The answer comes later through `EventLoop.answer(_:with:)`.
    case later
    /// Likewise, and the answer may take so long, whatever answers may take otherwise.
    case parked(upTo: Milliseconds)
    /// Becomes a WebSocket; `socketOpened` follows. `fields` go into the 101 (a subprotocol).
    case webSocket(fields: [(name: StaticString, value: String)])
    /// An answer that goes on: its head and first bytes, then what `send` adds until `close`, as
    /// on a WebSocket but without frames. `socketOpened` follows, but not for HEAD. `idle` is
    /// sent every `Limits.streamIdle`.
    case stream(LocalResponse, idle: StaticString)
}

/// An answer made here.
public struct LocalResponse: Sendable {
    public var status: Int
    public var contentType: StaticString?
    public var fields: [(name: StaticString, value: String)]
    public var body: [UInt8]

    public init(
        status: Int, contentType: StaticString? = nil,
        fields: [(name: StaticString, value: String)] = [], body: [UInt8] = []
    ) {
        self.status = status
        self.contentType = contentType
        self.fields = fields
        self.body = body
    }
}

/// Why a served socket ended.
public enum SocketEnd: Sendable, Equatable {
    /// A closing handshake, begun by either side.
    case closed(code: UInt16)
    /// The connection broke or timed out.
    case lost
}

/// The program built on the proxy: one object a loop, called on that loop's thread alone, so
/// that it needs no lock. It never blocks.
public protocol Application: AnyObject {
    /// After a request head: route, identify, admit. `now` is UTC.
    func admit(
        _ request: borrowing RequestHead, _ bytes: RawSpan, arrival: Arrival, now: Milliseconds
    ) -> Admission

    /// Where `ProxySettings.reservedFields` names any: whole field lines (`Name: value` CRLF) of
    /// these names for the head that the upstream gets. The client's own are gone.
    func writeFields(_ ticket: Ticket, into out: inout ByteBuffer)

    /// Where `Watch.fields` asked for it: at the final response head of the upstream (a 101 is
    /// none), right before `sight`.
    func answered(
        _ id: ExchangeID, _ ticket: inout Ticket, _ head: borrowing ResponseHead,
        _ bytes: RawSpan, now: Milliseconds)

    /// At the response head of a forwarded request, or with `status` 502, 504 where the proxy
    /// itself answers for a failed upstream.
    func sight(
        _ id: ExchangeID, _ ticket: inout Ticket, status: Int, byUpstream: Bool,
        request label: RawSpan, now: Milliseconds
    ) -> Passage

    /// The whole body of a response that asked to be watched, decoded of its chunks, before its
    /// last byte leaves; nil where it was larger than asked or came broken or content-coded.
    func watched(
        _ id: ExchangeID, _ ticket: Ticket, status: Int, body: RawSpan?, now: Milliseconds)

    /// Where `Watch.rewrites` asked for it: at the final response head of the upstream, right after
    /// `sight`. A response without a body by its method or status (RFC 9112 §6.3) can only be
    /// `.untouched` or `.announced`.
    func rewriting(
        _ id: ExchangeID, _ ticket: inout Ticket, _ head: borrowing ResponseHead,
        _ bytes: RawSpan, now: Milliseconds
    ) -> Rewriting

    /// The whole body of a response that is rewritten so; nil where it is larger than the limit,
    /// or too much is collected already: it passes as it came.
    /// - Returns: whether `out` holds another body.
    func rewrite(
        _ id: ExchangeID, _ ticket: Ticket, body: RawSpan?, into out: inout ByteBuffer,
        now: Milliseconds
    ) -> Rewritten

    /// The next bytes of a response that is rewritten as it streams. What `out` is given passes in
    /// their place. The last call has no bytes.
    /// - Returns: whether there is more to change; false: all that follows passes as it comes, and
    ///   nothing of this response is asked again.
    func rewrite(
        _ id: ExchangeID, _ ticket: Ticket, piece: RawSpan, isLast: Bool,
        into out: inout ByteBuffer
    ) -> Bool

    /// A response that was rewritten as it streamed ended before its last piece.
    func rewritingBrokeOff(_ id: ExchangeID)

    /// A request to be answered here, with its whole body. (`arrival.connection` cannot be
    /// resumed any more.)
    func serve(
        _ id: ExchangeID, _ ticket: Ticket, _ request: borrowing RequestHead, _ bytes: RawSpan,
        body: RawSpan, arrival: Arrival, now: Milliseconds
    ) -> Service

    /// The client of a `.later` left before its answer.
    func abandoned(_ id: ExchangeID)

    func socketOpened(_ socket: SocketID, _ ticket: Ticket, now: Milliseconds)
    /// A whole text message, valid UTF-8.
    func socketMessage(_ socket: SocketID, _ text: RawSpan, now: Milliseconds)
    func socketClosed(_ socket: SocketID, _ end: SocketEnd, now: Milliseconds)

    /// Once a turn of the loop, after its events and before it sleeps.
    /// - Returns: when it wants to be called again at the latest, milliseconds from now; nil: no
    ///   wish.
    func turn(now: Milliseconds) -> Milliseconds?
}

/// For applications that change nothing.
extension Application {
    public func rewriting(
        _ id: ExchangeID, _ ticket: inout Ticket, _ head: borrowing ResponseHead,
        _ bytes: RawSpan, now: Milliseconds
    ) -> Rewriting { .untouched }

    public func rewrite(
        _ id: ExchangeID, _ ticket: Ticket, body: RawSpan?, into out: inout ByteBuffer,
        now: Milliseconds
    ) -> Rewritten { .unchanged }

    public func rewrite(
        _ id: ExchangeID, _ ticket: Ticket, piece: RawSpan, isLast: Bool,
        into out: inout ByteBuffer
    ) -> Bool {
        out.append(piece)
        return false
    }

    public func rewritingBrokeOff(_ id: ExchangeID) {}
}

/// The loop as its application sees it. Every function is called on the loop's own thread;
/// other threads go through `mailbox`.
public protocol ApplicationHost: AnyObject {
    /// The way in from other threads. `mailbox.wake()` makes the application's `turn` run.
    var mailbox: Mailbox { get }

    /// Answers a request that `serve` put off. Nothing happens where its client has left.
    func answer(_ id: ExchangeID, with response: LocalResponse)

    /// What an admission waited for is there: `admit` is asked again in the next turn. Nothing
    /// happens where it has been asked already or its client has left. May be called within
    /// `admit` itself, before it answers `.wait`.
    func resume(_ connection: ConnectionID)

    /// Lets a held response pass. Nothing happens where it has passed already.
    func release(_ id: ExchangeID)

    /// Queues whole encoded frames on a served socket, or any bytes on a stream; they leave before
    /// the loop sleeps.
    /// - Returns: false where the socket is gone or its reader is too slow
    ///   (`Limits.socketBacklog`): nothing was queued then.
    func send(_ socket: SocketID, frames: RawSpan) -> Bool

    /// Begins the closing handshake, or ends a stream properly; `socketClosed` follows (of a
    /// stream within this call).
    func close(_ socket: SocketID, code: UInt16, reason: String)
}
