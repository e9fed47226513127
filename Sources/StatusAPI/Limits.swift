// Owns every fixed bound of this target, with its unit and its reason.
// Called by whoever reads a body, fills a page or keeps a list for a socket.
// Never holds what an operator can set: that is APISettings.

public import ProxyCore

/// Bounds that are the same in every installation.
public enum APILimits {
    /// Bytes of a login response that is read for the user in it. Larger ones pass unread.
    public static let loginBody = 256 * 1024
    /// Bytes of a body that our own endpoints accept.
    public static let requestBody = Limits.servedBody
    /// Nesting of a JSON body or message of a client: our own are flat.
    public static let jsonDepth = 8
    /// Nesting of a login response, which is the application's.
    public static let loginDepth = Limits.jsonDepth
    /// Users that one socket can ask for by name.
    public static let subscribedUsers = 1_000
    /// Users asked for by name by all sockets of a loop together: about 100 bytes each.
    public static let subscribedTotal = 2_000_000
    /// Pages that can be asked for; beyond it the number is no page number.
    public static let pageNumber = 1_000_000
    /// Characters (Unicode scalars, as JSON Schema counts them) of a search term.
    public static let search = 256
    /// Credentials that a loop remembers: those of 100,000 people at work, and some.
    public static let verdicts = 131_072
    /// Bytes of the credentials that a loop remembers: 640 each, where a usual JWT has 200 to 500.
    public static let verdictBytes = 80 * 1024 * 1024
    /// How long a loop takes an opaque credential for good without looking it up again,
    /// milliseconds: what another loop learns of it, this one learns so late.
    public static let opaqueTime: Milliseconds = 60_000
    /// The same where a login's word is all there is, and somebody has been asked who knows more.
    public static let provisionalTime: Milliseconds = 5_000
    /// Work on signatures of tokens that do not count, of one peer, microseconds a second: half a
    /// percent of a core, so that of a hundred other requests fewer than one comes in its way and
    /// their 99th percentile does not see it.
    public static let vainWork: Int64 = 5_000
    /// The same ahead, microseconds.
    public static let vainWorkAhead: Int64 = 50_000
    /// The same of all peers together, microseconds a second: a quarter of a core, so that forged
    /// tokens from many addresses fill no loop.
    public static let vainWorkTogether: Int64 = 250_000
    /// The same ahead, microseconds.
    public static let vainWorkTogetherAhead: Int64 = 500_000
    /// Peers whose vain work is counted; the one longest idle makes room.
    public static let vainPeers = 65_536
    /// Forwarded requests of a loop that wait for the application's answer before it is asked
    /// whose they were. The oldest makes room. At most 8 KiB each.
    public static let pendingQuestions = 4_096
    /// Questions about credentials that nobody ever owned, which the forwarded requests of one peer
    /// may cause: 50 at once (an office that comes to work), and 10 a second.
    public static let strangeQuestions = Rate(count: 50, period: 5_000)
    /// Peers whose questions are counted; the one longest idle makes room.
    public static let strangePeers = 65_536
    /// Requests of a loop that wait for keys. Further ones do not wait.
    public static let awaitingKeys = 4_096
    /// Logouts of a loop that wait for the application's answer. The oldest makes room.
    public static let pendingLogouts = 16_384
    /// Logins and refreshes of a loop that wait for the application's answer, with up to two
    /// tokens of 8 KiB each. The oldest makes room.
    public static let pendingIssues = 2_048
    /// Requests for pages of a loop whose answers have not begun, each with the name of its host: as
    /// many as twelve bits can tell apart. Of one more it is not known what our host is called.
    public static let pendingPages = 4_096
    /// Bytes of a page in which its head must end for the client script to get into it; a head with
    /// scripts and styles in it has some tens of KiB.
    public static let pageHead = 256 * 1024
    /// Bytes of an attribute of a page's head that is read: a policy of many hosts has 4 KiB.
    public static let pageValue = 16 * 1024
    /// Templates within templates in a page's head.
    public static let pageTemplates = 64
    /// Nonces of one policy that are looked at; one is usual.
    public static let pageNonces = 16
    /// Bytes of a nonce; 24 are usual.
    public static let pageNonce = 256
    /// Bytes of an opaque token that is learnt, at least: less is guessed too easily.
    public static let learntBytes = 8
    /// How long ago the old token may have expired for a refresh to go on with its session,
    /// milliseconds. The session itself ends much sooner, without contact.
    public static let refreshedFor: Milliseconds = 86_400_000
    /// Bytes of a body that is enriched, where a route does not say otherwise. Larger ones pass as
    /// they are.
    public static let enrichedBody = 2 * 1024 * 1024
    /// The same that a route may ask for: a loop works on such a body for some 50 ms, and several
    /// times as long on one that was made to be slow (names that are all escapes).
    public static let enrichedBodyCeiling = 16 * 1024 * 1024
    /// Further ids of one route whose presence is shown.
    public static let enrichedFields = 8
    /// Items whose places a loop keeps memory for between documents: 64 bytes each, or less.
    static let keptItems = 2_048
    /// How long a fact's commit is waited for before the client is told that it is not durable,
    /// milliseconds.
    public static let commitPatience: Milliseconds = 5_000
    /// Answers of a loop that wait for a commit. Beyond it a fact is refused with 503.
    public static let pendingAnswers = 4_096
    /// Users up to which a loop makes a list itself: less than half a millisecond.
    public static let listedOnLoop = 5_000
    /// Lists that wait for the thread that makes them. Beyond it a list is refused with 503.
    public static let pendingLists = 256
    /// Changes put into one message; more go into a second one.
    public static let changesPerMessage = 1_000
    /// Batches that are made once for all readers who come in one turn, for so many cursors.
    public static let preparedNews = 16
    /// Requests of one user or service that wait for changes in one loop: a browser has one, or one
    /// a tab. Further ones get 429.
    public static let parkedPollsEach = 64
    /// Requests of a loop that wait for changes, each with its connection. Further ones get 503.
    public static let parkedPolls = 4_096
    /// The same of all loops together.
    public static let parkedPollsTotal = 32_768
    /// The longest that such a request waits, milliseconds.
    public static let pollTime: Milliseconds = 60_000
    /// How long one that may wait gathers changes at least, milliseconds: else, where something
    /// changes all the time, a reader would ask more often than it may.
    public static let pollGathering: Milliseconds = 100
    /// Requests that are answered in one turn; the others in the next one.
    public static let pollsPerTurn = 512
    /// The time that a history covers where no `from` is given, milliseconds: a day.
    public static let historyTime: Milliseconds = 86_400_000
    /// Intervals in one answer; the reader asks for the rest from its `to`.
    public static let historyIntervals = 1_000
    /// Keys of the rate limiter; the one longest idle makes room.
    public static let rateKeys = 65_536
    /// Users in a snapshot. Whoever needs more subscribes to names or pages through `users`.
    public static let snapshotUsers = 100_000
    /// How often a socket's token is looked at, besides the moment at which it expires,
    /// milliseconds.
    public static let socketCheck: Milliseconds = 60_000
    /// How often a socket that was opened with an opaque credential is looked at anew,
    /// milliseconds: nothing tells us when such a credential ends.
    public static let opaqueSocketCheck: Milliseconds = 300_000
    /// Sockets whose clocks are looked at in one turn.
    public static let socketsPerTurn = 4_096
    /// The longest a claim can hold, milliseconds: ten years, so that no sum overflows.
    public static let claimTime: Milliseconds = 10 * 366 * 86_400_000
}
