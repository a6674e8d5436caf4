package import ActorContract
import Glibc
import HostErrors
import LaunchProtocol
import PluginProtocol
import SystemLayer
import Telemetry

/// Starts one container: a plan for the launcher, the launcher, and its word that the program runs.
package struct WorkloadStart {
    /// Whose container it is.
    package let actor: PreparedActor
    /// The container, ready on disk.
    package let prepared: PreparedContainer
    let confine: PluginValue
    let companions: Companions
    let layout: CgroupLayout
    /// What the operator demands of every workload.
    let required: [Protection]

    /// The contract's default search path, which precedes the request's own entries.
    ///
    /// - Source: contract §3.3.
    static let searchPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    /// Starts it.
    ///
    /// - Returns: the PID 1 of the container's namespace.
    /// - Throws: which step failed.
    func perform() throws(HostError) -> KeptProcess {
        let cgroup = try openCgroup()
        let plan = try makePlan(cgroup)
        do throws(SyscallError) {
            let plans = try DescriptorPair.pipe().release()
            let planReader = OwnedFD(plans.first)
            let planWriter = OwnedFD(plans.second)
            let reports = try DescriptorPair.pipe().release()
            let reportReader = OwnedFD(reports.first)
            let reportWriter = OwnedFD(reports.second)
            var child = SpawnPlan(program: companions.launcher, arguments: ["substrate-launch"])
            child.environment = ["SWIFT_BACKTRACE=enable=no"]
            child.descriptors = [(child: 3, parent: planReader.rawValue), (child: 4, parent: reportWriter.rawValue)]
            child.workingDirectory = "/"
            child.namespaces = Self.namespaces.reduce(0) { $0 | $1.flag }
            let group = openGroup(cgroup)
            if group >= 0 { child.cgroupV2 = group }
            defer { if group >= 0 { _ = Glibc.close(group) } }
            // From its clone on the time is the launcher's: nothing of this process runs meanwhile.
            let handle = try ProgramTime.wait { () throws(SyscallError) in try start(child) }
            try planReader.close()
            try reportWriter.close()
            do throws(SyscallError) {
                try writeAll(plan.encoded(), to: planWriter.rawValue)
                try planWriter.close()
            } catch  where error.errno == EPIPE {
                // The launcher is gone already; its report says why.
            }
            let said = try ProgramTime.wait { () throws(SyscallError) in
                try readAll(from: reportReader.rawValue, limit: 1 << 16)
            }
            let report = LaunchReport.decode(said)
            guard case .ready(_, let applied)? = report else {
                _ = handle.signal(9)
                _ = handle.wait()
                throw SyscallError("launch", 0, Self.words(report))
            }
            return KeptProcess(
                name: prepared.container.name,
                pid: handle.pid,
                startTime: handle.startTime,
                nonce: plan.nonce,
                applied: applied.map(\.rawValue),
                isolation: Self.level(applied).rawValue,
                seccomp: plan.seccompProfile
            )
        } catch {
            if error.call == "launch" {
                throw HostError(.failedPrecondition, nil, "container \"\(prepared.container.name)\": \(error.subject)")
            }
            throw HostError(
                .internal,
                .machine,
                "container \"\(prepared.container.name)\" cannot be launched",
                context: ["error": "\(error)"]
            )
        }
    }

    /// What the host makes with the process, by the flags of clone(2); the network one is joined by name.
    private static let namespaces: [(protection: Protection, flag: UInt64)] = [
        (.pidNamespace, 0x2000_0000), (.mountNamespace, 0x2_0000), (.ipcNamespace, 0x0800_0000),
        (.utsNamespace, 0x0400_0000),
    ]

    /// What the launcher can promise: this kernel is between the workload and the machine, or nothing is.
    static func level(_ applied: [Protection]) -> IsolationLevel {
        Protection.apart.isSubset(of: applied) ? .kernelShared : .none
    }

    /// What is applied before the launcher comes: read back from the kernel where it can be.
    private var given: [Protection] {
        let enforced = Cgroup.enforced(layout: layout, name: actor.cgroup)
        let limits: [(String, Protection)] = [
            ("cpu", .cpuLimit), ("memory", .memoryLimit), ("pids", .pidsLimit), ("devices", .deviceList),
        ]
        return Self.namespaces.map(\.protection) + limits.filter { enforced.contains($0.0) }.map(\.1)
    }

    /// Step 5 of security.md §4.2, which is the host's own.
    private func start(_ child: SpawnPlan) throws(SyscallError) -> ProcessHandle {
        do throws(SyscallError) { return try spawn(child) } catch {
            throw SyscallError("launch", error.errno, "launch step 5 failed: \(error)")
        }
    }

    /// The actor's cgroup, or the container's own, made with its limits.
    private func openCgroup() throws(HostError) -> Cgroup {
        let container = prepared.container
        let name = actor.cgroup(of: container.name)
        guard name != actor.cgroup else { return Cgroup.open(layout: layout, name: name) }
        let limits = actor.limits(of: container)
        do throws(SyscallError) {
            return try Cgroup.create(
                layout: layout,
                name: name,
                limits: CgroupLimits(cpuMilli: limits.cpuMilli, memoryBytes: limits.memoryBytes)
            )
        } catch {
            throw HostError(
                .internal,
                .machine,
                "container \"\(container.name)\": its limits cannot be set",
                context: ["error": "\(error)"]
            )
        }
    }

    private func openGroup(_ cgroup: Cgroup) -> CInt {
        guard let path = cgroup.v2Path else { return -1 }
        return unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    }

    private static func words(_ report: LaunchReport?) -> String {
        switch report {
        case .failed(LaunchReport.requiredStep, _, let missing): "--require \(missing): not applied to this workload"
        case .failed(let step, let errno, let text): "launch step \(step) failed (errno \(errno)): \(text)"
        default: "the launcher ended without a word"
        }
    }

    /// The search path, the image's other variables, and the request's own behind them.
    static func environment(_ prepared: PreparedContainer) -> [String] {
        let image = prepared.defaults.environment ?? []
        let path = image.last { $0.hasPrefix("PATH=") } ?? searchPath
        return [path] + image.filter { !$0.hasPrefix("PATH=") }
            + prepared.container.environment.map { "\($0.name)=\($0.value)" }
    }

    /// A volume that nobody has written to becomes its first user's, who could not write to root's.
    private func give(_ volume: String) {
        guard prepared.defaults.user != 0, (try? DirectoryTree.names(in: volume)) == [] else { return }
        var about = stat()
        guard unsafe lstat(volume, &about) == 0, about.st_mode & S_IFMT == S_IFDIR, about.st_uid == 0 else { return }
        _ = unsafe lchown(volume, prepared.defaults.user, prepared.defaults.group)
    }

    private func makePlan(_ cgroup: Cgroup) throws(HostError) -> LaunchPlan {
        let container = prepared.container
        let places = ActorDirectories(actor.directory)
        var plan = LaunchPlan()
        plan.actorName = actor.identity.key.name
        plan.containerName = container.name
        var generator = SystemRandomNumberGenerator()
        plan.nonce =
            String(UInt64.random(in: 0 ... .max, using: &generator), radix: 16)
            + String(UInt64.random(in: 0 ... .max, using: &generator), radix: 16)
        plan.arguments = container.command + container.args
        plan.environment = Self.environment(prepared)
        plan.workingDirectory = prepared.defaults.workingDirectory
        plan.user = prepared.defaults.user
        plan.group = prepared.defaults.group
        plan.groups = prepared.defaults.groups
        plan.hostname = "actor"
        plan.layers = prepared.layers
        plan.upperDirectory = places.upper(container.name)
        plan.workDirectory = places.scratch(container.name)
        plan.mounts = [LaunchPlan.Mount(source: places.identity, target: "/run/ate", readOnly: true)]
        for mount in actor.mounts(of: container) {
            if actor.volumes[mount.name] != nil { give(mount.source) }
            plan.mounts.append(LaunchPlan.Mount(source: mount.source, target: mount.target, readOnly: mount.readOnly))
        }
        plan.networkNamespace = actor.networkNamespace
        if actor.wantsUserNamespace {
            guard let first = actor.firstID else {
                throw HostError(
                    .failedPrecondition,
                    nil,
                    "no range of ids is the actor's: see first_id of the settings"
                )
            }
            plan.firstID = first
        }
        plan.cgroupProcs = cgroup.v1Procs
        plan.capabilities = try WorkloadCapabilities.numbers(container)
        plan.openFiles = 1024
        plan.given = given
        plan.required = required
        plan.logDirectory = places.log(container.name)
        plan.statusDirectory = places.exit(container.name)
        if case .map(let fields) = confine {
            plan.readOnlyRoot = fields["root"] == .text("read-only")
            if case .text(let profile)? = fields["seccomp"] { plan.seccompProfile = profile }
        }
        do throws(PlanError) { try plan.validate() } catch {
            throw HostError(.invalidArgument, nil, "container \"\(container.name)\": \(error)")
        }
        return plan
    }
}
