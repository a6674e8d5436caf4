import CSystemShims
import Glibc

/// One child process to start: nothing is inherited but what is named here.
public struct SpawnPlan: Sendable {
    /// The executable's absolute path.
    public var program: String
    /// The arguments, the program's own name first.
    public var arguments: [String]
    /// The whole environment, as `NAME=value`.
    public var environment: [String] = []
    /// The child's descriptors and where they come from.
    ///
    /// Everything else is closed; of 0, 1 and 2 the unnamed ones are `/dev/null`. At most 64.
    public var descriptors: [(child: CInt, parent: CInt)] = []
    /// The directory to start in; nil keeps the caller's.
    public var workingDirectory: String?
    /// The `CLONE_NEW…` flags of clone(2): namespaces the child gets for itself.
    public var namespaces: UInt64 = 0
    /// Whether the child leads a session of its own, and so outlives this one's terminal.
    public var newSession = true
    /// A descriptor of the v2 cgroup directory that the child is born in.
    public var cgroupV2: CInt?
    /// The user to become; nil keeps the caller's.
    public var uid: UInt32?
    /// The group to become, with no other groups; nil keeps the caller's.
    public var gid: UInt32?
    /// Whether it is killed when the calling thread ends, and so with this process: for who waits on that thread.
    public var endsWithCaller = false

    /// Makes a plan; the other fields are set afterwards.
    ///
    /// - Parameters:
    ///   - program: the executable's absolute path.
    ///   - arguments: with the program's own name first.
    public init(program: String, arguments: [String]) {
        self.program = program
        self.arguments = arguments
    }
}

/// Starts a child and waits until it runs the program.
///
/// Blocks for the time of a clone3(2) and an execve(2). Safe in a process with threads.
/// - Parameter plan: the child.
/// - Returns: a handle that means this process for ever, whatever becomes of its number.
/// - Throws: the failing call of this side or of the child's; there is no child then.
/// - Source: clone(2), close_range(2), execve(2).
public func spawn(_ plan: borrowing SpawnPlan) throws(SyscallError) -> ProcessHandle {
    let strings = [plan.program] + plan.arguments + plan.environment
    for string in strings where string.utf8.contains(0) { throw SyscallError("execve", EINVAL, plan.program) }
    let program = plan.program
    let targets = plan.descriptors.map(\.child)
    let sources = plan.descriptors.map(\.parent)
    let directory = plan.workingDirectory.map(CStrings.terminated)
    let namespaces = plan.namespaces
    let newSession: CInt = plan.newSession ? 1 : 0
    let cgroup = plan.cgroupV2 ?? -1
    let uid = plan.uid.map(Int64.init) ?? -1
    let gid = plan.gid.map(Int64.init) ?? -1
    let endsWithCaller: CInt = plan.endsWithCaller ? 1 : 0
    let arguments = CStrings(plan.arguments)
    let environment = CStrings(plan.environment)
    var spawned = csh_spawned()
    let result = unsafe arguments.withPointers { argv in
        unsafe environment.withPointers { envp in
            unsafe program.withCString { path in
                unsafe targets.withUnsafeBufferPointer { children in
                    unsafe sources.withUnsafeBufferPointer { parents in
                        unsafe CStrings.withOptional(directory) { start in
                            var raw = unsafe csh_spawn_plan(
                                program: path,
                                arguments: argv,
                                environment: envp,
                                child_fds: children.baseAddress,
                                parent_fds: parents.baseAddress,
                                fd_count: children.count,
                                working_directory: start,
                                namespaces: namespaces,
                                new_session: newSession,
                                cgroup_v2: cgroup,
                                uid: uid,
                                gid: gid,
                                end_with_parent: endsWithCaller
                            )
                            return unsafe csh_spawn(&raw, &spawned)
                        }
                    }
                }
            }
        }
    }
    guard result == 0 else {
        let calls = ["clone3", "clone3", "setsid", "dup2", "chdir", "setresuid", "execve"]
        let step = Int(spawned.failed_step)
        throw SyscallError(calls.indices.contains(step) ? calls[step] : "clone3", -result, program)
    }
    let time = ProcessHandle.readStartTime(pid: spawned.pid) ?? 0
    return ProcessHandle(pid: spawned.pid, startTime: time, descriptor: OwnedFD(spawned.pidfd))
}
