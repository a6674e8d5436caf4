public import ActorContract
import FoundationEssentials
public import HostErrors
import Synchronization

/// What happened and what was about to, durable before anybody is told: SQLite in WAL mode with full synchronisation.
///
/// - Source: sqlite.org "PRAGMA synchronous" (FULL: the WAL is synced at each commit) and "Defense Against The Dark Arts".
public final class Journal: Sendable {
    private let database: Mutex<Database>

    /// Opens or makes the journal.
    ///
    /// - Parameter path: the file; its directory exists and is private.
    /// - Throws: `dataLoss` when the file is no journal, `failedPrecondition` when a newer host wrote it.
    public init(path: String) throws(HostError) {
        let opened = try Database(path: path)
        try opened.execute(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON;"
        )
        let version = try opened.integer("PRAGMA user_version")
        guard version <= 1 else {
            throw HostError(
                .failedPrecondition,
                .machine,
                "the journal \(path) has schema \(version), this host knows 1: update substrate-host"
            )
        }
        // All or nothing, and one commit: each is two waits for the disk, which keep the host from listening.
        try opened.execute(
            """
            BEGIN IMMEDIATE;
            CREATE TABLE IF NOT EXISTS actors(key TEXT PRIMARY KEY, record BLOB NOT NULL);
            CREATE TABLE IF NOT EXISTS effects(
                number INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL, verb TEXT NOT NULL, effect TEXT NOT NULL,
                target TEXT NOT NULL, outcome TEXT, process BLOB);
            CREATE TABLE IF NOT EXISTS probes(key TEXT PRIMARY KEY, answer BLOB NOT NULL, made INTEGER NOT NULL);
            CREATE TABLE IF NOT EXISTS facts(name TEXT PRIMARY KEY, value BLOB NOT NULL);
            PRAGMA user_version=1;
            COMMIT;
            """
        )
        database = Mutex(opened)
    }

    /// All actors that were written.
    ///
    /// One that does not decode is reported by key and does not hide the others.
    /// - Returns: the records, and the keys of the broken ones.
    /// - Throws: `dataLoss` when the file cannot be read.
    public func actors() throws(HostError) -> (records: [ActorRecord], broken: [String]) {
        let rows = try locked { database throws(HostError) in
            try database.rows("SELECT key, record FROM actors ORDER BY key", [])
        }
        var records: [ActorRecord] = []
        var broken: [String] = []
        for row in rows {
            guard case .text(let key) = row[0], case .blob(let bytes) = row[1] else { continue }
            if let record = try? JSONDecoder().decode(ActorRecord.self, from: Data(bytes)) {
                records.append(record)
            } else {
                broken.append(key)
            }
        }
        return (records, broken)
    }

    /// Writes an actor's record; durable when it returns.
    ///
    /// - Throws: `resourceExhausted` when it cannot be written.
    public func put(_ record: ActorRecord) throws(HostError) {
        let bytes = try encode(record)
        try locked { database throws(HostError) in
            try database.run(
                "INSERT INTO actors(key, record) VALUES(?1, ?2) ON CONFLICT(key) DO UPDATE SET record = ?2",
                [.text(record.identity.key.text), .blob(bytes)]
            )
        }
    }

    /// Forgets an actor and its effects.
    ///
    /// - Throws: as `put`.
    public func remove(_ key: ActorKey) throws(HostError) {
        try locked { database throws(HostError) in
            try database.run("DELETE FROM effects WHERE key = ?1", [.text(key.text)])
            try database.run("DELETE FROM actors WHERE key = ?1", [.text(key.text)])
        }
    }

    /// Records that an effect is about to happen.
    ///
    /// - Parameters:
    ///   - subject: an actor's key, as text, or a slot.
    ///   - verb: whose effect it is.
    ///   - effect: its name.
    ///   - target: what it is about.
    /// - Returns: its number.
    /// - Throws: as `put`.
    func begin(subject: String, verb: String, effect: String, target: String) throws(HostError) -> Int64 {
        try locked { database throws(HostError) in
            try database.run(
                "INSERT INTO effects(key, verb, effect, target) VALUES(?1, ?2, ?3, ?4)",
                [.text(subject), .text(verb), .text(effect), .text(target)]
            )
            return database.lastNumber
        }
    }

    /// Records that several effects are about to happen, in one commit: durable before the first of them.
    ///
    /// - Returns: their numbers, in order.
    func begin(subject: String, verb: String, effects: [(name: String, target: String)]) throws(HostError) -> [Int64] {
        try atOnce { database throws(HostError) in
            var numbers: [Int64] = []
            for effect in effects {
                try database.run(
                    "INSERT INTO effects(key, verb, effect, target) VALUES(?1, ?2, ?3, ?4)",
                    [.text(subject), .text(verb), .text(effect.name), .text(effect.target)]
                )
                numbers.append(database.lastNumber)
            }
            return numbers
        }
    }

