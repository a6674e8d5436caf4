import ActorContract
import FoundationEssentials
import Glibc
public import HostErrors
import SystemLayer

/// What stays of a removed actor for the sake of its snapshots, and goes with the last of them.
public enum RemovedActors {
    /// Removes what is left of an actor that has neither a record nor a snapshot; blocks.
    ///
    /// Only what a removal leaves: the file that keeps its images, and directories that are empty.
    /// - Parameters:
    ///   - baseDirectory: the host's state directory, whether a host runs there or not.
    ///   - directory: the actor's directory's name.
    /// - Throws: INTERNAL where something of it cannot be removed, DATA_LOSS where the journal cannot be read.
    public static func forget(baseDirectory: String, directory: String) throws(HostError) {
        let path = "\(baseDirectory)/journal.sqlite"
        let places = ActorDirectories("\(baseDirectory)/actors/\(directory)")
        guard unsafe access(path, F_OK) == 0 else { return try remove(places) }
        try forget(places, directory, Journal(path: path))
    }

    /// The same, by the journal of this host.
    static func forget(_ places: ActorDirectories, _ directory: String, _ journal: Journal) throws(HostError) {
        // In one transaction: a host writes an actor's record before it makes anything of it, and waits for this.
        try journal.atOnce { database throws(HostError) in
            for row in try database.rows("SELECT record FROM actors", []) {
                guard case .blob(let bytes) = row[0] else { continue }
                // Whose record does not decode may be this one.
                guard let record = try? JSONDecoder().decode(ActorRecord.self, from: Data(bytes)) else { return }
                if record.identity.key.directoryName == directory { return }
            }
            try remove(places)
        }
    }

    private static func remove(_ places: ActorDirectories) throws(HostError) {
        guard unsafe rmdir(places.snapshots) == 0 || errno == ENOENT else {
            if errno == ENOTEMPTY || errno == EEXIST { return }
            throw storeError("rmdir", places.snapshots)
        }
        let images = "\(places.root)/images"
        guard unsafe unlink(images) == 0 || errno == ENOENT else { throw storeError("unlink", images) }
        // Something else in it is of somebody who is at it.
        guard unsafe rmdir(places.root) == 0 || [ENOENT, ENOTEMPTY, EEXIST].contains(errno) else {
            throw storeError("rmdir", places.root)
        }
    }
}
