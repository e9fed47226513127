// Owns reading where the keys of one entry come from: a secret, a PEM file, a JWKS file or URL.
// Called by KeysReader, and for certificates by IntrospectionReader.
// Never shows a secret, never fetches.

import ProxyCore

/// Reads key material and says exactly what is wrong with it.
struct KeySources {
    /// Bytes of a file of certificates: a system's whole bundle fits in.
    private static let authoritiesLimit = 4 << 20
    static let setExample = "https://id.example/.well-known/jwks.json"

    let secrets: SecretReader

    private var surroundings: Surroundings { secrets.surroundings }

    /// The bytes of a file that a value names; nil: what is wrong has been noted.
    private func contents(_ value: ConfigValue, _ path: String, limit: Int) -> [UInt8]? {
        do throws(SystemError) {
            let bytes = try surroundings.contents(path, limit)
            guard bytes.isEmpty else { return bytes }
            value.error("the file \(path) is empty: put the key into it")
        } catch {
            value.error(
                "cannot read the file \(path) (\(error)): write the path of a readable one")
        }
        return nil
    }

    /// One public key in a PEM file.
    func publicKey(_ value: ConfigValue) -> PublicKey? {
        guard let text = value.text(like: "/etc/sidecar/public.pem"),
            let path = secrets.path(text, value),
            let bytes = contents(value, path, limit: Surroundings.secretLimit)
        else { return nil }
        do throws(KeyError) {
            return try PublicKey(pem: bytes.rawSpan)
        } catch {
            value.error("the file \(path): \(error)")
            return nil
        }
    }

    /// Where a key set is published, and the keys where that is a file.
    func keySet(_ value: ConfigValue) -> (keys: [PublishedKey], place: KeySource.Place)? {
        guard let text = value.text(like: Self.setExample) else { return nil }
        do throws(FetchURLError) {
            let place = try KeySource.Place(text)
            guard case .file(let short) = place else { return ([], place) }
            guard let path = secrets.path(short, value), let keys = keys(value, path) else {
                return nil
            }
            return (keys, .file(path: path))
        } catch {
            value.error("\(AddressText.shown(text)) \(error)")
            return nil
        }
    }

    private func keys(_ value: ConfigValue, _ path: String) -> [PublishedKey]? {
        guard let bytes = contents(value, path, limit: Limits.keySetBytes) else { return nil }
        do throws(KeyError) {
            return try WebKeySet.read(bytes.rawSpan)
        } catch {
            value.error("the file \(path): \(error)")
            return nil
        }
    }

    /// The file of certificates to trust instead of the system's.
    /// - Parameter target: what is fetched; a file of certificates goes with https alone.
    func authorities(
        _ key: String, _ section: ConfigSection, of target: FetchTarget?
    ) -> String? {
        guard let value = section.value(key), let text = value.text(like: "/etc/sidecar/ca.pem")
        else { return nil }
        guard target?.scheme == .https else {
            value.error("goes with an https:// URL alone: leave it out")
            return nil
        }
        guard let path = secrets.path(text, value),
            let bytes = contents(value, path, limit: Self.authoritiesLimit)
        else { return nil }
        guard String(decoding: bytes, as: UTF8.self).contains("-----BEGIN CERTIFICATE-----") else {
            value.error(
                "the file \(path) holds no certificate: write the path of one that begins with"
                    + " -----BEGIN CERTIFICATE-----")
            return nil
        }
        return path
    }
}

extension FetchTarget {
    /// Whether nobody can read or change on the way what is fetched there.
    var isProtected: Bool { isSecure || isLoopback }
}
