import Glibc
import PluginProtocol
import SystemLayer

/// `file.write`.
enum WriteFile: HostHandler {
    struct Arguments: HostArguments {
        let path: String
        let bytes: [UInt8]
        init(_ fields: CheckedFields) {
            path = fields.text("path")
            bytes = fields.bytes("bytes") ?? []
        }
    }

    static let row = HostFunction.fileWrite

    static func target(_ arguments: Arguments, _ call: HostCall) -> String? { arguments.path }

    static func answer(_ arguments: Arguments, _ call: HostCall) throws(HostFailure) -> HostReply {
        let path = arguments.path
        guard let (directory, rest) = call.place(path) else {
            return .refused(.accessDenied, "\(path) is in none of actor.dirs")
        }
        guard let name = rest.split(separator: "/", omittingEmptySubsequences: false).last, !name.isEmpty, name != ".",
            name != ".."
        else { return .refused(.unsupported, "\(path) names no file") }
        do throws(SyscallError) {
            try call.context.world.replace(rest, beneath: directory, with: arguments.bytes, isProgram: false)
            return .ok()
        } catch {
            return try .refused(error, path)
        }
    }
}

/// A file of the actor's, replaced.
enum FileReplacement {
    /// Replaces it without following a link anywhere.
    ///
    /// - Parameters:
    ///   - path: below the directory; its last part is a name.
    ///   - directory: the actor's.
    ///   - bytes: the whole file.
    ///   - mode: who may do what with it.
    /// - Throws: what stopped it; the old file is as it was then.
    static func perform(
        _ path: String,
        beneath directory: String,
        with bytes: [UInt8],
        mode: mode_t
    ) throws(SyscallError) {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        let parent = try BeneathPath.open(
            parts.dropLast().joined(separator: "/"),
            beneath: directory,
            flags: O_RDONLY | O_DIRECTORY
        )
        try replace(parts.last ?? "", in: parent.rawValue, with: bytes, mode: mode)
    }

    /// A temporary file beside it, then one rename: whoever reads sees the old bytes or the new ones.
    ///
    /// Not synced: after a power loss every actor begins in emptied directories.
    private static func replace(
        _ name: String,
        in directory: CInt,
        with bytes: [UInt8],
        mode: mode_t
    ) throws(SyscallError) {
        let temporary = ".write-\(UInt64.random(in: 0 ... .max))"
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
        let number = unsafe openat(directory, temporary, flags, mode)
        guard number >= 0 else { throw SyscallError("openat", errno, name) }
        do throws(SyscallError) {
            let file = OwnedFD(number)
            try ByteTransfer.write(bytes, to: number, at: 0)
            guard fchmod(number, mode) == 0 else { throw SyscallError("fchmod", errno, name) }
            try file.close()
            guard unsafe renameat(directory, temporary, directory, name) == 0 else {
                throw SyscallError("renameat", errno, name)
            }
        } catch {
            _ = unsafe unlinkat(directory, temporary, 0)
            throw error
        }
    }
}
