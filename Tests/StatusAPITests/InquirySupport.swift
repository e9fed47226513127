// Owns what tests of introspection are made of: settings, questions, a counter that threads share.
// Called by the tests of inquiries.
// Never opens a socket.

import Presence
import ProxyCore
import XCTest

@testable import StatusAPI

enum Asking {
    static let start: Milliseconds = 1_790_000_000_000

    static func settings(
        _ mode: IntrospectionSettings.Mode? = nil,
        _ change: (inout IntrospectionSettings) throws -> Void = { _ in }
    ) throws -> IntrospectionSettings {
        let backend = try FetchTarget("http://127.0.0.1:1")
        var settings = IntrospectionSettings(
            mode: mode ?? .backend(servers: [backend], path: "/api/me/"),
            user: try JSONPath("$.id"))
        settings.name = try JSONPath("$.username")
        settings.admin = try JSONPath("$.is_staff")
        try change(&settings)
        return settings
    }

    static func standard(
        clientID: String? = "sidecar", secret: String? = "s3cret"
    ) throws -> IntrospectionSettings {
        let target = try FetchTarget("http://127.0.0.1:1/introspect")
        var settings = IntrospectionSettings(
            mode: .standard(
                target, clientID: clientID, secret: secret.map { Array($0.utf8) }, caFile: nil),
            user: try JSONPath("$.sub"))
        settings.name = try JSONPath("$.username")
        return settings
    }

    static func digest(_ token: String) -> TokenDigest { TokenDigest.of(token.rawSpan) }

    static func question(
        _ token: String, _ place: TokenPlace = .cookie("sessionid"), scheme: String? = nil,
        host: String = "app.example", secure: Bool = true
    ) -> Question {
        Question(
            digest: digest(token), token: Array(token.utf8), place: place,
            scheme: scheme.map { Array($0.utf8) }, host: Array(host.utf8), secure: secure)
    }

    static func sighting(
        _ time: Milliseconds = Asking.start, activity: Bool = true
    ) -> Sighting {
        let label = Array("GET /orders/".utf8)
        return Sighting(
            activity: activity, label: ShortText(label.rawSpan, [UInt8]().rawSpan), time: time)
    }

    static func identity(
        _ user: String, until: Milliseconds = Asking.start + 60_000
    ) -> OpaqueIdentity {
        OpaqueIdentity(user: user, name: nil, isAdmin: false, session: 7, goodUntil: until)
    }

    static func engine() -> PresenceEngine {
        PresenceEngine(
            settings: PresenceSettings(startedAt: Clock.wall() - 10_000_000), epoch: 7)
    }
}

/// A number that several threads count up.
final class Tally: Sendable {
    private let value = Lock(0)
    var count: Int { value.withLock { $0 } }
    func add() { value.withLock { $0 += 1 } }
}

extension Inquiries {
    mutating func ask(
        _ token: String, sighting: Sighting? = nil, waiter: (@Sendable () -> Void)? = nil,
        at now: Milliseconds = Asking.start
    ) -> InquiryAsked {
        ask(Asking.question(token), sighting, waiter, now)
    }

    /// Sends the next question and answers it.
    mutating func settle(
        _ outcome: InquiryOutcome, at now: Milliseconds = Asking.start
    ) -> InquiryClosing? {
        guard let question = next(now) else { return nil }
        return finish(question.digest, outcome, now)
    }

    func standing(_ token: String, at now: Milliseconds = Asking.start) -> Standing {
        standing(Asking.digest(token), now)
    }
}
