import Glibc
public import HostErrors
import SystemLayer

/// What becomes of snapshots on this machine: put aside, handed to a backend, pruned.
extension SnapshotStore {
    /// Before the name of one that did not verify.
    static let corruptPrefix = ".corrupt-"
    private static let reasonName = "reason"

    /// Finds a snapshot and verifies every file; one that is corrupt is put aside, with the reason beside its files.
    ///
    /// - Parameters:
    ///   - actorDirectory: the actor's directory's name.
    ///   - name: the snapshot's name.
    ///   - isCancelled: whether nobody wants it any more.
    /// - Returns: it, every byte as its manifest says.
    /// - Throws: NOT_FOUND, or DATA_LOSS with SNAPSHOT_CORRUPT, now and whenever it is asked for again; CANCELLED.
    public func verified(
        actorDirectory: String,
        name: String,
        isCancelled: () -> Bool = { false }
    ) throws(HostError) -> Snapshot {
        let snapshot = try find(actorDirectory: actorDirectory, name: name)
        do throws(HostError) { try verify(snapshot, isCancelled: isCancelled) } catch {
            if error.reason == .snapshotCorrupt { putAside(snapshot, because: error.message) }
            throw error
        }
        return snapshot
    }

    /// Puts a corrupt snapshot aside: kept for whoever wants to look, restored by nobody.
    func putAside(_ snapshot: Snapshot, because reason: String) {
        let parent = snapshot.path.split(separator: "/").dropLast().map { "/\($0)" }.joined()
        let aside = "\(parent)/\(Self.corruptPrefix)\(snapshot.name)"
        do throws(SyscallError) {
            try AtomicFile.write(Array(reason.utf8), to: "\(snapshot.path)/\(Self.reasonName)")
        } catch { return }
        try? DirectoryTree.remove(aside)
        _ = unsafe rename(snapshot.path, aside)
    }

    /// Why a snapshot of that name was put aside; nil where none was.
    func quarantineReason(_ parent: String, _ name: String) -> String? {
        TextFile.read("\(parent)/\(Self.corruptPrefix)\(name)/\(Self.reasonName)")
    }

    /// Those that were put aside, and why.
    ///
    /// - Parameter actorDirectory: the actor's directory's name.
    /// - Returns: reasons by name.
    /// - Throws: INTERNAL where the directory cannot be read.
    public func quarantined(actorDirectory: String) throws(HostError) -> [String: String] {
        let parent = try directory(of: actorDirectory)
        var found: [String: String] = [:]
        for entry in try DirectoryTree.names(in: parent) where entry.hasPrefix(Self.corruptPrefix) {
            let name = String(entry.dropFirst(Self.corruptPrefix.count))
            found[name] = quarantineReason(parent, name) ?? "unknown"
        }
        return found
    }

    /// Shows a snapshot's files in an empty directory of their own: names of the same files, no copies.
    ///
    /// Whatever becomes of the snapshot, they stay until the directory goes.
    /// - Parameters:
    ///   - snapshot: verified.
    ///   - directory: absolute; replaced where it is there.
    /// - Throws: INTERNAL where it is of another file system.
    public func present(_ snapshot: Snapshot, in directory: String) throws(HostError) {
        try DirectoryTree.remove(directory)
        try DirectoryTree.make(directory)
        for name in snapshot.manifest.snapshotFiles ?? [] {
            guard unsafe link("\(snapshot.path)/\(name)", "\(directory)/\(name)") == 0 else {
                throw storeError("link", "\(directory)/\(name)")
            }
        }
    }

    /// Keeps a snapshot that was fetched: its files by another name, its manifest as a node's own.
    ///
    /// - Parameters:
    ///   - snapshot: verified, on the same file system.
    ///   - actorDirectory: below which directory.
    ///   - name: under which name.
    /// - Throws: RESOURCE_EXHAUSTED or INTERNAL where it cannot be kept.
    public func adopt(_ snapshot: Snapshot, actorDirectory: String, name: String) throws(HostError) {
        let parent = try directory(of: actorDirectory)
        try Self.validate(name)
        try DirectoryTree.make(parent)
        let staging = "\(parent)/.saving-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        do throws(HostError) {
            try present(snapshot, in: staging)
            var manifest = snapshot.manifest
            var files: [String: SnapshotManifest.File] = [:]
            for file in manifest.snapshotFiles ?? [] { files[file] = try Self.measure("\(staging)/\(file)") }
            manifest.files = files
            manifest.chunkRoot = nil
            // Nobody uploads it from here.
            manifest.destination = nil
            let bytes = try manifest.encoded()
            do throws(SyscallError) { try AtomicFile.write(bytes, to: "\(staging)/manifest.json") } catch {
                throw storeError(error)
            }
            try remove(actorDirectory: actorDirectory, name: name)
            guard unsafe rename(staging, "\(parent)/\(name)") == 0 else { throw storeError("rename", name) }
        } catch {
            try? DirectoryTree.remove(staging)
            throw error
        }
    }

    /// The directories of all actors that have snapshots here.
    ///
    /// - Throws: INTERNAL where they cannot be read.
    public func actors() throws(HostError) -> [String] {
        var found: [String] = []
        for name in try DirectoryTree.names(in: "\(base)/actors")
        where try !DirectoryTree.names(in: "\(base)/actors/\(name)/local-checkpoint").isEmpty {
            found.append(name)
        }
        return found
    }

    /// Removes an actor's snapshots.
    ///
    /// - Parameters:
    ///   - actorDirectory: the actor's directory's name.
    ///   - keeping: how many of the newest stay.
    ///   - pinned: names that stay whatever their age.
    /// - Returns: the names that went.
    /// - Throws: INTERNAL where one cannot be removed.
    @discardableResult
    public func prune(
        actorDirectory: String,
        keeping: Int = 0,
        pinned: Set<String> = []
    ) throws(HostError) -> [String] {
        var removed: [String] = []
        for snapshot in try list(actorDirectory: actorDirectory).dropLast(keeping)
        where !pinned.contains(snapshot.name) {
            try remove(actorDirectory: actorDirectory, name: snapshot.name)
            removed.append(snapshot.name)
        }
        if keeping == 0 {
            for name in try quarantined(actorDirectory: actorDirectory).keys where !pinned.contains(name) {
                try remove(actorDirectory: actorDirectory, name: name)
                removed.append(name)
            }
        }
        return removed
    }
}
