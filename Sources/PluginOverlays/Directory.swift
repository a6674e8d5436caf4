import Glibc
import SystemLayer

/// What a directory entry is, its link not followed.
enum FileKind {
    case directory, regular, other
}

/// The names in a directory, sorted by their bytes.
///
/// - Parameter path: an existing directory.
/// - Returns: all names but `.` and `..` that are UTF-8.
/// - Throws: the errno of opendir(3) or readdir(3).
func names(in path: String) throws(SyscallError) -> [String] {
    guard let stream = unsafe opendir(path) else { throw SyscallError("opendir", errno, path) }
    defer { unsafe closedir(stream) }
    var found: [String] = []
    while true {
        errno = 0
        guard let entry = unsafe readdir(stream) else {
            if errno != 0 { throw SyscallError("readdir", errno, path) }
            break
        }
        let bytes = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { unsafe Array($0.prefix { $0 != 0 }) }
        // A name that is no UTF-8 could not be typed as --backend=NAME: it is not a plugin.
        guard let name = String(validating: bytes, as: UTF8.self), name != ".", name != ".." else { continue }
        found.append(name)
    }
    return found.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
}

/// What is at a path; nil when nothing is.
///
/// - Parameter path: its last link is not followed.
/// - Returns: the kind, or nil for ENOENT and ENOTDIR.
/// - Throws: any other errno of lstat(2).
func kind(of path: String) throws(SyscallError) -> FileKind? {
    var status = stat()
    guard unsafe lstat(path, &status) == 0 else {
        if errno == ENOENT || errno == ENOTDIR { return nil }
        throw SyscallError("lstat", errno, path)
    }
    switch status.st_mode & S_IFMT {
    case S_IFDIR: return .directory
    case S_IFREG: return .regular
    default: return .other
    }
}
