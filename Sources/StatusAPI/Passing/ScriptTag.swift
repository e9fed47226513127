// Owns the tag that brings the client script into a page.
// Called by TagInjector, and by the assembly with what a route says.
// Never writes a byte that could end an attribute: what is put in is escaped, whoever checked it.

import ProxyCore

/// What the client script is told in its tag: where a page keeps its token, whom it shows.
public struct ScriptAttribute: Sendable, Equatable {
    /// `data-…`.
    public let name: String
    /// Any text.
    public let value: String

    public init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

/// The tag, ready to be written.
final class ScriptTag: Sendable {
    /// `<script src="…/client.js" defer data-presence`, and attributes.
    private let opening: [UInt8]
    /// The path of the script, and that of what it connects to.
    let path: [UInt8]
    let socket: [UInt8]

    init(prefix: String, attributes: [ScriptAttribute]) {
        path = Array("\(prefix)/client.js".utf8)
        socket = Array("\(prefix)/ws".utf8)
        var text = "<script src=\"\(Self.escaped("\(prefix)/client.js"))\" defer data-presence"
        for attribute in attributes {
            text += " \(attribute.name)=\"\(Self.escaped(attribute.value))\""
        }
        opening = Array(text.utf8)
    }

    func write(nonce: [UInt8]?, into out: inout ByteBuffer) {
        out.append(opening)
        if let nonce {
            out.append(" nonce=\"")
            out.append(nonce)
            out.append("\"")
        }
        out.append("></script>")
    }

    /// Whether a path ends in that of the script.
    func isEnd(of path: RawSpan) -> Bool {
        let own = self.path
        let rest = path.byteCount - own.count
        return rest >= 0 && path[rest..<path.byteCount].equals(own.rawSpan)
    }

    /// Text as it stands between double quotes. What is not ASCII stands as a reference, so that
    /// it means the same in every encoding of a page.
    private static func escaped(_ text: String) -> String {
        var out = ""
        for scalar in text.unicodeScalars {
            let isPlain =
                scalar.value >= 0x20 && scalar.value < 0x7F
                && !["&", "<", ">", "\""].contains(scalar)
            if isPlain {
                out.unicodeScalars.append(scalar)
            } else {
                out += "&#\(scalar.value);"
            }
        }
        return out
    }
}
