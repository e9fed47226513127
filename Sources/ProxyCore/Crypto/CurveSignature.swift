// Owns the form of ECDSA signatures: r and s side by side, as tokens have them, and in DER.
// Called by SignatureCheck.
// Never computes on a curve.

/// r and s of one curve.
struct CurveSignature: Sendable {
    /// Room for the longest in DER: two numbers of 66 bytes (they begin below 0x80: the order of
    /// P-521 has 521 bits), each with two bytes before it, and three for both.
    typealias Frame = [139 of UInt8]

    /// The order of the curve's group, big-endian.
    private let order: [UInt8]

    /// nil: no curve.
    init?(_ kind: PublicKey.Kind) {
        // SEC 2 §2.4.2, §2.5.1 and §2.6.1.
        let words: [UInt64]
        switch kind {
        case .rsa, .ed25519, .ed448: return nil
        case .p256:
            words = [
                0xffff_ffff_0000_0000, 0xffff_ffff_ffff_ffff, 0xbce6_faad_a717_9e84,
                0xf3b9_cac2_fc63_2551,
            ]
        case .p384:
            words = [
                0xffff_ffff_ffff_ffff, 0xffff_ffff_ffff_ffff, 0xffff_ffff_ffff_ffff,
                0xc763_4d81_f437_2ddf, 0x581a_0db2_48b0_a77a, 0xecec_196a_ccc5_2973,
            ]
        case .p521:
            words = [
                0x01ff, 0xffff_ffff_ffff_ffff, 0xffff_ffff_ffff_ffff, 0xffff_ffff_ffff_ffff,
                0xffff_ffff_ffff_fffa, 0x5186_8783_bf2f_966b, 0x7fcc_0148_f709_a5d0,
                0x3bb5_c9b8_899c_47ae, 0xbb6f_b71e_9138_6409,
            ]
        }
        let bytes = words.flatMap { word in
            (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(56 - 8 * $0)) }
        }
        order = Array(bytes.drop { $0 == 0 })
    }

    /// Writes the signature as the ECDSA-Sig-Value of RFC 3279 §2.2.3.
    ///
    /// - Parameter raw: twice as many bytes as the order has.
    /// - Returns: how many were written, or nil where r or s is not within 1…order - 1
    ///   (SEC 1 §4.1.4).
    func frame(_ raw: RawSpan, into out: inout MutableSpan<UInt8>) -> Int? {
        let half = order.count
        guard raw.byteCount == 2 * half else { return nil }
        let r = raw.extracting(0..<half)
        let s = raw.extracting(half..<(2 * half))
        guard isWithin(r), isWithin(s) else { return nil }
        let body = Self.length(r) + Self.length(s)
        out[0] = 0x30
        var place = 2
        if body >= 0x80 {
            out[1] = 0x81
            place = 3
        }
        out[place - 1] = UInt8(body)
        Self.write(r, into: &out, at: &place)
        Self.write(s, into: &out, at: &place)
        return place
    }

    private func isWithin(_ number: RawSpan) -> Bool {
        var isZero = true
        // -1 below the order, 1 above; decided by the first byte that differs.
        var order = 0
        for index in 0..<number.byteCount {
            let byte = number[at: index]
            if byte != 0 { isZero = false }
            if order == 0, byte != self.order[index] { order = byte < self.order[index] ? -1 : 1 }
        }
        return !isZero && order < 0
    }

    private static func zeros(_ number: RawSpan) -> Int {
        var zeros = 0
        while number[at: zeros] == 0 { zeros += 1 }
        return zeros
    }

    /// Bytes of a positive number with tag and length; a first bit that is set wants a zero
    /// before it.
    private static func length(_ number: RawSpan) -> Int {
        let zeros = zeros(number)
        return 2 + number.byteCount - zeros + (number[at: zeros] >= 0x80 ? 1 : 0)
    }

    private static func write(
        _ number: RawSpan, into out: inout MutableSpan<UInt8>, at place: inout Int
    ) {
        let zeros = zeros(number)
        let sign = number[at: zeros] >= 0x80
        out[place] = 0x02
        out[place + 1] = UInt8(number.byteCount - zeros + (sign ? 1 : 0))
        place += 2
        if sign {
            out[place] = 0
            place += 1
        }
        for index in zeros..<number.byteCount {
            out[place] = number[at: index]
            place += 1
        }
    }
}
