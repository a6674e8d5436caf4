import CArchive
import Glibc
public import HostErrors
import SystemLayer

/// Unpacks one stranger's archive into a directory.
///
/// - Source: contract §3.2, §11 D; OCI image-spec v1.1, layer.md; security T51-T56.
public struct Unpacker: ~Copyable {
    let tree: StagingTree
    let mode: UnpackMode
    let limits: UnpackLimits
    let keepsOwners: Bool
    var bytes: Int64 = 0
    var finishes = Finishes()
    private var entries = 0

    /// Makes one.
    ///
    /// - Parameters:
    ///   - root: the staging directory's descriptor, owned by the caller.
    ///   - mode: what the archive is.
    ///   - limits: when it is too much.
    ///   - keepsOwners: whether this process may give files away; owners are kept then; nil = as root.
    public init(
        root: CInt,
        mode: UnpackMode,
        limits: UnpackLimits = UnpackLimits(),
        keepsOwners: Bool? = nil
    ) {
        tree = StagingTree(root: root)
        self.mode = mode
        self.limits = limits
        self.keepsOwners = mode.namesOwners && (keepsOwners ?? (geteuid() == 0))
    }

    /// Reads the archive to its end; tar, plain or through gzip, zstd or bzip2.
    ///
    /// - Parameter input: the archive's descriptor.
    /// - Throws: INVALID_ARGUMENT for what no image may hold or a damaged archive, RESOURCE_EXHAUSTED over a limit;
    ///   the text names the entry. The directory then holds a part, to be removed by the caller.
    /// - Returns: the bytes of all files together, holes included.
    @discardableResult
    public consuming func unpack(from input: CInt) throws(HostError) -> Int64 {
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
        var name = ""
        do throws(HostError) {
            while let entry = try unsafe next(archive) {
                entries += 1
                name = unsafe Self.displayName(entry)
                guard entries <= limits.entries else {
                    throw HostError(.resourceExhausted, nil, "archive has more than \(limits.entries) entries")
                }
                try unsafe place(entry, archive)
            }
        } catch { throw Self.naming(error, entries, name) }
        while let finish = finishes.popLast() { try apply(finish) }
        return bytes
    }

    private func next(_ archive: OpaquePointer) throws(HostError) -> OpaquePointer? {
        var entry: OpaquePointer?
        let result = unsafe archive_read_next_header(archive, &entry)
        if result == ARCHIVE_EOF { return nil }
        guard result == ARCHIVE_OK || result == ARCHIVE_WARN, let entry = unsafe entry else {
            throw unsafe damaged(archive)
        }
        return unsafe entry
    }

    /// The error with the entry that it came at, or after.
    private static func naming(_ error: HostError, _ number: Int, _ name: String) -> HostError {
        guard number > 0 else { return error }
        let words = "\(error.message), at entry \(number) \"\(name)\""
        return HostError(error.code, error.reason, words, context: error.context)
    }

    /// The entry's name for people, whatever its bytes are.
    private static func displayName(_ entry: OpaquePointer) -> String {
        guard let name = unsafe archive_entry_pathname(entry) ?? archive_entry_pathname_utf8(entry) else { return "" }
        return unsafe printable(String(cString: name))
    }

    private mutating func place(_ entry: OpaquePointer, _ archive: OpaquePointer) throws(HostError) {
        guard let name = unsafe string(archive_entry_pathname(entry) ?? archive_entry_pathname_utf8(entry)) else {
            throw HostError(.invalidArgument, nil, "invalid tar entry: name is not UTF-8")
        }
        guard let parts = try EntryName.parse(name), let last = parts.last else {
            // The root itself: what is in a layer's own is the staging directory's.
            try unsafe checkData(archive)
            return
        }
        if mode.isLayer, try whiteout(parts) { return }
        if let target = unsafe string(archive_entry_hardlink(entry) ?? archive_entry_hardlink_utf8(entry)) {
            return try hardlink(parts, target)
        }
        switch unsafe archive_entry_filetype(entry) {
        case S_IFREG: try unsafe file(entry, archive, parts, last)
        case S_IFDIR: try unsafe makeDirectory(entry, parts, last)
        case S_IFLNK: try unsafe symbolicLink(entry, parts, last)
        default:
            throw HostError(.invalidArgument, nil, "unhandled tar entry typeflag: \(tree.text(parts))")
        }
    }

    /// Whether the entry was a whiteout, and is done with.
    private func whiteout(_ parts: [String]) throws(HostError) -> Bool {
        let above = Array(parts.dropLast())
        let kind = try EntryName.whiteout(parts)
        if kind == .none { return false }
        if kind == .ignored { return true }
        let directory = try tree.directory(above, creating: true, "invalid tar entry")
        guard case .removed(let name) = kind else {
            try tree.makeOpaque(directory)
            return true
        }
        switch tree.kind(directory, name) {
        case nil:
            guard unsafe mknodat(directory, name, S_IFCHR, 0) == 0 else { throw tree.failure("mknodat", parts) }
        case S_IFDIR:
            try tree.makeOpaque(try tree.directory(above + [name], creating: false, "invalid tar entry"))
        default: break  // A file of this layer hides the lower one by itself.
        }
        return true
    }

    func string(_ pointer: UnsafePointer<CChar>?) -> String? {
        guard let pointer = unsafe pointer else { return nil }
        return unsafe String(validatingCString: pointer)
    }

    /// Skipping an entry reads it, so a skipped one counts as well.
    private func checkData(_ archive: OpaquePointer) throws(HostError) {
        guard unsafe archive_read_data_skip(archive) == ARCHIVE_OK else { throw unsafe damaged(archive) }
        try unsafe checkRatio(archive)
    }

    func checkRatio(_ archive: OpaquePointer) throws(HostError) {
        let out = unsafe archive_filter_bytes(archive, 0)
        guard out > limits.ratioFloor else { return }
        let read = unsafe archive_filter_bytes(archive, -1)
        guard out / limits.ratio <= read else {
            throw HostError(.resourceExhausted, nil, "archive unpacks to more than \(limits.ratio) times its size")
        }
    }

    func damaged(_ archive: OpaquePointer) -> HostError {
        let words = unsafe string(archive_error_string(archive)) ?? "unknown"
        // A stream that asks for a window of hundreds of megabytes is refused by this process's own limit.
        let isMemory = unsafe archive_errno(archive) == ENOMEM || words.contains("llocat")
        return isMemory
            ? HostError(.resourceExhausted, nil, "archive needs more memory than it is given: \(printable(words))")
            : HostError(.invalidArgument, nil, "damaged archive: \(printable(words))")
    }
}
