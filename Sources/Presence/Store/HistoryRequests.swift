// Owns the questions about histories on their way to the store's thread.
// Called by loops (add) and the store's thread (take).
// Never waits.

import ProxyCore

/// A question and whom to answer.
struct HistoryRequest: Sendable {
    let user: String
    let from: Milliseconds
    let to: Milliseconds?
    let limit: Int
    let then: @Sendable (HistoryAnswer) -> Void
}

/// Questions from any thread.
final class HistoryRequests: Sendable {
    private let waiting = Lock<[HistoryRequest]>([])

    /// - Returns: false: too many wait.
    func add(_ request: HistoryRequest) -> Bool {
        waiting.withLock { waiting in
            guard waiting.count < PresenceLimits.storeHistoryRequests else { return false }
            waiting.append(request)
            return true
        }
    }

    func take() -> [HistoryRequest] {
        waiting.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }
    }
}
