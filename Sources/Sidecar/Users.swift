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
        do throws(ClientError) {
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

/// Asks the endpoints.
struct UsersSource {
    private let client: HTTPClient
    private let path: String
    private let token: String?
    private let status: String?

    init(_ order: UsersOrder) throws(ClientError) {
        guard order.url.hasPrefix("http://") else {
            throw ClientError(description: "--url takes http://HOST:PORT/PREFIX")
        }
        let rest = order.url.dropFirst("http://".count)
        let authority = String(rest.prefix { $0 != "/" })
        var prefix = String(rest.dropFirst(authority.count))
        while prefix.hasSuffix("/") { prefix.removeLast() }
        client = HTTPClient(addresses: try Self.resolve(authority), authority: authority)
        path = (prefix.isEmpty ? "/_presence" : prefix) + "/users"
        token = order.token ?? Environment.value(of: "SIDECAR_TOKEN")
        status = order.status
    }

    private static func resolve(_ authority: String) throws(ClientError) -> [SocketAddress] {
        let server: ServerAddress
        do throws(AddressFault) {
            server = try AddressText.server("http://\(authority)").address
        } catch {
            throw ClientError(description: "--url: \(authority) \(error.reason)")
        }
        guard case .tcp(let host, let port) = server else {
            throw ClientError(description: "--url: \(authority) is no host")
        }
        do throws(ResolveError) {
            return try SocketAddress.resolve(host: host, port: port)
        } catch {
            throw ClientError(description: "\(error)")
        }
    }

    /// The presence objects of the first page.
    func page(_ rows: Int) throws(ClientError) -> JSONNode {
        var target = "\(path)?per_page=\(rows)&ordering=-last_seen"
        if let status { target += "&status=\(status)" }
        let answer = try client.send("GET", target, token: token)
        guard answer.status == 200, let page = answer.json else {
            let detail = answer.json?["detail"]?.string ?? "no answer that this program understands"
            let hint = answer.status == 401 ? " Write --token T (sidecar token makes one)." : ""
            throw ClientError(description: "\(answer.status): \(detail)\(hint)")
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
