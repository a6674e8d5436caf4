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
    /// Where its lines are, for messages.
    let place: ScriptPlaces
    /// What stands behind the handlers.
    let world: any World
    /// The programs that handles name.
    var processes = HandleTable<HeldProcess>()
    /// The assets that handles name, each marked.
    var assets = HandleTable<HeldAsset>()
    /// Programs that outlive the verb.
    var kept: [KeptProcess]
    /// Where its programs run.
    let room: any ProgramRoom
    /// Programs kept in this verb, whose end before the actor is ready is the verb's.
    private var expected: [HeldProcess] = []
    private var interrupt: VerbInterrupt?
    /// Whether a bundle of this verb gives its container a system call filter.
    var givesFilters = false

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
        modules: [String] = [],
        secrets: [String] = [],
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
        place = ScriptPlaces(file: file, modules: modules)
        self.world = world
        room = world.room(
            RoomPlace(
                actor: actor,
                request: request,
                verb: verb,
                companions: companions,
                layout: layout,
                grants: grants,
                secrets: secrets
            )
        )
        kept = actor.processes
        for process in actor.processes {
            let held = held(process)
            // `actor.processes` holds those that are alive now; a container that has ended is still known by its name.
            if held.handle?.hasExited() == false { _ = processes.insert(held) }
        }
    }

    /// A program of an earlier verb, or a container.
    func held(_ process: KeptProcess) -> HeldProcess {
        let spool = actor.places(of: process.name).log(process.name)
        return HeldProcess(
            name: process.name,
            kept: process,
            handle: world.find(process),
            leaf: process.leaf.map { Cgroup.leaf(layout: layout, name: $0) }
        ) { [world, actor] in
            let status = world.end(of: process, of: actor)
            let words = process.leaf == nil ? [] : ProgramLog.lastWords(spool)
            return ProgramEnd(status: status, stderr: words, isAllowed: status == .exited(0))
        }
    }

    /// Holds a program that outlives the verb, and from now on ends the verb if that ends before the actor is ready.
    func keep(_ held: HeldProcess, as process: KeptProcess) throws(HostFailure) -> PluginHandle {
        kept.append(process)
        if ["run", "restore", "prepare"].contains(verb), let handle = held.handle {
            expected.append(held)
            if let handle = handle as? ProcessHandle { try interruptible().watch(handle) }
        }
        return processes.insert(held)
    }

    /// These are waited for or stopped: their end is what the script wants.
    func expectEnd(of processes: [HeldProcess]) {
        interrupt?.ignore(processes.compactMap { $0.handle as? ProcessHandle })
        expected.removeAll { one in processes.contains { $0.kept == one.kept } }
    }

    /// The verb's failure when a program that it keeps has ended.
    var keptFailure: HostError? {
        let ended = expected.filter { $0.handle?.hasExited() ?? true }.map { (name: $0.name, end: $0.result()) }
        // Where one took others along, the one that complained says why.
        guard let first = ended.first(where: { !$0.end.stderr.isEmpty }) ?? ended.first else { return nil }
        return HostError(
            .failedPrecondition,
            .crashed,
            "\(first.name) \(first.end.words), before the actor was ready"
        )
    }

    /// Closes an asset's handle.
    func close(asset handle: PluginHandle, line: UInt32) {
        let place = PluginHandle(index: handle.index & ~PluginHandle.assetMark, generation: handle.generation)
        assets.close(place, line: line)
    }

    /// The live programs by name, as handles of this verb.
    var handles: [String: PluginHandle] {
        Dictionary(processes.live.map { ($0.value.name, $0.handle) }, uniquingKeysWith: { $1 })
    }

    /// What may be run: path → name in Lua.
    var programs: [String: String] {
        var programs: [String: String] = [:]
        if grants.kinds.contains(.asset) {
            for (name, path) in actor.assets { programs[path] = "actor.assets.\(name)" }
        }
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

    /// The caller's streams.
    ///
    /// - Throws: the author's mistake where the verb has none.
    func client() throws(HostFailure) -> ClientDescriptors {
        guard let client = context.request.client else {
            throw ProgramArguments.mistake(self, "stdio", "client", "none: only exec has a caller's streams")
        }
        return ClientDescriptors(
            input: client.input,
            output: client.output,
            errors: client.errors,
            isTerminal: client.isTerminal
        )
    }

    /// The directory of the actor's in which a path is, and the rest of the path; nil when it is in none.
    func place(_ path: String) -> (directory: String, rest: String)? {
        let places = context.actor.slotPlaces
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
                    got: "handle<process:\(handle.index).\(handle.generation)>, closed at \(context.place(line))",
                    mend: mend
                )
            )
        case .unknown:
            throw .fatal(HostError(.internal, .plugin, "plugin protocol: a handle that this verb never had"))
        }
    }
}
