import CArchive
import Glibc
import HostErrors
public import SystemLayer

/// What `substrate-unpack` does: one archive in or out, bounded and confined.
///
/// - Source: security.md §2, P4.
public enum UnpackCommand {
    /// Whom it becomes where it was started as root; below it begin the identities of supervisors.
    public static let identity: UInt32 = 1_999_999_999
    /// All the memory that it can have, whatever the archive asks for: a window of 32 MiB still fits.
    public static let memory: UInt64 = 64 << 20

    /// Does what the arguments say.
    ///
    /// - Parameters:
    ///   - arguments: `--layer`, `--layer-of-root` or `--durable`: the archive is descriptor 0, the directory 3.
    ///     `--pack NAME…` and `--pack-layers NAME…`: the archive is descriptor 1, the directory of each name 3, 4, ….
    ///     `--sparse LIMIT` and `--chunks SIZE PAGES`: the stream is descriptor 0, the file 1, and 3 an empty directory to be in.
    ///   - seal: puts the system call filter on this process, when everything else is given up.
    /// - Returns: the exit status: 0, of an archive in after the bytes of its files on descriptor 2, or 1 after a line.
    public static func run(_ arguments: [String], seal: () throws(SyscallError) -> Void) -> CInt {
        do throws(HostError) {
            switch arguments.first {
            case "--layer": try unpack(.layer, seal)
            case "--layer-of-root": try unpack(.layerOfRoot, seal)
            case "--durable": try unpack(.durable, seal)
            case "--pack": try pack(Array(arguments.dropFirst()), isLayer: false, seal)
            case "--pack-layers": try pack(Array(arguments.dropFirst()), isLayer: true, seal)
            case "--sparse": try sparse(Array(arguments.dropFirst()), seal)
            case "--chunks": try chunks(Array(arguments.dropFirst()), seal)
            default:
                throw HostError(
                    .invalidArgument,
                    nil,
                    """
                    usage: substrate-unpack --layer | --layer-of-root | --durable | --pack NAME… | --pack-layers NAME… \
                    | --sparse LIMIT | --chunks SIZE PAGES
                    """
                )
            }
            return 0
        } catch {
            let line = "\(error.code.rawValue) \(printable(error.message, limit: 1000))\n"
            try? writeAll(Array(line.utf8), to: 2)
            return 1
        }
    }

    /// What a job needs beside its descriptors.
    private struct Needs {
        var directories: Int
        var fileBytes: UInt64
        /// Numbers of capabilities(7).
        var capabilities: [UInt64]
        /// Whether what it makes belongs to 0:0 until its owner is set.
        var makesFiles: Bool
    }

    private static func unpack(_ mode: UnpackMode, _ seal: () throws(SyscallError) -> Void) throws(HostError) {
        let limits = UnpackLimits()
        let needs = Needs(
            directories: 1,
            fileBytes: UInt64(limits.bytes),
            // DAC_OVERRIDE: an archive's own directories may be closed. A layer's opaque directories are `trusted`
            // attributes, which take SYS_ADMIN; the filter leaves nothing else of it. Owners are kept: CHOWN to give
            // files away, FOWNER to set their modes and times after that, FSETID so that setgid outlives it.
            capabilities: mode == .layer ? [0, 1, 3, 4, 21] : mode == .layerOfRoot ? [1, 21] : [0, 1, 3],
            makesFiles: true
        )
        let keepsOwners = geteuid() == 0
        try confine(needs, seal)
        let bytes = try Unpacker(root: 3, mode: mode, limits: limits, keepsOwners: keepsOwners).unpack(from: 0)
        guard unpack_sync(3) == 0 else { throw storeError("syncfs", "staging") }
        try? writeAll(Array("\(bytes)\n".utf8), to: 2)
    }

    private static func pack(
        _ names: [String],
        isLayer: Bool,
        _ seal: () throws(SyscallError) -> Void
    ) throws(HostError) {
        guard !names.isEmpty, names.count <= 64 else {
            throw HostError(.invalidArgument, nil, "--pack and --pack-layers take 1 to 64 names")
        }
        // DAC_READ_SEARCH: volumes are whatever the workload made them. That a directory is opaque is a `trusted`
        // attribute, which takes SYS_ADMIN to read.
        let capabilities: [UInt64] = isLayer ? [2, 21] : [2]
        let needs = Needs(directories: names.count, fileBytes: .max, capabilities: capabilities, makesFiles: false)
        try confine(needs, seal)
        try Packer(output: 1, isLayer: isLayer).pack(names.enumerated().map { (name: $1, directory: CInt(3 + $0)) })
        guard fsync(1) == 0 || errno == EINVAL else { throw storeError("fsync", "archive") }
    }

    private static func sparse(_ words: [String], _ seal: () throws(SyscallError) -> Void) throws(HostError) {
        guard words.count == 1, let limit = Int64(words[0]), limit >= 0 else {
            throw HostError(.invalidArgument, nil, "--sparse takes a limit in bytes")
        }
        try confine(Needs(directories: 1, fileBytes: .max, capabilities: [], makesFiles: false), seal)
        try SparseDecoder(output: 1, limit: limit).decode(from: 0)
    }

    private static func chunks(_ words: [String], _ seal: () throws(SyscallError) -> Void) throws(HostError) {
        guard words.count == 2, let size = Int64(words[0]), let pages = Int(words[1]) else {
            throw HostError(.invalidArgument, nil, "--chunks takes a size in bytes and the pages of a window")
        }
        try confine(Needs(directories: 1, fileBytes: .max, capabilities: [], makesFiles: false), seal)
        try ChunkDecoder(output: 1, size: size, pages: pages).decode(from: 0)
    }

    /// From here on nothing but the given descriptors is in reach.
    private static func confine(_ needs: Needs, _ seal: () throws(SyscallError) -> Void) throws(HostError) {
        func check(_ call: String, _ number: CInt) throws(HostError) {
            guard number == 0 else { throw storeError(SyscallError(call, number)) }
        }
        let isRoot = geteuid() == 0
        unpack_use_utf8()
        guard unpack_close_from(UInt32(3 + needs.directories)) == 0 else { throw storeError("close_range", "") }
        guard fchdir(3) == 0 else { throw storeError("fchdir", "descriptor 3") }
        // Without privilege there is neither; the walk by descriptors and the filter hold by themselves.
        if isRoot {
            try check("unshare", unpack_apart())
            guard unsafe chroot(".") == 0 else { throw storeError("chroot", "") }
        }
        umask(0)
        try check("setrlimit", unpack_bound(memory, needs.fileBytes, 1024))
        if isRoot {
            let capabilities = needs.capabilities.reduce(UInt64(0)) { $0 | 1 << $1 }
            try check("setresuid", unpack_become(identity, capabilities, needs.makesFiles ? 1 : 0))
        }
        try check("prctl", unpack_renounce())
        do throws(SyscallError) { try seal() } catch { throw storeError(error) }
    }
}
