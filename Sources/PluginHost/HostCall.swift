import ActorContract
import HostErrors
import LaunchProtocol
import PluginProtocol
import SystemLayer

/// What one verb of one actor is given and holds; used by the verb's thread alone.
final class VerbContext {
    let verb: String
    let actor: PreparedActor
    let request: VerbRequest
    let effects: any EffectLog
    let companions: Companions
    let layout: CgroupLayout
    /// What must be applied to every workload, or it does not start.
    let required: [Protection]
    let deadline: ContinuousClock.Instant
    let cancellation: any VerbCancellation
    let grants: Grants
    /// The script's file, for messages.
    let file: String
    /// What stands behind the handlers.
    let world: any World
    /// The programs that handles name.
    var processes = HandleTable<HeldProcess>()
    /// Programs that outlive the verb.
    var kept: [KeptProcess]
    private var interrupt: VerbInterrupt?

    init(
        verb: String,
        actor: PreparedActor,
        request: VerbRequest,
        effects: any EffectLog,
        companions: Companions,
        layout: CgroupLayout,
        required: [Protection] = [],
        deadline: ContinuousClock.Instant,
        cancellation: any VerbCancellation,
        grants: Grants,
        file: String,
        world: any World = Machinery()
    ) {
        self.verb = verb
        self.actor = actor
        self.request = request
        self.effects = effects
        self.companions = companions
        self.layout = layout
        self.required = required
        self.deadline = deadline
        self.cancellation = cancellation
        self.grants = grants
        self.file = file
        self.world = world
        kept = actor.processes
        for process in actor.processes { _ = processes.insert(held(process)) }
    }

    /// A program of an earlier verb, or a container.
    func held(_ process: KeptProcess) -> HeldProcess {
        HeldProcess(name: process.name, kept: process, handle: world.find(process)) { [world, actor] in
            let status = world.end(of: process, of: actor)
            return ProgramEnd(status: status, isAllowed: status == .exited(0))
        }
    }

    /// The live programs by name, as handles of this verb.
    var handles: [String: PluginHandle] {
        Dictionary(processes.live.map { ($0.value.name, $0.handle) }, uniquingKeysWith: { $1 })
    }

    /// What may be run: path → name in Lua.
    var programs: [String: String] {
        var programs: [String: String] = [:]
        for (name, path) in actor.assets { programs[path] = "actor.assets.\(name)" }
        for (name, path) in grants.tools { programs[path] = "actor.tools.\(name)" }
        return programs
    }

    /// Waits, and is woken by a cancel; made when first asked for, since most verbs never wait.
    func interruptible() throws(HostFailure) -> VerbInterrupt {
        if let interrupt { return interrupt }
        do throws(SyscallError) {
            let made = try VerbInterrupt(cancellation)
            interrupt = made
            return made
        } catch {
            throw .fatal(HostError(.resourceExhausted, .machine, "a wait cannot be made (\(error))"))
        }
    }
}

/// One call of a script's, on one line.
struct HostCall {
    /// What the verb is given and holds.
    let context: VerbContext
    /// The row that was called.
    let row: HostFunction
    /// The script's line.
    let line: UInt32

    /// When a wait ends that was asked to take so long: cut to the verb's deadline.
    func deadline(after milliseconds: Int64?) -> ContinuousClock.Instant {
        guard let milliseconds else { return context.deadline }
        return min(context.deadline, context.world.now() + .milliseconds(milliseconds))
    }

    /// The directory of the actor's in which a path is, and the rest of the path; nil when it is in none.
    func place(_ path: String) -> (directory: String, rest: String)? {
        let places = ActorDirectories(context.actor.directory)
        for directory in [places.runtime, places.bundles, places.logs, places.work]
        where path.hasPrefix("\(directory)/") {
            return (directory, String(path.dropFirst(directory.count + 1)))
        }
        return nil
    }

    /// The program behind a handle.
    ///
    /// - Parameters:
    ///   - handle: as the script gave it.
    ///   - path: its place in the arguments, such as `[2]`.
    ///   - mend: how a script avoids using a closed one.
    /// - Returns: the program.
    /// - Throws: the author's mistake for a closed one; a handle that never was is the supervisor's lie.
    func process(_ handle: PluginHandle, at path: String, mend: String) throws(HostFailure) -> HeldProcess {
        switch context.processes.find(handle) {
        case .live(let process): return process
        case .closed(let line):
            throw .mistake(
                ArgumentFault(
                    code: "api.stale",
                    message: "\(row.name): \(path) is a closed handle",
                    expected: "a live process",
                    got: "handle<process:\(handle.index).\(handle.generation)>, closed at \(context.file):\(line)",
                    mend: mend
                )
            )
        case .unknown:
            throw .fatal(HostError(.internal, .plugin, "plugin protocol: a handle that this verb never had"))
        }
    }
}
