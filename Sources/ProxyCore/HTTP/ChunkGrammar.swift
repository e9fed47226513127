// Owns the grammar of chunk extensions and of trailer fields, byte by byte.
// Called by ChunkedDecoder.
// Never keeps what it reads: both are dropped.

extension ChunkedDecoder {
    /// `*( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] )` (RFC 9112 §7.1.1), but
    /// no blank may follow the size itself.
    /// - Returns: the next state; nil: the byte cannot stand here.
    static func afterExtensionByte(_ byte: UInt8, in state: State) -> State? {
        switch state {
        case .extensionStart:
            if byte.isBlank { return .extensionStart }
            return byte.isOf(.token) ? .extensionName : nil
        case .extensionName:
            if byte.isOf(.token) { return .extensionName }
            if byte == .carriageReturn { return .sizeEnd }
            return afterName(byte)
        case .extensionNamed:
            return afterName(byte)
        case .valueStart:
            if byte.isBlank { return .valueStart }
            if byte == 0x22 { return .valueQuoted }
            return byte.isOf(.token) ? .valueToken : nil
        case .valueToken:
            return byte.isOf(.token) ? .valueToken : afterValue(byte)
        case .valueQuoted:
            if byte == 0x22 { return .valueClosed }
            if byte == 0x5c { return .valueEscape }
            return byte.isOf(.value) ? .valueQuoted : nil
        case .valueEscape:
            return byte.isOf(.value) ? .valueQuoted : nil
        case .valueClosed:
            return afterValue(byte)
        case .valueEnd:
            if byte.isBlank { return .valueEnd }
            return byte == 0x3b ? .extensionStart : nil
        default:
            return nil
        }
    }

    private static func afterName(_ byte: UInt8) -> State? {
        if byte.isBlank { return .extensionNamed }
        if byte == 0x3d { return .valueStart }
        return byte == 0x3b ? .extensionStart : nil
    }

    private static func afterValue(_ byte: UInt8) -> State? {
        if byte.isBlank { return .valueEnd }
        if byte == .carriageReturn { return .sizeEnd }
        return byte == 0x3b ? .extensionStart : nil
    }

    /// Trailer fields follow the rules and limits of a head (RFC 9112 §7.1.2).
    /// - Returns: the fault, if `byte` cannot stand here.
    mutating func trailerStep(_ byte: UInt8) -> RefusalReason? {
        guard trailerRoom > 0 else { return .trailersTooLarge }
        trailerRoom -= 1
        switch state {
        case .trailerStart:
            if byte == .carriageReturn {
                state = .lastLineFeed
                return nil
            }
            guard trailerFields > 0 else { return .trailersTooLarge }
            trailerFields -= 1
            if byte.isBlank { return .foldedLine }
            if byte == .colon { return .nameEmpty }
            if byte == .lineFeed { return .lineEnding }
            guard byte.isOf(.token) else { return .nameCharacter }
            state = .trailerName
        case .trailerName:
            if byte.isOf(.token) { return nil }
            if byte.isBlank { return .nameSpace }
            if byte == .carriageReturn || byte == .lineFeed { return .missingColon }
            guard byte == .colon else { return .nameCharacter }
            state = .trailerValue
        case .trailerValue:
            if byte.isOf(.value) { return nil }
            if byte == .lineFeed { return .lineEnding }
            guard byte == .carriageReturn else { return .valueCharacter }
            state = .trailerLineFeed
        case .trailerLineFeed:
            guard byte == .lineFeed else { return .lineEnding }
            state = .trailerStart
        case .lastLineFeed:
            guard byte == .lineFeed else { return .lineEnding }
            state = .done
        default:
            break
        }
        return nil
    }
}
