package import ActorContract
package import SystemLayer

/// A program of a script to be started in the tool room.
package struct ProgramSpec: Sendable {
    /// The path of an asset or a tool.
    package var program: String
    /// What follows its name.
    package var arguments: [String] = []
    /// What the script put into the environment; the path is there unless it says otherwise.
    package var environment: [String: String] = [:]
    /// What it reads; nil is nothing.
    package var input: [UInt8]?
    /// Whether it is on the machine's network rather than the slot's.
    package var isOnHostNetwork = false
    /// Whether it may give programs back what they had.
    package var restores = false
    /// The file in which it tells its errors: the actor's directory, and the path below it.
    package var errors: (directory: String, path: String)?
    /// Covered paths under /proc/sys and /sys.
    package var hidden: [String] = []
    /// System calls that do not exist for it.
    package var refused: [String] = []
    /// Device nodes of the machine.
    package var devices: [String] = []
    /// The descriptor that holds the workload filter.
    package var filterDescriptor: Int32?
    /// The exit codes that are no failure; nil: every one.
    package var allowed: Set<Int32>? = [0]
    /// The container whose log gets its output.
    package var log = ""
    /// Its name in `actor.processes`; nil for one that ends with the verb.
    package var keptName: String?
    /// The caller's own streams, in `exec`.
    package var client: ClientDescriptors?

    /// One with nothing but its program.
    package init(program: String) { self.program = program }

    /// Whether an end is no failure; a signal is no code.
    package func allows(_ status: ExitStatus?) -> Bool {
        guard case .exited(let code)? = status else { return false }
        return allowed?.contains(code) ?? true
    }

    /// Its environment as `NAME=value`, in order.
    package var variables: [String] {
        var all = environment
        if all["PATH"] == nil { all["PATH"] = Self.searchPath }
        return all.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    }

    private static let searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
}

/// A caller's streams as descriptors of this process; whoever made them closes them.
package struct ClientDescriptors: Sendable, Equatable {
    package var input: CInt
    package var output: CInt
    package var errors: CInt
    /// Whether they are one terminal.
    package var isTerminal: Bool
}

/// Why a program was not started.
package enum ProgramFailure: Error {
    /// There is no such program, or what it needs to be loaded is not there.
    case notFound(String)
    /// A kept one of that name runs.
    case exists(String)
    /// What it should be started in cannot take it.
    case unsupported(String)
    /// What it should be started in has ended.
    case notRunning(String)
    /// A call of the machine failed.
    case machine(SyscallError)
    /// A step of the launcher failed.
    case launch(String)
}

/// A program to be started inside a container that runs.
package struct ContainerEntry: Sendable {
    /// The container's own program.
    package var container: KeptProcess
    /// The program and its arguments.
    package var command: [String]
    /// What the script put into the environment; the path is there unless it says otherwise.
    package var environment: [String: String]
    /// The capabilities of the container's own program.
    package var capabilities: [UInt8]
    /// What the container has from its image: whom its programs run as, where, and with which variables.
    package var defaults = ImageDefaults()
    /// Whether it gets rules of Landlock, as the container's own program has them.
    package var isLandlocked = false
    /// Where the container takes writes although its root refuses them; nil where the root takes them.
    package var writable: [String]?
    /// The caller's own streams.
    package var client: ClientDescriptors?
}
