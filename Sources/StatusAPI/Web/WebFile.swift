// Owns one file that browsers load: its bytes, its type, its entity tag, and how it is answered.
// Called by WebFiles, which makes them once, and by serving.
// Never reads a disk: the files are part of the binary.

import ProxyCore

/// A file for browsers, ready to be sent.
struct WebFile: Sendable {
    /// What a file may do in a browser besides being itself.
    enum Kind: Sendable {
        /// A page of ours that people open.
        case page
        /// What our page, or a page of the application, loads.
        case part
    }

    let body: [UInt8]
    let contentType: StaticString
    /// Strong (RFC 9110 §8.8.3): the same bytes have the same tag in every process.
    let tag: String
    private let fields: [(name: StaticString, value: String)]

    /// - Parameter body: whole; it is answered as it is, never compressed.
    init(_ body: [UInt8], _ contentType: StaticString, _ kind: Kind = .part) {
        self.body = body
        self.contentType = contentType
        tag = Self.tag(of: body)
        var fields: [(name: StaticString, value: String)] = [
            ("ETag", tag),
            // Kept, and asked about each time: a new version of the program counts at once.
            ("Cache-Control", "no-cache"),
            ("X-Content-Type-Options", "nosniff"),
        ]
        if kind == .page {
            fields.append(("Content-Security-Policy", Self.policy))
            fields.append(("Referrer-Policy", "same-origin"))
            fields.append(("X-Frame-Options", "DENY"))
        }
        self.fields = fields
    }

    /// Scripts and styles from here alone and none inside the page; data from here alone, which
    /// for `connect-src` takes in the sockets of the same host (CSP 3 §6.7.2.8).
    static let policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
        + " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

    /// - Parameter known: the client's `If-None-Match`, if it sent one.
    func response(ifNoneMatch known: RawSpan?) -> LocalResponse {
        if let known, matches(known) { return LocalResponse(status: 304, fields: fields) }
        return LocalResponse(status: 200, contentType: contentType, fields: fields, body: body)
    }

    /// `*`, or a list of tags that holds ours; weak ones compare like strong ones (RFC 9110
    /// §13.1.2). None of our tags holds a comma.
    func matches(_ known: RawSpan) -> Bool {
        guard let text = known.text() else { return false }
        return text.split(separator: ",").contains { part in
            var part = part.drop { $0 == " " || $0 == "\t" }
            while part.last == " " || part.last == "\t" { part.removeLast() }
            if part == "*" { return true }
            if part.hasPrefix("W/") { part = part.dropFirst(2) }
            return part == tag
        }
    }

    /// Half of the SHA-256: 128 bits tell any two files apart.
    private static func tag(of body: [UInt8]) -> String {
        let digits = Array("0123456789abcdef")
        let bytes = TokenDigest.of(body.rawSpan).bytes.prefix(16)
        return "\"" + String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }) + "\""
    }
}
