import ActorContract
import Confinement
import Glibc
import LaunchProtocol
import PluginProtocol
import SystemLayer
import Telemetry

/// Starts the programs of one verb of one actor: the one place from which they reach the machine.
///
/// Used by the verb's thread alone.
final class ToolRoom: ProgramRoom {
    let place: RoomPlace
    var actor: PreparedActor { place.actor }
    var layout: CgroupLayout { place.layout }
    var started: [HeldProcess] = []
    private var outputs: [Int32: ProgramOutput] = [:]
    private var logs: [String: ProgramLog] = [:]
    private var rooms: [MadeRoom] = []
    /// The cgroups of programs that were let go of and left others: no handle leads to them any more.
    private var left: Set<String> = []
    private var next = 0
    /// Whether the containers' roots are mounted.
    var hasRoots = false
    /// The machine's id that is root's in the containers' user namespace; nil without one.
    private(set) var users: UInt32?
    /// Whether the actor's directories belong to the user of its programs.
    var hasGiven = false

    init(_ place: RoomPlace) { self.place = place }

    func shift(to first: UInt32?) -> Bool {
        guard hasRoots else {
            users = first
            return true
        }
        return users == first
    }

    func start(_ spec: ProgramSpec, line: UInt32) throws(ProgramFailure) -> HeldProcess {
        let begin = ContinuousClock.now
        let leafName = spec.keptName.map { "\(actor.cgroup)/kept.\($0)" } ?? fresh()
        let leaf = Cgroup.leaf(layout: layout, name: leafName)
        var output: ProgramOutput?
        let launched: (handle: ProcessHandle, report: LaunchReport?)
        let plan: ToolPlan
        do throws(SyscallError) {
            try mountRoots()
            try prepare(leaf, spec)
            plan = try makePlan(spec, leaf)
            launched = try launch(plan, spec, leaf, &output)
        } catch {
            try? leaf.remove()
            throw .machine(error)
        }
        if let failure = Self.failure(launched.report, spec) {
            leaf.kill()
            _ = launched.handle.wait()
            try? leaf.remove()
            throw failure
        }
        var inner: Int32?
        if case .ready(let pid, _)? = launched.report { inner = pid }
        var held = held(
            spec,
            plan,
            launched.handle,
            leaf: leaf,
            leafName: leafName,
            inner: inner,
            output: output,
            begin: begin
        )
        held.line = line
        started.append(held)
        if let output { outputs[launched.handle.pid] = output }
        return held
    }

    func waitForEnd(
        of process: HeldProcess,
        until deadline: ContinuousClock.Instant,
        _ interrupt: VerbInterrupt
    ) -> VerbInterrupt.Outcome {
        guard let handle = process.handle as? ProcessHandle else { return .ready }
        let output = outputs[handle.pid]
        return ProgramTime.wait { () -> VerbInterrupt.Outcome in
            while true {
                let streams = output?.descriptors ?? []
                let outcome = interrupt.wait(anyOf: [handle.pollDescriptor] + streams, until: deadline)
                output?.drain()
                if handle.hasExited() { return .ready }
                if outcome != .ready { return outcome }
            }
        }
    }

    func follow(_ process: HeldProcess) {
        guard let handle = process.handle as? ProcessHandle else { return }
        outputs[handle.pid]?.follow()
    }

    func letGo(_ process: HeldProcess) {
        guard let leaf = process.leaf, let name = process.leafName else { return }
        if leaf.processes().isEmpty { try? leaf.remove() } else { left.insert(name) }
    }

    /// Takes a cgroup, with all who are in it, from the ended program that left them there.
    ///
    /// - Parameter pid: one of those.
    /// - Returns: the cgroup; nil where a handle of the script may still end it.
    func takeLeaf(of pid: Int32) -> (leaf: Cgroup, name: String)? {
        for index in started.indices {
            guard let leaf = started[index].leaf, let name = started[index].leafName, left.contains(name),
                leaf.processes().contains(pid)
            else { continue }
            started[index].leaf = nil
            return (leaf, name)
        }
        return nil
    }

    /// Remembers a program whose cgroup is to be ended with the verb unless it is kept.
    func own(_ process: HeldProcess, _ output: ProgramOutput? = nil) {
        started.append(process)
        if let output, let handle = process.handle as? ProcessHandle { outputs[handle.pid] = output }
    }

