// Owns a plain socket of a test: bytes out, bytes in, each wait bounded.
// Called by the tests of this folder, for clients and for backends alike.
// Never uses the code under test, never speaks HTTP unless asked to read a message.

import Glibc
import XCTest

/// One end of a connection.
final class Wire {
    enum End: Equatable {
        /// The peer has ended its side in order.
        case finished
        case reset
        /// Nothing came in time.
        case silence
    }

    /// The longest that any wait of a test takes, milliseconds. No good run comes near it.
    static let patience: CInt = 20_000

    let descriptor: CInt
    /// Received and not yet taken.
    private(set) var held: [UInt8] = []
    private(set) var end: End?
    private var isOpen = true

    init(_ descriptor: CInt) {
        self.descriptor = descriptor
        var on: CInt = 1
        setsockopt(descriptor, CInt(IPPROTO_TCP), TCP_NODELAY, &on, 4)
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
    }

    deinit { close() }

    /// - Parameter receiveBuffer: the kernel's buffer, for clients that shall not take much.
    static func connect(port: UInt16, receiveBuffer: CInt? = nil) -> Wire {
        let made = socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        if var size = receiveBuffer { setsockopt(made, SOL_SOCKET, SO_RCVBUF, &size, 4) }
        var address = Self.loopback(port)
        let failed = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(made, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        XCTAssertEqual(failed, 0, "connect: \(errno)")
        return Wire(made)
    }

    static func loopback(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return address
    }

    func wait(_ events: CInt, _ time: CInt = patience) -> Bool {
        var query = pollfd(fd: descriptor, events: Int16(events), revents: 0)
        while true {
            let count = poll(&query, 1, time)
            if count < 0, errno == EINTR { continue }
            return count > 0
        }
    }

    // MARK: Out

    func send(_ text: String) { send(Array(text.utf8)) }

    func send(_ bytes: [UInt8], file: StaticString = #filePath, line: UInt = #line) {
        var rest = bytes[...]
        while !rest.isEmpty {
            guard let count = trySend(rest) else { return }
            if count == 0, !wait(POLLOUT) {
                return XCTFail("nobody takes the bytes", file: file, line: line)
            }
            rest = rest.dropFirst(count)
        }
    }

    /// One byte a packet.
    func dribble(_ text: String) {
        for byte in text.utf8 { send([byte]) }
    }

    /// - Returns: what the kernel took; 0: nothing now; nil: the connection is broken.
    func trySend(_ bytes: ArraySlice<UInt8>) -> Int? {
        let sent = bytes.withUnsafeBytes {
            Glibc.send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
        }
        if sent >= 0 { return sent }
        return errno == EAGAIN || errno == EINTR ? 0 : nil
    }

    func finishSending() { shutdown(descriptor, CInt(SHUT_WR)) }

    func close() {
        guard isOpen else { return }
        isOpen = false
        _ = Glibc.close(descriptor)
    }

    /// Breaks the connection.
    func reset() {
        var hard = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &hard, socklen_t(MemoryLayout<linger>.size))
        close()
    }

    // MARK: In

    /// Waits for more bytes; false at the end.
    @discardableResult
    func receive(atMost time: CInt = patience, count: Int = 65536) -> Bool {
        guard end == nil else { return false }
        guard wait(POLLIN, time) else {
            if time == Self.patience { end = .silence }
            return false
        }
        var room = [UInt8](repeating: 0, count: count)
        let got = recv(descriptor, &room, room.count, 0)
        if got > 0 {
            held += room[..<got]
            return true
        }
        if got < 0, errno == EAGAIN || errno == EINTR { return true }
        end = got == 0 ? .finished : .reset
        return false
    }

    /// Waits for `count` bytes; fewer at the end.
    func take(_ count: Int) -> [UInt8] {
        while held.count < count, receive() {}
        let taken = Array(held.prefix(count))
        held.removeFirst(taken.count)
        return taken
    }

    /// Waits for everything up to and with `mark`; nil where the end comes first.
    func take(through mark: String) -> [UInt8]? {
        let wanted = Array(mark.utf8)
        var from = 0
        while true {
            if held.count >= wanted.count {
                for start in from...(held.count - wanted.count)
                where held[start..<start + wanted.count].elementsEqual(wanted) {
                    return take(start + wanted.count)
                }
                from = held.count - wanted.count + 1
            }
            guard receive() else { return nil }
        }
    }

    /// Everything that comes before the end.
    func takeAll() -> [UInt8] {
        while receive() {}
        return take(held.count)
    }

    /// Waits for the end; XCTest hears of bytes that nobody expected.
    func awaitEnd(file: StaticString = #filePath, line: UInt = #line) -> End? {
        while receive() {}
        XCTAssertEqual(held, [], String(decoding: held, as: UTF8.self), file: file, line: line)
        return end
    }
}

/// A message of either direction, as a test reads it.
struct Message: Equatable {
    var start = ""
    var fields: [String] = []
    var body: [UInt8] = []
    /// The framing says that nothing is missing.
    var isWhole = false

    var text: String { String(decoding: body, as: UTF8.self) }
    /// `200` of a response.
    var status: Int { Int(start.split(separator: " ").dropFirst().first ?? "") ?? 0 }

    /// The value of a field, by its lower-case name; nil where it is missing or repeated.
    subscript(name: String) -> String? {
        let found = fields.filter { $0.lowercased().hasPrefix(name + ":") }
        guard found.count == 1, let field = found.first else { return nil }
        let value = field.dropFirst(name.count + 1)
        return String(value.drop(while: { $0 == " " }))
    }
}

extension Wire {
    /// Start line and fields alone.
    func readHead() -> Message {
        var message = Message()
        guard let head = take(through: "\r\n\r\n") else {
            message.start = String(decoding: held, as: UTF8.self)
            return message
        }
        // `\r\n` is one Character: split by bytes.
        var lines = String(decoding: head.filter { $0 != 13 }, as: UTF8.self)
            .split(separator: "\n").map(String.init)
        message.start = lines.removeFirst()
        message.fields = lines
        return message
    }

    /// A whole request, as a backend reads it.
    func readRequest() -> Message {
        var message = readHead()
        readBody(&message, untilClose: false)
        return message
    }

    /// A response with its body. Interim ones are returned like others.
    func readReply(toHead: Bool = false) -> Message {
        var message = readHead()
        let status = message.status
        if toHead || status < 200 || status == 204 || status == 304 {
            message.isWhole = status > 0
        } else {
            readBody(&message, untilClose: true)
        }
        return message
    }

    private func readBody(_ message: inout Message, untilClose: Bool) {
        guard !message.start.isEmpty, !message.fields.isEmpty else { return }
        if message["transfer-encoding"] == "chunked" {
            readChunks(&message)
        } else if let length = message["content-length"].flatMap({ Int($0) }) {
            message.body = take(length)
            message.isWhole = message.body.count == length
        } else if untilClose {
            message.body = takeAll()
            message.isWhole = end == .finished
        } else {
            message.isWhole = true
        }
    }

    private func readChunks(_ message: inout Message) {
        while let line = take(through: "\r\n") {
            let text = String(decoding: line.dropLast(2), as: UTF8.self)
            guard let size = Int(text, radix: 16) else { return }
            let piece = take(size)
            message.body += piece
            guard piece.count == size, take(2) == [13, 10] else { return }
            if size == 0 {
                message.isWhole = true
                return
            }
        }
    }
}
