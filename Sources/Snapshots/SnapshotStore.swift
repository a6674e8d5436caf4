import Glibc
public import HostErrors
import SystemLayer
import Transfer

/// The snapshots on this machine: `<base>/actors/<actor>/local-checkpoint/<name>/`.
///
/// A snapshot is there whole or not at all: its manifest is written last, and the directory appears by a rename.
/// Every call blocks: never on the cooperative pool.
public final class SnapshotStore: Sendable {
    /// The archive of all durable volumes of an actor.
    public static let volumesFile = "durable-dir.tar"
    static let archiveName = volumesFile
    /// The archive of what the containers wrote to their roots, as layers.
    public static let rootsFile = "roots.tar"
    /// Where a snapshot stands aside while another takes its name.
    static let replacedPrefix = ".replaced-"
    /// The host's state directory.
    public let base: String
    let worker: UnpackWorker

    /// Opens the store.
    ///
    /// - Parameters:
    ///   - baseDirectory: the host's state directory.
    ///   - unpacker: the path of `substrate-unpack`.
    public init(baseDirectory: String, unpacker: String) {
        base = baseDirectory
        worker = UnpackWorker(executable: unpacker)
    }

    /// A store of the same kind in a directory of this one's.
    ///
    /// - Parameter name: the directory's.
    /// - Returns: the store.
    public func beside(_ name: String) -> SnapshotStore {
        SnapshotStore(baseDirectory: "\(base)/\(name)", unpacker: worker.executable)
    }

    /// Saves the durable volumes, and what a backend left for it, under a name; blocks.
    ///
    /// The workload is dead or frozen. Calls for one actor never overlap. A snapshot of the same name is replaced: a crash leaves the old or the new one.
    /// - Parameters:
    ///   - actorDirectory: the actor's directory's name.
    ///   - name: the snapshot's name, one path component.
    ///   - manifest: class, assets, scope and backend; files, volumes and time are filled in here.
    ///   - volumes: the durable volumes; may be none.
    ///   - extraFiles: a directory of plain files that become part of it, moved away from there; nil = none.
    ///   - roots: upper directories of the containers' roots, by container; those of a snapshot of data are not kept.
    ///   - volumesSaved: whether the volumes are in these files, and so not archived.
    /// - Returns: the manifest as written.
    /// - Throws: RESOURCE_EXHAUSTED, FAILED_PRECONDITION for a device in a volume, INTERNAL. Nothing is left then.
    public func saveLocal(
        actorDirectory: String,
        name: String,
        manifest: SnapshotManifest,
        volumes: [DurableVolume],
        extraFiles: String? = nil,
        roots: [DurableVolume] = [],
        volumesSaved: Bool = false
    ) throws(HostError) -> SnapshotManifest {
        let parent = try directory(of: actorDirectory)
        try Self.validate(name)
        try DirectoryTree.make(parent)
        for left in try DirectoryTree.names(in: parent) where left.hasPrefix(".saving-") {
            try DirectoryTree.remove("\(parent)/\(left)")
        }
        let staging = "\(parent)/.saving-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        guard unsafe mkdir(staging, 0o700) == 0 else { throw storeError("mkdir", staging) }
        do throws(HostError) {
            let whole = try fill(staging, manifest, volumesSaved ? [] : volumes, extraFiles, roots)
            let final = "\(parent)/\(name)"
            let old = "\(parent)/\(Self.replacedPrefix)\(name)"
            if unsafe access(final, F_OK) == 0 { try DirectoryTree.remove(old) }
            let replaced = unsafe rename(final, old) == 0
            guard replaced || errno == ENOENT else { throw storeError("rename", final) }
            guard unsafe rename(staging, final) == 0 else {
                let error = storeError("rename", final)
                if replaced { _ = unsafe rename(old, final) }
                throw error
            }
            do throws(SyscallError) { try AtomicFile.syncDirectory(parent) } catch { throw storeError(error) }
            try? DirectoryTree.remove(old)
            return whole
        } catch {
            try? DirectoryTree.remove(staging)
            throw error
        }
    }

