import ActorContract
import Confinement
import Glibc
import LaunchProtocol
import Synchronization
import SystemLayer
import Threads

/// What one program sees and may do.
extension ToolRoom {
    /// Directories of the machine that the launcher shows by itself.
    private static let system: Set<Substring> = ["bin", "sbin", "lib", "lib32", "lib64", "libx32", "usr", "etc", "opt"]

    /// The plan for the launcher.
    func makePlan(_ spec: ProgramSpec, _ leaf: Cgroup) throws(SyscallError) -> ToolPlan {
        var plan = ToolPlan()
        plan.program = spec.program
        plan.arguments = [spec.program] + spec.arguments
        plan.environment = spec.variables
        plan.workingDirectory = actor.slotPlaces.work
        plan.covered = [Self.base(of: actor.directory)]
        plan.mounts = mounts(spec)
        if let users {
            plan.firstID = users
            let places = ActorDirectories(actor.directory)
            for container in actor.containers.map(\.container) {
                let path = places.merged(container.name)
                // There it is shown as its user namespace will have it.
                plan.mounts.removeAll { $0.target == path }
                let own = actor.mounts(of: container).map { mount in
                    LaunchPlan.Mount(source: mount.source, target: mount.target, readOnly: mount.readOnly)
                }
                let identity = LaunchPlan.Mount(source: places.identity, target: "/run/ate", readOnly: true)
                plan.roots.append(.init(path: path, mounts: [identity] + own))
            }
        }
        plan.networkNamespace = spec.isOnHostNetwork ? nil : actor.networkNamespace
        plan.cgroupProcs = (leaf.v2Path == nil ? leaf : Cgroup.open(layout: layout, name: actor.cgroup)).v1Procs
        // Nodes can be made where the devices controller says which of them can be opened.
        if Cgroup.enforced(layout: layout, name: actor.cgroup).contains("devices") { plan.capabilities.append(27) }
        if spec.restores { plan.capabilities.append(ToolPlan.restoringCapability) }
        plan.hidden = spec.hidden
        plan.refused = spec.refused
        plan.devices = spec.devices
        plan.passedDescriptor = spec.filterDescriptor
        plan.hasTerminal = spec.client?.isTerminal ?? false
        plan.user = place.grants.toolUser
        if let name = spec.keptName {
            let spool = spec.log.isEmpty || spec.log == name ? name : "\(spec.log).\(name)"
            let places = actor.places(of: name)
            let keeping = ToolPlan.Keeping(
                nonce: String(UInt64.random(in: 0 ... .max), radix: 16)
                    + String(UInt64.random(in: 0 ... .max), radix: 16),
                logDirectory: (spec.log.isEmpty ? places : ActorDirectories(actor.directory)).log(spool),
                statusDirectory: places.exit(name),
                killFile: leaf.v2Path.map { "\($0)/cgroup.kill" } ?? ""
            )
            for path in [keeping.logDirectory, keeping.statusDirectory] {
                try FileTree.makeDirectories(path, mode: 0o700)
            }
            plan.keeping = keeping
        }
        do throws(PlanError) { try plan.validate() } catch { throw SyscallError("plan", EINVAL, error.description) }
        return plan
    }

    /// Mounts the containers' roots where programs find them; the host's teardown takes them away.
    ///
    /// Done by the first program of a run or restore, so that backends without programs do not pay for it.
    func mountRoots() throws(SyscallError) {
        guard !hasRoots, place.verb == "run" || place.verb == "restore" else { return }
        hasRoots = true
        let places = ActorDirectories(actor.directory)
        for prepared in actor.containers where !prepared.layers.isEmpty {
            let name = prepared.container.name
            let path = places.merged(name)
            try FileTree.makeDirectories(path, mode: 0o700)
            let (upper, work) = (places.upper(name), places.scratch(name))
            if let users {
                let mount = try Self.shifted(prepared.layers, upper, work, users)
                try ContainerRoot.put(mount, at: path)
            } else {
                try ContainerRoot.mount(at: path, layers: prepared.layers, upper: upper, work: work)
            }
        }
    }

    /// An overlay with the owners of a user namespace, made on a thread whose mounts and file ids end with it.
    private static func shifted(
        _ layers: [String],
        _ upper: String,
        _ work: String,
        _ first: UInt32
    ) throws(SyscallError) -> OwnedFD {
        let box = ShiftedRoot()
        try JoinableThread("shifted root") {
            let made = Result { () throws(SyscallError) in
                try ContainerRoot.shifted(layers: layers, upper: upper, work: work, first: first).release()
            }
            box.mount.withLock { $0 = made }
        }
        .join()
        return OwnedFD(try box.mount.withLock { $0 }.get())
    }