    /// A name below the actor's cgroup, or a container's own, that no other program of this host has.
    func fresh(in container: String? = nil) -> String {
        next += 1
        return "\(container.map { actor.cgroup(of: $0) } ?? actor.cgroup)/run.\(UInt64.random(in: 0 ... .max)).\(next)"
    }

    @discardableResult
    func finish(keeping kept: [KeptProcess], client: KeptProcess?) -> [LeakedProgram] {
        var leaked: [LeakedProgram] = []
        for process in started {
            guard let handle = process.handle as? ProcessHandle, handle.pid != client?.pid else { continue }
            if kept.contains(where: { $0.pid == handle.pid && $0.startTime == handle.startTime }) { continue }
            if !handle.hasExited() { leaked.append(LeakedProgram(name: process.name, line: process.line)) }
            end(process)
        }
        if !started.isEmpty {
            let held = started.compactMap { ($0.handle as? ProcessHandle)?.pid } + kept.map(\.pid)
            Orphans.reap(of: Cgroup.leaf(layout: layout, name: actor.cgroup), except: Set(held))
        }
        started = []
        for output in outputs.values { output.finish() }
        outputs = [:]
        logs = [:]
        rooms = []
        left = []
        return leaked
    }

    func end(_ process: HeldProcess) {
        process.leaf?.kill()
        guard let handle = process.handle as? ProcessHandle else { return }
        _ = handle.signal(9)
        // In uninterruptible sleep it may stay: its cgroup goes with the actor's then.
        if (try? waitReadable(handle.pollDescriptor, milliseconds: 5000)) == true { _ = handle.wait() }
        try? process.leaf?.remove()
    }

    private func held(
        _ spec: ProgramSpec,
        _ plan: ToolPlan,
        _ handle: ProcessHandle,
        leaf: Cgroup,
        leafName: String,
        inner: Int32?,
        output: ProgramOutput?,
        begin: ContinuousClock.Instant
    ) -> HeldProcess {
        let program = spec.program.split(separator: "/").last.map(String.init) ?? spec.program
        let keeping = plan.keeping
        let kept = keeping.map { keeping in
            KeptProcess(
                name: spec.keptName ?? program,
                pid: handle.pid,
                startTime: handle.startTime,
                nonce: keeping.nonce,
                leaf: leafName
            )
        }
        let beginSecond = time(nil)
        var held = HeldProcess(name: spec.keptName ?? program, kept: kept, handle: handle, leaf: leaf, inner: inner) {
            let own = handle.wait()
            output?.finish()
            var end = ProgramEnd(status: own, isAllowed: false)
            if let keeping {
                end.status = ExitRecord.read(directory: keeping.statusDirectory, nonce: keeping.nonce) ?? own
                end.stderr = ProgramLog.lastWords(keeping.logDirectory)
            } else if let kept = output?.kept {
                (end.stdout, end.stderr, end.truncated) = kept
            }
            end.milliseconds = (ContinuousClock.now - begin).milliseconds
            end.isAllowed = spec.allows(end.status)
            if !end.isAllowed, let place = spec.errors {
                let errors = ProgramErrors.last(place, since: beginSecond - 1)
                if !errors.isEmpty { end.stderr += [10] + errors + [10] }
            }
            return end
        }
        held.isClient = spec.client != nil
        held.leafName = leafName
        return held
    }

    private static func failure(_ report: LaunchReport?, _ spec: ProgramSpec) -> ProgramFailure? {
        switch report {
        case .failed(25, let number, let text):
            // ENOENT of a script or a binary may mean its interpreter or loader: the text names the program.
            return number == UInt16(ENOENT) ? .notFound("\(spec.program): \(text)") : .launch(text)
        case .failed(let step, _, let text): return .launch("step \(step) of the tool room failed: \(text)")
        case .ready: return nil
        // The program took the pipe along: execve(2) closed it.
        case nil: return spec.keptName == nil ? nil : .launch("the launcher ended without a word")
        }
    }

    /// A spool of its own beside the container's, shared by the programs of this verb.
    private func log(_ container: String) throws(SyscallError) -> ProgramLog? {
        guard !container.isEmpty else { return nil }
        if let log = logs[container] { return log }
        let made = try ProgramLog(directory: "\(ActorDirectories(actor.directory).log(container)).run")
        logs[container] = made
        return made
    }

