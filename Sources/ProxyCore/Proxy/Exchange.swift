// Owns what is remembered of one request and its response while they are under way.
// Called by the loop, from the end of a request head to the end of its response.
// Never decides what follows what: that is the machine's.

/// One exchange. Slots are kept and refilled, so that their buffers stay warm.
struct Exchange: ~Copyable {
    var generation: UInt32 = 0
    var downstream: Int32 = -1
    var upstream: Int32 = -1
    var machine = ExchangeMachine()
    var ticket = Ticket()
    var method = Method.get
    var version = HTTPVersion.http11
    /// What the client asked for and may have.
    var persists = false
    /// The client offered a WebSocket and the offer was passed on.
    var upgrades = false
    /// Nothing of the response may leave before the application releases it.
    var isHeld = false
    /// Bytes of the client's output that were there before the held response.
    var heldFrom = 0
    /// The application was asked about this exchange's response.
    var isSighted = false
    /// The upstream may serve another request after this response.
    var upstreamPersists = false
    var isUploadChunked = false
    var interims: UInt8 = 0
    var status: UInt16 = 0
    /// How the response body travels to the client.
    var framing = BodyFraming.none
    var requestBody = BodyReader(.none)
    var responseBody = BodyReader(.none)
    /// Body bytes received from the client, and when the first was waited for.
    var received: UInt64 = 0
    var sentDown: UInt64 = 0
    var began: Milliseconds = 0
    /// `POST /orders/`, for the application and the log.
    var label = ShortText()
    /// Method and path whole, where requests are logged.
    var logged = ByteBuffer()
    var loggedClient = ClientAddress.local
    /// The client's `Sec-WebSocket-Key`.
    var key = ShortText()
    /// The application had put it off before it was admitted.
    var hasWaited = false
    /// The application wants to see the response's head.
    var watchesHead = false
    /// Bytes of the response body that the application wants to see (0: none).
    var watchLimit = 0
    var watched = ByteBuffer()
    var watchFailed = false
    /// The application may change the response.
    var mayRewrite = false
    var rewriting = RewritingState.none
    /// Whether the client's copy is still good is decided here, and by what it was asked.
    var isVolatile = false
    var conditions = ByteBuffer()
    /// The head and then the body of a response that is collected to be changed.
    var collected = ByteBuffer()
    /// Bytes of that head.
    var collectedHead = 0
    /// Bytes of the body that are collected at most.
    var collectedLimit = 0
    /// The request as far as it is at hand, while it waits for a connection to the upstream; of
    /// one that is answered here, its body.
    var waiting = ByteBuffer()
    var isWaiting = false
    /// The beginning of its body is being collected, and no connection is asked for yet.
    var isCollecting = false
    /// Its body is long or of unknown length: collecting has a time.
    var isStream = false

    init() {}

    /// Ready for another request; the buffers keep up to `kept` bytes of memory.
    mutating func reset(kept: Int = 16 * 1024) {
        watched.removeAll()
        watched.shrink(to: kept)
        collected.removeAll()
        collected.shrink(to: kept)
        waiting.removeAll()
        waiting.shrink(to: kept)
        logged.removeAll()
        downstream = -1
        upstream = -1
        machine = ExchangeMachine()
        upgrades = false
        isHeld = false
        isSighted = false
        upstreamPersists = false
        isWaiting = false
        watchFailed = false
        watchesHead = false
        watchLimit = 0
        mayRewrite = false
        isVolatile = false
        conditions.removeAll()
        conditions.shrink(to: 1024)
        rewriting = .none
        interims = 0
        status = 0
        received = 0
        sentDown = 0
    }
}
