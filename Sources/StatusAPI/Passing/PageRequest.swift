// Owns which requests ask for a page, and which answers are one that our tag may go into.
// Called at the admission of requests to routes that inject, and at the heads of their answers.
// Never looks into a body.

import ProxyCore

/// A request to a route that injects.
enum PageRequest {
    /// Libraries that ask for a part of a page, or put a page's parts into another one.
    private static let scripts: [StaticString] = [
        "hx-request", "turbo-frame", "x-pjax", "x-inertia", "x-up-version", "x-up-target",
        "x-unpoly",
    ]

    /// Whether a browser is going to show the answer as a page, as far as the request says: what
    /// a script asks for is put together by that script (Fetch Metadata §2.1).
    static func isForPage(_ request: borrowing RequestHead, _ bytes: RawSpan) -> Bool {
        if request.fields.has(.xRequestedWith) { return false }
        // Whoever wants a part of it goes on with a download, or plays something.
        if request.fields.has(.range) { return false }
        if let accept = request.fields.value(.accept, in: bytes), !Self.wantsPages(accept) {
            return false
        }
        for index in 0..<request.fields.count {
            let field = request.fields[index]
            guard field.known == .other else { continue }
            let name = bytes[field.name]
            if name.equalsFolded("sec-fetch-dest") {
                let value = bytes[field.value]
                guard
                    value.equals("document") || value.equals("iframe") || value.equals("frame")
                else { return false }
            }
            if scripts.contains(where: { name.equalsFolded($0) }) { return false }
        }
        return true
    }
}

extension PageRequest {
    /// Browsers that do not send Sec-Fetch-Dest (it is for https alone) name first what a picture,
    /// a style or a sound may be; tools that take anything say so.
    private static func wantsPages(_ accept: RawSpan) -> Bool {
        accept.begins(folded: "*/*") || accept.holds(folded: "text/html")
            || accept.byteCount == 0
    }
}

/// What the head of an answer says of it.
enum PageAnswer {
    /// With the policies of its head.
    case page(PolicyVerdict)
    /// That of a page, without its body.
    case announced
    case leave(InjectionOutcome)
    /// Nothing that could be a page: not even worth counting.
    case nothing

    init(_ head: borrowing ResponseHead, _ bytes: RawSpan, origin: PageOrigin) {
        // A 304 speaks of the page that the client has, whose ETag came from here as a weak one.
        guard Self.isShown(status: head.status) || head.status == 304 else {
            self = .nothing
            return
        }
        if let reason = Self.obstacle(head, bytes) {
            self = .leave(reason)
            return
        }
        guard !head.framing.isEmpty else {
            self = head.framing == .none ? .announced : .leave(.notHTML)
            return
        }
        var policies = PolicyVerdict()
        for index in 0..<head.fields.count {
            let field = head.fields[index]
            guard !field.dropped else { continue }
            if field.known == .contentSecurityPolicy {
                policies.add(field: bytes[field.value], origin: origin)
            } else if field.known == .other,
                bytes[field.name].equalsFolded("integrity-policy"),
                bytes[field.value].holds(folded: "script")
            {
                policies.block()
            }
        }
        self = policies.isBlocked ? .leave(.policy) : .page(policies)
    }

    /// Pages that people look at: also "not found" and forms with a mistake in them. An error of
    /// the server is left as it is, for whoever looks for its cause; 204, 205 and 206 have no page.
    private static func isShown(status: Int) -> Bool {
        (200...203).contains(status) || (400...499).contains(status)
    }

    private static func obstacle(
        _ head: borrowing ResponseHead, _ bytes: RawSpan
    ) -> InjectionOutcome? {
        guard let type = head.fields.value(.contentType, in: bytes) else {
            // RFC 9110 §15.4.5: a 304 need not say it again.
            return head.status == 304 ? nil : .notHTML
        }
        guard head.fields.count(of: .contentType) == 1, isHTML(type) else { return .notHTML }
        if let disposition = head.fields.value(.contentDisposition, in: bytes),
            !disposition.begins(folded: "inline")
        {
            return .notHTML
        }
        for index in 0..<head.fields.count {
            let field = head.fields[index]
            if field.known == .cacheControl, bytes[field.value].holds(folded: "no-transform") {
                return .noTransform
            }
            if field.known == .contentEncoding, !bytes[field.value].equalsFolded("identity") {
                return .encoded
            }
        }
        if let label = PageCharset.label(in: type), !PageCharset.isSafe(type[label]) {
            return .charset
        }
        return nil
    }

    /// `text/html` and nothing more. XHTML sent as XML follows other rules, in which a tag that is
    /// wrong breaks the page.
    private static func isHTML(_ type: RawSpan) -> Bool {
        guard type.begins(folded: "text/html") else { return false }
        guard type.byteCount > 9 else { return true }
        return type[at: 9] == 0x3B || HTMLByte.isBlank(type[at: 9])
    }
}

extension RawSpan {
    /// Whether `literal`, which is in lower case, stands anywhere in it, with letters folded.
    func holds(folded literal: StaticString) -> Bool {
        let count = literal.utf8CodeUnitCount
        guard byteCount >= count else { return false }
        return (0...byteCount - count).contains { at in
            extracting(at..<at + count).equalsFolded(literal)
        }
    }
}
