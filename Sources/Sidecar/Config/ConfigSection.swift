// Owns reading one object of the configuration: its known keys, and what else stands in it.
// Called by the readers of the sections.
// Never knows what a key means.

import ProxyCore

/// One object. A key that is asked for is known; `finish` reports every other one.
final class ConfigSection {
    let value: ConfigValue
    private let members: [JSONMember]
    fileprivate private(set) var known: [String] = []
    /// Keys whose `null` has been noted.
    private var nulls: Set<String> = []

    var path: String { value.path }
    var log: FindingLog { value.log }

    init(_ value: ConfigValue) {
        self.value = value
        members = value.node.object ?? []
        value.log.opened(self)
    }

    /// A section that does not stand in the file: all of it defaults.
    static func absent(_ path: String, at offset: Int, _ log: FindingLog) -> ConfigSection {
        let node = JSONNode(kind: .object([]), offset: offset)
        return ConfigSection(ConfigValue(node: node, path: path, log: log))
    }

    func error(_ message: String) { value.error(message) }

    private func path(of key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    /// The value of a key, or nil where the key is not there, or stands as `null` and cannot.
    /// - Parameter nullable: whether `null` means something; it is returned then.
    func value(_ key: String, nullable: Bool = false) -> ConfigValue? {
        if !known.contains(key) { known.append(key) }
        guard let node = value.node[key] else { return nil }
        let found = ConfigValue(node: node, path: path(of: key), log: log)
        if node.isNull, !nullable {
            if nulls.insert(key).inserted {
                found.error("null means nothing here: write a value or leave the key out")
            }
            return nil
        }
        return found
    }

    /// Names keys that may stand here, whether or not they are read.
    func knows(_ keys: [String]) {
        for key in keys where !known.contains(key) { known.append(key) }
    }

    /// The value of a key where it is there and not `null`.
    func present(_ key: String) -> ConfigValue? {
        value(key, nullable: true).flatMap { $0.node.isNull ? nil : $0 }
    }

    func text(_ key: String, like example: String) -> String? {
        value(key)?.text(like: example)
    }

    func flag(_ key: String, or fallback: Bool) -> Bool {
        value(key)?.flag() ?? fallback
    }

    func integer(_ key: String, or fallback: Int, in range: ClosedRange<Int>) -> Int {
        value(key)?.integer(in: range) ?? fallback
    }

    func duration(
        _ key: String, or fallback: Milliseconds, atLeast least: Milliseconds = 1,
        atMost most: Milliseconds = DurationText.longest
    ) -> Milliseconds {
        value(key)?.duration(in: least...most, like: fallback) ?? fallback
    }

    func size(_ key: String, or fallback: Int, in range: ClosedRange<Int>) -> Int {
        value(key)?.size(in: range, like: fallback) ?? fallback
    }

    func choice<Word: RawRepresentable & CaseIterable>(_ key: String, or fallback: Word) -> Word
    where Word.RawValue == String {
        value(key)?.choice(Word.self) ?? fallback
    }

    /// The section of a key; an empty one where the key is not there, so that reading it gives
    /// the defaults.
    func section(_ key: String, like example: String = "{ … }") -> ConfigSection {
        value(key)?.section(like: example)
            ?? .absent(path(of: key), at: value.node.offset, log)
    }

    /// The section of a key that may be missing or null.
    func optionalSection(_ key: String, like example: String) -> ConfigSection? {
        present(key)?.section(like: example)
    }

    /// The objects of a list.
    func sections(_ key: String, like example: String) -> [ConfigSection] {
        value(key)?.items(like: example)?.compactMap { $0.section(like: example) } ?? []
    }

    /// Reports keys that stand twice and keys that nobody has asked for.
    /// - Parameter elsewhere: keys of other sections with the section, for one in the wrong place.
    fileprivate func finish(elsewhere: [String: String]) {
        var seen: [[UInt8]: Int] = [:]
        for member in members {
            let name = Array(member.key.utf8)
            let place = path(of: member.key)
            if let first = seen[name] {
                let line = log.line(of: first)
                log.error(
                    place, at: member.keyOffset,
                    "stands twice, first in line \(line): keep one of them")
                continue
            }
            seen[name] = member.keyOffset
            guard !known.contains(where: { $0.utf8.elementsEqual(name) }) else { continue }
            log.error(place, at: member.keyOffset, advice(for: member.key, elsewhere))
        }
    }

    private func advice(for key: String, _ elsewhere: [String: String]) -> String {
        if known.contains(key + "_env") {
            return "unknown key: a secret never stands in the file;"
                + " write \(key)_env: \"NAME\" or \(key)_file: \"PATH\""
        }
        if let home = elsewhere[key] { return "unknown key here: it belongs under \"\(home)\"" }
        if let meant = Nearest.match(key, among: known) {
            return "unknown key: did you mean \"\(meant)\"?"
        }
        if let meant = Nearest.match(key, among: elsewhere.keys.sorted()),
            let home = elsewhere[meant]
        {
            return "unknown key: did you mean \"\(meant)\" under \"\(home)\"?"
        }
        return "unknown key: known here are \(known.joined(separator: ", "))"
    }
}

extension ConfigSection {
    /// Reports what stands in the sections of a configuration that has been read to its end, so
    /// that a key in the wrong section can be sent to the right one.
    static func finish(_ sections: [ConfigSection]) {
        var homes: [String: String] = [:]
        var shared: Set<String> = []
        for section in sections where !section.path.isEmpty && !section.path.contains("[") {
            for key in section.known where homes.updateValue(section.path, forKey: key) != nil {
                shared.insert(key)
            }
        }
        for key in shared { homes[key] = nil }
        for section in sections { section.finish(elsewhere: homes) }
    }
}
