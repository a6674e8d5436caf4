import Glibc
import Synchronization
import SystemLayer
import Threads

/// Checks that only a try can answer, each on a thread of its own that takes its namespaces with it.
enum DoctorTrial {
    /// CLONE_NEWNS; this and the numbers below are of linux/sched.h, which Swift's module of glibc lacks.
    private static let newMount: CInt = 0x0002_0000

    /// Whether the namespaces of an actor can be made.
    static func namespaces() -> DoctorFinding {
        let kinds: [(flag: CInt, name: String)] = [
            (newMount, "mount"), (0x2000_0000, "pid"), (0x4000_0000, "net"), (0x0800_0000, "ipc"),
            (0x0400_0000, "uts"),
        ]
        let refused = kinds.compactMap { kind in
            onOwnThread { unshareThread(kind.flag) == 0 ? nil : "\(kind.name) (errno \(errno))" }
        }
        guard refused.isEmpty else {
            return .missing(
                "namespaces",
                "refused: \(refused.joined(separator: ", "))",
                mend: "run as root with CAP_SYS_ADMIN; in a container, without its default seccomp profile"
            )
        }
        return .present("namespaces", kinds.map(\.name).joined(separator: ", "))
    }

    /// Whether an overlay can be mounted on a tmpfs, as an actor's root is.
    static func overlayfs() -> DoctorFinding {
        let problem = onOwnThread {
            guard unshareThread(newMount) == 0 else { return "no mount namespace (errno \(errno))" }
            // Private first, so that nothing of this reaches the machine's own mount table.
            guard unsafe mount(nil, "/", nil, UInt(MS_REC | MS_PRIVATE), nil) == 0 else {
                return "cannot make mounts private (errno \(errno))"
            }
            // Over /tmp in this namespace alone; it goes when the thread does.
            guard unsafe mount("tmpfs", "/tmp", "tmpfs", 0, "size=1m") == 0 else { return "no tmpfs (errno \(errno))" }
            for name in ["lower", "upper", "work", "merged"] { unsafe mkdir("/tmp/\(name)", 0o700) }
            let options = "lowerdir=/tmp/lower,upperdir=/tmp/upper,workdir=/tmp/work"
            guard unsafe mount("overlay", "/tmp/merged", "overlay", 0, options) == 0 else {
                return "refused (errno \(errno))"
            }
            return nil
        }
        guard let problem else { return .present("overlayfs", "mounted and gone again") }
        return .missing("overlayfs", problem, mend: "modprobe overlay, as root with CAP_SYS_ADMIN")
    }

    /// Which version of Landlock the kernel has; a second wall, so not needed.
    static func landlock() -> DoctorFinding {
        // landlock_create_ruleset(2): number 444 on every architecture, flag 1 asks for the version.
        let version = systemCall(444, 0, 0, 1)
        guard version > 0 else {
            return .missing(
                "landlock",
                needed: false,
                "not in this kernel or not switched on",
                mend: "boot with CONFIG_SECURITY_LANDLOCK=y and lsm=landlock,…; without, one wall less"
            )
        }
        return .present("landlock", needed: false, "version \(version)")
    }

    /// syscall(2), which Swift does not import because it is variadic; -1 when there is none.
    private static func systemCall(_ number: CLong, _ a: CLong, _ b: CLong, _ c: CLong) -> CLong {
        guard let symbol = unsafe dlsym(nil, "syscall") else { return -1 }
        typealias Call = @convention(c) (CLong, CLong, CLong, CLong) -> CLong
        // SAFETY: with integer arguments alone, the C ABI of both our architectures passes variadic ones like fixed.
        let call = unsafe unsafeBitCast(symbol, to: Call.self)
        return call(number, a, b, c)
    }

    /// Puts the calling thread into namespaces of its own; errno says why when the answer is not 0.
    private static func unshareThread(_ flags: CInt) -> CInt {
        guard let symbol = unsafe dlsym(nil, "unshare") else { return -1 }
        // SAFETY: unshare(2) is int unshare(int); Swift's module of glibc only lacks its header.
        let call = unsafe unsafeBitCast(symbol, to: (@convention(c) (CInt) -> CInt).self)
        return call(flags)
    }

    /// Runs a try on a fresh thread that ends with it, so that what it unshares touches nobody else.
    ///
    /// - Parameter body: answers what went wrong, nil for nothing.
    /// - Returns: the body's answer.
    private static func onOwnThread(_ body: @escaping @Sendable () -> String?) -> String? {
        let answer = Answer()
        do throws(SyscallError) {
            try JoinableThread("doctor") { answer.problem.withLock { $0 = body() } }.join()
        } catch {
            return "no thread (\(error))"
        }
        return answer.problem.withLock { $0 }
    }

    /// Where the thread leaves what it found.
    private final class Answer: Sendable {
        let problem = Mutex<String?>(nil)
    }
}
