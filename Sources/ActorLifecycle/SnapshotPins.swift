import ActorContract
import Glibc
public import HostErrors
public import Snapshots

/// Which local snapshots may not go, for a command beside a host, or without one.
public enum SnapshotPins {
    /// The snapshots that paused actors would be restored from, and those that wait to be uploaded; blocks.
    ///
    /// - Parameters:
    ///   - baseDirectory: the host's state directory.
    ///   - snapshots: the store of the same directory.
    /// - Returns: names by the actor's directory.
    /// - Throws: FAILED_PRECONDITION for an actor whose record does not decode: what it needs is not known.
    public static func read(baseDirectory: String, _ snapshots: SnapshotStore) throws(HostError) -> [String: Set<
        String
    >] {
        var pins: [String: Set<String>] = [:]
        let path = "\(baseDirectory)/journal.sqlite"
        if unsafe access(path, F_OK) == 0 {
            let (records, broken) = try Journal(path: path).actors()
            guard broken.isEmpty else {
                throw HostError(
                    .failedPrecondition,
                    .machine,
                    "what \(broken.joined(separator: ", ")) needs is not known: its record in \(path) cannot be read; "
                        + "`substrate-host remove` it"
                )
            }
            for record in records where [.paused, .checkpointing].contains(record.status) && !record.snapshot.isEmpty {
                pins[record.identity.key.directoryName, default: []].insert(record.snapshot)
            }
        }
        for directory in try snapshots.actors() {
            for snapshot in try snapshots.list(actorDirectory: directory) where snapshot.manifest.destination != nil {
                pins[directory, default: []].insert(snapshot.name)
            }
        }
        return pins
    }
}
