// Owns what becomes of tokens whose keys are not there yet.
// Called by nobody: XCTest finds it.
// Never opens a socket.

import ProxyCore
import XCTest

@testable import StatusAPI

final class AwaitedKeysTests: XCTestCase {
    private static let signed = IdentificationTests.signed

    private static func key() throws -> PublishedKey {
        try IdentificationTests.key(IdentificationTests.edwards, "one")
    }

    /// The second issuer's keys are fetched.
    private static func ring(_ keys: [PublishedKey] = []) throws -> KeyRing {
        try IdentificationTests.ring([
            TokenIssuer([.eddsa], keys: .published(keys), isFetched: true)
        ])
    }

    func testAnUnknownKeyIsWaitedForWhereACredentialIsNeeded() throws {
        let ring = try Self.ring()
        let awaited = Lock(true)
        let settings = try Harness.settings {
            $0.routes = [PassingRoute(match: try RoutePattern("* /closed"), require: true)]
        }
        let harness = try Harness(settings) {
            $0.ring = ring
            $0.keysAwaited = { issuer in issuer == 1 && awaited.withLock { $0 } }
        }
        guard case .forwarded = harness.send("GET", "/", token: Self.signed) else {
            return XCTFail("a forwarded request never waits")
        }
        for path in ["/closed", "/_presence/users"] {
            guard case .waits = harness.send("GET", path, token: Self.signed) else {
                return XCTFail("\(path) does not wait")
            }
            XCTAssertEqual(
                harness.send("GET", path, token: Self.signed, hasWaited: true).status, 503)
        }
        XCTAssertTrue(harness.host.resumed.isEmpty)
        XCTAssertTrue(try ring.replace([Self.key()], of: 1))
        harness.service.keysTried()
        harness.turn()
        XCTAssertEqual(harness.host.resumed.count, 2)
        harness.turn()
        XCTAssertEqual(harness.host.resumed.count, 2, "each once")
        XCTAssertEqual(
            harness.send("GET", "/_presence/users", token: Self.signed, hasWaited: true).status,
            200)
        // Where no question is under way nobody waits.
        awaited.withLock { $0 = false }
        let strange = Self.signed.replacing(
            "eyJhbGciOiJFZERTQSIsImtpZCI6Im9uZSJ9", with: "eyJhbGciOiJFZERTQSIsImtpZCI6InR3byJ9")
        XCTAssertEqual(harness.send("GET", "/closed", token: strange).status, 401)
    }

    func testAKeyThatComesBetweenTheLookUpAndTheQuestionCounts() throws {
        let ring = try Self.ring()
        let keys = [try Self.key()]
        let asked = Tally()
        let harness = try Harness {
            $0.ring = ring
            // A file is read sooner than this is asked.
            $0.keysAwaited = { issuer in
                asked.add()
                do { _ = try ring.replace(keys, of: issuer) } catch { XCTFail("\(error)") }
                return false
            }
        }
        XCTAssertEqual(harness.send("GET", "/_presence/users", token: Self.signed).status, 200)
        XCTAssertEqual(asked.count, 1)
        // Where the keys that came are of no use, it ends.
        let strange = Self.signed.replacing(
            "eyJhbGciOiJFZERTQSIsImtpZCI6Im9uZSJ9", with: "eyJhbGciOiJFZERTQSIsImtpZCI6InR3byJ9")
        XCTAssertEqual(harness.send("GET", "/_presence/users", token: strange).status, 401)
        XCTAssertEqual(asked.count, 2)
    }

    func testAnIssuerThatNeverHadKeysIsNoReasonToSignAnybodyOut() throws {
        let ring = try Self.ring()
        let settings = try Harness.settings {
            $0.routes = [PassingRoute(match: try RoutePattern("* /closed"), require: true)]
        }
        let harness = try Harness(settings) { $0.ring = ring }
        for path in ["/closed", "/_presence/users"] {
            for hasWaited in [false, true] {
                let answer = harness.send("GET", path, token: Self.signed, hasWaited: hasWaited)
                XCTAssertEqual(answer.status, 503, path)
                XCTAssertEqual(answer.response?.field("Retry-After"), "1")
            }
        }
        XCTAssertEqual(harness.service.metrics.total(TokenFault.keysMissing), 4)
        // Everywhere else it passes, and counts for nobody.
        harness.forward("GET", "/", token: Self.signed)
        XCTAssertEqual(harness.total(.sightAnonymous), 1)
        // Once there are keys, one that is not among them is refused.
        XCTAssertTrue(
            try ring.replace([IdentificationTests.key(IdentificationTests.edwards, "two")], of: 1))
        XCTAssertEqual(harness.send("GET", "/closed", token: Self.signed).status, 401)
    }
}