    /// Records how several effects ended, in one commit.
    func finish(_ numbers: [Int64], outcome: String) throws(HostError) {
        try atOnce { database throws(HostError) in
            for number in numbers {
                try database.run(
                    "UPDATE effects SET outcome = ?2, process = ?3 WHERE number = ?1",
                    [.integer(number), .text(outcome), .null]
                )
            }
        }
    }

    /// Records how an effect ended.
    func finish(_ number: Int64, outcome: String, process: KeptProcess?) throws(HostError) {
        let bytes: Database.Value = if let process { .blob(try encode(process)) } else { .null }
        try locked { database throws(HostError) in
            try database.run(
                "UPDATE effects SET outcome = ?2, process = ?3 WHERE number = ?1",
                [.integer(number), .text(outcome), bytes]
            )
        }
    }

    /// Programs that effects of an actor left running, as far as was recorded.
    func processes(of key: ActorKey) throws(HostError) -> [KeptProcess] {
        let rows = try locked { database throws(HostError) in
            try database.rows("SELECT process FROM effects WHERE key = ?1 AND process IS NOT NULL", [.text(key.text)])
        }
        return rows.compactMap { row in
            guard case .blob(let bytes) = row[0] else { return nil }
            return try? JSONDecoder().decode(KeptProcess.self, from: Data(bytes))
        }
    }

    /// Verbs of an actor that began effects and were not settled.
    func unsettledVerbs(of key: ActorKey) throws(HostError) -> Set<String> {
        let rows = try locked { database throws(HostError) in
            try database.rows("SELECT DISTINCT verb FROM effects WHERE key = ?1", [.text(key.text)])
        }
        return Set(
            rows.compactMap { row in
                guard case .text(let verb) = row[0] else { return nil }
                return verb
            }
        )
    }

    /// Forgets an actor's effects: its verb has been answered and its record says the rest.
    func settle(_ record: ActorRecord) throws(HostError) {
        let bytes = try encode(record)
        try atOnce { database throws(HostError) in
            try database.run("DELETE FROM effects WHERE key = ?1", [.text(record.identity.key.text)])
            try database.run(
                "INSERT INTO actors(key, record) VALUES(?1, ?2) ON CONFLICT(key) DO UPDATE SET record = ?2",
                [.text(record.identity.key.text), .blob(bytes)]
            )
        }
    }

    /// Forgets the effects of a verb on an actor that has no record here.
    func forgetEffects(of key: ActorKey) throws(HostError) {
        try locked { database throws(HostError) in
            try database.run("DELETE FROM effects WHERE key = ?1", [.text(key.text)])
        }
    }

    /// A fact of the host, such as the boot id of its last start.
    func fact(_ name: String) throws(HostError) -> [UInt8]? {
        let rows = try locked { database throws(HostError) in
            try database.rows("SELECT value FROM facts WHERE name = ?1", [.text(name)])
        }
        guard case .blob(let bytes)? = rows.first?.first else { return nil }
        return bytes
    }

    /// Keeps a fact of the host.
    func setFact(_ name: String, _ value: [UInt8]) throws(HostError) {
        try locked { database throws(HostError) in
            try database.run(
                "INSERT INTO facts(name, value) VALUES(?1, ?2) ON CONFLICT(name) DO UPDATE SET value = ?2",
                [.text(name), .blob(value)]
            )
        }
    }

    /// All of it or nothing, in one commit.
    func atOnce<T: Sendable>(_ body: (borrowing Database) throws(HostError) -> T) throws(HostError) -> T {
        try locked { database throws(HostError) in
            try database.execute("BEGIN IMMEDIATE")
            do throws(HostError) {
                let value = try body(database)
                try database.execute("COMMIT")
                return value
            } catch {
                try? database.execute("ROLLBACK")
                throw error
            }
        }
    }

    func locked<T: Sendable>(_ body: (borrowing Database) throws(HostError) -> T) throws(HostError) -> T {
        let result: Result<T, HostError> = database.withLock { database in
            do throws(HostError) { return .success(try body(database)) } catch { return .failure(error) }
        }
        return try result.get()
    }

    func encode(_ value: some Encodable) throws(HostError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        guard let data = try? encoder.encode(value) else {
            throw HostError(.internal, nil, "a record of the journal does not encode")
        }
        return [UInt8](data)
    }
}
