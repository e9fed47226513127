// Owns the tests of the days before the demo.
// Called by XCTest.
// Never waits: the days are arguments.

import Presence
import ProxyCore
import XCTest

@testable import Sidecar

final class DemoPastTests: XCTestCase {
    func testWhoIsAtWorkIsOnlineAndNobodyStaysWithoutComing() throws {
        let now = Clock.wall()
        let settings = PresenceSettings(offlineAfter: 10_000, startedAt: now - DemoPast.length)
        let engine = PresenceEngine(settings: settings, epoch: 1)
        DemoPast.play(engine, until: now)
        let morning = engine.counts(now: now)
        XCTAssertEqual(morning.users, DemoUser.all.count - 1, "all but the one for whoever looks")
        XCTAssertGreaterThan(morning.online, 5)
        XCTAssertGreaterThan(morning.offline, 5)
        XCTAssertEqual(morning.sockets, 0)
        let later = engine.counts(now: Clock.wall() + settings.disconnectGrace + 1)
        XCTAssertEqual(later.online + later.away, 0)
    }
}
