// Owns the tests of a process that has no descriptor left.
// Called by XCTest.
// Never leaves the limit lowered.

import XCTest

@testable import ProxyCore

final class ListeningTests: XCTestCase {
    /// Clients wait with the kernel meanwhile, and are served afterwards.
    func testWithoutDescriptorsTheListenersPause() throws {
        let house = try LoopHouse(script: .serving())
        defer { house.close() }
        let second = try SocketAddress(numeric: "127.0.0.1", port: 0)!.listen(reusePort: false)
        let isListening = house.inLoop { loop in
            (try? loop.listen(on: second, shared: false)) != nil
        }
        XCTAssertEqual(isListening, true)
        let kind = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var usual = rlimit()
        getrlimit(kind, &usual)
        var clients: [Wire] = []
        house.whileStopped {
            for port in [house.port, second.boundPort()!, house.port] {
                clients.append(Wire.connect(port: port))
            }
            var none = rlimit(rlim_cur: 3, rlim_max: usual.rlim_max)
            setrlimit(kind, &none)
        }
        let hasRunDry = awaitRounds(house)
        setrlimit(kind, &usual)
        XCTAssertTrue(hasRunDry)
        for client in clients {
            client.send(Say.get("/own"))
            XCTAssertEqual(client.readReply().text, "GET /own")
        }
        XCTAssertLessThan(house.inLoop { $0.loop.wheel.count } ?? .max, 10)
    }

    /// Waits until the listeners have been tried again a few times.
    private func awaitRounds(_ house: LoopHouse) -> Bool {
        let end = Clock.monotonic() + Milliseconds(Wire.patience)
        while house.count(.acceptsFailed) < 10, Clock.monotonic() < end {
            _ = house.inLoop { _ in 1 }
            usleep(1000)
        }
        return house.count(.acceptsFailed) >= 10
    }
}
