// Owns the tests of names that only this side may give to the upstream.
// Called by XCTest.
// Never opens a socket.

import XCTest

@testable import ProxyCore

final class ReservedFieldsTests: XCTestCase {
    private let reserved = ReservedFields(["X-Auth-User", "Remote-User", "X-Auth-Admin", "X1"])

    func testNamesAreComparedAsTheLoosestServerDoes() {
        for name in [
            "X-Auth-User", "x-auth-user", "X_AUTH_USER", "X_Auth-User", "x-AUTH_user",
            "X.Auth.User",
            "X!Auth-User", "X~Auth`User", "remote_user", "REMOTE-USER", "x1", "X1",
        ] {
            XCTAssertTrue(reserved.contains(name.rawSpan), name)
        }
        for name in [
            "", "X-Auth", "X-Auth-Users", "X-Auth-Use", "XAuth-User", "X--AuthUser", "X-Auth0User",
            "X2", "X-", "--", "Y-Auth-User", "X-Auth-UseR_", String(repeating: "x", count: 300),
        ] {
            XCTAssertFalse(reserved.contains(name.rawSpan), name)
        }
        XCTAssertTrue(ReservedFields().isEmpty)
        XCTAssertFalse(ReservedFields().contains("X-Auth-User".rawSpan))
    }

    func testWhatMayBeReserved() {
        for name in ["X-Auth-User", "Remote-User", "X-Forwarded-User", "a"] {
            XCTAssertTrue(ReservedFields.mayReserve(name), name)
        }
        for name in [
            "", "X_Auth", "X Auth", "X:", "Ä", "Host", "content-length", "Connection", "Via",
            "Transfer-Encoding", "X-Forwarded-For", "Cookie", "Authorization", "Expect",
            String(repeating: "x", count: 64), "a\r\nb",
        ] {
            XCTAssertFalse(ReservedFields.mayReserve(name), name)
        }
        // One that may not be is no hole for the others.
        let some = ReservedFields(["Host", "X-A", "", "X-B"])
        XCTAssertEqual(some.count, 2)
        XCTAssertTrue(some.contains("x_b".rawSpan))
        XCTAssertFalse(some.contains("host".rawSpan))
        let many = ReservedFields((0..<100).map { "X-\($0)" })
        XCTAssertEqual(many.count, Limits.reservedFields)
    }

    func testLinesOfTheApplication() {
        for lines in [
            "", "X-Auth-User: 7\r\n", "X-Auth-User:\r\n", "X-Auth-User: %0D%0A\u{fc}\t x\r\n",
            "X-Auth-Admin: true\r\nX-Auth-User: 7\r\nX1: a: b\r\n",
        ] {
            XCTAssertTrue(reserved.admits(lines.rawSpan), lines)
        }
        for lines in [
            "X", "X-Auth-User", "X-Auth-User: 7", "X-Auth-User: 7\r", "X-Auth-User: 7\n",
            "X-Auth-User: 7\r\n\r\n", "\r\n", ": 7\r\n", "X-Auth-User : 7\r\n",
            "X-Auth-User: 7\r\n X: 8\r\n", "X-Auth-User: a\nb\r\n", "X-Auth-User: a\rb\r\n",
            "X-Auth-User: a\u{0}b\r\n", "X-Auth-User: a\u{7f}\r\n",
            // A name that is not reserved, or one that is smuggled in beside the real one.
            "X-Auth-User: 7\r\nHost: evil\r\n",
            "X-Auth-User: 7\r\nX-Auth-Admin: true\r\nX-Auth-Admin: false\r\n",
            "X-Auth-User: 7\r\nx_auth_user: 8\r\n",
        ] {
            XCTAssertFalse(reserved.admits(lines.rawSpan), lines)
        }
    }
}
