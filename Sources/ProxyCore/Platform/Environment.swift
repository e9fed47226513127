// Owns reading the environment of the process.
// Called by the configuration for secrets that stand in variables.
// Never changes it.

import Glibc

/// The variables that the process was started with.
public enum Environment {
    /// The value of a variable; nil where it is not set or not UTF-8.
    public static func value(of name: String) -> String? {
        guard let value = unsafe getenv(name) else { return nil }
        return unsafe String(validatingCString: value)
    }
}
