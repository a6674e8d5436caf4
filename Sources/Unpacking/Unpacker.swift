import CArchive
import Glibc
public import HostErrors
import SystemLayer

/// Unpacks one stranger's archive into a directory.
///
/// - Source: contract §3.2, §11 D; security T51-T56.
public struct Unpacker: ~Copyable {
    /// A directory whose mode is set when everything in it is there.
    private struct Finish {
        var parts: [String]
        var mode: UInt32
        var owner: (UInt32, UInt32)
        var modified: timespec
    }
    private let tree: StagingTree
    private let mode: UnpackMode
    private let limits: UnpackLimits
    private let keepsOwners: Bool
    private var entries = 0
    private var bytes: Int64 = 0
    private var finishes: [Finish] = []

    /// Makes one.
    ///
    /// - Parameters:
    ///   - root: the staging directory's descriptor, owned by the caller.
    ///   - mode: what the archive is.
    ///   - limits: when it is too much.
    ///   - keepsOwners: whether this process may give files away; volumes keep their owners then; nil = as
    ///     root.
    public init(
        root: CInt,
        mode: UnpackMode,
        limits: UnpackLimits = UnpackLimits(),
        keepsOwners: Bool? = nil
    ) {
        tree = StagingTree(root: root)
        self.mode = mode
        self.limits = limits
        self.keepsOwners = keepsOwners ?? (geteuid() == 0)
    }

    /// Reads the archive to its end; tar, plain or through gzip, zstd or bzip2.
    ///
    /// - Parameter input: the archive's descriptor.
    /// - Throws: INVALID_ARGUMENT for what no image may hold or a damaged archive, RESOURCE_EXHAUSTED over a limit.
    ///   The directory then holds a part, to be removed by the caller.
    public consuming func unpack(from input: CInt) throws(HostError) {
        guard let archive = unsafe archive_read_new() else {
            throw HostError(.resourceExhausted, nil, "out of memory")
        }
        defer { unsafe _ = archive_read_free(archive) }
        unsafe archive_read_support_format_tar(archive)
        unsafe archive_read_support_format_empty(archive)
        unsafe archive_read_support_filter_gzip(archive)
        unsafe archive_read_support_filter_zstd(archive)
        unsafe archive_read_support_filter_bzip2(archive)
        guard unsafe archive_read_open_fd(archive, input, 1 << 17) == ARCHIVE_OK else {
            throw unsafe damaged(archive)
        }
        while true {
            var entry: OpaquePointer?
            let result = unsafe archive_read_next_header(archive, &entry)
            if result == ARCHIVE_EOF { break }
            guard result == ARCHIVE_OK || result == ARCHIVE_WARN, let entry = unsafe entry else {
                throw unsafe damaged(archive)
            }
            entries += 1
            guard entries <= limits.entries else {
                throw HostError(.resourceExhausted, nil, "archive has more than \(limits.entries) entries")
            }
            try unsafe place(entry, archive)
        }
        for finish in finishes.reversed() { try apply(finish) }
    }

    private mutating func place(_ entry: OpaquePointer, _ archive: OpaquePointer) throws(HostError) {
        guard let name = unsafe string(archive_entry_pathname(entry) ?? archive_entry_pathname_utf8(entry)) else {
            throw HostError(.invalidArgument, nil, "invalid tar entry: name is not UTF-8")
        }
        guard let parts = try EntryName.parse(name), let last = parts.last else {
            try unsafe checkData(archive)
            return
        }
        let above = Array(parts.dropLast())
        if mode == .layer, try whiteout(parts, above) { return }
        if let target = unsafe string(archive_entry_hardlink(entry) ?? archive_entry_hardlink_utf8(entry)) {
            return try hardlink(parts, target)
        }
        let type = unsafe archive_entry_filetype(entry)
        switch type {
        case S_IFREG:
            let directory = try tree.open(above, creating: true, "invalid tar entry")
            try tree.clear(last, in: directory.rawValue)
            try unsafe file(entry, archive, last, in: directory.rawValue)
        case S_IFDIR: try unsafe makeDirectory(entry, parts, above, last)
        case S_IFLNK:
            guard let target = unsafe string(archive_entry_symlink(entry) ?? archive_entry_symlink_utf8(entry)),
                !target.isEmpty, target.utf8.count < 4096
            else { throw HostError(.invalidArgument, nil, "invalid tar entry: symbolic link to nothing") }
            let directory = try tree.open(above, creating: true, "invalid tar entry")
            if tree.readLink(directory.rawValue, last) == target { return }
            try tree.clear(last, in: directory.rawValue)
            guard unsafe symlinkat(target, directory.rawValue, last) == 0 else {
                throw tree.failure("symlinkat", parts)
            }
            if mode == .durable {
                let (user, group) = unsafe owner(entry)
                try own(directory.rawValue, last, user, group)
                var times = unsafe [modified(entry), modified(entry)]
                guard unsafe utimensat(directory.rawValue, last, &times, AT_SYMLINK_NOFOLLOW) == 0 else {
                    throw tree.failure("utimensat", parts)
                }
            }
        default:
            throw HostError(.invalidArgument, nil, "unhandled tar entry typeflag: \(tree.text(parts))")
        }
    }

