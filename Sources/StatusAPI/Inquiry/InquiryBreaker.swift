// Owns whether anything is asked at all while the server does not answer.
// Called by the machine of inquiries.
// Never judges an answer: a server that answers anything is there.

import ProxyCore

/// Pauses all asking when the server was silent again and again, and lets one question try.
struct InquiryBreaker: Equatable {
    private enum State: Equatable {
        /// Silences in a row.
        case closed(Int)
        case open(until: Milliseconds, pause: Milliseconds)
        /// One question is under way and decides.
        case trying(pause: Milliseconds)
    }

    private var state = State.closed(0)

    /// Until when nothing is asked; nil: something may be.
    func pausedUntil(_ now: Milliseconds) -> Milliseconds? {
        switch state {
        case .open(let until, _) where now < until: until
        case .open, .closed, .trying: nil
        }
    }

    /// Whether the server is taken to be there.
    var isClosed: Bool {
        switch state {
        case .closed: true
        case .open, .trying: false
        }
    }

    /// Whether a question may be sent now.
    func admits(_ now: Milliseconds) -> Bool {
        switch state {
        case .closed: true
        case .trying: false
        case .open(let until, _): now >= until
        }
    }

    /// A question is sent that was admitted: after a pause it is the try.
    mutating func begin() {
        switch state {
        case .closed, .trying: break
        case .open(_, let pause): state = .trying(pause: pause)
        }
    }

    mutating func answered() { state = .closed(0) }

    /// - Returns: whether a pause begins.
    mutating func silent(_ now: Milliseconds) -> Bool {
        switch state {
        case .closed(let failures):
            guard failures + 1 >= InquiryLimits.failures else {
                state = .closed(failures + 1)
                return false
            }
            state = .open(until: now + InquiryLimits.pause, pause: InquiryLimits.pause)
            return true
        // A question that was under way when the pause began.
        case .open: return false
        case .trying(let pause):
            let longer = min(pause * 2, InquiryLimits.pauseLimit)
            state = .open(until: now + longer, pause: longer)
            return true
        }
    }
}
