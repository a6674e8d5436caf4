import ActorContract
import FoundationEssentials
import HostErrors

/// What backends found out about this machine: kept over restarts of the host.
extension Journal {
    /// How many answers are kept; the oldest go first.
    private static var most: Int64 { 256 }

    /// An answer and when it was given, in milliseconds since 1970.
    ///
    /// - Parameter key: names the circumstances.
    /// - Returns: nil when none was given in them, or when it does not decode.
    /// - Throws: `dataLoss` when the file cannot be read.
    func probe(_ key: String) throws(HostError) -> (answer: ProbeAnswer, made: Int64)? {
        let rows = try locked { database throws(HostError) in
            try database.rows("SELECT answer, made FROM probes WHERE key = ?1", [.text(key)])
        }
        guard let row = rows.first, case .blob(let bytes) = row[0], case .integer(let made) = row[1],
            let answer = try? JSONDecoder().decode(ProbeAnswer.self, from: Data(bytes))
        else { return nil }
        return (answer, made)
    }

    /// Keeps an answer in place of an earlier one.
    ///
    /// - Throws: `resourceExhausted` when it cannot be written.
    func putProbe(_ key: String, _ answer: ProbeAnswer, made: Int64) throws(HostError) {
        let bytes = try encode(answer)
        try atOnce { database throws(HostError) in
            try database.run(
                "INSERT INTO probes(key, answer, made) VALUES(?1, ?2, ?3) ON CONFLICT(key) DO UPDATE SET answer = ?2, made = ?3",
                [.text(key), .blob(bytes), .integer(made)]
            )
            try database.run(
                "DELETE FROM probes WHERE key NOT IN (SELECT key FROM probes ORDER BY made DESC LIMIT ?1)",
                [.integer(Self.most)]
            )
        }
    }

    /// Forgets the effects of a slot, which has no record.
    ///
    /// - Parameter slot: nil: of all slots.
    /// - Throws: as `putProbe`.
    func settle(slot: String?) throws(HostError) {
        try locked { database throws(HostError) in
            if let slot {
                try database.run("DELETE FROM effects WHERE key = ?1", [.text("slot \(slot)")])
            } else {
                // No actor's key has a blank.
                try database.run("DELETE FROM effects WHERE key LIKE 'slot %'", [])
            }
        }
    }
}
