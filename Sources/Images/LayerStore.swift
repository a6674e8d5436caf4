import Dispatch
import Glibc
import HostErrors
import Synchronization
import SystemLayer
import Telemetry
import Transfer

/// Unpacked layers by digest: `layers/<sha256>/root`, shared between images.
///
/// A layer is there whole or not at all. Beside `<sha256>`, whose files belong to whom the image says, `<sha256>-root`
/// is the same layer with all files root's.
struct LayerStore: Sendable {
    /// One layer that is wanted, and where its bytes are.
    struct Want: Sendable {
        var descriptor: Descriptor
        var blobs: BlobStore
    }
    let directory: String
    let staging: String
    let worker: UnpackWorker
    private let flights = SingleFlight()

    init(store: String, unpacker: String) {
        directory = "\(store)/layers"
        staging = "\(store)/staging"
        worker = UnpackWorker(executable: unpacker)
    }

    /// The name of a layer's directory.
    static func name(_ hex: String, isRootOwned: Bool) -> String { isRootOwned ? "\(hex)-root" : hex }

    /// What overlayfs gets.
    func root(_ name: String) -> String { "\(directory)/\(name)/root" }

    /// Whether a layer is there.
    func has(_ name: String) -> Bool { unsafe access("\(directory)/\(name)", F_OK) == 0 }

    /// The bytes of a layer's files; 0 where nobody knows.
    func bytes(_ name: String) -> Int64 {
        TextFile.read("\(directory)/\(name)/bytes").flatMap { Int64($0.prefix { $0 != "\n" }) } ?? 0
    }

    /// Removes a layer: at once for who looks for it, then its files.
    ///
    /// - Returns: whether it is gone.
    func remove(_ name: String) -> Bool {
        // Where a crash leaves it, the next start sweeps it away.
        let going = "\(staging)/removed-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        guard (try? DirectoryTree.make(staging)) != nil, unsafe rename("\(directory)/\(name)", going) == 0 else {
            return false
        }
        try? DirectoryTree.remove(going)
        return true
    }

    /// Has all of them unpacked when it returns: side by side, as many as there are processors.
    ///
    /// - Throws: the first failure; what was whole by then stays.
    func ensure(_ wants: [Want], _ use: ImageUse) throws(HostError) {
        let missing = wants.filter { want in
            (try? want.descriptor.hex()).map { !has(Self.name($0, isRootOwned: use.isRootOwned)) } ?? true
        }
        guard !missing.isEmpty else { return }
        use.progress(.unpacking(done: 0, total: missing.count))
        if missing.count == 1 {
            try unpack(missing[0], use)
            return use.progress(.unpacking(done: 1, total: 1))
        }
        let failure = Mutex<HostError?>(nil)
        let done = Mutex(0)
        let waited = Mutex(0.0)
        // The largest first, so that none is left to unpack alone at the end.
        let sorted = missing.sorted { $0.descriptor.size > $1.descriptor.size }
        DispatchQueue.concurrentPerform(iterations: sorted.count) { index in
            guard failure.withLock({ $0 == nil }) else { return }
            let programs = ProgramTime()
            do throws(HostError) {
                try programs.counting { () throws(HostError) in try unpack(sorted[index], use) }
                let count = done.withLock { count in
                    count += 1
                    return count
                }
                use.progress(.unpacking(done: count, total: sorted.count))
            } catch { failure.withLock { $0 = $0 ?? error } }
            waited.withLock { $0 += programs.milliseconds }
        }
        // Side by side they waited no longer than the sum of all over the processors.
        ProgramTime.add(waited.withLock { $0 } / Double(min(sorted.count, Self.processors)))
        if let failure = failure.withLock({ $0 }) { throw failure }
    }

    private static let processors = max(1, sysconf(CInt(_SC_NPROCESSORS_ONLN)))

    private func unpack(_ want: Want, _ use: ImageUse) throws(HostError) {
        let name = Self.name(try want.descriptor.hex(), isRootOwned: use.isRootOwned)
        try flights.run(name) { () throws(HostError) in
            if has(name) { return }
            if use.isCancelled() { throw HostError(.cancelled, nil, "cancelled") }
            let blob = try want.blobs.open(want.descriptor)
            let making = try StagingDirectory(in: staging, named: "layer")
            let root = "\(making.path)/root"
            guard unsafe mkdir(root, 0o755) == 0, unsafe chmod(root, 0o755) == 0 else {
                throw storeError("mkdir", root)
            }
            let number = unsafe Glibc.open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
            guard number >= 0 else { throw storeError("open", root) }
            let directory = OwnedFD(number)
            let mode = use.isRootOwned ? "--layer-of-root" : "--layer"
            let bytes = try worker.run(
                [mode],
                input: blob.rawValue,
                directories: [directory.rawValue],
                isCancelled: use.isCancelled
            )
            try publish(making.path, name, bytes)
        }
    }

    private func publish(_ path: String, _ name: String, _ bytes: String) throws(HostError) {
        let number = unsafe Glibc.open("\(path)/bytes", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard number >= 0 else { throw storeError("open", path) }
        let file = OwnedFD(number)
        do throws(SyscallError) { try writeAll(Array("\(bytes)\n".utf8), to: file.rawValue) } catch {
            throw storeError(error)
        }
        try DirectoryTree.make(directory)
        guard unsafe rename(path, "\(directory)/\(name)") == 0 else {
            // Another process was faster with the same layer.
            if (errno == EEXIST || errno == ENOTEMPTY), has(name) { return }
            throw storeError("rename", name)
        }
        do throws(SyscallError) { try AtomicFile.syncDirectory(directory) } catch { throw storeError(error) }
    }
}
