// Owns the verification of signatures by one public key with one algorithm.
// Called by the verifier of one loop.
// Never takes two texts for one signature, never lets a signature choose its parameters.

import COpenSSL

/// What became of a signature.
enum SignatureOutcome: Equatable {
    case good
    /// Well-formed, and not of this key over this message.
    case mismatch
    /// No signature of this algorithm, whatever the message.
    case malformed
}

/// One key with one algorithm. Not Sendable: it owns contexts of libcrypto.
@safe final class SignatureCheck {
    let algorithm: TokenAlgorithm

    init(_ key: PublicKey, _ algorithm: TokenAlgorithm) {
        self.algorithm = algorithm
    }

    func outcome(_ message: RawSpan, _ signature: RawSpan) -> SignatureOutcome { .malformed }

    func verifies(_ message: RawSpan, _ signature: RawSpan) -> Bool {
        outcome(message, signature) == .good
    }
}
