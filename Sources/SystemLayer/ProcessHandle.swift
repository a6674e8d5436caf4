import CSystemShims
import Glibc
import Synchronization

/// How a process ended.
public enum ExitStatus: Sendable, Equatable {
    /// It ended itself, with this code.
    case exited(Int32)
    /// This signal ended it.
    case signaled(Int32)
}

/// One process, held by pidfd: a reused number can never be taken for it.
public final class ProcessHandle: Sendable {
    /// Its number in this process's pid namespace; meaningful while it lives.
    public let pid: Int32
    /// Its start time in clock ticks since boot, which with `pid` and the boot names it for ever.
    ///
    /// - Source: proc(5), `/proc/pid/stat` field 22.
    public let startTime: UInt64
    private let descriptor: OwnedFD
    private let status = Mutex<ExitStatus?>(nil)

    init(pid: Int32, startTime: UInt64, descriptor: consuming OwnedFD) {
        self.pid = pid
        self.startTime = startTime
        self.descriptor = descriptor
    }

    /// The pidfd: readable when the process has ended; valid while this handle lives.
    public var pollDescriptor: CInt { descriptor.rawValue }

    /// Sends a signal to this process and to no other.
    ///
    /// - Parameter number: the signal.
    /// - Returns: false when it has already ended.
    @discardableResult
    public func signal(_ number: Int32) -> Bool { csh_pidfd_signal(descriptor.rawValue, number) == 0 }

    /// Whether it has ended; never blocks, and does not reap.
    public func hasExited() -> Bool {
        var poller = pollfd(fd: descriptor.rawValue, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&poller, 1, 0) > 0
    }

    /// Blocks until it has ended, and reaps it if it is our child.
    ///
    /// - Returns: how it ended; nil when it is not our child, so that only its status file knows.
    public func wait() -> ExitStatus? {
        var poller = pollfd(fd: descriptor.rawValue, events: Int16(POLLIN), revents: 0)
        while unsafe poll(&poller, 1, -1) < 0, errno == EINTR {}
        return status.withLock { known in
            if let known { return known }
            var kind: CInt = 0
            var value: CInt = 0
            guard unsafe csh_reap_pidfd(descriptor.rawValue, &kind, &value) == 1 else { return nil }
            let ended: ExitStatus = kind == 1 ? .exited(value) : .signaled(value)
            known = ended
            return ended
        }
    }

    /// Finds a process that an earlier life of this program started.
    ///
    /// The start time is read after the pidfd is open, so it is the held process that is compared.
    /// - Parameters:
    ///   - pid: its number.
    ///   - startTime: its start time, in the same boot.
    /// - Returns: the handle, or nil when it is gone or the number is another's now.
    public static func find(pid: Int32, startTime: UInt64) -> ProcessHandle? {
        guard pid > 0 else { return nil }
        let number = csh_pidfd_open(pid)
        guard number >= 0 else { return nil }
        let descriptor = OwnedFD(number)
        guard readStartTime(pid: pid) == startTime else { return nil }
        return ProcessHandle(pid: pid, startTime: startTime, descriptor: descriptor)
    }

    /// When a process started, in clock ticks since boot.
    ///
    /// - Parameter pid: its number, which may be another's by the time of the answer.
    /// - Returns: nil when there is no such process.
    /// - Source: proc(5), `/proc/pid/stat` field 22.
    public static func readStartTime(pid: Int32) -> UInt64? {
        guard let text = TextFile.read("/proc/\(pid)/stat") else { return nil }
        // The second field is the program's name, which may hold blanks and brackets: count from its last bracket.
        guard let bracket = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: bracket)...].split(separator: " ")
        return fields.count > 19 ? UInt64(fields[19]) : nil
    }
}

/// Facts of the running kernel.
public enum Machine {
    /// Keeps the allocator to a few heaps, so that what one thread freed another can use.
    ///
    /// Before the first thread; the default is eight for each processor.
    /// - Parameter count: of heaps.
    public static func shareHeaps(_ count: CInt) { csh_share_arenas(count) }

    /// How many processors this process may use, at least 1.
    public static let processors = max(1, sysconf(CInt(_SC_NPROCESSORS_ONLN)))

    /// Names this boot, so that a journalled pid of an earlier one is never believed.
    ///
    /// - Returns: the kernel's random UUID of this boot; empty where /proc is missing.
    public static func bootID() -> String {
        let text = TextFile.read("/proc/sys/kernel/random/boot_id") ?? ""
        return String(text.prefix { $0 != "\n" })
    }

    /// Names the running kernel: its release and its build.
    ///
    /// - Returns: one line; empty where /proc is missing.
    public static func kernel() -> String {
        ["osrelease", "version"].map { name in
            String((TextFile.read("/proc/sys/kernel/\(name)") ?? "").prefix { $0 != "\n" })
        }.joined(separator: " ")
    }

    /// Makes orphans of our children ours, so that they can be reaped.
    ///
    /// - Throws: the errno of prctl(2).
    public static func becomeSubreaper() throws(SyscallError) {
        let result = csh_become_subreaper()
        guard result == 0 else { throw SyscallError("prctl", -result, "PR_SET_CHILD_SUBREAPER") }
    }

    /// Lets this process have more descriptors, as many as it may and at most so many.
    ///
    /// - Parameter most: a limit that is higher already stays.
    public static func raiseFileLimit(to most: UInt) {
        var limit = rlimit()
        let kind = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        guard unsafe getrlimit(kind, &limit) == 0, limit.rlim_cur < min(most, limit.rlim_max) else { return }
        limit.rlim_cur = min(most, limit.rlim_max)
        _ = unsafe setrlimit(kind, &limit)
    }
}
