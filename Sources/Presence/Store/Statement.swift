// Owns one compiled SQL statement: binding, stepping and reading columns, each typed and checked.
// Called by the store's reading and writing.
// Never outlives its connection: whoever prepares it lets it go before the connection closes.

internal import CSQLite
import ProxyCore

/// A compiled statement.
///
/// Parameters count from 1 and columns from 0, as in SQLite. Binding keeps the first error for
/// `run` or `step` to throw, so that a row of ten parameters reads as ten lines.
@safe struct Statement: ~Copyable {
    private let handle: OpaquePointer
    private let path: String
    private let sql: String
    private var failed: CInt = SQLITE_OK

    /// - Parameter handle: a live statement that this value owns from now on.
    @unsafe init(_ handle: OpaquePointer, path: String, sql: String) {
        unsafe self.handle = unsafe handle
        self.path = path
        self.sql = sql
    }

    deinit { _ = unsafe sqlite3_finalize(handle) }

    mutating func bind(_ index: CInt, _ value: Int64) {
        note(unsafe sqlite3_bind_int64(handle, index, value))
    }

    mutating func bind(_ index: CInt, _ value: Int64?) {
        if let value { bind(index, value) } else { bindNull(index) }
    }

    mutating func bind(_ index: CInt, _ value: Bool) {
        bind(index, value ? 1 as Int64 : 0)
    }

    /// Text by its bytes, a NUL within included.
    mutating func bind(_ index: CInt, _ value: String) {
        var value = value
        note(
            value.withUTF8 { bytes in
                // An empty text may have no address, which SQLite would take for NULL.
                guard let base = bytes.baseAddress else {
                    return unsafe csqlite_bind_text(handle, index, "", 0)
                }
                return unsafe base.withMemoryRebound(to: CChar.self, capacity: bytes.count) {
                    unsafe csqlite_bind_text(handle, index, $0, CInt(clamping: bytes.count))
                }
            })
    }

    mutating func bind(_ index: CInt, _ value: String?) {
        if let value { bind(index, value) } else { bindNull(index) }
    }

    mutating func bind(_ index: CInt, blob value: [UInt8]) {
        note(
            unsafe value.withUnsafeBytes { bytes in
                guard let base = bytes.baseAddress else {
                    return unsafe sqlite3_bind_zeroblob(handle, index, 0)
                }
                return unsafe csqlite_bind_blob(handle, index, base, CInt(clamping: bytes.count))
            })
    }

    mutating func bindNull(_ index: CInt) {
        note(unsafe sqlite3_bind_null(handle, index))
    }

    /// Moves to the next row; false at the end, where the statement is ready for new parameters.
    mutating func step() throws(DatabaseError) -> Bool {
        try checkBindings()
        switch unsafe sqlite3_step(handle) {
        case SQLITE_ROW: return true
        case SQLITE_DONE:
            _ = unsafe sqlite3_reset(handle)
            return false
        default:
            let error = currentError()
            _ = unsafe sqlite3_reset(handle)
            throw error
        }
    }

    /// Runs it to its end and makes it ready for new parameters.
    mutating func run() throws(DatabaseError) {
        while try step() {}
    }

    /// Gives up the remaining rows.
    mutating func reset() {
        _ = unsafe sqlite3_reset(handle)
        failed = SQLITE_OK
    }

    func isNull(_ column: CInt) -> Bool {
        unsafe sqlite3_column_type(handle, column) == SQLITE_NULL
    }

    func integer(_ column: CInt) -> Int64 { unsafe sqlite3_column_int64(handle, column) }

    func optionalInteger(_ column: CInt) -> Int64? { isNull(column) ? nil : integer(column) }

    func bool(_ column: CInt) -> Bool { integer(column) != 0 }

    /// Text; bytes that are not UTF-8 (a damaged file) are repaired, not trapped on.
    func text(_ column: CInt) -> String {
        guard let bytes = unsafe sqlite3_column_text(handle, column) else { return "" }
        let count = Int(unsafe sqlite3_column_bytes(handle, column))
        return unsafe String(
            decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
    }

    func optionalText(_ column: CInt) -> String? { isNull(column) ? nil : text(column) }

    func blob(_ column: CInt) -> [UInt8] {
        guard let bytes = unsafe sqlite3_column_blob(handle, column) else { return [] }
        let count = Int(unsafe sqlite3_column_bytes(handle, column))
        return unsafe [UInt8](UnsafeRawBufferPointer(start: bytes, count: count))
    }

    private mutating func note(_ code: CInt) {
        if code != SQLITE_OK && failed == SQLITE_OK { failed = code }
    }

    private mutating func checkBindings() throws(DatabaseError) {
        guard failed != SQLITE_OK else { return }
        let code = failed
        failed = SQLITE_OK
        throw DatabaseError(
            file: path, operation: sql, code: code,
            message: unsafe String(cString: sqlite3_errstr(code)), systemCode: 0)
    }

    private func currentError() -> DatabaseError {
        guard let connection = unsafe sqlite3_db_handle(handle) else {
            return DatabaseError(
                file: path, operation: sql, code: SQLITE_MISUSE, message: "no connection",
                systemCode: 0)
        }
        return unsafe DatabaseError(connection: connection, file: path, operation: sql)
    }
}
