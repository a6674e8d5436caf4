import SystemLayer

/// A program of a script to be started in the tool room.
struct ProgramSpec: Sendable {
    /// The path of an asset or a tool.
    var program: String
    /// What follows its name.
    var arguments: [String] = []
    /// What the script put into the environment; the path is there unless it says otherwise.
    var environment: [String: String] = [:]
    /// What it reads; nil is nothing.
    var input: [UInt8]?
    /// Whether it is on the machine's network rather than the slot's.
    var isOnHostNetwork = false
    /// Covered paths under /proc/sys and /sys.
    var hidden: [String] = []
    /// System calls that do not exist for it.
    var refused: [String] = []
    /// Device nodes of the machine.
    var devices: [String] = []
    /// The descriptor that holds the workload filter.
    var filterDescriptor: Int32?
    /// The container whose log gets its output.
    var log = ""
    /// Its name in `actor.processes`; nil for one that ends with the verb.
    var keptName: String?
    /// The caller's own streams, in `exec`.
    var client: ClientDescriptors?

    /// Its environment as `NAME=value`, in order.
    var variables: [String] {
        var all = environment
        if all["PATH"] == nil { all["PATH"] = Self.searchPath }
        return all.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    }

    private static let searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
}

/// A caller's streams as descriptors of this process; whoever made them closes them.
struct ClientDescriptors: Sendable, Equatable {
    var input: CInt
    var output: CInt
    var errors: CInt
    /// Whether they are one terminal.
    var isTerminal: Bool
}

/// Why a program was not started.
enum ProgramFailure: Error {
    /// There is no such program, or what it needs to be loaded is not there.
    case notFound(String)
    /// A kept one of that name runs.
    case exists(String)
    /// What it should be started in cannot take it.
    case unsupported(String)
    /// A call of the machine failed.
    case machine(SyscallError)
    /// A step of the launcher failed.
    case launch(String)
}
