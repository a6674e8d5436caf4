import Glibc
public import HostErrors
import SystemLayer
import Transfer

extension SnapshotStore {
    /// Checks that every file of a snapshot is what its manifest says; blocks.
    ///
    /// - Parameters:
    ///   - snapshot: from `find`, `newest` or `list`.
    ///   - isCancelled: whether nobody wants to know any more.
    /// - Throws: DATA_LOSS with SNAPSHOT_CORRUPT, naming the file; CANCELLED.
    public func verify(_ snapshot: Snapshot, isCancelled: () -> Bool = { false }) throws(HostError) {
        let files = snapshot.manifest.files ?? [:]
        for name in Set(snapshot.manifest.snapshotFiles ?? []).union(files.keys).sorted() {
            do throws(HostError) { try Self.validate(name) } catch { throw corrupt(snapshot, "lists a bad name") }
            let path = "\(snapshot.path)/\(name)"
            var status = stat()
            guard unsafe lstat(path, &status) == 0 else { throw corrupt(snapshot, "\(name) is missing") }
            guard status.st_mode & S_IFMT == S_IFREG else { throw corrupt(snapshot, "\(name) is not a regular file") }
            guard let want = files[name] else { continue }
            guard Int64(status.st_size) == want.size else {
                throw corrupt(snapshot, "\(name) has \(status.st_size) bytes, not \(want.size)")
            }
            guard try SHA256.hex(ofFile: path, isCancelled: isCancelled) == want.sha256 else {
                throw corrupt(snapshot, "\(name) has other bytes than its sha256")
            }
        }
    }

    /// Puts the saved volumes in place of what is at their paths; blocks.
    ///
    /// The snapshot is verified first and unpacked whole beside the volumes; only then are they swapped. A volume that
    /// the snapshot does not have becomes empty.
    /// - Parameters:
    ///   - snapshot: from `find`, `newest` or `list`.
    ///   - volumes: where each goes; not mounted, in directories that exist, all of one file system.
    ///   - isVerified: whether the caller has verified it in this verb.
    /// - Throws: DATA_LOSS with SNAPSHOT_CORRUPT, RESOURCE_EXHAUSTED, INTERNAL.
    public func restoreVolumes(
        _ snapshot: Snapshot,
        into volumes: [DurableVolume],
        isVerified: Bool = false
    ) throws(HostError) {
        if !isVerified { try verify(snapshot) }
        try unpack(Self.archiveName, of: snapshot, into: volumes, isLayer: false)
    }

    /// Puts what containers had written to their roots in place of what is at their paths; blocks.
    ///
    /// - Parameters:
    ///   - snapshot: verified; one without roots changes nothing.
    ///   - roots: their upper directories, by container; not mounted, in directories that exist, of one file system.
    /// - Throws: DATA_LOSS with SNAPSHOT_CORRUPT, RESOURCE_EXHAUSTED, INTERNAL.
    public func restoreRoots(_ snapshot: Snapshot, into roots: [DurableVolume]) throws(HostError) {
        guard snapshot.manifest.snapshotFiles?.contains(Self.rootsFile) == true else { return }
        try unpack(Self.rootsFile, of: snapshot, into: roots, isLayer: true)
    }

    private func unpack(
        _ archive: String,
        of snapshot: Snapshot,
        into volumes: [DurableVolume],
        isLayer: Bool
    ) throws(HostError) {
        guard let first = volumes.first else { return }
        let parent = first.path.split(separator: "/").dropLast().map { "/\($0)" }.joined()
        for left in try DirectoryTree.names(in: parent) where left.hasPrefix(".restoring-") {
            try DirectoryTree.remove("\(parent)/\(left)")
        }
        let staging = "\(parent)/.restoring-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        guard unsafe mkdir(staging, 0o700) == 0 else { throw storeError("mkdir", staging) }
        defer { try? DirectoryTree.remove(staging) }
        if snapshot.manifest.snapshotFiles?.contains(archive) == true {
            do throws(HostError) {
                try VolumeArchive.read("\(snapshot.path)/\(archive)", into: staging, worker, isLayer: isLayer)
            } catch {
                if error.code == .invalidArgument { throw corrupt(snapshot, error.message) }
                throw error
            }
        }
        for volume in volumes {
            try Self.validate(volume.name)
            let fresh = "\(staging)/\(volume.name)"
            guard unsafe mkdir(fresh, isLayer ? 0o755 : 0o700) == 0 || errno == EEXIST else {
                throw storeError("mkdir", fresh)
            }
            try DirectoryTree.remove(volume.path)
            guard unsafe rename(fresh, volume.path) == 0 else { throw storeError("rename", volume.path) }
        }
    }

    private func corrupt(_ snapshot: Snapshot, _ what: String) -> HostError {
        HostError(.dataLoss, .snapshotCorrupt, "snapshot \"\(snapshot.name)\" is corrupt: \(what)")
    }
}

/// An archive of directories of an actor, its volumes or its containers' roots, written and read by the child.
enum VolumeArchive {
    /// Packs them; `isLayer` is for roots, whose overlays have marks for what is gone.
    static func write(
        _ volumes: [DurableVolume],
        to path: String,
        _ worker: UnpackWorker,
        isLayer: Bool
    ) throws(HostError) {
        let number = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard number >= 0 else { throw storeError("open", path) }
        let output = OwnedFD(number)
        var directories: [CInt] = []
        defer { for directory in directories { _ = close(directory) } }
        for volume in volumes {
            try SnapshotStore.validate(volume.name)
            let opened = unsafe open(volume.path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            guard opened >= 0 else { throw storeError("open", volume.path) }
            directories.append(opened)
        }
        try worker.run(
            [isLayer ? "--pack-layers" : "--pack"] + volumes.map(\.name),
            output: output.rawValue,
            directories: directories
        )
    }

    /// Unpacks it into a directory, by the same word.
    static func read(
        _ path: String,
        into staging: String,
        _ worker: UnpackWorker,
        isLayer: Bool
    ) throws(HostError) {
        let number = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard number >= 0 else { throw storeError("open", path) }
        let archive = OwnedFD(number)
        let opened = unsafe open(staging, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard opened >= 0 else { throw storeError("open", staging) }
        let directory = OwnedFD(opened)
        try worker.run([isLayer ? "--layer" : "--durable"], input: archive.rawValue, directories: [directory.rawValue])
    }
}
