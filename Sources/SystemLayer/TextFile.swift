import Glibc

/// The kernel's small text files: read whole, written in one call.
public enum TextFile {
    /// Reads a file of at most 4 MiB.
    ///
    /// - Parameter path: the file.
    /// - Returns: its text, or nil when it cannot be read.
    public static func read(_ path: String) -> String? {
        let number = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard number >= 0 else { return nil }
        let file = OwnedFD(number)
        guard let bytes = try? readAll(from: file.rawValue, limit: 4 << 20) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Writes to a file that the kernel already made, such as a cgroup's.
    ///
    /// - Parameters:
    ///   - text: all of it, in one write(2).
    ///   - path: the file; never created.
    /// - Throws: the failing call.
    public static func write(_ text: String, to path: String) throws(SyscallError) {
        let number = unsafe open(path, O_WRONLY | O_CLOEXEC)
        guard number >= 0 else { throw SyscallError("open", errno, path) }
        let file = OwnedFD(number)
        do throws(SyscallError) {
            try writeAll(Array(text.utf8), to: file.rawValue)
        } catch { throw SyscallError(error.call, error.errno, path) }
    }

    /// The lines of a file, without their ends; empty when it cannot be read.
    static func lines(_ path: String) -> [Substring] { (read(path) ?? "").split(separator: "\n") }
}