    private mutating func makeDirectory(
        _ entry: OpaquePointer,
        _ parts: [String],
        _ above: [String],
        _ last: String
    ) throws(HostError) {
        let directory = try tree.open(above, creating: true, "invalid tar entry")
        let standing = tree.kind(directory.rawValue, last)
        // A link under that name stays, as upstream's ignored EEXIST leaves it.
        if standing == S_IFLNK { return }
        if standing != nil, standing != S_IFDIR { try tree.clear(last, in: directory.rawValue) }
        if standing != S_IFDIR {
            guard unsafe mkdirat(directory.rawValue, last, 0o755) == 0 else { throw tree.failure("mkdirat", parts) }
        }
        // A whiteout came first: the new directory shows nothing of the lower one.
        if mode == .layer, standing == S_IFCHR {
            let made = try tree.open(parts, creating: false, "invalid tar entry")
            try tree.makeOpaque(made.rawValue)
        }
        finishes.append(
            Finish(
                parts: parts,
                mode: unsafe UInt32(archive_entry_perm(entry)) & 0o1777,
                owner: unsafe owner(entry),
                modified: unsafe modified(entry)
            )
        )
    }

    /// Whether the entry was a whiteout, and is done with.
    private func whiteout(_ parts: [String], _ above: [String]) throws(HostError) -> Bool {
        switch try EntryName.whiteout(parts) {
        case .none: return false
        case .ignored: return true
        case .opaque:
            let directory = try tree.open(above, creating: true, "invalid tar entry")
            try tree.makeOpaque(directory.rawValue)
        case .removed(let name):
            let directory = try tree.open(above, creating: true, "invalid tar entry")
            switch tree.kind(directory.rawValue, name) {
            case nil:
                guard unsafe mknodat(directory.rawValue, name, S_IFCHR, 0) == 0 else {
                    throw tree.failure("mknodat", parts)
                }
            case S_IFDIR:
                let same = try tree.open(above + [name], creating: false, "invalid tar entry")
                try tree.makeOpaque(same.rawValue)
            default: break  // A file of this layer hides the lower one by itself.
            }
        }
        return true
    }

    private func hardlink(_ parts: [String], _ target: String) throws(HostError) {
        let complaint = "invalid hardlink target"
        guard let last = parts.last, let source = try EntryName.parse(target, complaint), let sourceLast = source.last
        else { throw HostError(.invalidArgument, nil, "\(complaint): \(printable(target))") }
        if source == parts { return }
        let directory = try tree.open(Array(parts.dropLast()), creating: true, "invalid tar entry")
        let from: OwnedFD
        do throws(HostError) { from = try tree.open(Array(source.dropLast()), creating: false, complaint) } catch {
            throw HostError(.invalidArgument, nil, "\(complaint): \(printable(target))")
        }
        guard let kind = tree.kind(from.rawValue, sourceLast), kind == S_IFREG || kind == S_IFLNK else {
            throw HostError(.invalidArgument, nil, "\(complaint): \(printable(target))")
        }
        try tree.clear(last, in: directory.rawValue)
        guard unsafe linkat(from.rawValue, sourceLast, directory.rawValue, last, 0) == 0 else {
            if errno == ENOENT { throw HostError(.invalidArgument, nil, "\(complaint): \(printable(target))") }
            throw tree.failure("linkat", parts)
        }
    }

