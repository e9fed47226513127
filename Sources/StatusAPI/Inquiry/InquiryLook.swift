// Owns asking once about one credential, for a person to look at.
// Called by `sidecar whoami`, on its own thread.
// Never lets the answer count, never remembers it.

public import ProxyCore

/// What the application, or an RFC 7662 server, says of one credential: asked as the desk asks.
public struct InquiryLook: Sendable {
    public enum Outcome: Sendable, Equatable {
        case known(OpaqueIdentity)
        /// The server does not want it.
        case refused
        /// The server could not say.
        case undecided
    }

    public let outcome: Outcome
    /// Why; empty where there is nothing to say.
    public let reason: String

    /// Asks, and waits for the answer within the settings' timeout.
    public init(
        _ question: Question, _ settings: IntrospectionSettings, now: Milliseconds
    ) throws(SystemError) {
        guard let form = InquiryForm(question, settings) else {
            outcome = .refused
            reason = "it cannot be shown there"
            return
        }
        let courier = InquiryCourier(settings, try Interruption())
        let (finding, _) = courier.carry(form, question.digest, now: now)
        reason = finding.reason
        switch finding.outcome {
        case .known(let identity): outcome = .known(identity)
        case .refused: outcome = .refused
        case .unclear, .silent: outcome = .undecided
        }
    }
}