    /// Makes the program's cgroup and the one that it may fill as it likes, and opens the devices that were granted.
    func prepare(_ leaf: Cgroup, _ spec: ProgramSpec) throws(SyscallError) {
        if spec.keptName != nil {
            // What one of that name left earlier has no name any more.
            leaf.kill()
            try leaf.remove()
        }
        try own.makeDirectories()
        try leaf.makeDirectories()
        try giveDirectories()
        for path in spec.devices { try Cgroup.allowDevice(layout: layout, name: actor.cgroup, path: path) }
    }

    /// Gives the actor's directories to the user that the operator chose for its programs.
    ///
    /// The logs are not given, since the host's own spools are there: a file for each container is.
    private func giveDirectories() throws(SyscallError) {
        let user = place.grants.toolUser
        guard user != 0, !hasGiven else { return }
        hasGiven = true
        let places = actor.slotPlaces
        func give(_ path: String) throws(SyscallError) {
            guard unsafe lchown(path, user, user) == 0 || errno == ENOENT else {
                throw SyscallError("lchown", errno, path)
            }
        }
        for path in [places.runtime, places.bundles, places.work] { try give(path) }
        if place.verb == "checkpoint" { try give(place.request.snapshotDirectory) }
        for directory in own.directories {
            for name in ["", "/cgroup.procs", "/cgroup.subtree_control", "/tasks"] { try give(directory + name) }
        }
        guard unsafe chmod(places.logs, 0o711) == 0 || errno == ENOENT else {
            throw SyscallError("chmod", errno, places.logs)
        }
        for container in actor.containers {
            let path = "\(places.logs)/\(container.container.name).log"
            let number = unsafe open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
            guard number >= 0 else { throw SyscallError("open", errno, path) }
            _ = close(number)
            try give(path)
        }
    }

    /// The cgroup below the actor's that programs may fill with cgroups of their own.
    var own: Cgroup { Cgroup.open(layout: layout, name: "\(actor.cgroup)/own") }

    private func mounts(_ spec: ProgramSpec) -> [LaunchPlan.Mount] {
        let places = ActorDirectories(actor.directory)
        let slot = actor.slotPlaces
        var writable = [slot.runtime, slot.bundles, slot.logs, slot.work]
        if slot.root != places.root { writable.append(places.logs) }
        writable += actor.containers.map { places.merged($0.container.name) }
        writable += actor.volumes.values.sorted()
        writable += actor.operatorMounts.filter { !$0.isReadOnly }.map(\.source)
        var readable = actor.operatorMounts.filter(\.isReadOnly).map(\.source)
        readable += [places.identity] + actor.information.values.sorted() + actor.assets.values.sorted() + place.secrets
        if let namespace = actor.networkNamespace { readable.append(namespace) }
        if !place.request.snapshotDirectory.isEmpty {
            // After a checkpoint nobody changes it any more.
            if place.verb == "checkpoint" {
                writable.append(place.request.snapshotDirectory)
            } else {
                readable.append(place.request.snapshotDirectory)
            }
        }
        for path in place.grants.tools.values.sorted() where !Self.isOfSystem(path) { readable.append(path) }
        if spec.isOnHostNetwork, let path = Self.resolverFile { readable.append(path) }
        writable += own.directories
        func present(_ paths: [String], readOnly: Bool) -> [LaunchPlan.Mount] {
            paths.filter { unsafe access($0, F_OK) == 0 }
                .map { LaunchPlan.Mount(source: $0, target: $0, readOnly: readOnly) }
        }
        return present(readable, readOnly: true) + present(writable, readOnly: false)
    }

    private static func isOfSystem(_ path: String) -> Bool {
        path.split(separator: "/").first.map(system.contains) ?? false
    }

    /// What /etc/resolv.conf means where it leads out of the system that is shown.
    private static var resolverFile: String? {
        guard let real = unsafe realpath("/etc/resolv.conf", nil) else { return nil }
        defer { unsafe free(real) }
        let path = unsafe String(cString: real)
        return isOfSystem(path) ? nil : path
    }

    /// The host's base directory, in which actors are two levels down.
    private static func base(of directory: String) -> String {
        "/" + directory.split(separator: "/").dropLast(2).joined(separator: "/")
    }
}

/// Where the thread that makes one leaves it.
private final class ShiftedRoot: Sendable {
    let mount = Mutex<Result<CInt, SyscallError>>(.failure(SyscallError("thread", EAGAIN)))
}