    /// The snapshot of that name.
    ///
    /// - Parameters:
    ///   - actorDirectory: the actor's directory's name.
    ///   - name: the snapshot's name.
    /// - Returns: it, with its manifest; the files are not verified yet.
    /// - Throws: NOT_FOUND, or DATA_LOSS where its manifest is none.
    public func find(actorDirectory: String, name: String) throws(HostError) -> Snapshot {
        let parent = try directory(of: actorDirectory)
        try Self.validate(name)
        let path = "\(parent)/\(name)"
        // A crash between the two renames of a replacement: the old one is still the one of that name.
        if unsafe access(path, F_OK) != 0 { _ = unsafe rename("\(parent)/\(Self.replacedPrefix)\(name)", path) }
        let number = unsafe open("\(path)/manifest.json", O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard number >= 0 else {
            guard errno == ENOENT else { throw storeError("open", path) }
            if let reason = quarantineReason(parent, name) {
                throw HostError(.dataLoss, .snapshotCorrupt, "snapshot \"\(name)\" was put aside as corrupt: \(reason)")
            }
            throw HostError(.notFound, .snapshotNotFound, "no local snapshot \"\(name)\" of this actor")
        }
        let file = OwnedFD(number)
        let bytes: [UInt8]
        do throws(SyscallError) { bytes = try readAll(from: file.rawValue, limit: 4 << 20) } catch {
            throw HostError(.dataLoss, .snapshotCorrupt, "snapshot \(name): \(error)")
        }
        return Snapshot(name: name, path: path, manifest: try SnapshotManifest.decoded(bytes, name))
    }

    /// All readable snapshots of an actor, the oldest first.
    ///
    /// - Parameter actorDirectory: the actor's directory's name.
    /// - Returns: those whose manifest can be read.
    /// - Throws: INTERNAL where the directory cannot be read.
    public func list(actorDirectory: String) throws(HostError) -> [Snapshot] {
        var found: [(Snapshot, Int64, Int)] = []
        let parent = try directory(of: actorDirectory)
        for left in try DirectoryTree.names(in: parent) where left.hasPrefix(Self.replacedPrefix) {
            _ = try? find(actorDirectory: actorDirectory, name: String(left.dropFirst(Self.replacedPrefix.count)))
        }
        for name in try DirectoryTree.names(in: parent) where !name.hasPrefix(".") {
            guard let snapshot = try? find(actorDirectory: actorDirectory, name: name) else { continue }
            var status = stat()
            guard unsafe stat("\(snapshot.path)/manifest.json", &status) == 0 else { continue }
            found.append((snapshot, Int64(status.st_mtim.tv_sec), status.st_mtim.tv_nsec))
        }
        return found.sorted { ($0.1, $0.2, $0.0.name) < ($1.1, $1.2, $1.0.name) }.map(\.0)
    }

    /// The newest readable snapshot of an actor.
    ///
    /// - Parameter actorDirectory: the actor's directory's name.
    /// - Returns: nil where there is none.
    /// - Throws: INTERNAL where the directory cannot be read.
    public func newest(actorDirectory: String) throws(HostError) -> Snapshot? {
        try list(actorDirectory: actorDirectory).last
    }

    /// Removes a snapshot; one that is absent is fine.
    ///
    /// - Parameters:
    ///   - actorDirectory: the actor's directory's name.
    ///   - name: the snapshot's name.
    /// - Throws: INTERNAL where it cannot be removed.
    public func remove(actorDirectory: String, name: String) throws(HostError) {
        let parent = try directory(of: actorDirectory)
        try Self.validate(name)
        try DirectoryTree.remove("\(parent)/\(Self.replacedPrefix)\(name)")
        try DirectoryTree.remove("\(parent)/\(name)")
        try DirectoryTree.remove("\(parent)/\(Self.corruptPrefix)\(name)")
    }

    /// Fills the staging directory; the manifest comes last.
    private func fill(
        _ staging: String,
        _ manifest: SnapshotManifest,
        _ volumes: [DurableVolume],
        _ extraFiles: String?,
        _ roots: [DurableVolume]
    ) throws(HostError) -> SnapshotManifest {
        var whole = manifest
        var files: [String: SnapshotManifest.File] = [:]
        if let extraFiles {
            for name in try DirectoryTree.names(in: extraFiles) {
                try Self.validate(name)
                guard ![Self.archiveName, Self.rootsFile, "manifest.json"].contains(name) else {
                    throw HostError(.invalidArgument, .snapshotCorrupt, "the backend wrote a file named \(name)")
                }
                guard unsafe rename("\(extraFiles)/\(name)", "\(staging)/\(name)") == 0 else {
                    throw storeError("rename", name)
                }
                files[name] = try Self.measure("\(staging)/\(name)")
            }
        }
        if !volumes.isEmpty {
            let path = "\(staging)/\(Self.archiveName)"
            try VolumeArchive.write(volumes, to: path, worker, isLayer: false)
            files[Self.archiveName] = try Self.measure(path)
        }
        if !roots.isEmpty {
            let path = "\(staging)/\(Self.rootsFile)"
            try VolumeArchive.write(roots, to: path, worker, isLayer: true)
            files[Self.rootsFile] = try Self.measure(path)
        }
        whole.files = files
        whole.snapshotFiles = files.isEmpty ? nil : files.keys.sorted()
        whole.volumes = volumes.isEmpty ? nil : volumes.map(\.name)
        whole.machine = whole.scope == "data" ? MachineFacts.here.forData : MachineFacts.here
        whole.createdAt = Int64(time(nil))
        let bytes = try whole.encoded()
        do throws(SyscallError) {
            try AtomicFile.write(bytes, to: "\(staging)/manifest.json")
        } catch { throw storeError(error) }
        return whole
    }

    func directory(of actor: String) throws(HostError) -> String {
        try Self.validate(actor)
        return "\(base)/actors/\(actor)/local-checkpoint"
    }

    /// Names come from requests and disk: one component, never a dot's.
    static func validate(_ name: String) throws(HostError) {
        let bad =
            name.isEmpty || name.utf8.count > 255 || name.hasPrefix(".") || name.utf8.contains(0)
            || name.utf8.contains(UInt8(ascii: "/"))
        if bad {
            throw HostError(.invalidArgument, nil, "snapshot name \"\(name.prefix(80))\" is not one path component")
        }
    }

    /// Makes a file durable, and says its size and digest.
    static func measure(_ path: String) throws(HostError) -> SnapshotManifest.File {
        let number = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard number >= 0 else { throw storeError("open", path) }
        let file = OwnedFD(number)
        var status = stat()
        guard unsafe fstat(number, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw HostError(.internal, nil, "\(path) is not a regular file")
        }
        guard fsync(file.rawValue) == 0 else { throw storeError("fsync", path) }
        return .init(size: Int64(status.st_size), sha256: try SHA256.hex(ofDescriptor: number, named: path))
    }
}
