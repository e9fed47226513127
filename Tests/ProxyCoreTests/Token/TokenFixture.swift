// Owns the making of tokens, good and bad, for the tests of this folder.
// Called by them.
// Never reads a clock: `now` is fixed.

import XCTest

@testable import ProxyCore

/// 2023-11-14T22:13:20Z, where the tests live.
let testNow: Milliseconds = 1_700_000_000_000
let goodExpiry = 1_700_003_600

enum TokenFixture {
    static let secret = Array(
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef".utf8)
    static let header = #"{"alg":"HS256","typ":"JWT"}"#
    static let claims = #"{"user_id":42,"exp":1700003600}"#

    static func key(
        _ algorithm: TokenAlgorithm = .hs256, _ secret: [UInt8] = secret, id: String? = nil,
        issuer: String? = nil, audience: String? = nil
    ) -> TokenKey {
        do {
            return try TokenKey(
                algorithm, secret: secret, keyID: id, issuer: issuer, audience: audience)
        } catch {
            preconditionFailure("\(error)")
        }
    }

    static func verifier(
        _ keys: [TokenKey] = [key()], rules: ClaimRules = ClaimRules(),
        leeway: Milliseconds = 30_000
    ) -> Verifier {
        do {
            return Verifier(try KeyRing(keys, claims: rules, leeway: leeway))
        } catch {
            preconditionFailure("\(error)")
        }
    }

    static func base64(_ bytes: [UInt8]) -> String {
        var out = ByteBuffer()
        Base64URL.encode(bytes.rawSpan, into: &out)
        return String(decoding: out.array(), as: UTF8.self)
    }

    static func base64(_ text: String) -> String { base64(Array(text.utf8)) }

    /// A token with a right signature of whatever it is made of.
    static func token(
        header: String = header, claims: String = claims, key: TokenKey = key()
    ) -> String {
        TokenSigner(key).sign(header: header.rawSpan, claims: claims.rawSpan)
    }

    static func token(headerBytes: [UInt8], claimBytes: [UInt8]) -> String {
        TokenSigner(key()).sign(header: headerBytes.rawSpan, claims: claimBytes.rawSpan)
    }
}

extension Verifier {
    /// Against a guard page: a read behind the token ends the test run.
    func verdict(_ token: String, at now: Milliseconds = testNow) -> Verdict {
        atPageEnd(Array(token.utf8)) { verify($0, now: now) }
    }

    func claims(_ token: String, at now: Milliseconds = testNow) -> TokenClaims? {
        if case .valid(let claims, _) = verdict(token, at: now) { return claims }
        return nil
    }

    func fault(_ token: String, at now: Milliseconds = testNow) -> TokenFault? {
        if case .refused(let fault) = verdict(token, at: now) { return fault }
        return nil
    }
}

func hex(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}
