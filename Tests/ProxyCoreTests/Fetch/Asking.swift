// Owns a question that is asked on a thread of its own, while the test is the server.
// Called by the tests of this folder.
// Never outlives its test: `end` waits for the thread.

import XCTest

@testable import ProxyCore

/// One thread that asks.
final class Asking: Sendable {
    typealias Outcome = Result<FetchAnswer, FetchError>

    private let outcome = Lock<Outcome?>(nil)
    private let thread = Lock<ProxyCore.Thread?>(nil)

    init(
        _ target: FetchTarget, _ settings: Fetch.Settings = Fetch.Settings(),
        interruption: Interruption? = nil,
        _ ask: @escaping @Sendable (Fetch) throws(FetchError) -> FetchAnswer = {
            (fetch) throws(FetchError) in try fetch.send("GET")
        }
    ) throws {
        let made = try ProxyCore.Thread(name: "asking") { [outcome] in
            let fetch = Fetch(target, settings, interruption: interruption)
            let found: Outcome
            do throws(FetchError) {
                found = .success(try ask(fetch))
            } catch {
                found = .failure(error)
            }
            outcome.withLock { $0 = found }
        }
        thread.withLock { $0 = made }
    }

    /// Waits for what it came to.
    func end() -> Outcome? {
        thread.withLock { thread in
            thread?.join()
            thread = nil
        }
        return outcome.withLock { $0 }
    }
}

extension Result where Success == FetchAnswer, Failure == FetchError {
    /// The body of the answer, where there is one.
    var text: String? {
        guard case .success(let answer) = self else { return nil }
        return String(decoding: answer.body, as: UTF8.self)
    }

    /// What a log would say, where there is none.
    var fault: String? {
        guard case .failure(let error) = self else { return nil }
        return "\(error)"
    }
}
