// One process per verb: gives up everything, and only then reads its first frame (security order: cgroup, namespaces,
// limits, privileges, Landlock, filter). Descriptor 3 is the host; descriptor 2 takes last words.
import Confinement
import Glibc
import PluginRuntime
import SystemLayer

/// The values of `name` in the arguments, in their order.
func values(_ name: String) -> [String] {
    let arguments = CommandLine.arguments
    return zip(arguments, arguments.dropFirst()).filter { $0.0 == name }.map(\.1)
}

/// The number after `name`, if it was given.
func option(_ name: String) -> Int? { values(name).last.flatMap { Int($0) } }

var budget = Supervisor.Budget()
if let instructions = option("--instructions") { budget.instructions = Int64(instructions) }
if let memory = option("--memory") { budget.memory = memory }

// Nothing is read from or printed to a terminal: the filter would kill whoever tried.
_ = close(0)
_ = close(1)

let socket: CInt = 3
let supervisor = Supervisor(channel: SocketChannel(socket), tests: option("--tests") == 1)
do {
    try SupervisorLimits.join(tasks: values("--tasks"))
    if let identity = option("--identity").flatMap(UInt32.init(exactly:)) {
        try SupervisorLimits.isolate(identity: identity, userNamespace: option("--user-namespace") == 1)
    } else if getuid() == 0, option("--unprivileged") != nil {
        // Only who has nothing to give up may keep it: as root this would be a hole.
        throw SyscallError("unprivileged", EPERM)
    }
    // A spare does not know its deadline: the largest one, and a second.
    try SupervisorLimits.apply(memory: budget.memory, cpuSeconds: 3601)
    try SupervisorFilter.load()
} catch {
    try? writeAll(Array("substrate-supervisor: \(error)\n".utf8), to: 2)
    _exit(SocketChannel.exitUnconfined)
}
supervisor.serve(budget: budget, descriptor: socket)
