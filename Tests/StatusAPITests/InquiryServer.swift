// Owns a server of a few lines that is asked whose a token is, and writes down how.
// Called by the tests of the desk.
// Never answers anything but what it was told to.

import Dispatch
import ProxyCore
import XCTest

/// A request as it arrived.
struct Heard: Sendable {
    var head: String
    var body: String

    /// The values of all fields of this name.
    func fields(_ name: String) -> [String] {
        head.split(separator: "\r\n").dropFirst().compactMap { line in
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2, parts[0].lowercased() == name.lowercased() else { return nil }
            return String(parts[1].drop { $0 == " " })
        }
    }
}

/// What is sent back: bytes, and whether the connection then ends.
struct Reply: Sendable {
    var bytes: [UInt8]
    var closes = false

    static func json(_ body: String, status: String = "200 OK") -> Reply {
        Reply(
            bytes: Array(
                """
                HTTP/1.1 \(status)\r\nContent-Type: application/json\r\n\
                Content-Length: \(body.utf8.count)\r\n\r\n\(body)
                """.utf8))
    }

    static func raw(_ text: String) -> Reply { Reply(bytes: Array(text.utf8), closes: true) }
}

/// Serves each connection on a thread of its own until it is stopped.
final class InquiryServer: Sendable {
    private struct Notes {
        var heard: [Heard] = []
        var connections = 0
        var busy = 0
        var busiest = 0
        var threads: [ProxyCore.Thread] = []
        var isOver = false
    }

    let port: UInt16
    private let listener: FileDescriptor
    private let notes = Lock(Notes())
    private let reply: @Sendable (Heard) -> Reply

    init(_ reply: @escaping @Sendable (Heard) -> Reply) throws {
        let address = try XCTUnwrap(SocketAddress(numeric: "127.0.0.1", port: 0))
        listener = try address.listen(reusePort: false)
        port = try XCTUnwrap(listener.boundPort())
        self.reply = reply
        let thread = try ProxyCore.Thread(name: "server") { [self] in accept() }
        notes.withLock { $0.threads.append(thread) }
    }

    var heard: [Heard] { notes.withLock { $0.heard } }
    var connections: Int { notes.withLock { $0.connections } }
    /// The most requests that were being answered at once.
    var busiest: Int { notes.withLock { $0.busiest } }
    var url: String { "http://127.0.0.1:\(port)" }

    func stop() {
        let threads = notes.withLock { notes in
            notes.isOver = true
            let threads = notes.threads
            notes.threads = []
            return threads
        }
        for thread in threads { thread.join() }
        listener.close()
    }

    private var isOver: Bool { notes.withLock { $0.isOver } }

    private func accept() {
        while !isOver {
            guard listener.wait(.readable, atMost: 20) else { continue }
            guard case .connection(let stream, _) = listener.accept() else { continue }
            let thread = try? ProxyCore.Thread(name: "connection") { [self] in serve(stream) }
            notes.withLock { notes in
                notes.connections += 1
                if let thread { notes.threads.append(thread) }
            }
        }
    }

    private func serve(_ stream: FileDescriptor) {
        defer { stream.close() }
        var input = ByteBuffer()
        while !isOver {
            guard let heard = Self.request(&input) else {
                guard stream.wait(.readable, atMost: 20) else { continue }
                guard case .bytes(let count) = stream.receive(into: &input, atMost: 64 * 1024),
                    count > 0
                else { return }
                continue
            }
            notes.withLock { notes in
                notes.heard.append(heard)
                notes.busy += 1
                notes.busiest = max(notes.busiest, notes.busy)
            }
            let answer = reply(heard)
            notes.withLock { $0.busy -= 1 }
            guard send(answer.bytes, to: stream), !answer.closes else { return }
        }
    }

    private func send(_ bytes: [UInt8], to stream: FileDescriptor) -> Bool {
        var out = ByteBuffer()
        out.append(bytes)
        while !out.isEmpty, !isOver {
            switch stream.send(out.bytes) {
            case .bytes(let count): out.consume(count)
            case .blocked: _ = stream.wait(.writable, atMost: 20)
            case .failed: return false
            }
        }
        return out.isEmpty
    }

    /// Takes one whole request out of `input`.
    private static func request(_ input: inout ByteBuffer) -> Heard? {
        let text = String(decoding: input.array(), as: UTF8.self)
        guard let end = text.range(of: "\r\n\r\n") else { return nil }
        var heard = Heard(head: String(text[..<end.lowerBound]), body: "")
        let length = heard.fields("Content-Length").first.flatMap(Int.init) ?? 0
        let headBytes = heard.head.utf8.count + 4
        guard input.count >= headBytes + length else { return nil }
        heard.body = String(decoding: input.array()[headBytes..<headBytes + length], as: UTF8.self)
        input.consume(headBytes + length)
        return heard
    }
}

/// Holds answers back until it is opened.
final class Gate: Sendable {
    private let semaphore = DispatchSemaphore(value: 0)

    /// Returns once it is open, or after ten seconds, so that a failed test ends.
    func pass() {
        _ = semaphore.wait(timeout: .now() + 10)
        semaphore.signal()
    }

    func open() { semaphore.signal() }
}

/// Waits until something holds that other threads bring about.
func eventually(
    _ what: String, within seconds: Double = 10, file: StaticString = #filePath,
    line: UInt = #line, _ condition: () -> Bool
) {
    let deadline = Clock.monotonic() + Milliseconds(seconds * 1_000)
    let pause = DispatchSemaphore(value: 0)
    while !condition() {
        guard Clock.monotonic() < deadline else {
            return XCTFail("never: \(what)", file: file, line: line)
        }
        _ = pause.wait(timeout: .now() + .milliseconds(1))
    }
}
