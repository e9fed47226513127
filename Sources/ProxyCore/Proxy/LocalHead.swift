// Owns the head of an answer made here.
// Called by the exchange for refusals, served endpoints and its own errors.
// Never writes a body.

extension HeadWriter {
    /// Status line, Date, Server, the answer's own fields, Content-Length and Connection.
    /// - Parameters:
    ///   - framing: nil: by the length of its body.
    ///   - headRequest: the request was HEAD: Content-Length is told, no body follows.
    ///   - date: an IMF-fixdate.
    /// - Returns: how many fields were left out because they held CR, LF or NUL.
    @discardableResult
    public static func local(
        _ response: borrowing LocalResponse, version: HTTPVersion, keepAlive: Bool,
        framing: BodyFraming? = nil, headRequest: Bool, date: RawSpan,
        into out: inout ByteBuffer
    ) -> Int {
        out.append("HTTP/1.1 ")
        out.append(decimal: UInt64(response.status))
        out.append(.space)
        out.append(StatusText.of(response.status))
        out.append("\r\nDate: ")
        out.append(date)
        out.append("\r\nServer: presence-sidecar\r\n")
        if let type = response.contentType {
            out.append("Content-Type: ")
            out.append(type)
            out.append("\r\n")
        }
        var omitted = 0
        for (name, value) in response.fields {
            guard value.rawSpan.isFieldValue else {
                omitted += 1
                continue
            }
            out.append(name)
            out.append(": ")
            out.append(value)
            out.append("\r\n")
        }
        let hasNoBody = response.status < 200 || response.status == 204 || response.status == 304
        if !hasNoBody {
            self.framing(framing ?? .length(UInt64(response.body.count)), into: &out)
        }
        connection(version, keepAlive: keepAlive, into: &out)
        out.append("\r\n")
        return omitted
    }
}
