// Owns a whole proxy loop on a thread of its own, and the backends that a test plays itself.
// Called by every test of this folder that needs sockets.
// Never lets a test end without looking whether the loop has let go of everything.

import Glibc
import XCTest

@testable import ProxyCore

/// A listening socket that the test accepts from: the backend is the test.
final class Backend {
    let descriptor: CInt
    let port: UInt16
    private var isOpen = true

    init() {
        let made = socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = Wire.loopback(0)
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = bind(made, $0, size)
                _ = listen(made, 128)
                _ = getsockname(made, $0, &size)
            }
        }
        // A connection that never comes fails a test; it must not hang it.
        _ = fcntl(made, F_SETFL, O_NONBLOCK)
        descriptor = made
        port = UInt16(bigEndian: address.sin_port)
    }

    deinit { close() }

    /// Nobody listens any more: connects are refused.
    func close() {
        // Once: the number may be another's by then.
        if isOpen { _ = Glibc.close(descriptor) }
        isOpen = false
    }

    /// The next connection that the loop has opened.
    func accept(file: StaticString = #filePath, line: UInt = #line) -> Wire {
        if !isWaitedFor(Wire.patience) {
            XCTFail("the loop has not connected", file: file, line: line)
        }
        return Wire(Glibc.accept(descriptor, nil, nil))
    }

    /// Whether somebody waits to be accepted.
    func isWaitedFor(_ time: CInt = 0) -> Bool {
        var query = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&query, 1, time) > 0
    }

    var server: UpstreamServer {
        UpstreamServer(
            text: "http://127.0.0.1:\(port)",
            addresses: [SocketAddress(numeric: "127.0.0.1", port: port)!])
    }
}

/// A loop with its thread.
final class LoopHouse {
    let port: UInt16
    let record: Board<[Asked]>
    let metrics = ProxyMetrics(loops: 1)
    private let carried: Carried
    private let hasEnded = Board(false)
    private var thread: ProxyCore.Thread?

    private struct Carried: @unchecked Sendable { let loop: ProxyLoop }

    static func settings(_ backends: [Backend]) -> ProxySettings {
        var settings = ProxySettings(trusted: TrustedNetworks())
        settings.upstreams = backends.map(\.server)
        // Kept connections end when a test says so.
        settings.upstreamIdle = 600_000
        settings.drainTime = 600_000
        return settings
    }

    init(
        _ backends: Backend..., script: Script = Script(), accessLog: AccessLog? = nil,
        change: (inout ProxySettings) -> Void = { _ in }
    ) throws {
        var settings = Self.settings(backends)
        change(&settings)
        let record = Board<[Asked]>([])
        self.record = record
        let loop = try ProxyLoop(
            settings: settings, row: 0, of: 1, metrics: metrics,
            health: try UpstreamHealth(servers: settings.upstreams), accessLog: accessLog
        ) { ScriptedApplication($0, script, record) }
        let stream = try SocketAddress(numeric: "127.0.0.1", port: 0)!.listen(reusePort: false)
        // Clients can send more than one read takes while the loop is stopped.
        var size: CInt = 1 << 20
        setsockopt(stream.number, SOL_SOCKET, SO_RCVBUF, &size, 4)
        try loop.listen(on: stream, shared: false)
        port = stream.boundPort()!
        let carried = Carried(loop: loop)
        self.carried = carried
        let hasEnded = hasEnded
        thread = try ProxyCore.Thread(name: "house") {
            carried.loop.run()
            hasEnded.change { $0 = true }
        }
    }

    deinit {
        if thread != nil { XCTFail("the house was not closed") }
    }

    func client(receiveBuffer: CInt? = nil) -> Wire {
        Wire.connect(port: port, receiveBuffer: receiveBuffer)
    }

    /// Runs `body` on the loop's thread and waits for what it says.
    func inLoop<R>(_ body: @escaping (ProxyLoop) -> R) -> R? {
        let answer = Board<R?>(nil)
        let work = Work(body)
        let carried = carried
        carried.loop.mailbox.post {
            let result = work.body(carried.loop)
            answer.change { $0 = result }
        }
        answer.await { $0 != nil }
        return answer.now
    }

    /// Stops the loop while `body` runs: what it sends lies with the kernel when the loop looks.
    func whileStopped(_ body: () -> Void) {
        let isStopped = Board(false)
        let mayGoOn = Board(false)
        carried.loop.mailbox.post {
            isStopped.change { $0 = true }
            mayGoOn.await { $0 }
        }
        XCTAssertTrue(isStopped.await { $0 })
        body()
        mayGoOn.change { $0 = true }
    }