    private func launch(
        _ plan: ToolPlan,
        _ spec: ProgramSpec,
        _ leaf: Cgroup,
        _ output: inout ProgramOutput?
    ) throws(SyscallError) -> (handle: ProcessHandle, report: LaunchReport?) {
        var child = SpawnPlan(program: place.companions.launcher, arguments: ["substrate-launch"])
        child.environment = ["SWIFT_BACKTRACE=enable=no"]
        child.workingDirectory = "/"
        // CLONE_NEWNET where the actor has no network to be on: never the machine's unasked.
        let isAlone = actor.networkNamespace == nil && !spec.isOnHostNetwork
        if isAlone { child.namespaces |= 0x4000_0000 }
        let shape = MadeRoom.Shape(plan)
        let known = isAlone ? nil : rooms.first { $0.shape == shape }
        let handing = try DescriptorPair.sockets().release()
        let roomReader = OwnedFD(handing.first)
        let roomWriter = OwnedFD(handing.second)
        var plan = plan
        if let known {
            plan.enter()
            child.descriptors.append((child: 6, parent: known.namespace.rawValue))
        } else {
            // CLONE_NEWNS.
            child.namespaces |= 0x2_0000
            if !isAlone {
                plan.origin = .made
                child.descriptors.append((child: 6, parent: roomWriter.rawValue))
            }
        }
        let bytes = try Channels.memoryFile(plan.encoded(), name: "plan")
        let input = try Channels.memoryFile(spec.input ?? [], name: "stdin")
        let filter = try Channels.memoryFile(WorkloadFilter.named("default")?.program ?? [], name: "filter")
        let report = try DescriptorPair.pipe().release()
        let reportReader = OwnedFD(report.first)
        let reportWriter = OwnedFD(report.second)
        child.descriptors += [(child: 3, parent: bytes.rawValue), (child: 4, parent: reportWriter.rawValue)]
        if spec.filterDescriptor != nil { child.descriptors.append((child: 5, parent: filter.rawValue)) }
        if spec.input != nil { child.descriptors.append((child: 0, parent: input.rawValue)) }
        let group = leaf.v2Path.map { path in unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) } ?? -1
        if group >= 0 { child.cgroupV2 = group }
        defer { if group >= 0 { _ = Glibc.close(group) } }
        var writers: [CInt] = []
        defer { for writer in writers { _ = Glibc.close(writer) } }
        if let client = spec.client {
            child.descriptors += Self.descriptors(client)
        } else if spec.keptName == nil {
            output = try Self.output(of: &child, &writers, log: try log(spec.log))
        }
        let program = child
        let handle = try ProgramTime.wait { () throws(SyscallError) in try spawn(program) }
        try reportWriter.close()
        let said = try ProgramTime.wait { () throws(SyscallError) in
            try readAll(from: reportReader.rawValue, limit: 1 << 16)
        }
        if plan.origin == .made, let made = Channels.takeDescriptor(from: roomReader.rawValue) {
            rooms.append(MadeRoom(shape, made))
        }
        return (handle, said.isEmpty ? nil : LaunchReport.decode(said))
    }
}

extension ToolRoom {
    /// The caller's streams as those of a program.
    static func descriptors(_ client: ClientDescriptors) -> [(child: CInt, parent: CInt)] {
        [(child: 0, parent: client.input), (child: 1, parent: client.output), (child: 2, parent: client.errors)]
    }

    /// Gives a program pipes to write to; the writing ends are the caller's to close once it runs.
    static func output(
        of child: inout SpawnPlan,
        _ writers: inout [CInt],
        log: ProgramLog?
    ) throws(SyscallError) -> ProgramOutput {
        let out = try DescriptorPair.pipe().release()
        let outReader = OwnedFD(out.first)
        writers.append(out.second)
        let err = try DescriptorPair.pipe().release()
        let errReader = OwnedFD(err.first)
        writers.append(err.second)
        child.descriptors += [(child: 1, parent: out.second), (child: 2, parent: err.second)]
        return ProgramOutput(output: outReader, errors: errReader, log: log)
    }
}

extension Duration {
    /// Whole milliseconds.
    var milliseconds: Int64 { components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000 }
}
