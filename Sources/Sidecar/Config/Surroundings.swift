// Owns what a configuration refers to outside its file: variables and secret files.
// Called by the config reader; tests put their own in its place.
// Never keeps a secret.

import ProxyCore

/// The world around a configuration file.
struct Surroundings: Sendable {
    /// Bytes of a file that holds a secret: more is the wrong file.
    static let secretLimit = 64 * 1024

    /// The value of an environment variable.
    var variable: @Sendable (String) -> String?
    /// The contents of a file of at most so many bytes.
    var contents: @Sendable (_ path: String, _ limit: Int) throws(SystemError) -> [UInt8]
    /// Why a file could not be written at a path; nil: it could.
    var obstacle: @Sendable (String) -> String? = { _ in nil }

    static let system = Surroundings(
        variable: { Environment.value(of: $0) },
        contents: { path, limit throws(SystemError) in
            try FileDescriptor.contents(of: path, limit: limit)
        },
        obstacle: { FilePath.obstacle(toWriting: $0) })
}

/// Reads the secret that a section names by `KEY_env` or `KEY_file`.
struct SecretReader {
    let surroundings: Surroundings

    /// - Parameter word: what findings call it.
    /// - Returns: the secret and where it is named; nil where neither key is there or the secret
    ///   cannot be read, which has been noted.
    func secret(
        _ key: String, in section: ConfigSection, called word: String = "secret"
    ) -> (bytes: [UInt8], value: ConfigValue)? {
        let variable = section.value("\(key)_env")
        let file = section.value("\(key)_file")
        if let variable, file != nil {
            variable.error("contradicts \(key)_file: keep one of them")
            return nil
        }
        if let variable { return fromVariable(variable, word).map { ($0, variable) } }
        if let file { return fromFile(file, word).map { ($0, file) } }
        return nil
    }

    private func fromVariable(_ value: ConfigValue, _ word: String) -> [UInt8]? {
        guard let name = value.text(like: "JWT_SECRET") else { return nil }
        // The text is not shown where it is no name: it may be the secret itself.
        let isName = name.utf8.enumerated().allSatisfy { index, byte in
            (byte | 0x20) &- 0x61 < 26 || byte == 0x5F || (index > 0 && byte &- 0x30 < 10)
        }
        guard isName else {
            value.error(
                "is no name of an environment variable: write one like \"JWT_SECRET\";"
                    + " the \(word) itself never stands in the file")
            return nil
        }
        guard let secret = surroundings.variable(name) else {
            value.error(
                "the environment variable \(name) is not set: set it to the \(word)")
            return nil
        }
        guard !secret.isEmpty else {
            value.error("the environment variable \(name) is empty: set it to the \(word)")
            return nil
        }
        return Array(secret.utf8)
    }

    private func fromFile(_ value: ConfigValue, _ word: String) -> [UInt8]? {
        guard let text = value.text(like: "/run/secrets/jwt"), let path = path(text, value) else {
            return nil
        }
        do throws(SystemError) {
            var bytes = try surroundings.contents(path, Surroundings.secretLimit)
            // Editors and `echo` end a file with a line end that nobody means.
            if bytes.last == 0x0A { bytes.removeLast() }
            if bytes.last == 0x0D { bytes.removeLast() }
            guard !bytes.isEmpty else {
                value.error("the file \(path) is empty: put the \(word) into it")
                return nil
            }
            return bytes
        } catch {
            value.error(
                "cannot read the file \(path) (\(error)): write the path of a readable one")
            return nil
        }
    }

    /// The whole path that a text in the file means; nil: it means none, which has been noted.
    func path(_ text: String, _ value: ConfigValue) -> String? {
        if let path = expanded(text) { return path }
        value.error(
            "CREDENTIALS_DIRECTORY is not set: start the service by systemd with"
                + " LoadCredential=, or write the whole path")
        return nil
    }

    /// The directory that systemd puts credentials into has another name at each start.
    private func expanded(_ path: String) -> String? {
        for prefix in ["$CREDENTIALS_DIRECTORY/", "${CREDENTIALS_DIRECTORY}/"]
        where path.hasPrefix(prefix) {
            guard let directory = surroundings.variable("CREDENTIALS_DIRECTORY") else { return nil }
            return directory + "/" + path.dropFirst(prefix.count)
        }
        return path
    }
}
