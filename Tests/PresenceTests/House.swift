// Owns an engine with a fake clock, a sink that remembers and a listener that counts.
// Called by the tests of this target.
// Never reads a real clock.

import ProxyCore
import XCTest

@testable import Presence

/// Keeps facts in memory; acknowledges when told to.
final class RecordingSink: FactSink {
    private let kept = Lock<[Fact]>([])
    private let waiting = Lock<[@Sendable (Bool) -> Void]>([])

    var facts: [Fact] { kept.withLock { $0 } }

    func commit(_ fact: Fact, then: @escaping @Sendable (Bool) -> Void) {
        kept.withLock { $0.append(fact) }
        waiting.withLock { $0.append(then) }
    }

    func acknowledge(_ success: Bool = true) {
        let all = waiting.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }
        for then in all { then(success) }
    }
}

final class RecordingListener: ChangeListener {
    struct Close: Equatable {
        let subject: UInt32
        let session: UInt64?
        let code: UInt16
    }
    struct Extension: Equatable {
        let subject: UInt32
        let session: UInt64
        let expires: Milliseconds
    }
    private let heard = Lock((grew: 0, closes: [Close](), extensions: [Extension]()))

    var grew: Int { heard.withLock { $0.grew } }
    var closes: [Close] { heard.withLock { $0.closes } }

    var extensions: [Extension] { heard.withLock { $0.extensions } }

    func extendSockets(subject: UInt32, session: UInt64, expires: Milliseconds) {
        heard.withLock {
            $0.extensions.append(
                Extension(subject: subject, session: session, expires: expires))
        }
    }

    func journalGrew() { heard.withLock { $0.grew += 1 } }

    func closeSockets(subject: UInt32, session: UInt64?, code: UInt16) {
        heard.withLock { $0.closes.append(Close(subject: subject, session: session, code: code)) }
    }
}

/// An engine, and short words for what happens to it.
final class House: Sendable {
    let engine: PresenceEngine
    let sink = RecordingSink()
    let listener = RecordingListener()
    static let start: Milliseconds = 1_000_000

    init(
        offlineAfter: Milliseconds = 120_000, awayAfter: Milliseconds? = nil,
        grace: Milliseconds = 10_000, scope: LogoutScope = .user,
        capacity: PresenceCapacity = PresenceCapacity(), restored: RestoredState? = nil,
        startedAt: Milliseconds = House.start
    ) {
        engine = PresenceEngine(
            settings: PresenceSettings(
                offlineAfter: offlineAfter, awayAfter: awayAfter, disconnectGrace: grace,
                logoutScope: scope, startedAt: startedAt),
            restored: restored, epoch: 7, sink: sink, capacity: capacity)
        engine.listen(listener)
    }

    /// A token of a session; the token's key is made of its number.
    func enroll(
        _ user: String, _ session: UInt64 = 10, token: UInt64? = nil, name: String? = nil,
        expires: Milliseconds = .max, at now: Milliseconds = House.start
    ) -> Enrollment {
        engine.enroll(
            user: user, name: name, session: session,
            revocation: RevocationKey(
                token ?? session, user.utf8.reduce(0) { $0 &* 31 &+ UInt64($1) }, 3, 4),
            expires: expires, isAdmin: false, now: now)
    }

    func identity(
        _ user: String, _ session: UInt64 = 10, token: UInt64? = nil, name: String? = nil,
        expires: Milliseconds = .max, at now: Milliseconds = House.start,
        file: StaticString = #filePath, line: UInt = #line
    ) -> Identity {
        let enrollment = enroll(
            user, session, token: token, name: name, expires: expires, at: now)
        guard case .identity(let identity) = enrollment else {
            XCTFail("not enrolled: \(enrollment)", file: file, line: line)
            return Identity(
                session: SessionRef(subjectWord: 0, tag: 9),
                revocation: RevocationKey(0, 0, 0, 0), expires: 0, isAdmin: false, epoch: 0)
        }
        return identity
    }

    func sight(
        _ identity: inout Identity, at now: Milliseconds, activity: Bool = true,
        label: String = "GET /x"
    ) {
        engine.sight(
            &identity.session, activity: activity, label: label.rawSpan, now: now)
    }

    func claim(
        _ user: String, _ status: Status, until: Milliseconds? = nil, at now: Milliseconds
    ) {
        XCTAssertNotNil(
            engine.claim(user: user, status: status, until: until, now: now) { _ in })
    }

    func logout(_ identity: Identity, at now: Milliseconds) {
        engine.logout(identity, now: now) { _ in }
    }

    func status(_ user: String, at now: Milliseconds) -> Status {
        engine.view(user: user, now: now).status
    }

    /// What readers of the journal were told so far, change by change.
    func told(_ user: String) -> [Status] {
        changes().filter { $0.subject == engine.subject(of: user) }.map(\.status)
    }

    /// Every change since the start, none merged.
    func changes(since sequence: UInt64 = 0) -> [Change] {
        var all: [Change] = []
        var cursor = Cursor(epoch: 7, sequence: sequence)
        while case .changes(let some, let next) = engine.journal.read(since: cursor, limit: 1),
            !some.isEmpty
        {
            all += some
            cursor = next
        }
        return all
    }
}
