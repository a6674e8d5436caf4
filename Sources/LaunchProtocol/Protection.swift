/// One thing that stands between a workload and the machine: the words of `--require` and of the isolation report.
///
/// Named only where it was really applied to the one workload that is spoken of.
/// - Source: security note §4.2, §9.
public enum Protection: String, Sendable, CaseIterable {
    /// Its own process numbers, with the launcher as number 1.
    case pidNamespace = "pid-namespace"
    /// Its own mount table.
    case mountNamespace = "mount-namespace"
    /// Its own interfaces, addresses and ports.
    case networkNamespace = "network-namespace"
    /// Its own System V and POSIX queues.
    case ipcNamespace = "ipc-namespace"
    /// Its own host name.
    case utsNamespace = "uts-namespace"
    /// Its root is no root of the machine.
    case userNamespace = "user-namespaces"
    /// A root directory of its own; the machine's is out of reach.
    case privateRoot = "private-root"
    /// Its root refuses writes.
    case readOnlyRoot = "read-only-root"
    /// What /proc and /sys tell about the machine or change in it is covered or refuses writes.
    case maskedPaths = "masked-paths"
    /// It can open no device but the eight harmless ones: the devices controller says so, beside the mounts.
    case deviceList = "device-list"
    /// At most the contract's three capabilities.
    case capabilities
    /// No program gains a privilege by its file.
    case noNewPrivileges = "no-new-privileges"
    /// A system call filter.
    case seccomp
    /// A filter of its own, much narrower, on the container's process number 1.
    case initFilter = "init-filter"
    /// Rules of Landlock on its files, and on sockets and processes of others where the kernel has those.
    case landlock
    /// At most so much processor time.
    case cpuLimit = "cpu-limit"
    /// At most so much memory.
    case memoryLimit = "memory-limit"
    /// At most so many processes.
    case pidsLimit = "pids-limit"

    /// What a workload must have to be apart from this machine but for its kernel.
    public static let apart: Set<Protection> = [
        .pidNamespace, .mountNamespace, .networkNamespace, .ipcNamespace, .utsNamespace, .privateRoot, .maskedPaths,
        .capabilities, .noNewPrivileges, .seccomp,
    ]
}
