import Glibc
public import HostErrors
import Synchronization
import SystemLayer

/// A bucket that is a directory of this machine, or of a file server that is mounted here.
public struct FileObjectStore: ObjectStore {
    /// `file://BUCKET`.
    public let name: String
    /// Files come from memory as a rule: more threads than processors only wait for one another.
    public let width = max(2, Machine.processors)
    private let root: String
    /// What files are called until they are whole; none of these is an object.
    static let temporaryPrefix = ".writing-"

    /// Makes one; the directory appears with the first object.
    ///
    /// - Parameters:
    ///   - directory: the parent of all buckets, absolute.
    ///   - bucket: one name.
    /// - Throws: INVALID_ARGUMENT for a bucket that is no name.
    public init(directory: String, bucket: String) throws(HostError) {
        try ObjectKey.validate(bucket)
        guard !bucket.contains("/"), !bucket.hasPrefix(".") else {
            throw HostError(.invalidArgument, .snapshotStore, "bucket \"\(bucket.prefix(80))\" is no name")
        }
        name = "file://\(bucket)"
        root = "\(directory)/\(bucket)"
    }

    /// What the store says of an object; nil where there is none.
    public func head(_ key: String) throws(HostError) -> StoredObject? {
        var status = stat()
        guard unsafe lstat(try path(key), &status) == 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw storeError("stat", key)
        }
        guard status.st_mode & S_IFMT == S_IFREG else { return nil }
        return StoredObject(key: key, size: Int64(status.st_size), modified: Int64(status.st_mtim.tv_sec))
    }

    /// The whole of a small object.
    public func read(_ key: String, limit: Int) throws(HostError) -> [UInt8] {
        let file = try open(key)
        var status = stat()
        guard unsafe fstat(file.rawValue, &status) == 0 else { throw storeError("fstat", key) }
        let size = Int(status.st_size)
        do throws(SyscallError) {
            // One more than it has: what is less than that is all of it.
            var bytes = try readSome(min(size, limit) + 1, from: file.rawValue)
            if bytes.count != size, bytes.count <= limit {
                bytes += try readAll(from: file.rawValue, limit: limit - bytes.count)
            }
            if bytes.count <= limit { return bytes }
        } catch {
            if error.errno != EFBIG { throw storeError(error) }
        }
        throw HostError(.resourceExhausted, .snapshotStore, "\(name)/\(key) has more than \(limit) bytes")
    }

    /// A large object, part by part.
    public func stream(_ key: String, _ take: ([UInt8]) throws(HostError) -> Void) throws(HostError) {
        let file = try open(key)
        while true {
            let some: [UInt8]
            do throws(SyscallError) { some = try readSome(1 << 18, from: file.rawValue) } catch {
                throw storeError(error)
            }
            if some.isEmpty { return }
            try take(some)
        }
    }

    /// Writes one object.
    public func put(_ key: String, _ bytes: [UInt8]) throws(HostError) {
        let path = try path(key)
        try makeParent(of: path)
        do throws(SyscallError) { try AtomicFile.write(bytes, to: path) } catch { throw storeError(error) }
    }

    /// Begins an object whose size is not known yet.
    public func upload(_ key: String) throws(HostError) -> any ObjectUpload {
        let path = try path(key)
        try makeParent(of: path)
        return try FileUpload(path)
    }

    /// Begins to write many small objects.
    public func batch() throws(HostError) -> any ObjectBatch {
        try DirectoryTree.make(root)
        return FileBatch(store: self)
    }

    /// Everything whose key begins so.
    public func list(_ prefix: String) throws(HostError) -> [StoredObject] {
        var found: [StoredObject] = []
        let parent = prefix.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        if !parent.isEmpty { try ObjectKey.validate(parent) }
        try walk(parent, prefix, &found)
        return found
    }

    /// Removes one; empty directories above it go too.
    public func delete(_ key: String) throws(HostError) {
        guard unsafe unlink(try path(key)) == 0 || errno == ENOENT || errno == ENOTDIR else {
            throw storeError("unlink", key)
        }
        var parts = key.split(separator: "/").map(String.init)
        while parts.count > 1 {
            parts.removeLast()
            guard unsafe rmdir("\(root)/\(parts.joined(separator: "/"))") == 0 else { return }
        }
    }

    private func walk(_ directory: String, _ prefix: String, _ found: inout [StoredObject]) throws(HostError) {
        for name in try DirectoryTree.names(in: directory.isEmpty ? root : "\(root)/\(directory)") {
            guard !name.hasPrefix(Self.temporaryPrefix), !name.contains(".tmp-") else { continue }
            let key = directory.isEmpty ? name : "\(directory)/\(name)"
            guard key.hasPrefix(prefix) || prefix.hasPrefix("\(key)/") else { continue }
            var status = stat()
            guard unsafe lstat("\(root)/\(key)", &status) == 0 else { continue }
            switch status.st_mode & S_IFMT {
            case S_IFDIR: try walk(key, prefix, &found)
            case S_IFREG where key.hasPrefix(prefix):
                found.append(
                    StoredObject(key: key, size: Int64(status.st_size), modified: Int64(status.st_mtim.tv_sec))
                )
            default: break
            }
        }
    }

    func path(_ key: String) throws(HostError) -> String {
        try ObjectKey.validate(key)
        return "\(root)/\(key)"
    }

    func makeParent(of path: String) throws(HostError) {
        try DirectoryTree.make(Self.parent(of: path))
    }

    /// The directory of an absolute path.
    static func parent(of path: String) -> String {
        path.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(path[..<$0]) } ?? ""
    }

    /// Makes everything that was written in the bucket durable.
    func sync() throws(HostError) {
        do throws(SyscallError) { try AtomicFile.syncFileSystem(root) } catch { throw storeError(error) }
    }

    private func open(_ key: String) throws(HostError) -> OwnedFD {
        let number = unsafe Glibc.open(try path(key), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard number >= 0 else {
            if errno == ENOENT || errno == ENOTDIR {
                throw HostError(.notFound, .snapshotNotFound, "\(name)/\(key) is not there")
            }
            throw storeError("open", key)
        }
        return OwnedFD(number)
    }
}

