// Owns `sidecar users`.
// Called by Main.
// Never parses the command line.

import Glibc
import ProxyCore

/// A table of who is online, once or kept live.
enum Users {
    /// Between two looks with `--watch`, milliseconds.
    private static let pause: CUnsignedInt = 1_000_000
    /// Users that one table shows at most.
    private static let rows = 1_000

    static func run(_ order: UsersOrder) -> ExitCode {
        do throws(UsersError) {
            let source = try UsersSource(order)
            repeat {
                let table = UsersTable.text(try source.page(rows), of: order)
                // Home and clear below: the table stands still while it changes.
                Console.print(order.watch ? "\u{1b}[H\u{1b}[J" + table : table)
                if order.watch { usleep(pause) }
            } while order.watch
            return .success
        } catch {
            Console.complain("sidecar users: \(error)")
            return .failure
        }
    }
}

/// Why there is no table.
struct UsersError: Error, CustomStringConvertible {
    let description: String
}

/// Asks the endpoints.
struct UsersSource {
    private let fetch: Fetch
    private let path: String
    private let token: String?
    private let status: String?

    /// Bytes of a page of a thousand users, each with the longest name.
    private static let limit = 16 * 1024 * 1024

    init(_ order: UsersOrder) throws(UsersError) {
        var prefix: String
        do throws(FetchURLError) {
            let target = try FetchTarget(order.url)
            prefix = String(target.path.prefix { $0 != "?" })
            fetch = Fetch(target, Fetch.Settings(timeout: 10_000, limit: Self.limit))
        } catch {
            throw UsersError(description: "--url \(error.reason)")
        }
        while prefix.hasSuffix("/") { prefix.removeLast() }
        path = (prefix.isEmpty ? "/_presence" : prefix) + "/users"
        token = order.token ?? Environment.value(of: "SIDECAR_TOKEN")
        status = order.status
    }

    /// The presence objects of the first page.
    func page(_ rows: Int) throws(UsersError) -> JSONNode {
        var place = "\(path)?per_page=\(rows)&ordering=-last_seen"
        if let status { place += "&status=\(status)" }
        let answer: FetchAnswer
        do throws(FetchError) {
            let bearer = token.map { [("Authorization", "Bearer \($0)")] } ?? []
            answer = try fetch.send("GET", path: place, fields: bearer)
        } catch {
            throw UsersError(description: "\(fetch.target.authority): \(error)")
        }
        guard answer.status == 200, let page = answer.json else {
            let detail = answer.json?["detail"]?.string ?? "no answer that this program understands"
            let hint = answer.status == 401 ? " Write --token T (sidecar token makes one)." : ""
            throw UsersError(description: "\(answer.status): \(detail)\(hint)")
        }
        return page
    }
}

/// The table as text.
enum UsersTable {
    static func text(_ page: JSONNode, of order: UsersOrder) -> String {
        var lines = [["USER", "NAME", "STATUS", "LAST SEEN", "DEVICES"]]
        for user in page["results"]?.array ?? [] {
            lines.append([
                user["user_id"]?.string ?? "", user["name"]?.string ?? "",
                user["online_status"]?.string ?? "", user["last_seen"]?.string ?? "never",
                String(user["devices"]?.integer ?? 0),
            ])
        }
        let widths = lines[0].indices.map { column in
            lines.map { $0[column].count }.max() ?? 0
        }
        let count = page["count"]?.integer ?? Int64(lines.count - 1)
        let shown = lines.count - 1
        let rows = lines.map { line in
            // The last column needs no filling.
            zip(line, widths.dropLast() + [0]).map { cell, width in printable(cell, width) }
                .joined(separator: "  ")
        }
        let more = Int64(shown) < count ? " (the first \(shown) are shown)" : ""
        return (rows + ["\(count) users\(more)"]).joined(separator: "\n")
    }

    /// Padded; a name's control characters must not steer the terminal.
    private static func printable(_ cell: String, _ width: Int) -> String {
        let safe = String(
            cell.map { character in
                character.unicodeScalars.contains { $0.value < 32 || $0.value == 127 }
                    ? "?" : character
            })
        return safe + String(repeating: " ", count: max(0, width - cell.count))
    }
}
