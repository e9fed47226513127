// Owns the thread that makes long lists, so that no loop does.
// Called by the list endpoints (submit) and by the assembly, which gives it its thread.
// Never touches a loop: answers go through its post.

public import Presence
public import ProxyCore
import Synchronization

/// What takes too long for a loop.
protocol DeskOrder: Sendable {
    /// Makes it and posts it.
    func carryOut(_ engine: PresenceEngine, _ post: LoopPost, now: Milliseconds)
}

/// An answer that takes too long for a loop.
struct AnswerOrder: DeskOrder {
    var exchange: ExchangeID
    var make: @Sendable (PresenceEngine, Milliseconds) -> LocalResponse

    func carryOut(_ engine: PresenceEngine, _ post: LoopPost, now: Milliseconds) {
        post.post(ReadyAnswer(exchange: exchange, response: make(engine, now)))
    }
}

/// A list that was asked for, with everything that its answer is made of.
struct ListOrder: Sendable {
    var query: UserQuery
    var pagination: Pagination
    var parameters: QueryParameters
    var base: LinkBase
    var isAdmin: Bool

    /// The page, or the problem with it.
    func response(_ engine: PresenceEngine, now: Milliseconds) -> LocalResponse {
        let page = engine.page(query, now: now)
        do throws(Problem) {
            try pagination.check(count: page.count)
        } catch {
            return error.response
        }
        let links = pagination.links(count: page.count, base: base, parameters: parameters)
        var json = JSONWriter(capacity: 256 * (page.results.count + 1))
        json.beginObject()
        json.key("count")
        json.integer(Int64(page.count))
        json.key("next")
        if let next = links.next { json.string(next) } else { json.null() }
        json.key("previous")
        if let previous = links.previous { json.string(previous) } else { json.null() }
        json.key("results")
        json.beginArray()
        for view in page.results { PresenceJSON.write(view, admin: isAdmin, into: &json) }
        json.endArray()
        json.endObject()
        return Answers.json(json)
    }
}

/// Makes lists over many users on a thread of its own: to look at a million takes some 80 ms,
/// and a loop that did it would keep all its passing traffic waiting.
public final class ListDesk: Sendable {
    private struct Job: Sendable {
        var order: any DeskOrder
        var post: LoopPost
        var now: Milliseconds
    }

    private let engine: PresenceEngine
    private let jobs = Lock<[Job]>([])
    private let wake: EventCounter
    private let isStaffed = Atomic<Bool>(false)
    private let isClosing = Atomic<Bool>(false)

    public init(_ engine: PresenceEngine) throws(SystemError) {
        self.engine = engine
        wake = try EventCounter()
    }

    deinit { wake.descriptor.close() }

    /// Whether lists are to be made here: somebody works here, and there are many users.
    var isWanted: Bool {
        isStaffed.load(ordering: .relaxed) && engine.metrics.users > APILimits.listedOnLoop
    }

    /// - Returns: false where too many wait already.
    func submit(
        _ order: any DeskOrder, _ post: LoopPost, now: Milliseconds
    ) -> Bool {
        let job = Job(order: order, post: post, now: now)
        let isTaken = jobs.withLock { jobs in
            guard jobs.count < APILimits.pendingLists else { return false }
            jobs.append(job)
            return true
        }
        if isTaken { wake.signal() }
        return isTaken
    }

    /// Until `stop()`: the body of a thread of its own.
    public func run() {
        isStaffed.store(true, ordering: .relaxed)
        while !isClosing.load(ordering: .relaxed) {
            work()
            wake.wait(atMost: 60_000)
        }
        isStaffed.store(false, ordering: .relaxed)
    }

    public func stop() {
        isClosing.store(true, ordering: .relaxed)
        wake.signal()
    }

    /// Answers all that wait, in order.
    func work() {
        while let job = jobs.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) {
            job.order.carryOut(engine, job.post, now: job.now)
        }
    }

    /// For tests: lists are made here from now on, when `work` is called.
    func staff() { isStaffed.store(true, ordering: .relaxed) }
}
