// Owns the tests of the thread that fetches keys: what it asks when, and what becomes of the ring.
// Called by XCTest.
// Never waits for the plan's minutes: those are turned in KeyRefreshTests.

import Glibc
import XCTest

@testable import ProxyCore

final class KeyFetcherTests: XCTestCase {
    /// Public keys of RFC 8032 §7.1 and RFC 8037 §A.2.
    private static let points = [
        "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        "PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw",
    ]

    private static func key(_ id: String, _ point: Int = 0) -> String {
        #"{"kty":"OKP","crv":"Ed25519","kid":"\#(id)","x":"\#(points[point])"}"#
    }

    private static func set(_ keys: String...) -> String {
        #"{"keys":[\#(keys.joined(separator: ","))]}"#
    }

    private static func answer(_ body: String, _ status: String = "200 OK") -> String {
        "HTTP/1.1 \(status)\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    /// A ring with one issuer whose keys are fetched, and the thread that fetches them.
    private final class House: Sendable {
        let ring: KeyRing
        let fetcher: KeyFetcher
        let said = Lock<[String]>([])
        let attempts = Lock<[Int]>([])
        private let thread = Lock<ProxyCore.Thread?>(nil)

        init(_ place: String) throws {
            ring = try KeyRing([
                try TokenIssuer([.eddsa], keys: .published([]), isFetched: true)
            ])
            let source = KeySource(issuer: 0, place: try KeySource.Place(place))
            fetcher = try KeyFetcher(
                ring: ring, sources: [source],
                attempted: { [attempts] issuer in attempts.withLock { $0.append(issuer) } },
                log: { [said] news in said.withLock { $0.append(news.text) } })
        }

        func start() throws {
            let made = try ProxyCore.Thread(name: "keys") { [fetcher] in fetcher.run() }
            thread.withLock { $0 = made }
        }

        func stop() {
            fetcher.stop()
            thread.withLock { thread in
                thread?.join()
                thread = nil
            }
        }

        func want() { ring.wanted?(0) }

        var kids: [String?] {
            guard case .published(let keys) = ring.snapshot()[0].keys else { return [] }
            return keys.map(\.keyID)
        }

        /// Waits until so many attempts have ended.
        func awaitAttempts(_ count: UInt64, file: StaticString = #filePath, line: UInt = #line) {
            let deadline = Clock.monotonic() + Milliseconds(Wire.patience)
            while fetcher.attempts < count, Clock.monotonic() < deadline { usleep(1_000) }
            XCTAssertEqual(fetcher.attempts, count, file: file, line: line)
        }
    }

    private func serve(_ backend: Backend, _ answer: String) {
        let wire = backend.accept()
        let head = wire.readHead()
        XCTAssertEqual(head.start, "GET /keys HTTP/1.1")
        XCTAssertEqual(head["accept"], "application/jwk-set+json, application/json")
        wire.send(answer)
        wire.finishSending()
        while wire.receive() {}
    }

    /// A house at work that has fetched one key, "a".
    private func knowing(_ backend: Backend) throws -> House {
        let house = try House("http://127.0.0.1:\(backend.port)/keys")
        try house.start()
        serve(backend, Self.answer(Self.set(Self.key("a"))))
        house.awaitAttempts(1)
        return house
    }

    func testR14KeysComeAtTheStartAndNobodyWaitsForThem() throws {
        let backend = Backend()
        let place = "http://127.0.0.1:\(backend.port)/keys"
        let house = try House(place)
        XCTAssertEqual(house.kids, [])
        let version = house.ring.version
        try house.start()
        defer { house.stop() }
        serve(backend, Self.answer(Self.set(Self.key("a"), Self.key("b", 1))))
        house.awaitAttempts(1)
        XCTAssertEqual(house.kids, ["a", "b"])
        XCTAssertNotEqual(house.ring.version, version)
        XCTAssertEqual(house.attempts.withLock { $0 }, [0])
        XCTAssertEqual(house.said.withLock { $0 }, ["keys of \(place): 2 keys (a, b)"])
    }

    func testR15AnUnknownKeyIDFetchesOnceAndThenNotForThirtySeconds() throws {
        let backend = Backend()
        let house = try knowing(backend)
        defer { house.stop() }
        XCTAssertFalse(house.fetcher.isAwaited(0))
        let retired = house.ring.retirement

        // Many loops see many tokens with the new id, while one question is under way.
        house.want()
        XCTAssertTrue(house.fetcher.isAwaited(0))
        XCTAssertFalse(house.fetcher.isAwaited(1))
        let wire = backend.accept()
        _ = wire.readHead()
        XCTAssertTrue(house.fetcher.isAwaited(0))
        DispatchQueue.concurrentPerform(iterations: 1_000) { _ in house.want() }
        XCTAssertFalse(backend.isWaitedFor(50))
        wire.send(Self.answer(Self.set(Self.key("a"), Self.key("new", 1))))
        house.awaitAttempts(2)
        XCTAssertEqual(house.kids, ["a", "new"])
        XCTAssertEqual(house.ring.retirement, retired, "no key went: verdicts stay good")

        // Another id that nobody has: it was asked for lately, so nobody is asked, and nobody
        // waits in vain.
        for _ in 0..<1_000 { house.want() }
        XCTAssertFalse(house.fetcher.isAwaited(0))
        XCTAssertFalse(backend.isWaitedFor(200))
        XCTAssertEqual(house.fetcher.attempts, 2)
    }

    func testR15WhatIsUnderWayAnswersWhoAsksMeanwhile() throws {
        let backend = Backend()
        let house = try House("http://127.0.0.1:\(backend.port)/keys")
        try house.start()
        defer { house.stop() }
        let wire = backend.accept()
        _ = wire.readHead()
        house.want()
        XCTAssertTrue(house.fetcher.isAwaited(0))
        wire.send(Self.answer(Self.set(Self.key("a"))))
        house.awaitAttempts(1)
        XCTAssertFalse(house.fetcher.isAwaited(0))
        XCTAssertFalse(backend.isWaitedFor(200))
    }

    func testR14GoodKeysStayWhateverComesInstead() throws {
        let words: [(answer: String, reason: String)] = [
            ("", "the server closed the connection without an answer"),
            (Self.answer("<html>", "503 Sorry"), "answered 503"),
            (Self.answer("", "404 Not Found"), "answered 404"),
            (Self.answer("[1]"), "\(KeyError.notKeySet)"),
            (Self.answer(#"{"keys":[]}"#), "\(KeyError.noUsableKey)"),
            (
                Self.answer(#"{"keys":[{"kty":"oct","k":"AAAA","kid":"x"}]}"#),
                "\(KeyError.secretInSet)"
            ),
            (
                Self.answer(Self.set(Self.key("x\\n"), Self.key("x\\n"))),
                "two keys have the id x?"
            ),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 262145\r\n\r\n",
                "the answer is larger than 262144 bytes"
            ),
            (
                "HTTP/1.1 302 Found\r\nLocation: https://elsewhere.example/keys\r\n\r\n",
                "redirected to https://elsewhere.example/keys: another server is not asked"
            ),
        ]
        for (answer, reason) in words {
            let backend = Backend()
            let house = try knowing(backend)
            defer { house.stop() }
            let version = house.ring.version
            house.want()
            serve(backend, answer)
            house.awaitAttempts(2)
            XCTAssertEqual(house.kids, ["a"])
            XCTAssertEqual(house.ring.version, version)
            house.stop()
            XCTAssertEqual(
                house.said.withLock { $0.last },
                "keys of http://127.0.0.1:\(backend.port)/keys: \(reason);"
                    + " 1 key from before stays in use")
        }
    }

    func testR14WithoutKeysTheLogSaysWhatThatMeansAndThenThatTheyCame() throws {
        let backend = Backend()
        let place = "http://127.0.0.1:\(backend.port)/keys"
        let house = try House(place)
        try house.start()
        defer { house.stop() }
        serve(backend, Self.answer("", "500 Oh"))
        // The back-off's first wait is a second or two.
        serve(backend, Self.answer("", "500 Oh"))
        serve(backend, Self.answer(Self.set(Self.key("a"))))
        house.awaitAttempts(3)
        house.stop()
        XCTAssertEqual(
            house.said.withLock { $0 },
            [
                "keys of \(place): answered 500; its tokens are not accepted until there are keys",
                "keys of \(place): 1 key (a)",
            ])
    }

    func testKeysThatGoAreRetired() throws {
        let backend = Backend()
        let house = try knowing(backend)
        defer { house.stop() }
        let retired = house.ring.retirement
        house.want()
        serve(backend, Self.answer(Self.set(Self.key("b", 1))))
        house.awaitAttempts(2)
        XCTAssertEqual(house.kids, ["b"])
        XCTAssertNotEqual(house.ring.retirement, retired)
    }

    func testStopEndsAQuestionThatHangs() throws {
        let backend = Backend()
        let house = try House("http://127.0.0.1:\(backend.port)/keys")
        try house.start()
        let wire = backend.accept()
        _ = wire.readHead()
        let started = Clock.monotonic()
        house.stop()
        XCTAssertLessThan(Clock.monotonic() - started, KeyFetcher.timeout / 2)
        XCTAssertEqual(house.said.withLock { $0 }, [], "the end of the program is no news")
        wire.close()
    }

    func testR14AFileIsReadAnewAndStaysGoodWhereItIsSpoilt() throws {
        let path = "/tmp/keys-\(getpid()).json"
        defer { unlink(path) }
        func write(_ text: String) throws {
            try text.write(toFile: path, atomically: false, encoding: .utf8)
        }
        let house = try House(path)
        XCTAssertEqual(
            house.fetcher.fetchOnce().map(\.text),
            [
                "keys of \(path): open: No such file or directory (2);"
                    + " its tokens are not accepted until there are keys"
            ])
        try write(Self.set(Self.key("a")))
        XCTAssertEqual(house.fetcher.fetchOnce().map(\.text), ["keys of \(path): 1 key (a)"])
        XCTAssertEqual(
            house.fetcher.fetchOnce().map(\.text), ["keys of \(path): 1 key (a), unchanged"])
        try write(Self.set(Self.key("b", 1)))
        XCTAssertEqual(house.fetcher.fetchOnce().map(\.isFailure), [false])
        XCTAssertEqual(house.kids, ["b"])
        try write(Self.set(Self.key("c")) + String(repeating: " ", count: 300_000))
        XCTAssertEqual(
            house.fetcher.fetchOnce().map(\.text),
            [
                "keys of \(path): read: File too large (27);"
                    + " 1 key from before stays in use"
            ])
        XCTAssertEqual(house.kids, ["b"])
    }
}