/// A file that is written under another name until it is whole.
private final class FileUpload: ObjectUpload {
    private let path: String
    private let temporary: String
    private let file: OwnedFD

    init(_ path: String) throws(HostError) {
        self.path = path
        temporary =
            "\(FileObjectStore.parent(of: path))/\(FileObjectStore.temporaryPrefix)\(getpid())-\(UInt32.random(in: 0 ... .max))"
        let number = unsafe open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard number >= 0 else { throw storeError("open", temporary) }
        file = OwnedFD(number)
    }

    func write(_ bytes: [UInt8]) throws(HostError) {
        do throws(SyscallError) { try writeAll(bytes, to: file.rawValue) } catch { throw storeError(error) }
    }

    func commit() throws(HostError) {
        guard fsync(file.rawValue) == 0 else { throw storeError("fsync", temporary) }
        guard unsafe rename(temporary, path) == 0 else { throw storeError("rename", path) }
        do throws(SyscallError) { try AtomicFile.syncDirectory(FileObjectStore.parent(of: path)) } catch {
            throw storeError(error)
        }
    }

    func abort() { _ = unsafe unlink(temporary) }
}

/// Small files, made durable together: one wait for the disk instead of one for each.
///
/// They get their names only afterwards, so that a name never stands for a file that a power loss emptied.
private final class FileBatch: ObjectBatch {
    private struct State {
        /// Temporary path → path.
        var pending: [(temporary: String, path: String)] = []
        var parents: Set<String> = []
        var begun: UInt64 = 0
    }
    /// So many at most are without a name at once.
    private static let most = 512
    private let store: FileObjectStore
    private let state = Mutex(State())

    /// Before the number of each of this batch's temporary names.
    private let own = "\(FileObjectStore.temporaryPrefix)\(getpid())-\(UInt64.random(in: 0 ... .max))-"

    init(store: FileObjectStore) { self.store = store }

    func put(_ key: String, _ bytes: [UInt8]) throws(HostError) {
        let path = try store.path(key)
        let parent = FileObjectStore.parent(of: path)
        let (isNew, number) = state.withLock { state in
            state.begun += 1
            return (state.parents.insert(parent).inserted, state.begun)
        }
        if isNew { try DirectoryTree.make(parent) }
        let temporary = "\(parent)/\(own)\(number)"
        let opened = try create(temporary, in: parent)
        do throws(SyscallError) {
            let file = OwnedFD(opened)
            try writeAll(bytes, to: opened)
            try file.close()
        } catch {
            _ = unsafe unlink(temporary)
            throw storeError(error)
        }
        let isFull = state.withLock { state in
            state.pending.append((temporary, path))
            return state.pending.count >= Self.most
        }
        if isFull { try commit() }
    }

    private func create(_ temporary: String, in parent: String) throws(HostError) -> CInt {
        var number = unsafe open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        if number < 0, errno == ENOENT {
            // Who came first to this directory is still making it.
            try DirectoryTree.make(parent)
            number = unsafe open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        }
        guard number >= 0 else { throw storeError("open", temporary) }
        return number
    }

    func commit() throws(HostError) {
        let pending = state.withLock { state in
            defer { state.pending = [] }
            return state.pending
        }
        if pending.isEmpty { return }
        do throws(HostError) {
            try store.sync()
            for file in pending {
                guard unsafe rename(file.temporary, file.path) == 0 else { throw storeError("rename", file.path) }
            }
        } catch {
            for file in pending { _ = unsafe unlink(file.temporary) }
            throw error
        }
    }

    // Nobody commits any more: an upload that was cut leaves no file without a name.
    deinit { for file in state.withLock({ $0.pending }) { _ = unsafe unlink(file.temporary) } }
}
