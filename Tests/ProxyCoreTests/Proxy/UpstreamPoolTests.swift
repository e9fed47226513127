// Owns the tests of choosing a backend and a connection.
// Called by XCTest.
// Never opens a socket: slots are numbers here.

import XCTest

@testable import ProxyCore

final class UpstreamPoolTests: XCTestCase {
    private func pool(_ servers: Int, each: Int = 4, addresses: Int = 1) -> UpstreamPool {
        UpstreamPool(
            servers: (0..<servers).map { server in
                UpstreamServer(
                    text: "\(server)",
                    addresses: (0..<addresses).map {
                        SocketAddress(numeric: "127.0.0.1", port: UInt16(server * 100 + $0 + 1))!
                    })
            }, perServer: each)
    }

    /// Opens where the pool says so; the server.
    private func open(_ pool: inout UpstreamPool, now: Milliseconds = 0) -> Int? {
        guard case .open(let server) = pool.choose(now: now) else { return nil }
        pool.opened(server)
        return server
    }

    func testNoServer() {
        var none = pool(0)
        XCTAssertEqual(none.choose(now: 0), .none)
    }

    func testTheConnectionUsedLastComesFirst() {
        var one = pool(1)
        for _ in 0..<3 { XCTAssertEqual(open(&one), 0) }
        for slot in [7, 8, 9] as [Int32] { one.park(slot, of: 0) }
        XCTAssertEqual(one.choose(now: 0), .reuse(9))
        XCTAssertEqual(one.choose(now: 0), .reuse(8))
        one.park(9, of: 0)
        XCTAssertEqual(one.choose(now: 0), .reuse(9))
        XCTAssertEqual(one.choose(now: 0), .reuse(7))
        XCTAssertEqual(one.choose(now: 0), .open(server: 0))
    }

    func testBounds() {
        for servers in 1...3 {
            var many = pool(servers, each: 2)
            for _ in 0..<servers * 2 { XCTAssertNotNil(open(&many)) }
            XCTAssertEqual(many.choose(now: 0), .full)
            many.closed(0, of: servers - 1, wasIdle: false)
            XCTAssertEqual(open(&many), servers - 1)
            XCTAssertEqual(many.choose(now: 0), .full)
        }
        // A bound of nothing would be no proxy.
        var least = pool(1, each: 0)
        XCTAssertEqual(open(&least), 0)
    }

    func testAFreshOneIsNotAKeptOne() {
        var one = pool(1, each: 2)
        XCTAssertEqual(open(&one), 0)
        one.park(1, of: 0)
        XCTAssertEqual(one.choose(now: 0, fresh: true), .open(server: 0))
        one.opened(0)
        XCTAssertEqual(one.choose(now: 0, fresh: true), .full)
        XCTAssertEqual(one.choose(now: 0), .reuse(1))
    }

    func testTheLeastBusyServer() {
        var two = pool(2)
        let first = open(&two)!
        XCTAssertEqual(open(&two), 1 - first)
        XCTAssertNotNil(open(&two))
        XCTAssertNotNil(open(&two))
        // Two each; one of the first is done.
        two.park(5, of: first)
        for _ in 0..<4 {
            XCTAssertEqual(two.choose(now: 0), .reuse(5))
            two.park(5, of: first)
        }
        // Equals take turns.
        var equal = pool(3)
        XCTAssertEqual(Set((0..<3).compactMap { _ in open(&equal) }), [0, 1, 2])
    }

    func testAFailedServerIsAvoidedForAWhile() {
        var two = pool(2, each: 2)
        two.failedToConnect(0, now: 100)
        XCTAssertEqual(open(&two, now: 100), 1)
        XCTAssertEqual(open(&two, now: 100), 1)
        // Better than nothing, all the same.
        XCTAssertEqual(open(&two, now: 100), 0)
        two.closed(0, of: 0, wasIdle: false)
        XCTAssertEqual(open(&two, now: 100 + UpstreamPool.avoidance), 0)
    }

    func testAddressesAreTriedInTurn() {
        var one = pool(1, addresses: 2)
        let first = one.address(of: 0)
        XCTAssertEqual(one.address(of: 0), first)
        one.failedToConnect(0, now: 0)
        let second = one.address(of: 0)
        XCTAssertNotEqual(second, first)
        one.failedToConnect(0, now: 0)
        XCTAssertEqual(one.address(of: 0), first)
    }

    /// Against a model: whatever happens, no bound is passed and no connection is lost.
    func testRandomLife() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<50 {
            let servers = Int.random(in: 1...3, using: &random)
            let each = Int.random(in: 1...4, using: &random)
            var pool = pool(servers, each: each)
            var busy: [Int32: Int] = [:]
            var idle: [Int32: Int] = [:]
            var next: Int32 = 0
            for now in 0..<500 {
                switch Int.random(in: 0..<4, using: &random) {
                case 0, 1:
                    switch pool.choose(now: Milliseconds(now)) {
                    case .reuse(let slot):
                        XCTAssertNotNil(idle[slot])
                        busy[slot] = idle.removeValue(forKey: slot)
                    case .open(let server):
                        pool.opened(server)
                        busy[next] = server
                        next += 1
                    case .full: XCTAssertEqual(busy.count, servers * each)
                    case .none: XCTFail("there are servers")
                    }
                case 2:
                    guard let (slot, server) = busy.randomElement() else { continue }
                    busy[slot] = nil
                    if Bool.random() {
                        pool.park(slot, of: server)
                        idle[slot] = server
                    } else {
                        pool.closed(slot, of: server, wasIdle: false)
                    }
                default:
                    guard let (slot, server) = idle.randomElement() else { continue }
                    idle[slot] = nil
                    pool.closed(slot, of: server, wasIdle: true)
                }
                for server in 0..<servers {
                    let open = (Array(busy.values) + Array(idle.values)).count { $0 == server }
                    XCTAssertLessThanOrEqual(open, each)
                }
            }
        }
    }
}
