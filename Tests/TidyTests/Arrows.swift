// Owns which target and which room may know which.
// Called by ArrowTests.
// Never judges by hearsay: a name counts where exactly one room declares it.

/// The arrows between targets, and between the rooms of ProxyCore.
enum Arrows {
    /// What each target may import.
    static let imports: [String: Set<String>] = [
        "ProxyCore": ["CLinux", "CWide", "COpenSSL", "Glibc", "Synchronization"],
        "Presence": ["ProxyCore", "CSQLite", "Glibc", "Synchronization"],
        "StatusAPI": ["Presence", "ProxyCore", "Synchronization", "FoundationEssentials"],
        "Sidecar": [
            "StatusAPI", "Presence", "ProxyCore", "Glibc", "Synchronization",
            "FoundationEssentials",
        ],
    ]

    /// Files that alone may see a C library; by the beginning of their path.
    static let wrappers: [String: [String]] = [
        "CLinux": ["Sources/ProxyCore/Platform/"],
        "CWide": ["Sources/ProxyCore/Bytes/"],
        "COpenSSL": ["Sources/ProxyCore/Crypto/"],
        "CSQLite": ["Sources/Presence/Store/"],
    ]

    static func targets(_ file: TreeFile) -> [Finding] {
        guard file.parts.count > 2, let allowed = imports[file.parts[1]] else {
            return [Finding(file.path, 1, "belongs to no target that has arrows here")]
        }
        var found: [Finding] = []
        for (index, line) in file.swift.code.enumerated() {
            let words = line.split { $0 == " " || $0 == "." }.map(String.init)
            guard let place = words.firstIndex(of: "import"), place < 3 else { continue }
            guard let module = words.dropFirst(place + 1).first(where: { !kinds.contains($0) })
            else { continue }
            if !allowed.contains(module) {
                found.append(
                    Finding(file.path, index + 1, "\(file.parts[1]) may not see \(module)"))
            } else if let few = wrappers[module], !few.contains(where: file.path.hasPrefix) {
                found.append(Finding(file.path, index + 1, "\(module) is wrapped elsewhere"))
            }
        }
        return found
    }

    private static let kinds: Set<String> = ["struct", "class", "enum", "func", "protocol"]

    // MARK: Rooms

    /// From top to bottom: a room sees itself and those above it.
    static let rooms = [
        "Limits", "Platform", "Bytes", "JSON", "HTTP", "Crypto", "Token", "WebSocket", "Loop",
        "Fetch", "Proxy",
    ]
    /// Names of units that the top rooms use of the one below: `Limits` is a page of numbers.
    static let units: Set<String> = ["Milliseconds"]

    /// `Sources/ProxyCore/HTTP/Method.swift`: `HTTP`.
    static func room(_ file: TreeFile) -> String? {
        guard file.parts.count > 2, file.parts[1] == "ProxyCore" else { return nil }
        return file.parts.count == 3
            ? String(file.parts[2].dropLast(".swift".count)) : file.parts[2]
    }

    /// Every mention of a name that a lower room declares.
    static func rooms(_ files: [TreeFile]) -> [Finding] {
        let homes = homes(files)
        var found: [Finding] = []
        for file in files {
            guard let room = room(file), let rank = rooms.firstIndex(of: room) else {
                found.append(Finding(file.path, 1, "stands in no room: \(rooms)"))
                continue
            }
            let own = Set(Declarations(file.swift).all)
            for (word, line) in file.swift.words() {
                let name = String(word)
                guard !units.contains(name), !own.contains(name), let home = homes[name],
                    let other = rooms.firstIndex(of: home), other > rank
                else { continue }
                found.append(Finding(file.path, line, "\(room) mentions \(name) of \(home)"))
            }
        }
        return found
    }

    /// Where each name lives that other rooms can see: types, functions without a type, and
    /// members that a room adds to a type of the standard library. A name that several rooms
    /// declare, in whatever way, belongs to none.
    static func homes(_ files: [TreeFile]) -> [String: String] {
        var visible: [String: Set<String>] = [:]
        var anywhere: [String: Set<String>] = [:]
        let ours = Set(files.flatMap { Declarations($0.swift).types })
        for file in files {
            guard let room = room(file) else { continue }
            let declared = Declarations(file.swift)
            for name in declared.visible(ours: ours) { visible[name, default: []].insert(room) }
            for name in declared.all { anywhere[name, default: []].insert(room) }
        }
        var homes: [String: String] = [:]
        for (name, places) in visible where places.count == 1 && anywhere[name]?.count == 1 {
            homes[name] = places.first
        }
        return homes
    }
}

/// What a file declares.
struct Declarations {
    private static let typeWords: Set<Substring> = [
        "struct", "class", "enum", "protocol", "actor", "typealias",
    ]
    private static let memberWords: Set<Substring> = ["func", "var", "let", "case"]

    /// Types at the outermost level that other files can see.
    private(set) var types: [String] = []
    /// Functions and values at the outermost level that other files can see.
    private var loose: [String] = []
    /// Members of extensions, with the extended type.
    private var added: [(type: String, name: String)] = []
    /// Every declared name, however deep or private.
    private(set) var all: [String] = []

    init(_ text: SwiftText) {
        var depth = 0
        var extended: String?
        for line in text.code {
            let words = line.split { !($0.isLetter || $0.isNumber || $0 == "_") }
            let isPrivate = words.contains("private") || words.contains("fileprivate")
            if depth == 0, let place = words.firstIndex(of: "extension"), place + 1 < words.count {
                extended = isPrivate ? nil : String(words[place + 1])
            }
            for (name, isType) in Self.names(words) {
                all.append(name)
                guard !isPrivate else { continue }
                if depth == 0 {
                    if isType { types.append(name) } else { loose.append(name) }
                } else if depth == 1, let extended {
                    added.append((extended, name))
                }
            }
            for character in line {
                if character == "{" { depth += 1 }
                if character == "}" { depth -= 1 }
            }
            if depth == 0, line.contains("}") { extended = nil }
        }
    }

    /// The names that other rooms can mention and that are this room's doing.
    func visible(ours: Set<String>) -> [String] {
        types + loose + added.filter { !ours.contains($0.type) }.map(\.name)
    }

    private static func names(_ words: [Substring]) -> [(name: String, isType: Bool)] {
        for (index, word) in words.enumerated() where index + 1 < words.count {
            if typeWords.contains(word) {
                // `class func` declares a function.
                if memberWords.contains(words[index + 1]) { continue }
                return [(String(words[index + 1]), true)]
            }
            if memberWords.contains(word) { return [(String(words[index + 1]), false)] }
        }
        return []
    }
}
