// Owns regenerating heads: what goes on to the upstream and back to the client.
// Called by the exchange with a parsed head and its bytes.
// Never sends a byte on that the parser has not accepted, nor a framing that it did not decide.

/// Writes heads.
public enum HeadWriter {
    /// The head that the upstream gets: origin-form, HTTP/1.1, Host first, every field that is
    /// not dropped in order, then our own.
    /// - Parameters:
    ///   - bytes: the span that `head` was parsed from.
    ///   - expectation: false leaves `Expect` out (the 100 has been sent from here).
    public static func request(
        _ head: borrowing RequestHead, _ bytes: RawSpan, forwarded: ForwardedFields,
        expectation: Bool = true, into out: inout ByteBuffer
    ) {}

    /// The head that the client gets.
    /// - Parameters:
    ///   - version: the client's.
    ///   - framing: how the body will be sent; `.none` keeps the Content-Length that the response
    ///     to HEAD or a 304 announces.
    ///   - keepAlive: whether the connection stays open.
    public static func response(
        _ head: borrowing ResponseHead, _ bytes: RawSpan, downstream version: HTTPVersion,
        framing: BodyFraming, keepAlive: Bool, into out: inout ByteBuffer
    ) {}

    /// An interim (1xx) response, for clients of HTTP/1.1 alone.
    public static func interim(
        _ head: borrowing ResponseHead, _ bytes: RawSpan, into out: inout ByteBuffer
    ) {}

    /// `HTTP/1.1 100 Continue`, from here.
    public static func continueInterim(into out: inout ByteBuffer) {}
}
