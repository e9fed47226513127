// Owns the bytes of a request of our own, and reading the answer to it.
// Called by Fetch.
// Never connects, never decides whether to ask again.

/// One request.
struct FetchRequest {
    let method: String
    let target: FetchTarget
    let fields: [(String, String)]
    let body: [UInt8]

    var isRepeatable: Bool { Method(method.rawSpan).isIdempotent }
    var followsRedirects: Bool { method == "GET" || method == "HEAD" }

    /// The request as it is sent. Every piece is looked at: a line end in one of them would make
    /// two requests of one.
    func bytes() throws(FetchError) -> [UInt8] {
        guard !method.isEmpty, method.utf8.allSatisfy({ $0.isOf(.token) }) else {
            throw .malformedRequest("the method")
        }
        guard target.path.hasPrefix("/"), target.path.utf8.allSatisfy({ $0.isOf(.target) }) else {
            throw .malformedRequest("the path")
        }
        var out = ByteBuffer(capacity: 512 + body.count)
        out.append("\(method) \(target.path) HTTP/1.1\r\n")
        if !has("host") { out.append("Host: \(target.authority)\r\n") }
        if !has("user-agent") { out.append("User-Agent: presence-sidecar\r\n") }
        if !has("accept-encoding") { out.append("Accept-Encoding: identity\r\n") }
        for (name, value) in fields {
            guard !name.isEmpty, name.utf8.allSatisfy({ $0.isOf(.token) }),
                value.utf8.allSatisfy({ $0.isOf(.value) })
            else { throw .malformedRequest("a field") }
            out.append("\(name): \(value)\r\n")
        }
        if !body.isEmpty || !["GET", "HEAD", "OPTIONS", "DELETE"].contains(method) {
            out.append("Content-Length: \(body.count)\r\n")
        }
        out.append("\r\n")
        out.append(body)
        return out.array()
    }

    private func has(_ name: String) -> Bool {
        fields.contains { $0.0.utf8.map(\.lowercasedASCII) == Array(name.utf8) }
    }
}

/// Reads one answer as it comes.
struct AnswerReader: ~Copyable {
    private let method: Method
    private let limit: Int
    private var input = ByteBuffer(capacity: 8 * 1024)
    private var body = ByteBuffer()
    /// Whether the connection can carry another request.
    private(set) var leavesConnection = false

    init(method: String, limit: Int) {
        self.method = Method(method.rawSpan)
        self.limit = limit
    }

    mutating func read(
        from line: FetchLine, _ patience: Patience
    ) throws(FetchError) -> FetchAnswer {
        var head = ResponseHead()
        try readHead(&head, from: line, patience)
        let fields = fields(of: head)
        if let length = head.declaredLength, length > UInt64(limit), !head.framing.isEmpty {
            throw .tooLarge(limit: limit)
        }
        input.consume(head.length)
        try readBody(head.framing, from: line, patience)
        leavesConnection = head.keepAlive && input.isEmpty
        let answer = FetchAnswer(status: head.status, body: body.array(), fields: fields)
        if let coding = answer.field("content-encoding"), !body.isEmpty,
            coding.utf8.map(\.lowercasedASCII) != Array("identity".utf8)
        {
            throw .encoded(String(coding.prefix(40)))
        }
        return answer
    }

    /// The final head; interim ones before it are passed over (RFC 9110 §15.2).
    private mutating func readHead(
        _ head: inout ResponseHead, from line: FetchLine, _ patience: Patience
    ) throws(FetchError) {
        var interim = 0
        var scanned = 0
        let limits = HeadLimits(headerBytes: Limits.fetchHead, headerCount: Limits.maximumFields)
        while true {
            switch head.parse(input.bytes, from: scanned, limits: limits, toMethod: method) {
            case .refused(let refusal):
                let isHuge = [.headTooLarge, .tooManyFields].contains(refusal.reason)
                throw isHuge ? .hugeHead : .noHTTP(refusal.reason)
            case .complete where head.isInterim:
                interim += 1
                guard interim <= Limits.interimResponses else {
                    throw .unexpected(status: head.status)
                }
                input.consume(head.length)
                scanned = 0
            case .complete:
                guard head.status != 101 else { throw .unexpected(status: 101) }
                return
            case .partial:
                scanned = input.count
                switch try line.read(into: &input, atMost: 16 * 1024, .waiting, patience) {
                case .bytes: break
                case .end, .cut: throw input.isEmpty && interim == 0 ? .unanswered : .brokenOff
                }
            }
        }
    }

    private mutating func readBody(
        _ framing: BodyFraming, from line: FetchLine, _ patience: Patience
    ) throws(FetchError) {
        var reader = BodyReader(framing)
        var offset = 0
        while true {
            switch reader.next(input.bytes, at: &offset) {
            case .data(let start, let end):
                guard body.count + Int(end) - Int(start) <= limit else {
                    throw .tooLarge(limit: limit)
                }
                body.append(input, Int(start)..<Int(end))
            case .end:
                input.consume(offset)
                return
            case .malformed(let refusal): throw .badBody(refusal.reason)
            case .more:
                input.consume(offset)
                offset = 0
                switch try line.read(into: &input, atMost: 16 * 1024, .reading, patience) {
                case .bytes: break
                case .end:
                    guard reader.endOfStream() else { throw .brokenOff }
                    return
                // The end of the connection is the end of the body only where it is proved.
                case .cut: throw .brokenOff
                }
            }
        }
    }

    private func fields(of head: borrowing ResponseHead) -> [(name: String, value: String)] {
        (0..<head.fields.count).map { index in
            let field = head.fields[index]
            return (
                String(decoding: input.bytes[field.name].array(), as: UTF8.self),
                String(decoding: input.bytes[field.value].array(), as: UTF8.self)
            )
        }
    }
}
