// Owns the readable text of every fault that the wire-format parsers can find.
// Called by parsers (the case) and logs (the text).
// Never reaches a client: it is for the operator.

/// What was wrong with a message; the raw value is the text for the log.
public enum RefusalReason: String, Sendable, BitwiseCopyable, CaseIterable {
    // The request line.
    case emptyMethod = "request line without a method (RFC 9112 §3)"
    case methodCharacter = "a byte in the method that is no token character (RFC 9110 §5.6.2)"
    case targetEmpty = "request line without a target, or with two spaces (RFC 9112 §3)"
    case targetCharacter = "a byte in the request target that no URI holds (RFC 9112 §3.2)"
    case targetForm = "a request target of no known form (RFC 9112 §3.2)"
    case asteriskForm = "target * with a method other than OPTIONS (RFC 9112 §3.2.4)"
    case absoluteScheme = "an absolute target whose scheme is not http or https (RFC 9110 §4.2)"
    case versionMalformed = "a malformed HTTP version, or none (RFC 9112 §2.3)"
    case versionUnsupported = "an HTTP version other than 1.x (RFC 9110 §2.5)"
    case lineEnding = "a line not ended by CR LF (RFC 9112 §2.2)"
    case requestLineTooLong = "request line over limits.request_line"
    case connectMethod = "CONNECT: this is no forward proxy (RFC 9110 §9.3.6)"
    case traceMethod = "TRACE is not served (RFC 9110 §9.3.8)"

    // The status line.
    case statusLine = "a malformed status line (RFC 9112 §4)"
    case statusCode = "a status code outside 100-599 (RFC 9110 §15)"

    // Fields.
    case foldedLine = "a folded field line (obs-fold, RFC 9112 §5.2)"
    case leadingSpace = "white space before the first field (RFC 9112 §2.2)"
    case nameEmpty = "a field line without a name (RFC 9112 §5)"
    case nameCharacter = "a byte in a field name that is no token character (RFC 9110 §5.1)"
    case nameSpace = "white space between field name and colon (RFC 9112 §5.1)"
    case missingColon = "a field line without a colon (RFC 9112 §5)"
    case valueCharacter = "a control byte in a field value (RFC 9110 §5.5)"
    case headTooLarge = "head over limits.header_bytes"
    case tooManyFields = "more fields than limits.header_count"

    // Framing.
    case lengthAndCoding = "Content-Length and Transfer-Encoding together (RFC 9112 §6.3)"
    case lengthRepeated = "more than one Content-Length (RFC 9112 §6.3)"
    case lengthMalformed = "a Content-Length that is no decimal number (RFC 9110 §8.6)"
    case lengthTooLarge = "a Content-Length over 2^63-1 (RFC 9110 §8.6)"
    case codingRepeated = "more than one Transfer-Encoding line (RFC 9112 §6.1)"
    case codingMalformed = "a Transfer-Encoding other than one \"chunked\" (RFC 9112 §6.1)"
    case codingUnknown = "an unknown transfer coding (RFC 9112 §6.1)"
    case codingInHTTP10 = "Transfer-Encoding in HTTP/1.0 (RFC 9112 §6.1)"
    case bodyInHTTP10 = "an HTTP/1.0 GET, HEAD or DELETE with a body"

    // Host.
    case hostMissing = "HTTP/1.1 without Host (RFC 9112 §3.2)"
    case hostRepeated = "more than one Host (RFC 9112 §3.2)"
    case hostMalformed = "a malformed Host (RFC 9112 §3.2)"
    case authorityMalformed = "a malformed authority in the request target (RFC 9110 §4.2)"
    case authorityMismatch = "an absolute target whose authority is not Host (RFC 9112 §3.2.2)"

    // Connection, expectations, loops.
    case connectionMalformed = "a Connection option that is no token (RFC 9110 §7.6.1)"
    case connectionNominates =
        "a Connection option names a field that must reach the server (RFC 9110 §7.6.1)"
    case connectionOptions = "more Connection options than Limits.connectionOptions"
    case expectation = "an expectation other than 100-continue (RFC 9110 §10.1.1)"
    case loop = "the request has passed here already: our own Via (RFC 9110 §7.6.3)"

    // Chunked bodies.
    case chunkSize = "a malformed chunk size (RFC 9112 §7.1)"
    case chunkSizeTooLarge = "a chunk size of more than 16 digits or over 2^63-1"
    case chunkExtension = "a malformed chunk extension (RFC 9112 §7.1.1)"
    case chunkExtensionsTooLarge =
        "chunk extensions over Limits.chunkLine or Limits.chunkExtensions"
    case chunkEnding = "chunk data not ended by CR LF (RFC 9112 §7.1)"
    case trailersTooLarge = "trailer fields over the limits of a head"
}