    private mutating func file(
        _ entry: OpaquePointer,
        _ archive: OpaquePointer,
        _ name: String,
        in directory: CInt
    ) throws(HostError) {
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
        let number = unsafe openat(directory, name, flags, 0o600)
        guard number >= 0 else { throw tree.failure("openat", [name]) }
        let file = OwnedFD(number)
        let size = unsafe archive_entry_size(entry)
        // Holes count too: a file's size is what its reader pays.
        guard size >= 0, size <= limits.bytes - bytes else { throw tooLarge() }
        bytes += size
        while true {
            var block: UnsafeRawPointer?
            var count = 0
            var offset: la_int64_t = 0
            let result = unsafe archive_read_data_block(archive, &block, &count, &offset)
            if result == ARCHIVE_EOF { break }
            guard result == ARCHIVE_OK || result == ARCHIVE_WARN else { throw unsafe damaged(archive) }
            guard offset >= 0, offset <= size, Int64(count) <= size - offset else {
                throw HostError(.invalidArgument, nil, "damaged archive: data past the end of \(printable(name))")
            }
            try unsafe checkRatio(archive)
            var done = 0
            while done < count {
                let wrote = unsafe pwrite(number, block?.advanced(by: done), count - done, Int(offset) + done)
                if wrote < 0 {
                    if errno == EINTR { continue }
                    throw tree.failure("pwrite", [name])
                }
                done += wrote
            }
        }
        guard ftruncate(number, Int(size)) == 0 else { throw tree.failure("ftruncate", [name]) }
        let (user, group) = unsafe owner(entry)
        if mode == .durable {
            guard !keepsOwners || fchown(number, user, group) == 0 else { throw tree.failure("fchown", [name]) }
        }
        guard fchmod(number, unsafe permissions(entry, user, group)) == 0 else { throw tree.failure("fchmod", [name]) }
        var times = unsafe [modified(entry), modified(entry)]
        guard unsafe futimens(number, &times) == 0 else { throw tree.failure("futimens", [name]) }
        do throws(SyscallError) { try file.close() } catch { throw storeError(error) }
    }

    /// A file's permission bits: setuid survives only in a layer and only where the owner, root, is the image's own.
    private func permissions(_ entry: OpaquePointer, _ user: UInt32, _ group: UInt32) -> UInt32 {
        let given = unsafe UInt32(archive_entry_perm(entry))
        var kept: UInt32 = given & 0o777
        if mode == .layer, user == 0 { kept |= given & 0o4000 }
        if mode == .layer, group == 0 { kept |= given & 0o2000 }
        return kept
    }

    private func apply(_ finish: Finish) throws(HostError) {
        // The name may have become a link or a file since: then there is nothing to finish.
        guard let last = finish.parts.last,
            let above = try? tree.open(Array(finish.parts.dropLast()), creating: false, ""),
            tree.kind(above.rawValue, last) == S_IFDIR
        else { return }
        let number = unsafe openat(above.rawValue, last, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard number >= 0 else { throw tree.failure("openat", finish.parts) }
        let directory = OwnedFD(number)
        if mode == .durable, keepsOwners, fchown(number, finish.owner.0, finish.owner.1) != 0 {
            throw tree.failure("fchown", finish.parts)
        }
        guard fchmod(directory.rawValue, finish.mode) == 0 else { throw tree.failure("fchmod", finish.parts) }
        var times = [finish.modified, finish.modified]
        guard unsafe futimens(number, &times) == 0 else { throw tree.failure("futimens", finish.parts) }
    }

    private func own(_ directory: CInt, _ name: String, _ user: UInt32, _ group: UInt32) throws(HostError) {
        guard keepsOwners else { return }
        guard unsafe fchownat(directory, name, user, group, AT_SYMLINK_NOFOLLOW) == 0 else {
            throw tree.failure("fchownat", [name])
        }
    }

    private func owner(_ entry: OpaquePointer) -> (UInt32, UInt32) {
        unsafe (
            UInt32(truncatingIfNeeded: archive_entry_uid(entry)), UInt32(truncatingIfNeeded: archive_entry_gid(entry))
        )
    }

    private func modified(_ entry: OpaquePointer) -> timespec {
        unsafe timespec(tv_sec: archive_entry_mtime(entry), tv_nsec: archive_entry_mtime_nsec(entry))
    }

    private func string(_ pointer: UnsafePointer<CChar>?) -> String? {
        guard let pointer = unsafe pointer else { return nil }
        return unsafe String(validatingCString: pointer)
    }

    /// Skipping an entry reads it, so a skipped one counts as well.
    private func checkData(_ archive: OpaquePointer) throws(HostError) {
        guard unsafe archive_read_data_skip(archive) == ARCHIVE_OK else { throw unsafe damaged(archive) }
        try unsafe checkRatio(archive)
    }

    private func checkRatio(_ archive: OpaquePointer) throws(HostError) {
        let out = unsafe archive_filter_bytes(archive, 0)
        guard out > limits.ratioFloor else { return }
        let read = unsafe archive_filter_bytes(archive, -1)
        guard out / limits.ratio <= read else {
            throw HostError(.resourceExhausted, nil, "archive unpacks to more than \(limits.ratio) times its size")
        }
    }

    private func tooLarge() -> HostError {
        HostError(.resourceExhausted, nil, "archive unpacks to more than \(limits.bytes) bytes")
    }

    private func damaged(_ archive: OpaquePointer) -> HostError {
        let words = unsafe string(archive_error_string(archive)) ?? "unknown"
        return HostError(.invalidArgument, nil, "damaged archive: \(printable(words))")
    }
}
