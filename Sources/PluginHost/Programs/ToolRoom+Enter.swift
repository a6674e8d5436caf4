import ActorContract
import Glibc
import LaunchProtocol
import SystemLayer
import Telemetry

/// Programs inside containers.
extension ToolRoom {
    func enter(_ entry: ContainerEntry, line: UInt32) throws(ProgramFailure) -> HeldProcess {
        let name = entry.container.name
        guard let inside = ProcessHandle.find(pid: entry.container.pid, startTime: entry.container.startTime),
            !inside.hasExited()
        else { throw .notRunning("container \"\(name)\" has ended") }
        // Only a process that is held is asked: its number cannot become another's.
        guard let theirs = Self.processNamespace(inside.pid), theirs != Self.processNamespace(getpid()) else {
            throw .unsupported("\"\(name)\" shares the tool room's namespaces: there is nothing to enter")
        }
        var plan = EnterPlan()
        do throws(SyscallError) { plan.firstID = try Self.firstID(of: inside.pid) } catch { throw .machine(error) }
        plan.arguments = entry.command
        let image = entry.defaults.environment ?? []
        plan.environment = image.filter { entry.environment[String($0.prefix { $0 != "=" })] == nil }
        if entry.environment["PATH"] == nil, !image.contains(where: { $0.hasPrefix("PATH=") }) {
            plan.environment.insert(WorkloadStart.searchPath, at: 0)
        }
        plan.workingDirectory = entry.defaults.workingDirectory
        plan.user = entry.defaults.user
        plan.group = entry.defaults.group
        plan.groups = entry.defaults.groups
        plan.environment += entry.environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        plan.cgroupProcs = Cgroup.open(layout: layout, name: actor.cgroup(of: name)).v1Procs
        plan.capabilities = entry.capabilities
        plan.seccompProfile = entry.container.seccomp ?? "default"
        plan.isLandlocked = entry.isLandlocked
        plan.writable = entry.writable
        plan.hasTerminal = entry.client?.isTerminal ?? false
        let begin = ContinuousClock.now
        let leafName = fresh(in: name)
        let leaf = Cgroup.leaf(layout: layout, name: leafName)
        let (handle, report, output): (ProcessHandle, LaunchReport?, ProgramOutput?)
        do throws(SyscallError) {
            try leaf.makeDirectories()
            (handle, report, output) = try spawnEntrance(plan, entry.client, inside, leaf)
        } catch {
            try? leaf.remove()
            throw .machine(error)
        }
        let program = entry.command.first ?? name
        guard case .ready? = report else {
            leaf.kill()
            _ = handle.wait()
            try? leaf.remove()
            switch report {
            case .failed(25, let number, let text) where number == UInt16(ENOENT): throw .notFound(text)
            case .failed(25, _, let text): throw .unsupported(text)
            case .failed(29, let number, _) where number == UInt16(ESRCH):
                throw .notRunning("container \"\(name)\" has ended")
            case .failed(let step, _, let text): throw .launch("step \(step) failed: \(text)")
            default: throw .launch("the launcher ended without a word")
            }
        }
        var held = HeldProcess(name: program, kept: nil, handle: handle, leaf: leaf) {
            let status = handle.wait()
            output?.finish()
            let kept = output?.kept
            var end = ProgramEnd(status: status, isAllowed: status == .exited(0))
            (end.stdout, end.stderr, end.truncated) = kept ?? ([], [], false)
            end.milliseconds = (ContinuousClock.now - begin).milliseconds
            return end
        }
        held.isClient = entry.client != nil
        held.line = line
        held.leafName = leafName
        own(held, output)
        return held
    }

    private static func processNamespace(_ pid: Int32) -> UInt64? { namespace("pid", of: pid) }

    private static func namespace(_ kind: String, of pid: Int32) -> UInt64? {
        var about = stat()
        guard unsafe stat("/proc/\(pid)/ns/\(kind)", &about) == 0 else { return nil }
        return UInt64(about.st_ino)
    }

    /// The machine's id that is 0 in a process's user namespace; nil where that is this one.
    private static func firstID(of pid: Int32) throws(SyscallError) -> UInt32? {
        guard namespace("user", of: pid) != namespace("user", of: getpid()) else { return nil }
        let map = TextFile.read("/proc/\(pid)/uid_map") ?? ""
        let fields = (map.split(separator: "\n").first ?? "").split(separator: " ")
        // Whom it would be is not known: it is not entered as the machine's root.
        guard fields.count == 3, fields[0] == "0", let first = UInt32(fields[1]), first > 0 else {
            throw SyscallError("uid_map", EINVAL, "the root of its user namespace is nobody here")
        }
        return first
    }

    private func spawnEntrance(
        _ plan: EnterPlan,
        _ client: ClientDescriptors?,
        _ inside: ProcessHandle,
        _ leaf: Cgroup
    ) throws(SyscallError) -> (ProcessHandle, LaunchReport?, ProgramOutput?) {
        var child = SpawnPlan(program: place.companions.launcher, arguments: ["substrate-launch"])
        child.environment = ["SWIFT_BACKTRACE=enable=no"]
        child.workingDirectory = "/"
        let bytes = try Channels.memoryFile(plan.encoded(), name: "plan")
        let report = try DescriptorPair.pipe().release()
        let reportReader = OwnedFD(report.first)
        let reportWriter = OwnedFD(report.second)
        child.descriptors = [
            (child: 3, parent: bytes.rawValue), (child: 4, parent: reportWriter.rawValue),
            (child: 5, parent: inside.pollDescriptor),
        ]
        let group = leaf.v2Path.map { path in unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) } ?? -1
        if group >= 0 { child.cgroupV2 = group }
        defer { if group >= 0 { _ = Glibc.close(group) } }
        var output: ProgramOutput?
        var writers: [CInt] = []
        defer { for writer in writers { _ = Glibc.close(writer) } }
        if let client {
            child.descriptors += Self.descriptors(client)
        } else {
            output = try Self.output(of: &child, &writers, log: nil)
        }
        let plan = child
        let handle = try ProgramTime.wait { () throws(SyscallError) in try spawn(plan) }
        try reportWriter.close()
        let said = try ProgramTime.wait { () throws(SyscallError) in
            try readAll(from: reportReader.rawValue, limit: 1 << 16)
        }
        return (handle, LaunchReport.decode(said), output)
    }
}
