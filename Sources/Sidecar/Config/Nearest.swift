// Owns the guess at what somebody meant to write.
// Called by findings and usage errors.
// Never decides anything: a guess is only shown.

/// Finds the known word that a misspelt one resembles.
enum Nearest {
    /// The candidate with the fewest edits between it and `word`, where they are few enough for a
    /// slip: one in three letters, at most three. Case, `_` and `-` do not count.
    static func match(_ word: String, among candidates: [String]) -> String? {
        let typed = folded(word)
        guard !typed.isEmpty, typed.count <= 64 else { return nil }
        let allowed = min(max(typed.count / 3, 1), 3)
        var best: (word: String, edits: Int)?
        for candidate in candidates {
            let edits = distance(typed, folded(candidate))
            if edits <= allowed, edits < best?.edits ?? .max { best = (candidate, edits) }
        }
        return best?.word
    }

    private static func folded(_ word: String) -> [UInt8] {
        word.lowercased().utf8.filter { $0 != 0x5F && $0 != 0x2D }
    }

    /// Edits between two words, a swap of neighbours being one (optimal string alignment).
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var before: [Int] = []
        var above = Array(0...right.count)
        for row in 0..<left.count {
            var line = [row + 1]
            for column in 0..<right.count {
                let change = above[column] + (left[row] == right[column] ? 0 : 1)
                var edits = min(change, above[column + 1] + 1, line[column] + 1)
                if row > 0, column > 0, left[row] == right[column - 1],
                    left[row - 1] == right[column]
                {
                    edits = min(edits, before[column - 1] + 1)
                }
                line.append(edits)
            }
            before = above
            above = line
        }
        return above[right.count]
    }
}
