import CSystemShims
import Glibc
public import SystemLayer

/// O_PATH of open(2), whose name Swift does not import; the same on both architectures.
let pathOnly: CInt = 0x20_0000

/// A container's root while it is being furnished: every path is resolved beneath it, whatever links its image holds.
public struct ContainerRoot: ~Copyable {
    let root: OwnedFD

    /// Mounts the overlay and puts it over a directory of this mount namespace.
    ///
    /// - Parameters:
    ///   - layers: lower directories, the bottom one first.
    ///   - upper: where changes go.
    ///   - work: overlayfs's own directory; the overlay covers it, in this namespace alone.
    /// - Throws: the failing call.
    public init(layers: [String], upper: String, work: String) throws(SyscallError) {
        let attributes: DetachedMount.Attributes = [.noDevices, .noSetUserID]
        let target = unsafe open(work, pathOnly | O_DIRECTORY | O_CLOEXEC)
        guard target >= 0 else { throw SyscallError("open", errno, work) }
        let place = OwnedFD(target)
        let mount = try ContainerRoot.overlay(layers: layers, upper: upper, work: work, attributes)
        try DetachedMount.attach(mount.rawValue, to: place.rawValue, subject: work)
        root = mount
    }

    /// Begins an empty root in memory and puts it over a directory of this mount namespace.
    ///
    /// - Parameter place: a directory below which nothing is that is still to be shown.
    /// - Throws: the failing call.
    public init(inMemoryOver place: String) throws(SyscallError) {
        let target = unsafe open(place, pathOnly | O_DIRECTORY | O_CLOEXEC)
        guard target >= 0 else { throw SyscallError("open", errno, place) }
        let covered = OwnedFD(target)
        let options: [(String, String?)] = [("mode", "755"), ("size", "1m"), ("nr_inodes", "8192")]
        let mount = try DetachedMount.new("tmpfs", options, [.noSetUserID, .noDevices])
        try DetachedMount.attach(mount.rawValue, to: covered.rawValue, subject: place)
        root = mount
    }

    /// A root that stands already.
    ///
    /// - Parameter mount: a descriptor of it.
    public init(of mount: consuming OwnedFD) { root = mount }

    static func overlay(
        layers: [String],
        upper: String,
        work: String,
        _ attributes: DetachedMount.Attributes
    ) throws(SyscallError) -> OwnedFD {
        let changes: [(String, String?)] = [("upperdir", upper), ("workdir", work), ("source", "overlay")]
        do throws(SyscallError) {
            // One path a call: no length limit and nothing to escape. Kernels before 6.5 do not know the key.
            return try DetachedMount.new("overlay", layers.reversed().map { ("lowerdir+", $0) } + changes, attributes)
        } catch {
            guard error.errno == EINVAL else { throw error }
        }
        let lower = layers.reversed().map { path in
            path.reduce(into: "") { $0 += $1 == ":" || $1 == "\\" ? "\\\($1)" : "\($1)" }
        }
        return try DetachedMount.new("overlay", [("lowerdir", lower.joined(separator: ":"))] + changes, attributes)
    }

    /// Opens a directory beneath the root, and makes what is missing of it.
    ///
    /// A link to nowhere is replaced by a directory: the image has no say in where the host's directories appear.
    /// - Parameters:
    ///   - path: absolute inside.
    ///   - mode: for those that are made.
    /// - Returns: an O_PATH descriptor, good as a mount's target.
    /// - Throws: the failing call.
    public borrowing func directory(_ path: String, mode: UInt32 = 0o755) throws(SyscallError) -> OwnedFD {
        var prefix = "."
        var current = try root.duplicate()
        for component in path.split(separator: "/") {
            prefix += "/\(component)"
            let flags = pathOnly | O_DIRECTORY
            var next = resolve(prefix, flags)
            if next == -ENOENT {
                let name = String(component)
                if unsafe mkdirat(current.rawValue, name, mode) != 0 {
                    guard errno == EEXIST, unsafe unlinkat(current.rawValue, name, 0) == 0,
                        unsafe mkdirat(current.rawValue, name, mode) == 0
                    else { throw SyscallError("mkdirat", errno, path) }
                }
                _ = unsafe fchmodat(current.rawValue, name, mode, 0)
                next = resolve(prefix, flags)
            }
            guard next >= 0 else { throw SyscallError("openat2", -next, path) }
            current = OwnedFD(next)
        }
        return current
    }

