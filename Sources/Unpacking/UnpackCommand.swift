import CArchive
import Glibc
import HostErrors
import SystemLayer

/// What `substrate-unpack` does: one archive in or out, bounded and confined.
///
/// - Source: security.md §2, P4.
public enum UnpackCommand {
    /// Does what the arguments say.
    ///
    /// - Parameter arguments: `--layer` or `--durable`: the archive is descriptor 0, the directory 3. `--pack NAME…`:
    ///   the archive is descriptor 1, the directory of each name 3, 4, ….
    /// - Returns: the exit status: 0, or 1 after a line on descriptor 2.
    public static func run(_ arguments: [String]) -> CInt {
        do throws(HostError) {
            switch arguments.first {
            case "--layer": try unpack(.layer)
            case "--durable": try unpack(.durable)
            case "--pack": try pack(Array(arguments.dropFirst()))
            default:
                throw HostError(.invalidArgument, nil, "usage: substrate-unpack --layer | --durable | --pack NAME…")
            }
            return 0
        } catch {
            let line = "\(error.code.rawValue) \(printable(error.message))\n"
            try? writeAll(Array(line.utf8), to: 2)
            return 1
        }
    }

    private static func unpack(_ mode: UnpackMode) throws(HostError) {
        let limits = UnpackLimits()
        try confine(directories: 1, file: UInt64(limits.bytes))
        try Unpacker(root: 3, mode: mode, limits: limits).unpack(from: 0)
        guard unpack_sync(3) == 0 else { throw storeError("syncfs", "staging") }
    }

    private static func pack(_ names: [String]) throws(HostError) {
        guard !names.isEmpty, names.count <= 64 else {
            throw HostError(.invalidArgument, nil, "--pack takes 1 to 64 names")
        }
        try confine(directories: names.count, file: .max)
        try Packer(output: 1).pack(names.enumerated().map { (name: $1, directory: CInt(3 + $0)) })
        guard fsync(1) == 0 || errno == EINVAL else { throw storeError("fsync", "archive") }
    }

    /// From here on nothing but the given descriptors is in reach.
    private static func confine(directories: Int, file: UInt64) throws(HostError) {
        unpack_use_utf8()
        guard unpack_close_from(UInt32(3 + directories)) == 0 else { throw storeError("close_range", "") }
        let number = unpack_bound(512 << 20, file, 1024)
        guard number == 0 else { throw storeError(SyscallError("setrlimit", number)) }
        guard fchdir(3) == 0 else { throw storeError("fchdir", "descriptor 3") }
        // Without privilege there is no chroot; the walk by descriptors holds by itself.
        guard unsafe chroot(".") == 0 || errno == EPERM else { throw storeError("chroot", "") }
        umask(0)
    }
}
