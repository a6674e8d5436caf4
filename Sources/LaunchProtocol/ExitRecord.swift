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

    private static let temporary = "\(fileName).tmp"
    /// What a record may need at most; one block of every common file system.
    private static let reserved = 4096

    /// Takes the room for a record while there is some: a disk that is full at the end cannot lose it.
    ///
    /// - Parameter directory: a descriptor of the status directory; a path would mean another place after
    ///   pivot_root(2).
    /// - Returns: the file that `write` fills.
    /// - Throws: the failing call; nothing is left then.
    public static func reserve(directory: CInt) throws(SyscallError) -> OwnedFD {
        _ = unsafe unlinkat(directory, temporary, 0)
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
        let number = unsafe openat(directory, temporary, flags, 0o600)
        guard number >= 0 else { throw SyscallError("openat", errno, temporary) }
        let file = OwnedFD(number)
        do throws(SyscallError) {
            // Real bytes, not fallocate(2): every file system knows them. No sync: the room is counted when they are
            // written, and this is on the way of every start.
            try writeAll([UInt8](repeating: 0, count: reserved), to: number)
        } catch {
            discard(directory: directory)
            throw error
        }
        return file
    }

    /// Takes a reserved record away again: the launch failed, and there is nothing to record.
    ///
    /// - Parameter directory: as for `reserve`.
    public static func discard(directory: CInt) { _ = unsafe unlinkat(directory, temporary, 0) }

    /// Writes the record whole: the disk has it when this returns.
    ///
    /// - Parameters:
    ///   - status: how the workload ended.
    ///   - nonce: the plan's nonce.
    ///   - timeNanoseconds: when, since 1970.
    ///   - file: what `reserve` answered.
    ///   - directory: as for `reserve`.
    /// - Throws: the failing call.
    public static func write(
        _ status: ExitStatus,
        nonce: String,
        timeNanoseconds: Int64,
        file: CInt,
        directory: CInt
    ) throws(SyscallError) {
        let line =
            switch status {
            case .exited(let code): "v1 \(nonce) exited \(code) \(timeNanoseconds)\n"
            case .signaled(let signal): "v1 \(nonce) signaled \(signal) \(timeNanoseconds)\n"
            }
        guard lseek(file, 0, SEEK_SET) == 0 else { throw SyscallError("lseek", errno, temporary) }
        try writeAll(Array(line.utf8), to: file)
        guard ftruncate(file, line.utf8.count) == 0 else { throw SyscallError("ftruncate", errno, temporary) }
        guard fsync(file) == 0 else { throw SyscallError("fsync", errno, temporary) }
        guard unsafe renameat(directory, temporary, directory, fileName) == 0 else {
            throw SyscallError("renameat", errno, fileName)
        }
        guard fsync(directory) == 0 else { throw SyscallError("fsync", errno, fileName) }
    }
}
