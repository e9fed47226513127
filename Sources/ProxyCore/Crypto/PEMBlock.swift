// Owns cutting the one block out of a PEM text.
// Called by PublicKey; the bytes in it are read there.
// Never decrypts, never takes the first of several.

import COpenSSL

/// A block of PEM (RFC 7468).
struct PEMBlock {
    let label: String
    let bytes: [UInt8]

    /// - Throws: `KeyError` for no block, several, one of a private key, one that is malformed.
    init(only text: RawSpan) throws(KeyError) {
        // A public key of 16,384 bits has 3 KiB; a certificate with everything in it, 10.
        guard text.byteCount <= Limits.keySetBytes else {
            throw .setTooLarge(limit: Limits.keySetBytes)
        }
        var labels: [String] = []
        var place = 0
        while let start = Self.find("-----BEGIN ", in: text, from: place) {
            guard let end = Self.find("-----", in: text, from: start + 11) else {
                throw .malformed
            }
            guard let label = text.extracting((start + 11)..<end).text() else { throw .malformed }
            labels.append(label)
            place = end + 5
        }
        // First of all: it must be said, whatever else stands there.
        if labels.contains(where: { $0.hasSuffix("PRIVATE KEY") }) { throw .privateKey }
        guard let label = labels.first else { throw .notPEM }
        guard labels.count == 1 else { throw .severalBlocks }
        guard let bytes = Self.decode(text) else { throw .malformed }
        self.label = label
        self.bytes = bytes
    }

    private static func find(_ mark: StaticString, in text: RawSpan, from start: Int) -> Int? {
        let length = mark.utf8CodeUnitCount
        var place = start
        while let dash = text.first(0x2d, from: place), dash + length <= text.byteCount {
            if text.extracting(dash..<(dash + length)).equals(mark) { return dash }
            place = dash + 1
        }
        return nil
    }

    /// The bytes of the first block.
    private static func decode(_ text: RawSpan) -> [UInt8]? {
        defer { ERR_clear_error() }
        return unsafe text.withUnsafeBytes { memory -> [UInt8]? in
            guard let base = memory.baseAddress,
                let source = unsafe BIO_new_mem_buf(base, CInt(memory.count))
            else { return nil }
            defer { unsafe BIO_free(source) }
            var name: UnsafeMutablePointer<CChar>?
            var header: UnsafeMutablePointer<CChar>?
            var data: UnsafeMutablePointer<UInt8>?
            var count = 0
            guard unsafe PEM_read_bio(source, &name, &header, &data, &count) == 1 else {
                return nil
            }
            defer {
                unsafe CRYPTO_free(name, #fileID, #line)
                unsafe CRYPTO_free(header, #fileID, #line)
                unsafe CRYPTO_free(data, #fileID, #line)
            }
            // Only encrypted keys have header lines.
            guard let first = unsafe header?.pointee, first == 0, let data = unsafe data else {
                return nil
            }
            return unsafe Array(UnsafeBufferPointer(start: data, count: count))
        }
    }
}
