// Owns asking a server something and waiting for the answer.
// Called by `users` and by the people of the demo, on threads of their own.
// Never runs on a loop, never follows a redirect.

import ProxyCore

/// Why there is no answer.
struct ClientError: Error, CustomStringConvertible {
    let description: String
}

/// One request on a connection of its own.
struct HTTPClient: Sendable {
    struct Answer: Sendable {
        let status: Int
        let body: [UInt8]

        /// The body as JSON, or nil.
        var json: JSONNode? {
            do throws(JSONError) { return try JSONReader.read(body.rawSpan) } catch { return nil }
        }
    }

    /// Bytes of an answer at most.
    static let limit = 16 * 1024 * 1024

    let addresses: [SocketAddress]
    /// For `Host`.
    let authority: String
    var timeout: Milliseconds = 10_000

    /// Sends a request and waits for the whole answer.
    /// - Parameter body: JSON.
    func send(
        _ method: String, _ path: String, token: String? = nil, body: String? = nil
    ) throws(ClientError) -> Answer {
        let deadline = Clock.monotonic() + timeout
        let stream = try connect(deadline)
        defer { stream.close() }
        var head = "\(method) \(path) HTTP/1.1\r\nHost: \(authority)\r\nConnection: close\r\n"
        if let token { head += "Authorization: Bearer \(token)\r\n" }
        if let body {
            head += "Content-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n"
        }
        try write(head + "\r\n" + (body ?? ""), to: stream, deadline)
        return try read(from: stream, toHead: method == "HEAD", deadline)
    }

    private func connect(_ deadline: Milliseconds) throws(ClientError) -> FileDescriptor {
        var last = SystemError(call: "connect", code: 0)
        for address in addresses {
            do throws(SystemError) {
                let stream = try address.connect()
                let isReady = stream.wait(.writable, atMost: deadline - Clock.monotonic())
                guard let error = isReady ? stream.connectError() : .timedOut("connect") else {
                    return stream
                }
                stream.close()
                throw error
            } catch {
                last = error
            }
        }
        throw ClientError(description: "\(authority): \(last)")
    }

    private func write(
        _ text: String, to stream: FileDescriptor, _ deadline: Milliseconds
    ) throws(ClientError) {
        var out = ByteBuffer()
        out.append(text)
        while !out.isEmpty {
            switch stream.send(out) {
            case .bytes(let count): out.consume(count)
            case .blocked:
                guard stream.wait(.writable, atMost: deadline - Clock.monotonic()) else {
                    throw ClientError(description: "\(authority): timed out")
                }
            case .failed: throw ClientError(description: "\(authority): the connection broke")
            }
        }
    }

    private func read(
        from stream: FileDescriptor, toHead: Bool, _ deadline: Milliseconds
    ) throws(ClientError) -> Answer {
        var input = ByteBuffer(capacity: 16 * 1024)
        var head = ResponseHead()
        while true {
            if let answer = try parse(input, &head, toHead, isEnd: false) { return answer }
            guard stream.wait(.readable, atMost: deadline - Clock.monotonic()) else {
                throw ClientError(description: "\(authority): no answer in time")
            }
            switch stream.receive(into: &input, atMost: 64 * 1024) {
            case .bytes(0):
                guard let answer = try parse(input, &head, toHead, isEnd: true) else {
                    throw ClientError(description: "\(authority): the answer broke off")
                }
                return answer
            case .bytes:
                guard input.count <= Self.limit else {
                    throw ClientError(description: "\(authority): the answer is too large")
                }
            case .blocked: break
            case .failed: throw ClientError(description: "\(authority): the connection broke")
            }
        }
    }

    /// The answer, once it is whole; nil before.
    private func parse(
        _ input: borrowing ByteBuffer, _ head: inout ResponseHead, _ toHead: Bool, isEnd: Bool
    ) throws(ClientError) -> Answer? {
        let method: Method = toHead ? .head : .get
        switch head.parse(input.bytes, limits: HeadLimits(), toMethod: method) {
        case .partial: return nil
        case .refused(let refusal):
            throw ClientError(description: "\(authority): no HTTP: \(refusal.reason.rawValue)")
        case .complete: break
        }
        var reader = BodyReader(head.framing)
        var body = ByteBuffer()
        var offset = head.length
        while true {
            switch reader.next(input.bytes, at: &offset) {
            case .data(let start, let end): body.append(input, Int(start)..<Int(end))
            case .more:
                guard isEnd, reader.endOfStream() else { return nil }
                return Answer(status: head.status, body: body.array())
            case .end: return Answer(status: head.status, body: body.array())
            case .malformed(let refusal):
                throw ClientError(description: "\(authority): bad body: \(refusal.reason.rawValue)")
            }
        }
    }
}
