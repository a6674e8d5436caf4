import CArchive
import Glibc
import HostErrors
import SystemLayer

/// The directory that an archive grows in; nothing it does leads out of it.
///
/// Every step is one component from an open directory, and no system call ever follows a symbolic link: a link in the
/// middle of a name is read and walked here, and refused where it is absolute or leads above the root.
struct StagingTree {
    /// The root's descriptor, owned by the caller.
    let root: CInt
    private let path = OpenPath()

    /// Makes one.
    ///
    /// - Parameter root: the root's descriptor, owned by the caller.
    init(root: CInt) { self.root = root }

    /// The directory of that name, open until the next is asked for.
    ///
    /// An archive lists what lies together together: as a rule its directory is the last one again, or near it.
    /// - Parameters:
    ///   - parts: its name's components.
    ///   - creating: whether missing ones are made, 0755.
    ///   - complaint: begins the text of a refusal.
    /// - Returns: its descriptor, which is closed here.
    /// - Throws: INVALID_ARGUMENT where the name leads out or through a file.
    func directory(_ parts: [String], creating: Bool, _ complaint: String) throws(HostError) -> CInt {
        let (shared, last) = path.cut(toward: parts)
        var current = last ?? root
        for part in parts.dropFirst(shared) {
            guard path.hasRoom else { return path.hold(try open(parts, creating: creating, complaint).release()) }
            var next = unsafe openat(current, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            if next < 0, errno == ENOENT, creating {
                guard unsafe mkdirat(current, part, 0o755) == 0 else { throw failure("mkdirat", parts) }
                next = unsafe openat(current, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            }
            if next < 0 {
                guard errno == ENOTDIR || errno == ELOOP else { throw failure("openat", parts) }
                // Through a link, or refused: where it leads is found from the root.
                return path.hold(try open(parts, creating: creating, complaint).release())
            }
            path.push(part, next)
            current = next
        }
        return current
    }

    /// Opens a directory below the root.
    ///
    /// - Parameters:
    ///   - parts: its name's components.
    ///   - creating: whether missing ones are made, 0755.
    ///   - complaint: begins the text of a refusal.
    /// - Returns: the directory.
    /// - Throws: INVALID_ARGUMENT where the name leads out or through a file.
    func open(_ parts: [String], creating: Bool, _ complaint: String) throws(HostError) -> OwnedFD {
        var pending = Array(parts.reversed())
        var resolved: [String] = []
        var links = 0
        var directory = try openRoot()
        while let part = pending.popLast() {
            if part.isEmpty || part == "." { continue }
            if part == ".." {
                guard resolved.popLast() != nil else { throw leadsOut(parts, complaint) }
                directory = try reopen(resolved)
                continue
            }
            var next = unsafe openat(directory.rawValue, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            if next < 0, errno == ENOENT, creating {
                guard unsafe mkdirat(directory.rawValue, part, 0o755) == 0 else { throw failure("mkdirat", parts) }
                next = unsafe openat(directory.rawValue, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            }
            if next >= 0 {
                directory = OwnedFD(next)
                resolved.append(part)
                continue
            }
            guard errno == ENOTDIR || errno == ELOOP else { throw failure("openat", parts) }
            guard let target = readLink(directory.rawValue, part) else {
                throw HostError(.invalidArgument, nil, "\(complaint): beneath a file: \(text(parts))")
            }
            links += 1
            guard links <= 40, !target.hasPrefix("/") else { throw leadsOut(parts, complaint) }
            pending += target.utf8.split(separator: UInt8(ascii: "/")).reversed()
                .map { String(decoding: $0, as: UTF8.self) }
        }
        return directory
    }

    /// Makes way for an entry: what stands under that name is removed, whatever it is.
    ///
    /// - Parameters:
    ///   - parts: the entry's name.
    ///   - complaint: begins the text of a refusal.
    /// - Returns: the directory that it goes into, as `directory(_:creating:_:)` has it.
    /// - Throws: as `directory(_:creating:_:)`.
    func makeWay(for parts: [String], _ complaint: String) throws(HostError) -> CInt {
        guard let name = parts.last else { return root }
        let above = Array(parts.dropLast())
        let directory = try directory(above, creating: true, complaint)
        if unsafe unlinkat(directory, name, 0) == 0 || errno == ENOENT { return directory }
        try DirectoryTree.remove(name, in: directory)
        path.forget()
        return try self.directory(above, creating: false, complaint)
    }

    /// The target of a symbolic link; nil where the name is none.
    func readLink(_ directory: CInt, _ name: String) -> String? {
        var buffer = [UInt8](repeating: 0, count: 4097)
        let count = unsafe buffer.withUnsafeMutableBytes { bytes in
            guard let start = bytes.baseAddress else { return -1 }
            return unsafe readlinkat(directory, name, start.assumingMemoryBound(to: CChar.self), bytes.count)
        }
        return count < 0 ? nil : String(decoding: buffer.prefix(count), as: UTF8.self)
    }

    /// The type bits under a name; nil where nothing is.
    func kind(_ directory: CInt, _ name: String) -> UInt32? {
        var status = stat()
        guard unsafe fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return nil }
        return status.st_mode & S_IFMT
    }

    /// Makes a directory hide what lower layers have in it.
    func makeOpaque(_ directory: CInt) throws(HostError) {
        guard unpack_set_opaque(directory) == 0 else { throw failure("fsetxattr", []) }
    }

    /// The error of a call in the tree.
    func failure(_ call: String, _ parts: [String]) -> HostError {
        storeError(SyscallError(call, errno, text(parts)))
    }

    /// A name for people.
    func text(_ parts: [String]) -> String { printable(parts.joined(separator: "/")) }

    private func leadsOut(_ parts: [String], _ complaint: String) -> HostError {
        HostError(.invalidArgument, nil, "\(complaint): leads out through a symbolic link: \(text(parts))")
    }

    private func openRoot() throws(HostError) -> OwnedFD {
        let number = unsafe openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard number >= 0 else { throw failure("openat", ["."]) }
        return OwnedFD(number)
    }

    private func reopen(_ resolved: [String]) throws(HostError) -> OwnedFD {
        var directory = try openRoot()
        for part in resolved {
            let next = unsafe openat(directory.rawValue, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            guard next >= 0 else { throw failure("openat", resolved) }
            directory = OwnedFD(next)
        }
        return directory
    }
}
