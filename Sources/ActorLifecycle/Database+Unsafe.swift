import CSQLite
import HostErrors

/// Sole owner of one SQLite connection, used by one thread at a time under the journal's lock.
///
/// The handle crosses threads inside a `Mutex` only; SQLite is opened in its serialized mode besides
/// (sqlite.org/threadsafe.html), which is why `@unchecked Sendable` holds.
@safe struct Database: ~Copyable, @unchecked Sendable {
    /// A value of a row or a parameter.
    enum Value: Sendable {
        case null, integer(Int64), text(String), blob([UInt8])
    }

    /// Statements that were compiled, by their text: there are a dozen, and compiling one costs more than running it.
    @safe private final class Statements {
        var prepared: [String: OpaquePointer] = unsafe [:]
    }

    private let handle: OpaquePointer
    private let path: String
    private let statements = Statements()

    init(path: String) throws(HostError) {
        var opened: OpaquePointer?
        let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX | SQLITE_OPEN_NOFOLLOW
        let code = unsafe sqlite3_open_v2(path, &opened, flags, nil)
        guard code == SQLITE_OK, let connection = unsafe opened else {
            unsafe sqlite3_close(opened)
            throw HostError(
                .dataLoss,
                .machine,
                "the journal \(path) cannot be opened (SQLite \(code)); its directory must be writable"
            )
        }
        unsafe sqlite3_busy_timeout(connection, 5000)
        unsafe self.handle = connection
        self.path = path
    }

    deinit {
        unsafe statements.prepared.values.forEach { unsafe _ = sqlite3_finalize($0) }
        unsafe sqlite3_close_v2(handle)
    }

    /// The number of the last inserted row.
    var lastNumber: Int64 { unsafe sqlite3_last_insert_rowid(handle) }

    /// Runs statements without parameters.
    func execute(_ text: String) throws(HostError) {
        let code = unsafe sqlite3_exec(handle, text, nil, nil, nil)
        guard code == SQLITE_OK else { throw failure(code) }
    }

    /// The first column of the first row.
    func integer(_ text: String) throws(HostError) -> Int64 {
        if case .integer(let number)? = try rows(text, []).first?.first { return number }
        return 0
    }

    /// Runs one statement for its effect.
    func run(_ text: String, _ values: [Value]) throws(HostError) {
        _ = try rows(text, values)
    }

    /// Runs one statement and gathers its rows.
    func rows(_ text: String, _ values: [Value]) throws(HostError) -> [[Value]] {
        let statement = unsafe try statement(text)
        // The parameters' copies are freed, and no read transaction stays open.
        defer {
            unsafe sqlite3_reset(statement)
            unsafe sqlite3_clear_bindings(statement)
        }
        var code = SQLITE_OK
        // SQLITE_TRANSIENT: SQLite copies the bytes before the call returns.
        let copied = unsafe unsafeBitCast(-1, to: sqlite3_destructor_type.self)
        for (index, value) in values.enumerated() {
            let position = Int32(index + 1)
            switch value {
            case .null: code = unsafe sqlite3_bind_null(statement, position)
            case .integer(let number): code = unsafe sqlite3_bind_int64(statement, position, number)
            case .text(let text): code = unsafe sqlite3_bind_text(statement, position, text, -1, copied)
            case .blob(let bytes):
                code = unsafe bytes.withUnsafeBytes {
                    unsafe sqlite3_bind_blob64(statement, position, $0.baseAddress, UInt64($0.count), copied)
                }
            }
            guard code == SQLITE_OK else { throw failure(code) }
        }
        var rows: [[Value]] = []
        while true {
            code = unsafe sqlite3_step(statement)
            if code == SQLITE_DONE { return rows }
            guard code == SQLITE_ROW else { throw failure(code) }
            var row: [Value] = []
            for column in 0..<(unsafe sqlite3_column_count(statement)) {
                row.append(unsafe value(of: statement, column))
            }
            rows.append(row)
        }
    }

    private func statement(_ text: String) throws(HostError) -> OpaquePointer {
        if let known = unsafe statements.prepared[text] { return unsafe known }
        var prepared: OpaquePointer?
        let code = unsafe sqlite3_prepare_v3(handle, text, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &prepared, nil)
        guard code == SQLITE_OK, let statement = unsafe prepared else { throw failure(code) }
        unsafe statements.prepared[text] = statement
        return unsafe statement
    }

    private func value(of statement: OpaquePointer, _ column: Int32) -> Value {
        switch unsafe sqlite3_column_type(statement, column) {
        case SQLITE_INTEGER: return .integer(unsafe sqlite3_column_int64(statement, column))
        case SQLITE_TEXT:
            guard let text = unsafe sqlite3_column_text(statement, column) else { return .null }
            return .text(unsafe String(cString: text))
        case SQLITE_BLOB:
            let count = Int(unsafe sqlite3_column_bytes(statement, column))
            guard let start = unsafe sqlite3_column_blob(statement, column) else { return .blob([]) }
            return .blob(unsafe [UInt8](UnsafeRawBufferPointer(start: start, count: count)))
        default: return .null
        }
    }

    private func failure(_ code: Int32) -> HostError {
        let words = unsafe sqlite3_errmsg(handle).map { unsafe String(cString: $0) } ?? "unknown"
        switch code & 0xff {
        case SQLITE_FULL:
            return HostError(
                .resourceExhausted,
                .storageFull,
                "the disk that holds the journal is full: free some space"
            )
        case SQLITE_CORRUPT, SQLITE_NOTADB:
            return HostError(.dataLoss, .machine, "journal corrupt: \(path): \(words)")
        default:
            return HostError(.internal, nil, "the journal failed: SQLite \(code): \(words)")
        }
    }
}
