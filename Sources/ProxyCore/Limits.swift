// Owns every fixed bound of this target, with its unit and its reason.
// Called by whoever buffers, caches or loops.
// Never holds what an operator can set: that is ProxySettings.

/// Bounds that are the same in every installation.
public enum Limits {
    /// Bytes read from a socket at once: the largest pipe the kernel fills in one go on loopback.
    public static let readSize = 64 * 1024
    /// Bytes of a message that may wait for a slow reader before its source is paused.
    public static let highWater = 64 * 1024
    /// A piece of body up to this size is copied behind the head and sent with it; a larger one
    /// is sent from where it was received.
    public static let copiedBody = 4 * 1024
    /// Exchanges of one loop that wait for a connection to the upstream.
    public static let waiters = 1024
    /// Exchanges of one loop whose body is collected before they ask for a connection; each keeps
    /// up to `highWater` and one read.
    public static let collecting = 1024
    /// How long the beginning of a body of unknown length is collected, milliseconds: long enough
    /// for most bodies to be whole, short enough for whoever streams.
    public static let collectTime: Milliseconds = 1_000
    /// Buffer memory that an idle upstream connection keeps.
    public static let idleBuffer = 4 * 1024
    /// Connections accepted in one turn of a loop, so that a flood does not starve the others.
    public static let acceptsPerTurn = 64
    /// Reads from one connection in one turn, for the same reason.
    public static let readsPerTurn = 8
    /// Fields of a head: the hard bound behind the configured one.
    public static let maximumFields = 256
    /// Field names that may be reserved for the application: who somebody is takes a few.
    public static let reservedFields = 16
    /// Options of all Connection fields together: each is looked for among the fields.
    public static let connectionOptions = 32
    /// Addresses of X-Forwarded-For that are walked over, from the right.
    public static let forwardedHops = 32
    /// Interim (1xx) responses relayed for one request; more is an upstream out of control.
    public static let interimResponses = 8
    /// A chunk-size line with its extensions, bytes (RFC 9112 §7.1.1 lets us bound it).
    public static let chunkLine = 256
    /// All chunk extensions of one message together, bytes.
    public static let chunkExtensions = 16 * 1024
    /// Bytes read and dropped from a client after a refusal, so that it can read the answer
    /// before a reset destroys it (RFC 9112 §9.6).
    public static let lingerBytes = 256 * 1024
    /// A client that has ended its sending side while it waits for an answer is most likely gone:
    /// how long its answer is still waited for, milliseconds.
    public static let halfClose: Milliseconds = 2_000
    /// How long such a lingering close lasts at most, milliseconds.
    public static let lingerTime: Milliseconds = 2_000
    /// Bytes that may wait for the reader of a served WebSocket or stream before it counts as too
    /// slow. A message that it had room for is not counted, however long it is (a snapshot).
    public static let socketBacklog = 256 * 1024
    /// How often a stream that has nothing to say says so, milliseconds: proxies cut off what is
    /// silent for a minute. Whoever takes nothing for that long is cut off.
    public static let streamIdle: Milliseconds = 15_000
    /// A request body that our own endpoints accept, bytes.
    public static let servedBody = 64 * 1024
    /// A token, bytes, before any cryptography is spent on it.
    public static let tokenBytes = 8 * 1024
    /// Nesting of a token's header and claims (RFC 8725 asks for a bound; real ones need 3).
    public static let tokenDepth = 16
    /// A user id, session, name or key id of a token, bytes.
    public static let tokenField = 256
    /// Issuers of one installation: each may be tried for a token without a key id.
    public static let tokenKeys = 32
    /// The name of an issuer or of an audience (`iss`, `aud`: mostly an address), bytes.
    public static let issuerName = 1024
    /// A published key set, bytes: a hundred keys with their certificates need less.
    public static let keySetBytes = 256 * 1024
    /// Keys of one published set: issuers have two or three.
    public static let publishedKeys = 100
    /// How long a response waits at most for the application to release it, milliseconds: a slow
    /// disk must not become a slow app.
    public static let holdTime: Milliseconds = 1_000
    /// Bytes of responses of one loop that are collected to be changed, and of those that were and
    /// that their clients take slowly. Beyond it a response passes unchanged.
    public static let rewritingBytes = 64 * 1024 * 1024
    /// How long a request waits for its admission at most before the application is asked again,
    /// milliseconds: whoever is asked who somebody is may have gone away.
    public static let admissionTime: Milliseconds = 5_000
    /// Bytes of requests of one loop that wait for their admission, bodies that came with the head
    /// included. Beyond it a request is answered with 503 at once.
    public static let waitingBytes = 16 * 1024 * 1024
    /// Bytes of all ways together in which a path in doubt is read: a path of 1 KiB with every
    /// doubt there is, about half a millisecond.
    public static let readingBytes = 64 * 1024
    /// Nesting of a JSON document.
    public static let jsonDepth = 64
    /// The most nesting that any caller can ask for: reading recurses, and a loop's stack is small.
    public static let jsonDepthCeiling = 256
    /// Nesting of a JSON document that only passes: it is stepped over without recursion.
    public static let jsonSkimDepth = 512
    /// Places within an item that one survey of a document notes, and names that it looks for.
    public static let surveyPlaces = 32
    /// Items that one survey notes: what is noted of each costs memory beside the document.
    public static let surveyItems = 20_000
    /// Texts between values that one survey remembers: as many members has a large item.
    public static let surveySeams = 128
    /// A path into a JSON document, bytes: longer is a mistake in a configuration.
    public static let jsonPath = 1024
    /// A URL that is asked for something, bytes: longer is a mistake in a configuration, or a
    /// redirect that carries somebody's state.
    public static let fetchURL = 2 * 1024
    /// The head of an answer to a request of our own, bytes.
    public static let fetchHead = 32 * 1024
    /// How often one request of our own follows a redirect to the same server.
    public static let fetchRedirects = 3
}
