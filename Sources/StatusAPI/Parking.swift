// Owns values that wait between two questions of the proxy and do not fit a ticket.
// Called by admission (park) and by whoever comes next for that exchange (take).
// Never grows beyond its bound: the oldest makes room.

/// A ring of values, each taken at most once by the number under which it was parked.
///
/// An exchange that ends without its second question leaves its value behind; the ring comes
/// round and overwrites it. A number whose place was taken again is recognised by its key.
struct Parking<Value> {
    private struct Place {
        var key: UInt64
        var value: Value
    }

    private var places: [Place?] = []
    private var next = 0
    private let limit: Int

    /// - Parameter limit: values that wait at once; below `Mark.numberLimit`.
    init(limit: Int) {
        precondition(limit > 0 && limit < Mark.numberLimit)
        self.limit = limit
    }

    /// - Parameter key: what `take` must name too.
    mutating func park(_ value: Value, key: UInt64) -> UInt32 {
        let number = next
        if places.count < limit {
            places.append(Place(key: key, value: value))
        } else {
            places[number] = Place(key: key, value: value)
        }
        next = (next + 1) % limit
        return UInt32(number)
    }

    mutating func take(_ number: UInt32, key: UInt64) -> Value? {
        let index = Int(number)
        guard index < places.count, let place = places[index], place.key == key else { return nil }
        places[index] = nil
        return place.value
    }
}
