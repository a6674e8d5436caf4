import Glibc
public import HostErrors

/// Directories as the stores make and unmake them.
public enum DirectoryTree {
    /// Makes a directory and what is missing above it.
    ///
    /// - Parameters:
    ///   - path: absolute.
    ///   - mode: of every directory that is made; those that exist keep theirs.
    /// - Throws: INTERNAL, or RESOURCE_EXHAUSTED on a full disk.
    public static func make(_ path: String, mode: UInt32 = 0o700) throws(HostError) {
        // As a rule all above it is there.
        if unsafe mkdir(path, mode) == 0 || errno == EEXIST { return }
        var made = path.hasPrefix("/") ? "" : "."
        for part in path.split(separator: "/") {
            made += "/\(part)"
            if unsafe mkdir(made, mode) != 0, errno != EEXIST { throw storeError("mkdir", made) }
        }
    }

    /// Removes a file or a directory and everything in it, as `FileTree.remove` does.
    ///
    /// - Parameters:
    ///   - path: absolute, or a name in `directory`; what is absent is fine.
    ///   - directory: an open one that nothing is mounted in, or nil.
    /// - Throws: INTERNAL naming what could not be removed.
    public static func remove(_ path: String, in directory: CInt? = nil) throws(HostError) {
        do throws(SyscallError) { try FileTree.remove(path, in: directory) } catch { throw storeError(error) }
    }

    /// The names in a directory, sorted, without `.` and `..`.
    ///
    /// - Parameter path: a directory.
    /// - Returns: its names; empty where the directory is absent.
    /// - Throws: INTERNAL where it cannot be read.
    public static func names(in path: String) throws(HostError) -> [String] {
        let number = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if number < 0, errno == ENOENT { return [] }
        guard number >= 0 else { throw storeError("open", path) }
        let directory = OwnedFD(number)
        return try list(directory.rawValue, path).sorted()
    }

    /// The names in an open directory, sorted, without `.` and `..`.
    ///
    /// - Parameters:
    ///   - directory: open for reading; its own offset is not used.
    ///   - path: for the error's text.
    /// - Returns: its names.
    /// - Throws: INTERNAL where it cannot be read.
    public static func names(inOpen directory: CInt, _ path: String) throws(HostError) -> [String] {
        try list(directory, path).sorted()
    }

    private static func list(_ descriptor: CInt, _ path: String) throws(HostError) -> [String] {
        // A descriptor of its own, since the stream takes it over and an offset is shared by duplicates.
        let number = unsafe openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard number >= 0 else { throw storeError("open", path) }
        guard let stream = unsafe fdopendir(number) else {
            _ = close(number)
            throw storeError("fdopendir", path)
        }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }
}

/// The error of a call on a store's own files: a full disk is named as one.
///
/// - Parameters:
///   - call: the system call, whose errno is still set.
///   - subject: the path.
/// - Returns: RESOURCE_EXHAUSTED on a full disk or quota, else INTERNAL.
public func storeError(_ call: String, _ subject: String) -> HostError {
    storeError(SyscallError(call, errno, subject))
}

/// The error of a call on a store's own files: a full disk is named as one.
///
/// - Parameter error: the failed call.
/// - Returns: RESOURCE_EXHAUSTED on a full disk or quota, else INTERNAL.
public func storeError(_ error: SyscallError) -> HostError {
    if error.errno == ENOSPC || error.errno == EDQUOT {
        return HostError(.resourceExhausted, .storageFull, "the disk is full: \(error)")
    }
    return HostError(.internal, nil, "\(error)")
}
