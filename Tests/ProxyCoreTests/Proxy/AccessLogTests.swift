// Owns the tests of the lines about requests.
// Called by XCTest.
// Never reads a clock: the time is an argument.

import XCTest

@testable import ProxyCore

final class AccessLogTests: XCTestCase {
    private func pipePair() -> (Wire, FileDescriptor) {
        var ends: [CInt] = [0, 0]
        XCTAssertEqual(
            socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0, &ends), 0)
        return (Wire(ends[0]), FileDescriptor(ends[1]))
    }

    func testALine() {
        let (reader, writer) = pipePair()
        let log = AccessLog(output: LogOutput(writer))
        var request = ByteBuffer()
        request.append("GET /\"x\\")
        log.line(
            ClientAddress.parse("10.0.0.1".rawSpan)!, request: request, status: 201, bytes: 512,
            took: 3, now: 0)
        log.line(.local, request: ByteBuffer(), status: 400, fault: "a \"b\"", now: 1)
        log.flush()
        writer.close()
        let lines = String(decoding: reader.takeAll(), as: UTF8.self).split(separator: "\n")
        XCTAssertEqual(
            lines.first, #"1970-01-01T00:00:00.000Z 10.0.0.1 "GET /\"x\\" 201 512 3ms"#)
        XCTAssertTrue(lines.last!.hasSuffix(#""" 400 0 0ms error="a \"b\"""#), "\(lines)")
        XCTAssertEqual(lines.count, 2)
    }

    func testALineAsJSON() throws {
        let (reader, writer) = pipePair()
        let log = AccessLog(output: LogOutput(writer), format: .json)
        var request = ByteBuffer()
        request.append("GET /\"x\\")
        log.line(.local, request: request, status: 502, bytes: 7, took: 3, fault: "a \"b\"", now: 0)
        log.flush()
        writer.close()
        let line = try JSONReader.read(reader.takeAll().rawSpan)
        XCTAssertEqual(line["time"]?.string, "1970-01-01T00:00:00.000Z")
        XCTAssertEqual(line["request"]?.string, "GET /\"x\\")
        XCTAssertEqual(line["status"]?.integer, 502)
        XCTAssertEqual(line["bytes"]?.integer, 7)
        XCTAssertEqual(line["ms"]?.integer, 3)
        XCTAssertEqual(line["error"]?.string, "a \"b\"")
    }

    /// More than one atomic write: no line may be torn, whoever else writes to the same pipe.
    func testLinesStayWhole() {
        let (reader, writer) = pipePair()
        let log = AccessLog(output: LogOutput(writer))
        var request = ByteBuffer()
        for _ in 0..<3000 { request.append("x") }
        for _ in 0..<20 { log.line(.local, request: request, status: 200, now: 0) }
        log.flush()
        writer.close()
        let lines = String(decoding: reader.takeAll(), as: UTF8.self).split(separator: "\n")
        XCTAssertEqual(lines.count, 20)
        XCTAssertTrue(lines.allSatisfy { $0.hasSuffix(" 200 0 0ms") })
    }

    func testASlowReaderLosesLinesAndIsTold() {
        let (reader, writer) = pipePair()
        let log = AccessLog(output: LogOutput(writer))
        var request = ByteBuffer()
        for _ in 0..<1000 { request.append("x") }
        for _ in 0..<700 {
            log.line(.local, request: request, status: 200, now: 0)
            log.flush()
        }
        for _ in 0..<100 {
            log.flush()
            while reader.receive(atMost: 0) {}
        }
        writer.close()
        let lines = String(decoding: reader.takeAll(), as: UTF8.self).split(separator: "\n")
        // Once, and not once for each line that was dropped.
        XCTAssertEqual(lines.count { $0.contains("dropped: its reader is too slow") }, 1)
        XCTAssertLessThan(lines.count, 700)
    }

    /// Whoever comes through a trusted proxy is named by it; whoever comes directly is not asked.
    func testTheClientBehindATrustedPeer() throws {
        for (trusted, client) in [(["127.0.0.0/8", "10.0.0.0/8"], "9.9.9.9"), ([], "127.0.0.1")] {
            let (reader, writer) = pipePair()
            let waits = Board(false)
            var script = Script.serving()
            script.arrived = { _, arrival, label in
                guard label.hasSuffix("/wait"), !arrival.hasWaited else { return nil }
                waits.change { $0 = true }
                return .wait
            }
            let networks = try TrustedNetworks(parsing: trusted)
            let house = try LoopHouse(
                script: script, accessLog: AccessLog(output: LogOutput(writer))
            ) { settings in
                settings.trusted = networks
            }
            let from = "X-Forwarded-For: 6.6.6.6, 9.9.9.9, 10.0.0.1\r\n"
            let wire = house.client()
            wire.send(Say.get("/own", fields: from))
            XCTAssertEqual(wire.readReply().status, 200)
            // No backend: an answer of the proxy's own.
            wire.send(Say.get("/", fields: from))
            XCTAssertEqual(wire.readReply().status, 502)
            let waiting = house.client()
            waiting.send(Say.get("/own/wait", fields: from))
            XCTAssertTrue(waits.await { $0 })
            waiting.reset()
            wire.close()
            house.await("the client is gone") { $0.downstreams.count == 0 }
            house.close()
            writer.close()
            let lines = String(decoding: reader.takeAll(), as: UTF8.self).split(separator: "\n")
            XCTAssertEqual(lines.count, 3, "\(lines)")
            for line in lines { XCTAssertTrue(line.contains("Z \(client) \"GET /"), "\(line)") }
            XCTAssertTrue(lines.last?.contains("\"GET /own/wait\" 499") ?? false, "\(lines)")
        }
    }
}
