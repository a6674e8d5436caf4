import CSystemShims
import Glibc
import SystemLayer

/// The numbered steps: the number is the failure code.
///
/// 3, 4 and 5 are the host's own (limits, journal, clone).
/// - Source: security note §4.2.
enum Step: UInt16 {
    case plan = 1
    case open = 2
    case cgroup = 6
    case users = 7
    case session = 8
    case network = 9
    case privateMounts = 10
    case overlay = 11
    case fill = 12
    case mask = 13
    case pivot = 14
    case readOnly = 15
    case hostname = 16
    case limits = 17
    case bounding = 18
    case identity = 19
    case privileges = 20
    case fork = 21
    case descriptors = 22
    case landlock = 23
    case seccomp = 24
    case exec = 25
    /// Ours: what the operator requires would not be applied.
    case required = 26
    /// The tool room's root and the system in it.
    case room = 27
    /// Devices that were granted.
    case devices = 28
    /// The namespaces of a container that runs.
    case enter = 29
}

/// A step that failed.
struct StepError: Error {
    let step: Step
    let errno: CInt
    let text: String
}

/// Runs a step's calls; their failure carries its number.
func step<Result: ~Copyable>(
    _ step: Step,
    _ body: () throws(SyscallError) -> Result
) throws(StepError) -> Result {
    do throws(SyscallError) {
        return try body()
    } catch {
        throw StepError(step: step, errno: error.errno, text: error.description)
    }
}

/// Forks this process, which has one thread.
///
/// - Returns: 0 in the child, its number in the parent.
/// - Throws: the step's number and the errno of fork(2).
func forkSelf() throws(StepError) -> pid_t {
    try step(.fork) { () throws(SyscallError) in
        let pid = csh_fork()
        try check(pid, "fork")
        return pid
    }
}

/// Joins cgroups, then leaves the keyring and the mask of whoever started this.
///
/// - Parameter groups: the `tasks` files of v1 directories.
/// - Throws: the step that failed.
func beginSession(joining groups: [String]) throws(StepError) {
    try step(.cgroup) { () throws(SyscallError) in
        for path in groups { try TextFile.write("0", to: path) }
    }
    try step(.session) { () throws(SyscallError) in
        _ = umask(0o022)
        let keyring = csh_join_session_keyring()
        if keyring != -ENOSYS { try check(keyring, "keyctl") }
    }
}

/// Turns the answer of a C call into an error.
func check(_ result: CInt, _ call: String, _ subject: String = "") throws(SyscallError) {
    guard result >= 0 else { throw SyscallError(call, -result, subject) }
}

func openDirectory(_ path: String) throws(SyscallError) -> OwnedFD {
    let number = unsafe Glibc.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    guard number >= 0 else { throw SyscallError("open", errno, path) }
    return OwnedFD(number)
}

/// The two ends of a pipe, close-on-exec.
struct Pipe: ~Copyable {
    let read: OwnedFD
    let write: OwnedFD

    init() throws(SyscallError) {
        let ends = try Channels.pipe()
        read = OwnedFD(ends.read)
        write = OwnedFD(ends.write)
    }
}
