// Owns the tests of what a fault looks like from outside.
// Called by XCTest.
// Never makes a fault happen.

import XCTest

@testable import ProxyCore

final class ProxyErrorTests: XCTestCase {
    private let table: [(ProxyError, status: Int, isUpstreams: Bool)] = [
        (.connect(SystemError(call: "connect 10.1.2.3:8000", code: 111)), 502, true),
        (.connectTimeout, 504, true), (.noConnection, 503, false), (.upstreamClosed, 502, true),
        (.badResponse(Refusal(status: 400, reason: .lineEnding)), 502, true),
        (.interimFlood, 502, true), (.badUpgrade, 502, true), (.responseTimeout, 504, true),
        (.truncated, 502, true),
        (.badBody(Refusal(status: 431, reason: .trailersTooLarge)), 431, false),
        (.badBody(Refusal(status: 400, reason: .chunkSize)), 400, false),
        (.bodyTimeout, 408, false), (.bodyTooSlow, 408, false), (.bodyTooLarge, 413, false),
        (.clientGone, 499, false), (.overloaded, 503, false),
    ]

    func testStatusAndBlame() {
        for (error, status, isUpstreams) in table {
            XCTAssertEqual(error.status, status, "\(error)")
            XCTAssertEqual(error.blamesUpstream, isUpstreams, "\(error)")
            XCTAssertFalse(error.cause.isEmpty)
        }
    }

    func testTheClientLearnsNoAddress() {
        for (error, status, _) in table {
            let response = error.response()
            let body = String(decoding: response.body, as: UTF8.self)
            XCTAssertEqual(response.status, status)
            XCTAssertTrue(body.contains("\"status\":\(status)"), body)
            XCTAssertTrue(body.contains(error.detail), body)
            for secret in ["10.1.2.3", "8000", "connect:", "errno"] {
                XCTAssertFalse(body.contains(secret), body)
            }
        }
    }

    func testTheLogLearnsTheCause() {
        let error = ProxyError.connect(SystemError(call: "connect", code: 111))
        XCTAssertTrue(error.cause.contains("refused"), error.cause)
        XCTAssertEqual(ProxyError.truncated.cause, "truncated")
    }
}
