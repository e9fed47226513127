// Owns the forms that answers and bodies of the endpoints share.
// Called by the endpoints.
// Never knows what an endpoint is about.

import Presence
import ProxyCore

/// Making answers.
enum Answers {
    /// Presence is true for a moment: nobody may keep it (RFC 9111 §5.2.2.5).
    static func json(_ body: consuming JSONWriter, status: Int = 200) -> LocalResponse {
        LocalResponse(
            status: status, contentType: "application/json",
            fields: [("Cache-Control", "no-store")], body: body.finish())
    }
}

/// Reading bodies.
enum Bodies {
    /// The object in a body; nil where the body is empty.
    /// - Parameter what: what it is to whoever sent it.
    /// - Throws: 400 where it is something else.
    static func object(
        _ body: RawSpan, called what: StaticString = "body"
    ) throws(Problem) -> JSONNode? {
        guard !isBlank(body) else { return nil }
        let root: JSONNode
        do {
            root = try JSONReader.read(body, maximumDepth: APILimits.jsonDepth)
        } catch {
            throw .badRequest("The \(what) is not JSON: \(error.description).")
        }
        guard root.object != nil else { throw .badRequest("The \(what) must be a JSON object.") }
        return root
    }

    private static func isBlank(_ body: RawSpan) -> Bool {
        for index in 0..<body.byteCount {
            switch body[at: index] {
            case 0x20, 0x09, 0x0A, 0x0D: continue
            default: return false
            }
        }
        return true
    }

    /// The status that an object names as `online_status` or `status`; nil: neither.
    static func status(_ root: JSONNode, among allowed: [Status]) throws(Problem) -> Status? {
        let first = try status(root["online_status"], "online_status", allowed)
        let second = try status(root["status"], "status", allowed)
        if let first, let second, first != second {
            throw .badRequest("'online_status' and 'status' name two different statuses.")
        }
        return first ?? second
    }

    private static func status(
        _ node: JSONNode?, _ name: String, _ allowed: [Status]
    ) throws(Problem) -> Status? {
        guard let node, !node.isNull else { return nil }
        guard let status = node.string.flatMap(Status.init(word:)), allowed.contains(status) else {
            let words = allowed.map { "'\($0.word)'" }.joined(separator: ", ")
            throw .badRequest("'\(name)' must be one of \(words).")
        }
        return status
    }
}
