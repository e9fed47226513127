// Owns what is remembered of the text between the values of a document.
// Called by the walk of a survey, at each member of an object.
// Never takes a text for known that differs in a byte.

/// The text between two values of an object, from behind one to where the next begins:
/// `, "name": `; before the first value from behind the brace.
///
/// The items of a list have the same names in the same order, nearly always. So a seam is compared
/// with the one that stood there in the item before, sixteen bytes at a time, and only what is new
/// is read. The same text behind a value of an object that the same node leads to says the same,
/// wherever it stands.
struct JSONSeam: BitwiseCopyable {
    /// Its first byte in the document.
    var start: UInt32 = 0
    /// Bytes; more than `longest`: it is only a link.
    var count: UInt32 = .max
    /// The node of the object.
    var parent: Int32 = -1
    /// The node that leads to its value.
    var node: Int32 = -1
    /// The seam that stood behind its value, or -1.
    var next: Int32 = -1
    /// The first seam of an object in its value, or -1.
    var inner: Int32 = -1

    /// Two wide loads; names of more than 26 bytes are rare.
    static let longest = 32
}

/// The seams of a document.
struct JSONSeams {
    /// The first stands for what is around the document.
    private var seams = [JSONSeam()]

    /// - Parameter number: known, or -1.
    @inline(__always)
    func isAt(_ place: Int, _ number: Int32, _ parent: Int32, in bytes: RawSpan) -> Bool {
        guard number >= 0, place &+ JSONSeam.longest <= bytes.byteCount else { return false }
        let seam = seams[Int(number)]
        return seam.parent == parent && seam.count <= JSONSeam.longest
            && bytes.isSame(Int(seam.start), place, count: seam.count)
    }

    @inline(__always)
    subscript(number: Int32) -> JSONSeam { seams[Int(number)] }

    /// The first seam of an object behind a seam, or -1.
    @inline(__always)
    func inner(_ number: Int32) -> Int32 { number < 0 ? -1 : seams[Int(number)].inner }

    /// Remembers a seam in the place of the one that was expected.
    /// - Parameter level: the object, as it was before.
    /// - Returns: its number, or -1: there are too many.
    @inline(never)
    mutating func note(_ text: Range<Int>, _ node: Int, _ level: JSONLevel) -> Int32 {
        var number = level.expected
        if number < 0 {
            guard seams.count < Limits.surveySeams else { return -1 }
            number = Int32(seams.count)
            seams.append(JSONSeam())
            if level.last >= 0 {
                seams[Int(level.last)].next = number
            } else if level.home >= 0 {
                seams[Int(level.home)].inner = number
            }
        }
        seams[Int(number)].start = UInt32(text.lowerBound)
        seams[Int(number)].count = UInt32(text.count)
        seams[Int(number)].parent = level.node
        seams[Int(number)].node = Int32(truncatingIfNeeded: node)
        return number
    }
}
