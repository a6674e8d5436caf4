import Glibc
public import SystemLayer

extension ContainerRoot {
    /// Gives the container its own `/dev`, `/proc` and `/tmp`.
    ///
    /// - Parameter showingSystem: whether it has `/sys` too, which refuses writes.
    /// - Throws: the failing call.
    public borrowing func furnish(showingSystem: Bool = false) throws(SyscallError) {
        try makeDevices()
        let processes = try DetachedMount.new("proc", [], [.noSetUserID, .noDevices, .noExecution])
        try attach(processes, at: "/proc")
        let size: [(String, String?)] = [("mode", "1777"), ("size", "256m"), ("nr_inodes", "65536")]
        try attach(try DetachedMount.new("tmpfs", size, [.noSetUserID, .noDevices]), at: "/tmp")
        if showingSystem { try showSystem() }
    }

    /// Gives the container `/sys` of the caller's network, which refuses writes.
    ///
    /// - Throws: the failing call.
    public borrowing func showSystem() throws(SyscallError) {
        let system = try DetachedMount.new("sysfs", [], [.readOnly, .noSetUserID, .noDevices, .noExecution])
        try attach(system, at: "/sys")
    }

    borrowing func makeDevices() throws(SyscallError) {
        // Views of the host's nodes: the overlay and this tmpfs refuse nodes that anybody makes.
        let nodes = ["null", "zero", "full", "random", "urandom", "tty"]
        let options: [(String, String?)] = [("mode", "755"), ("size", "64k"), ("nr_inodes", "1024")]
        try attach(try DetachedMount.new("tmpfs", options, [.noSetUserID, .noDevices, .noExecution]), at: "/dev")
        for node in nodes {
            try attach(try DetachedMount.view(of: "/dev/\(node)", [.noSetUserID, .noExecution]), at: "/dev/\(node)")
        }
        let terminals: [(String, String?)] = [("newinstance", nil), ("ptmxmode", "0666"), ("mode", "0620")]
        try attach(try DetachedMount.new("devpts", terminals, [.noSetUserID, .noExecution]), at: "/dev/pts")
        let shared: [(String, String?)] = [("mode", "1777"), ("size", "64m"), ("nr_inodes", "65536")]
        try attach(
            try DetachedMount.new("tmpfs", shared, [.noSetUserID, .noDevices, .noExecution]),
            at: "/dev/shm"
        )
        try attach(try DetachedMount.new("mqueue", [], [.noSetUserID, .noDevices, .noExecution]), at: "/dev/mqueue")
        let links = [
            ("pts/ptmx", "ptmx"), ("/proc/self/fd", "fd"), ("/proc/self/fd/0", "stdin"), ("/proc/self/fd/1", "stdout"),
            ("/proc/self/fd/2", "stderr"),
        ]
        let devices = try directory("/dev")
        for (target, name) in links where unsafe symlinkat(target, devices.rawValue, name) != 0 {
            throw SyscallError("symlinkat", errno, "/dev/\(name)")
        }
    }

    /// What tells about the machine: covered by nothing.
    ///
    /// - Source: Moby's list for containers.
    public static let maskedPaths =
        ["kcore", "keys", "timer_list", "sched_debug", "latency_stats"].map { "/proc/\($0)" } + maskedDirectories
    /// What changes the machine: read-only.
    public static let readOnlyPaths = ["bus", "fs", "irq", "sys", "sysrq-trigger"].map { "/proc/\($0)" }
    private static let maskedDirectories = [
        "/proc/acpi", "/proc/scsi", "/sys/firmware", "/sys/devices/virtual/powercap",
    ]

    /// Hides what /proc and /sys tell about the machine, and refuses writes to what changes it.
    ///
    /// What a kernel lacks is skipped.
    /// - Throws: the failing call.
    public borrowing func mask() throws(SyscallError) {
        for path in Self.maskedPaths where !Self.maskedDirectories.contains(path) {
            guard let target = try existing(path) else { continue }
            let null = try DetachedMount.view(of: "/dev/null", [.noSetUserID, .noExecution])
            try DetachedMount.attach(null.rawValue, to: target.rawValue, subject: path)
        }
        for path in Self.maskedDirectories {
            guard let target = try existing(path) else { continue }
            let empty = try DetachedMount.new("tmpfs", [("mode", "555"), ("size", "4k")], [.readOnly, .noDevices])
            try DetachedMount.attach(empty.rawValue, to: target.rawValue, subject: path)
        }
        for path in Self.readOnlyPaths {
            guard let target = try existing(path) else { continue }
            let view = try DetachedMount.view(ofDescriptor: target.rawValue, .readOnly, subject: path)
            try DetachedMount.attach(view.rawValue, to: target.rawValue, subject: path)
        }
    }
}
