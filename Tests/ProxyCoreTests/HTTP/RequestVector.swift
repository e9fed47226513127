// Owns the shape of a request vector and the one harness that all of them go through.
// Called by the tests of request heads.
// Never judges by one way of feeding alone.

import ProxyCore
import Support
import XCTest

/// Bytes, and what must come of them.
struct RequestVector {
    enum Expectation {
        case refused(Int, RefusalReason)
        case accepted(Reading)
        case partial
    }

    let requirement: Int
    let name: String
    let input: [UInt8]
    let expectation: Expectation
    var limits = HeadLimits()
    var trustedPeer = false

    static func refused(
        _ requirement: Int, _ name: String, _ input: String, _ status: Int = 400,
        _ reason: RefusalReason
    ) -> RequestVector {
        RequestVector(
            requirement: requirement, name: name, input: latin1(input),
            expectation: .refused(status, reason))
    }

    static func accepted(
        _ requirement: Int, _ name: String, _ input: String, _ reading: Reading
    ) -> RequestVector {
        RequestVector(
            requirement: requirement, name: name, input: latin1(input),
            expectation: .accepted(reading))
    }

    static func partial(_ requirement: Int, _ name: String, _ input: String) -> RequestVector {
        RequestVector(
            requirement: requirement, name: name, input: latin1(input), expectation: .partial)
    }

    func limited(_ limits: HeadLimits) -> RequestVector {
        var copy = self
        copy.limits = limits
        return copy
    }

    func trusted() -> RequestVector {
        var copy = self
        copy.trustedPeer = true
        return copy
    }
}

/// What a request head was read as. In a vector nil means: not looked at.
struct Reading: Equatable {
    var method: String?
    var path: String?
    /// "" for none.
    var query: String?
    var framing: BodyFraming?
    var keepAlive: Bool?
    var authority: String?
    var continues: Bool?
    var webSocket: WebSocketOffer?
    var version: HTTPVersion?
    var maxForwards: UInt32?
    /// `name: value` of those that are sent on, in order.
    var fields: [String]?
    var length: Int?

    /// Whether `actual` is what this asks for.
    func admits(_ actual: Reading) -> Bool {
        func same<T: Equatable>(_ wanted: T?, _ found: T?) -> Bool {
            wanted == nil || wanted == found
        }
        return same(method, actual.method) && same(path, actual.path)
            && same(query, actual.query) && same(framing, actual.framing)
            && same(keepAlive, actual.keepAlive) && same(authority, actual.authority)
            && same(continues, actual.continues) && same(webSocket, actual.webSocket)
            && same(version, actual.version) && same(maxForwards, actual.maxForwards)
            && same(fields, actual.fields) && same(length, actual.length)
    }

    init(
        method: String? = nil, path: String? = nil, query: String? = nil,
        framing: BodyFraming? = nil, keepAlive: Bool? = nil, authority: String? = nil,
        continues: Bool? = nil, webSocket: WebSocketOffer? = nil, version: HTTPVersion? = nil,
        maxForwards: UInt32? = nil, fields: [String]? = nil, length: Int? = nil
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.framing = framing
        self.keepAlive = keepAlive
        self.authority = authority
        self.continues = continues
        self.webSocket = webSocket
        self.version = version
        self.maxForwards = maxForwards
        self.fields = fields
        self.length = length
    }

    init(_ head: borrowing RequestHead, _ bytes: RawSpan) {
        method = bytes[head.methodName].text()
        path = bytes[head.path].text()
        query = head.query.map { bytes[$0].text() ?? "?" } ?? ""
        framing = head.framing
        keepAlive = head.keepAlive
        authority = head.authority.map { bytes[$0].text() ?? "?" } ?? ""
        continues = head.expectsContinue
        webSocket = head.webSocketUpgrade
        version = head.version
        maxForwards = head.maxForwards
        fields = head.fields.sent(bytes)
        length = head.length
    }
}

extension FieldTable {
    /// `name: value` of the fields that are sent on; every byte as one scalar.
    func sent(_ bytes: RawSpan) -> [String] {
        var lines: [String] = []
        for index in 0..<count where !self[index].dropped {
            let field = self[index]
            let scalars = (bytes[field.name].array() + [0x3a, 0x20] + bytes[field.value].array())
                .map { Unicode.Scalar($0) }
            lines.append(String(String.UnicodeScalarView(scalars)))
        }
        return lines
    }
}

/// A request that sets everything that a head can hold.
private let dirt = latin1(
    "OPTIONS http://b/x?y HTTP/1.1\r\nHost: b\r\nMax-Forwards: 3\r\nTE: trailers\r\n"
        + "Expect: 100-continue\r\nContent-Length: 5\r\nUpgrade: websocket\r\n\r\n")

/// Feeds a vector in every way and demands the same outcome.
func check(_ vector: RequestVector, file: StaticString = #filePath, line: UInt = #line) {
    let page = GuardPage(capacity: vector.input.count)
    // One head for all feedings, as a loop has: what it held before must not matter.
    var head = RequestHead()
    for steps in ByteDribble(count: vector.input.count) {
        _ = head.parse(dirt.rawSpan, limits: HeadLimits(), trustedPeer: true)
        var outcome = HeadOutcome.partial
        var reading: Reading?
        var scanned = 0
        for step in steps {
            page.with(vector.input, count: step) { bytes in
                outcome = head.parse(
                    bytes, from: scanned, limits: vector.limits,
                    trustedPeer: vector.trustedPeer)
                if outcome == .complete { reading = Reading(head, bytes) }
            }
            scanned = step
            if outcome != .partial { break }
        }
        let way = steps.count > 2 ? "byte by byte" : "in \(steps)"
        if let fault = vector.fault(outcome, reading) {
            // One way of failing says enough.
            XCTFail(
                "\(vector.requirement) \(vector.name), fed \(way): \(fault)", file: file,
                line: line)
            return
        }
    }
}

extension RequestVector {
    /// What is wrong with an outcome, or nil.
    fileprivate func fault(_ outcome: HeadOutcome, _ reading: Reading?) -> String? {
        switch (expectation, outcome) {
        case (.refused(let status, let reason), .refused(let refusal))
        where refusal == Refusal(status: status, reason: reason):
            nil
        case (.accepted(let wanted), .complete) where reading.map(wanted.admits) ?? false: nil
        case (.accepted, .complete): "read as \(String(describing: reading))"
        case (.partial, .partial): nil
        default: "\(outcome), not \(expectation)"
        }
    }
}

/// `METHOD / HTTP/1.1` with a Host and these lines.
func request(_ method: String, _ lines: String...) -> String {
    "\(method) / HTTP/1.1\r\nHost: a\r\n" + lines.map { $0 + "\r\n" }.joined() + "\r\n"
}

func get(_ lines: String...) -> String {
    "GET / HTTP/1.1\r\nHost: a\r\n" + lines.map { $0 + "\r\n" }.joined() + "\r\n"
}

func post(_ lines: String...) -> String {
    "POST / HTTP/1.1\r\nHost: a\r\n" + lines.map { $0 + "\r\n" }.joined() + "\r\n"
}
