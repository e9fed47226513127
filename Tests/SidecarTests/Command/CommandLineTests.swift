// Owns the tests of the command line.
// Called by XCTest.
// Never runs a command.

import XCTest

@testable import Sidecar

final class CommandLineTests: XCTestCase {
    private func read(_ line: String) throws -> Invocation {
        try Invocation(line.split(separator: " ").map(String.init))
    }

    func testInvocations() throws {
        let flags = ConfigFlags(
            upstreams: ["http://a", "http://b"], listen: [":1"], secretVariables: ["S"])
        let cases: [(String, Invocation)] = [
            ("run --config c", .run(.file("c"))), ("run --config=c", .run(.file("c"))),
            (
                "run --upstream http://a --listen :1 --jwt-secret-env S --upstream=http://b",
                .run(.flags(flags))
            ),
            ("check --config c", .check(file: "c")), ("demo", .demo(port: nil)),
            ("demo --port 8080", .demo(port: 8080)), ("--version", .version),
            ("--help", .help(nil)), ("help", .help(nil)), ("help run", .help(.run)),
            ("run --help", .help(.run)), ("token -h", .help(.token)),
            ("whoami --config c -", .whoami(WhoamiOrder(file: "c", token: "-"))),
            ("whoami --config c a.b.c", .whoami(WhoamiOrder(file: "c", token: "a.b.c"))),
            (
                "routes --config c GET /x?y=1",
                .routes(file: "c", method: "GET", path: "/x?y=1")
            ),
        ]
        for (line, invocation) in cases { XCTAssertEqual(try read(line), invocation, line) }
    }

    func testTokenAndUsers() throws {
        guard
            case .token(let order) = try read(
                "token --config c --user 42 --name Ann --admin --ttl 2h")
        else { return XCTFail("token") }
        XCTAssertEqual(order.user, "42")
        XCTAssertEqual(order.name, "Ann")
        XCTAssertTrue(order.isAdmin)
        XCTAssertEqual(order.lifetime, 7_200_000)
        guard case .users(let users) = try read("users --status away --watch --token T") else {
            return XCTFail("users")
        }
        XCTAssertEqual(users.url, "http://127.0.0.1:8080/_presence")
        XCTAssertEqual(users.status, "away")
        XCTAssertEqual(users.token, "T")
        XCTAssertTrue(users.watch)
    }

    func testUsageErrorsAreOneLineWithAHint() {
        let cases: [(String, String)] = [
            ("", #"sidecar: no command; try "sidecar --help""#),
            ("chek", #"sidecar: unknown command "chek"; did you mean "check"?"#),
            ("frobnicate", #"sidecar: unknown command "frobnicate"; try "sidecar --help""#),
            ("--verzion", #"sidecar: unknown option "--verzion"; did you mean "--version"?"#),
            ("help chek", #"sidecar: unknown command "chek"; did you mean "check"?"#),
            ("check", #"sidecar check: write --config FILE (see "sidecar help check")"#),
            (
                "check --config",
                #"sidecar check: --config lacks its FILE (see "sidecar help check")"#
            ),
            (
                "check --config=",
                #"sidecar check: --config lacks its FILE (see "sidecar help check")"#
            ),
            (
                "check --confg c",
                #"sidecar check: unknown option "--confg"; did you mean --config?"#
            ),
            (
                "check --config a --config b",
                #"sidecar check: --config stands twice (see "sidecar help check")"#
            ),
            (
                "check --config a b",
                #"sidecar check: cannot use "b" (see "sidecar help check")"#
            ),
            (
                "run",
                #"sidecar run: write --config FILE, or --upstream URL (see "sidecar help run")"#
            ),
            (
                "run --config c --listen x",
                "sidecar run: --config stands alone: what other options say belongs in the file"
                    + #" (see "sidecar help run")"#
            ),
            (
                "token --config c",
                #"sidecar token: write --user ID (see "sidecar help token")"#
            ),
            (
                "token --config c --user 1 --ttl soon",
                "sidecar token: --ttl takes a duration from 1s to 3650d, like 1h"
                    + #" (see "sidecar help token")"#
            ),
            (
                "token --config c --user 1 --admin=yes",
                #"sidecar token: --admin takes no value (see "sidecar help token")"#
            ),
            (
                "demo --port 70000",
                "sidecar demo: --port takes a number from 0 to 65535"
                    + #" (see "sidecar help demo")"#
            ),
            (
                "users --status here",
                "sidecar users: --status takes online, away or offline"
                    + #" (see "sidecar help users")"#
            ),
            (
                "whoami --config c",
                "sidecar whoami: write one token, or - to read it from standard input"
                    + #" (see "sidecar help whoami")"#
            ),
            (
                "whoami -",
                #"sidecar whoami: write --config FILE (see "sidecar help whoami")"#
            ),
            (
                "routes --config c GET",
                "sidecar routes: write a method and a path, like: GET /api/users/"
                    + #" (see "sidecar help routes")"#
            ),
            (
                "routes --config c GET x",
                "sidecar routes: a path begins with a slash, like: GET /x"
                    + #" (see "sidecar help routes")"#
            ),
        ]
        for (line, message) in cases {
            XCTAssertThrowsError(try read(line), line) { error in
                XCTAssertEqual((error as? UsageError)?.message, message)
            }
        }
    }

    func testHelpNamesEveryOption() {
        for command in Command.allCases {
            XCTAssertTrue(Command.overview.contains(command.rawValue))
            for option in command.options {
                XCTAssertTrue(command.help.contains(option.name), option.name)
            }
            for line in command.help.split(separator: "\n") {
                XCTAssertLessThanOrEqual(line.count, 110, String(line))
            }
        }
    }
}
