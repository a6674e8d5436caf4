import Glibc
public import SystemLayer

/// The tool room's root: the system to read, and nothing else of the machine.
extension ContainerRoot {
    /// What a program of this machine needs to be loaded and to run.
    private static let system = ["bin", "sbin", "lib", "lib32", "lib64", "libx32", "usr", "etc", "opt"]
    /// Secrets of the machine that uid 0 could read there.
    private static let secrets = [
        "/etc/shadow", "/etc/shadow-", "/etc/gshadow", "/etc/gshadow-", "/etc/ssh", "/etc/ssl/private",
        "/etc/sudoers.d", "/etc/substrate", "/etc/substrate-host",
    ]

    /// What is written to give programs back what they had.
    ///
    /// Numbers that the kernel would choose, and the names and limits of namespaces of their own. Whoever writes from the
    /// machine's namespaces changes the machine's.
    private static let restored =
        [
            "ns_last_pid", "sem_next_id", "msg_next_id", "shm_next_id", "auto_msgmni", "msgmax", "msgmnb", "msgmni",
            "sem", "shmall", "shmmax", "shmmni", "shm_rmid_forced", "hostname", "domainname",
        ].map { "/proc/sys/kernel/\($0)" } + ["/proc/sys/fs/mqueue"]

    /// Shows the machine's system, which refuses writes, without its secrets, and gives the room devices and processes.
    ///
    /// - Parameters:
    ///   - covered: directories of the machine that are empty inside.
    ///   - restoring: whether what gives programs back what they had takes writes.
    /// - Returns: the mounts that cover them, to be made read-only when all is in its place.
    /// - Throws: the failing call.
    public borrowing func furnishRoom(covering covered: [String], restoring: Bool) throws(SyscallError) -> [CInt] {
        for name in Self.system {
            var about = stat()
            guard unsafe lstat("/\(name)", &about) == 0 else { continue }
            if about.st_mode & S_IFMT == S_IFLNK {
                var target = [CChar](repeating: 0, count: 4096)
                let count = unsafe readlink("/\(name)", &target, target.count)
                guard count > 0 else { throw SyscallError("readlink", errno, "/\(name)") }
                let text = String(decoding: target.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
                guard unsafe symlinkat(text, root.rawValue, name) == 0 else {
                    throw SyscallError("symlinkat", errno, "/\(name)")
                }
            } else if about.st_mode & S_IFMT == S_IFDIR {
                try attach(
                    try DetachedMount.view(
                        of: "/\(name)",
                        [.readOnly, .noSetUserID, .noDevices],
                        recursive: true
                    ),
                    at: "/\(name)"
                )
            }
        }
        for path in Self.secrets { try coverExisting(path) }
        var covers: [CInt] = []
        for path in covered {
            guard let target = try existing(path) else { continue }
            let options: [(String, String?)] = [("mode", "755"), ("size", "64k"), ("nr_inodes", "1024")]
            let empty = try DetachedMount.new("tmpfs", options, [.noSetUserID, .noDevices, .noExecution])
            try DetachedMount.attach(empty.rawValue, to: target.rawValue, subject: path)
            covers.append(empty.release())
        }
        try makeDevices()
        try makeKernelViews(restoring)
        for (path, mode) in [("/tmp", "1777"), ("/run", "755")] {
            let options: [(String, String?)] = [("mode", mode), ("size", "64m"), ("nr_inodes", "16384")]
            try attach(try DetachedMount.new("tmpfs", options, [.noSetUserID, .noDevices]), at: path)
        }
        let variable = try directory("/var")
        guard unsafe symlinkat("/run", variable.rawValue, "run") == 0 else {
            throw SyscallError("symlinkat", errno, "/var/run")
        }
        return covers
    }

    /// /proc of the machine's processes and /sys of this network namespace; what changes the machine refuses writes.
    private borrowing func makeKernelViews(_ restoring: Bool) throws(SyscallError) {
        let still: DetachedMount.Attributes = [.noSetUserID, .noDevices, .noExecution]
        try attach(try DetachedMount.new("proc", [], still), at: "/proc")
        try attach(try DetachedMount.new("sysfs", [], [.readOnly, .noSetUserID, .noDevices, .noExecution]), at: "/sys")
        if unsafe access("/sys/fs/cgroup", F_OK) == 0, let target = try existing("/sys/fs/cgroup") {
            let view = try DetachedMount.view(
                of: "/sys/fs/cgroup",
                [.readOnly, .noSetUserID, .noDevices, .noExecution],
                recursive: true
            )
            try DetachedMount.attach(view.rawValue, to: target.rawValue, subject: "/sys/fs/cgroup")
        }
        var views: [(path: String, mount: CInt)] = []
        defer { for view in views { _ = close(view.mount) } }
        for path in restoring ? Self.restored : [] {
            guard let file = try existing(path) else { continue }
            let view = try DetachedMount.view(ofDescriptor: file.rawValue, still, subject: path)
            views.append((path, view.release()))
        }
        try mask()
        for view in views {
            guard let target = try existing(view.path) else { continue }
            try DetachedMount.attach(view.mount, to: target.rawValue, subject: view.path)
        }
    }

    /// Covers a path with nothing: a directory with an empty one, a file with /dev/null; what is absent is fine.
    ///
    /// - Parameter path: absolute inside.
    /// - Throws: the failing call.
    public borrowing func coverExisting(_ path: String) throws(SyscallError) {
        guard let target = try existing(path) else { return }
        var about = stat()
        guard unsafe fstat(target.rawValue, &about) == 0 else { throw SyscallError("fstat", errno, path) }
        if about.st_mode & S_IFMT == S_IFDIR {
            let options: [(String, String?)] = [("mode", "555"), ("size", "4k")]
            let empty = try DetachedMount.new("tmpfs", options, [.readOnly, .noSetUserID, .noDevices, .noExecution])
            try DetachedMount.attach(empty.rawValue, to: target.rawValue, subject: path)
        } else if about.st_mode & S_IFMT != S_IFLNK {
            let null = try DetachedMount.view(of: "/dev/null", [.noSetUserID, .noExecution])
            try DetachedMount.attach(null.rawValue, to: target.rawValue, subject: path)
        }
    }
}
