// Owns what other threads leave for one loop's application.
// Called by the engine and the store, from any thread; collected by the loop's turn.
// Never runs anything of the loop on the sender's thread.

import ProxyCore
import Synchronization

/// A commit that has been answered.
struct Finished: Sendable {
    enum Purpose: Sendable {
        /// A response that is held back: `EventLoop.release`.
        case release
        /// A request that waits for its answer.
        case answer
    }

    var exchange: ExchangeID
    var purpose: Purpose
    /// Whether the fact survives a crash now.
    var kept: Bool
}

/// An answer that another thread has made.
struct ReadyAnswer: Sendable {
    var exchange: ExchangeID
    var response: LocalResponse
}

/// Sockets that shall close: of one session, or of all of a user.
struct CloseOrder: Sendable {
    var subject: UInt32
    var session: UInt64?
    var code: UInt16
}

/// Sockets of one session that may stay open for longer.
struct ExtendOrder: Sendable {
    var subject: UInt32
    var session: UInt64
    var expires: Milliseconds
}

/// The pigeonholes of one loop.
///
/// Bounded by its senders: a commit for each request that waits, an order for each logout and
/// refresh, a letter for each request or socket that waits for somebody's word.
final class LoopPost: Sendable {
    struct Mail {
        var finished: [Finished] = []
        var orders: [CloseOrder] = []
        var extensions: [ExtendOrder] = []
        var answers: [ReadyAnswer] = []
        /// Batches that were made off the loop.
        var news: [ReadyNews] = []
        /// Requests that wait for somebody's word, which has come.
        var resumed: [ConnectionID] = []
        /// Sockets whose opaque credentials were asked about anew.
        var inquired: [SocketID] = []
        /// Keys have been asked for, well or not.
        var keysTried = false
    }

    private let mailbox: Mailbox
    private let mail = Lock(Mail())
    /// Something is here and the loop has been woken for it: further letters need no system call.
    private let waiting = Atomic<Bool>(false)

    init(_ mailbox: Mailbox) { self.mailbox = mailbox }

    func ring() {
        if !waiting.exchange(true, ordering: .acquiringAndReleasing) { mailbox.wake() }
    }

    func post(_ finished: Finished) {
        mail.withLock { $0.finished.append(finished) }
        ring()
    }

    func post(_ answer: ReadyAnswer) {
        mail.withLock { $0.answers.append(answer) }
        ring()
    }

    func post(_ news: ReadyNews) {
        mail.withLock { $0.news.append(news) }
        ring()
    }

    func post(_ order: CloseOrder) {
        mail.withLock { $0.orders.append(order) }
        ring()
    }

    func post(_ order: ExtendOrder) {
        mail.withLock { $0.extensions.append(order) }
        ring()
    }

    func post(_ resumed: ConnectionID) {
        mail.withLock { $0.resumed.append(resumed) }
        ring()
    }

    func post(_ inquired: SocketID) {
        mail.withLock { $0.inquired.append(inquired) }
        ring()
    }

    func postKeysTried() {
        mail.withLock { $0.keysTried = true }
        ring()
    }

    /// What has come since the last call; nil (one load) where nobody rang. The flag falls before
    /// the letters are taken: who rings meanwhile wakes the loop again.
    func collect() -> Mail? {
        guard waiting.load(ordering: .relaxed) else { return nil }
        waiting.store(false, ordering: .sequentiallyConsistent)
        return mail.withLock { mail in
            let taken = mail
            mail = Mail()
            return taken
        }
    }
}
