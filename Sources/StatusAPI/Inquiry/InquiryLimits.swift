// Owns the fixed bounds of asking about tokens, with their units and reasons.
// Called by the machine, the desk and its couriers.
// Never holds what an operator can set: that is IntrospectionSettings.

import ProxyCore

/// Bounds that are the same in every installation.
enum InquiryLimits {
    /// How long a refusal holds, milliseconds.
    static let refusedTime: Milliseconds = 10_000
    /// Before a credential of which the server could say nothing is asked about again,
    /// milliseconds; doubled with each such answer.
    static let undecidedTime: Milliseconds = 5_000
    static let undecidedLimit: Milliseconds = 30_000
    /// Credentials of which a refusal or a failure is remembered: a flood of invented ones
    /// forgets others of its kind, and never an owner.
    static let judged = 65_536
    /// How long such a credential's failures are remembered when it may be asked about again,
    /// milliseconds.
    static let judgedMemory: Milliseconds = 60_000
    /// How long a credential is remembered to have had an owner, milliseconds: a question about it
    /// goes before those about unknown ones, so that a flood of these keeps nobody waiting who is
    /// at work; and a logout by it is known as its owner's.
    static let ownerMemory: Milliseconds = 86_400_000
    /// Sightings of one question. Beyond it the newest takes the place of the one before.
    static let sightings = 16
    /// Requests that wait for the answer to one question: browsers open a page with a handful.
    static let waiters = 1_024
    /// Requests that wait for answers, all questions together.
    static let waitersTogether = 16_384
    /// Questions in a row to which no server answered, before all asking pauses.
    static let failures = 5
    /// How long asking pauses then, milliseconds; doubled while the server stays silent.
    static let pause: Milliseconds = 1_000
    static let pauseLimit: Milliseconds = 30_000
    /// Of so many questions in a row one at least is about an unknown credential.
    static let turns = 4
    /// Bytes of an answer.
    static let answer = 64 * 1024
    /// Nesting of an answer.
    static let answerDepth = Limits.jsonDepth
    /// Bytes of a client's `Host` that is passed on.
    static let host = 512
    /// The least time for one server where there are several, milliseconds.
    static let tryTime: Milliseconds = 100
    /// How long a thread without work sleeps before it gives back what has ended, milliseconds.
    static let idleTime: Milliseconds = 60_000
    /// How often the log says why answers are of no use, at most, milliseconds.
    static let reportEvery: Milliseconds = 60_000
}
