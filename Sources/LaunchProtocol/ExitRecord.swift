import Glibc
public import SystemLayer

/// The file that says how a workload ended: written by the launcher, believed only with the launch's own nonce.
public enum ExitRecord {
    /// The file's name in the status directory.
    public static let fileName = "exit"

    /// Reads how the workload ended.
    ///
    /// - Parameters:
    ///   - directory: the plan's `statusDirectory`.
    ///   - nonce: the plan's nonce.
    /// - Returns: nil while it runs, or when the record is of another launch or damaged.
    public static func read(directory: String, nonce: String) -> ExitStatus? {
        guard let text = TextFile.read("\(directory)/\(fileName)"), text.hasSuffix("\n") else { return nil }
        let words = text.dropLast().split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 5, words[0] == "v1", words[1] == nonce, let number = Int32(words[3]) else { return nil }
        switch words[2] {
        case "exited": return .exited(number)
        case "signaled": return .signaled(number)
        default: return nil
        }
    }

    /// Writes the record whole: the disk has it when this returns.
    ///
    /// - Parameters:
    ///   - status: how the workload ended.
    ///   - nonce: the plan's nonce.
    ///   - timeNanoseconds: when, since 1970.
    ///   - directory: a descriptor of the status directory; a path would mean another place after pivot_root(2).
    /// - Throws: the failing call.
    public static func write(
        _ status: ExitStatus,
        nonce: String,
        timeNanoseconds: Int64,
        directory: CInt
    ) throws(SyscallError) {
        let line =
            switch status {
            case .exited(let code): "v1 \(nonce) exited \(code) \(timeNanoseconds)\n"
            case .signaled(let signal): "v1 \(nonce) signaled \(signal) \(timeNanoseconds)\n"
            }
        let temporary = "\(fileName).tmp"
        _ = unsafe unlinkat(directory, temporary, 0)
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
        let number = unsafe openat(directory, temporary, flags, 0o600)
        guard number >= 0 else { throw SyscallError("openat", errno, temporary) }
        let file = OwnedFD(number)
        try writeAll(Array(line.utf8), to: number)
        guard fsync(number) == 0 else { throw SyscallError("fsync", errno, temporary) }
        try file.close()
        guard unsafe renameat(directory, temporary, directory, fileName) == 0 else {
            throw SyscallError("renameat", errno, fileName)
        }
        guard fsync(directory) == 0 else { throw SyscallError("fsync", errno, fileName) }
    }
}