    /// Opens a file beneath the root, and makes it empty if it is missing or a link.
    ///
    /// - Parameter path: absolute inside.
    /// - Returns: an O_PATH descriptor, good as a mount's target.
    /// - Throws: the failing call.
    public borrowing func file(_ path: String) throws(SyscallError) -> OwnedFD {
        let components = path.split(separator: "/")
        guard let last = components.last.map(String.init) else { throw SyscallError("openat", EISDIR, path) }
        let parent = try directory(components.dropLast().joined(separator: "/"))
        var about = stat()
        let found = unsafe fstatat(parent.rawValue, last, &about, AT_SYMLINK_NOFOLLOW) == 0
        if found, about.st_mode & S_IFMT == S_IFLNK {
            guard unsafe unlinkat(parent.rawValue, last, 0) == 0 else { throw SyscallError("unlinkat", errno, path) }
        }
        if !found || about.st_mode & S_IFMT == S_IFLNK {
            let made = unsafe openat(parent.rawValue, last, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
            guard made >= 0 else { throw SyscallError("openat", errno, path) }
            try OwnedFD(made).close()
        }
        let number = unsafe openat(parent.rawValue, last, pathOnly | O_NOFOLLOW | O_CLOEXEC)
        guard number >= 0 else { throw SyscallError("openat", errno, path) }
        return OwnedFD(number)
    }

    /// Opens what is there, or answers nil when it is not; other failures are errors.
    borrowing func existing(_ path: String) throws(SyscallError) -> OwnedFD? {
        let number = resolve("./\(path)", pathOnly | O_NOFOLLOW)
        if number == -ENOENT || number == -ENOTDIR { return nil }
        guard number >= 0 else { throw SyscallError("openat2", -number, path) }
        return OwnedFD(number)
    }

    /// Puts a detached mount of a directory at a path inside.
    ///
    /// - Parameters:
    ///   - mount: the mount.
    ///   - path: absolute inside; made if missing.
    /// - Throws: the failing call.
    public borrowing func attach(_ mount: borrowing OwnedFD, at path: String) throws(SyscallError) {
        var about = stat()
        guard unsafe fstat(mount.rawValue, &about) == 0 else { throw SyscallError("fstat", errno, path) }
        let target = about.st_mode & S_IFMT == S_IFDIR ? try directory(path) : try file(path)
        try DetachedMount.attach(mount.rawValue, to: target.rawValue, subject: path)
    }

    /// Makes the overlay itself refuse writes; the mounts in it stay as they are.
    ///
    /// - Throws: the errno of mount_setattr(2).
    public borrowing func makeReadOnly() throws(SyscallError) {
        try DetachedMount.change(root.rawValue, .readOnly, subject: "/")
    }

    /// Makes it this process's root and lets go of the old one.
    ///
    /// - Throws: the failing call.
    public borrowing func pivot() throws(SyscallError) {
        guard fchdir(root.rawValue) == 0 else { throw SyscallError("fchdir", errno, "/") }
        let result = csh_pivot_here()
        guard result == 0 else { throw SyscallError("pivot_root", -result) }
    }

    private borrowing func resolve(_ path: String, _ flags: CInt) -> CInt {
        // RESOLVE_IN_ROOT 0x10, RESOLVE_NO_MAGICLINKS 2.
        unsafe csh_openat2(root.rawValue, path, UInt64(flags | O_CLOEXEC), 0, 0x12)
    }
}