    private struct Work<R>: @unchecked Sendable {
        let body: (ProxyLoop) -> R
        init(_ body: @escaping (ProxyLoop) -> R) { self.body = body }
    }

    /// Waits until something holds that only the loop knows.
    func await(
        _ what: String, file: StaticString = #filePath, line: UInt = #line,
        _ condition: @escaping (ProxyLoop) -> Bool
    ) {
        // Each look takes a turn of the loop: as it works, the looks come.
        for _ in 0..<100_000 {
            guard let holds = inLoop(condition) else { break }
            if holds { return }
            usleep(200)
        }
        XCTFail(what, file: file, line: line)
    }

    func expect(
        _ what: String = "the application was told", file: StaticString = #filePath,
        line: UInt = #line, _ condition: ([Asked]) -> Bool
    ) {
        XCTAssertTrue(record.await(condition), "\(what): \(record.now)", file: file, line: line)
    }

    func count(_ counter: ProxyMetrics.Counter) -> Int64 { metrics.total(counter) }

    /// A letter that comes after the end stays in the box; it must not keep the loop alive.
    private struct Known: @unchecked Sendable {
        weak var loop: ProxyLoop?
    }

    func drain() {
        let known = Known(loop: carried.loop)
        carried.loop.mailbox.post { known.loop?.drain() }
    }

    func awaitDrained() -> Bool { hasEnded.await { $0 } }

    /// Ends the loop, and looks whether it holds on to anything.
    func close(file: StaticString = #filePath, line: UInt = #line) {
        drain()
        drain()
        guard hasEnded.await({ $0 }) else {
            thread = nil
            return XCTFail("the loop does not end", file: file, line: line)
        }
        thread?.join()
        thread = nil
        let loop = carried.loop
        XCTAssertEqual(loop.downstreams.count, 0, "clients", file: file, line: line)
        XCTAssertEqual(loop.upstreams.count, 0, "upstreams", file: file, line: line)
        XCTAssertEqual(loop.sockets.count, 0, "sockets", file: file, line: line)
        XCTAssertEqual(
            loop.freeExchanges.sorted(), loop.exchanges.slots, "exchanges", file: file, line: line)
        XCTAssertEqual(loop.waiters, [], "waiters", file: file, line: line)
        XCTAssertEqual(loop.collecting, 0, "collecting", file: file, line: line)
        XCTAssertTrue(loop.outgoing.isEmpty, "outgoing", file: file, line: line)
        for (opened, ended) in [
            (ProxyMetrics.Counter.connectionsAccepted, ProxyMetrics.Counter.connectionsClosed),
            (.tunnelsOpened, .tunnelsClosed), (.socketsOpened, .socketsClosed),
        ] {
            XCTAssertEqual(count(opened), count(ended), "\(ended)", file: file, line: line)
        }
    }

    // MARK: Common steps

    /// A new client's request, which has reached the backend; its answer is up to the test.
    func ask(
        _ backend: Backend, _ request: String = Say.get("/"), receiveBuffer: CInt? = nil,
        file: StaticString = #filePath, line: UInt = #line
    ) -> (client: Wire, backend: Wire) {
        let client = client(receiveBuffer: receiveBuffer)
        client.send(request)
        let upstream = backend.accept(file: file, line: line)
        _ = upstream.readRequest()
        return (client, upstream)
    }

    /// A request that the backend answers; returns both ends, whose connections are kept.
    func warmUp(_ backend: Backend) -> (client: Wire, backend: Wire) {
        let (client, upstream) = ask(backend, Say.get("/warm"))
        upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        XCTAssertEqual(client.readReply().text, "ok")
        return (client, upstream)
    }
}

/// Messages as text.
enum Say {
    /// The response that most tests give.
    static func reply(_ body: String, status: String = "200 OK", fields: String = "") -> String {
        "HTTP/1.1 \(status)\r\n\(fields)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    static func get(_ path: String, fields: String = "") -> String {
        "GET \(path) HTTP/1.1\r\nHost: a\r\n\(fields)\r\n"
    }

    static func post(_ path: String, _ body: String, fields: String = "") -> String {
        "POST \(path) HTTP/1.1\r\nHost: a\r\n\(fields)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    static func chunked(_ pieces: [String]) -> String {
        pieces.map { String($0.utf8.count, radix: 16) + "\r\n" + $0 + "\r\n" }.joined()
            + "0\r\n\r\n"
    }
}
