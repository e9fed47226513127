// Owns the description of the API as it is in this installation.
// Called by WebFiles when the service is made.
// Never says what the API is: openapi.json does, and a test holds it to the endpoints.

import ProxyCore

/// `openapi.json`: the file as it stands in the tree, with the words of the configuration.
///
/// The server's URL is a path from the root of the host. A URL that is relative to the document's
/// own address (`.`) would need no filling in, but tools are not agreed about it: from a saved
/// document openapi-generator makes `http://.`, schemathesis `http://host/.`. A path from the root
/// they, and viewers, resolve alike.
enum APIDescription {
    /// What the file says where an installation says something of its own.
    private static let prefix = #""url": "/_presence""#
    private static let version = #""version": "0.0.0""#
    private static let cookie = #""in": "cookie", "name": "sessionid""#
    private static let parameter = #""in": "query", "name": "token""#
    static let markers = [prefix, version, cookie, parameter]

    static func document(_ api: APISettings, _ tokens: TokenSettings) -> [UInt8] {
        var words = [
            (prefix, #""url": \#(quoted(api.prefix))"#),
            (version, #""version": \#(quoted(api.version))"#),
        ]
        // The first of each that is read; what is none of these is described in words.
        if let name = tokens.places.lazy.compactMap(\.asCookie).first {
            words.append((cookie, #""in": "cookie", "name": \#(quoted(name))"#))
        }
        if let name = tokens.places.lazy.compactMap(\.asQuery).first {
            words.append((parameter, #""in": "query", "name": \#(quoted(name))"#))
        }
        return words.reduce(PackageResources.openapi_json) { text, word in
            text.replacing(Array(word.0.utf8), with: Array(word.1.utf8), maxReplacements: 1)
        }
    }

    private static func quoted(_ text: String) -> String {
        var json = JSONWriter(capacity: text.utf8.count + 2)
        json.string(text)
        return String(decoding: json.finish(), as: UTF8.self)
    }
}

extension TokenPlace {
    fileprivate var asCookie: String? {
        if case .cookie(let name) = self { name } else { nil }
    }

    fileprivate var asQuery: String? {
        if case .query(let name) = self { name } else { nil }
    }
}
