import ActorContract
import ActorNetwork
import Glibc
import HostErrors
import Synchronization
import SystemLayer
import Telemetry
import Transfer

/// What every backend would do alike around an actor: directories, limits, network, and their end.
extension ActorHost {
    /// Empties what a new start must not find and makes what it needs; snapshots survive.
    ///
    /// - Parameters:
    ///   - record: the actor's.
    ///   - described: what its backend says it needs.
    ///   - token: what this start's programs have and nobody else.
    ///   - keepRoots: whether the containers' written files stay, as after Stop and Start.
    ///   - keepVolumes: whether the durable volumes stay.
    ///   - log: journals each effect.
    /// - Throws: the first effect that failed; the caller tears down.
    func makeSurroundings(
        _ record: ActorRecord,
        of described: BackendDescription,
        token: String,
        keepRoots: Bool,
        keepVolumes: Bool,
        log: VerbLog
    ) throws(HostError) {
        let places = directories(record.identity.key)
        let name = cgroupName(record)
        // A warm slot has its network already.
        let makesNetwork = described.needsNetwork && record.warmSlot == nil
        var effects = [(name: "directories.make", target: places.root), (name: "cgroup.make", target: name)]
        if makesNetwork { effects.append((name: "network.make", target: places.network)) }
        // One commit before all of them and one after: each is a wait for the disk.
        try log.effects(effects) { () throws(HostError) in
            try makeDirectories(record, keepRoots: keepRoots, keepVolumes: keepVolumes)
            try makeIdentity(record, token: token)
            try log.made("directories.make")
            try self.makeCgroup(record, named: name)
            try log.made("cgroup.make")
            if makesNetwork {
                try self.namespaces.create(at: places.network, hasInterface: described.needsInterface)
                try log.made("network.make")
            }
        }
    }

    /// Lets the host reach the workload by an interface, which a runtime has taken by now.
    func reachInterface(_ record: ActorRecord) async throws(HostError) {
        let path = slotDirectories(record).network
        try await Offload.run { () throws(HostError) in try ActorNamespace.attach(at: path) }
    }

    private func makeDirectories(_ record: ActorRecord, keepRoots: Bool, keepVolumes: Bool) throws(HostError) {
        let places = directories(record.identity.key)
        var emptied = [
            places.checkpoint, places.restoreState, places.runtime, places.work, places.bundles, places.exits,
            places.identity, places.information,
        ]
        if !keepRoots { emptied += [places.roots, places.logs] }
        if !keepVolumes { emptied.append(places.durable) }
        for path in emptied { try DirectoryTree.remove(path) }
        for path in [
            places.root, places.runtime, places.work, places.bundles, places.exits, places.roots, places.logs,
        ] {
            try DirectoryTree.make(path, mode: 0o700)
        }
        for path in [places.identity, places.information, places.durable] { try DirectoryTree.make(path, mode: 0o755) }
        for volume in record.spec.volumes where volume.source == .durableDirectory {
            try DirectoryTree.make(places.volume(volume.name), mode: 0o700)
        }
        for container in record.spec.containers {
            for path in [
                places.upper(container.name), places.scratch(container.name), places.log(container.name),
                places.exit(container.name),
            ] { try DirectoryTree.make(path, mode: 0o700) }
            // What the container has for a root: its programs may be of any user.
            let upper = places.upper(container.name)
            try Self.system { () throws(SyscallError) in
                guard unsafe chmod(upper, 0o755) == 0 else { throw SyscallError("chmod", errno, upper) }
            }
        }
    }

    /// The limits of an actor's cgroup.
    static func limits(of record: ActorRecord) -> CgroupLimits {
        CgroupLimits(
            cpuMilli: record.cpuMilli > 0 ? record.cpuMilli : nil,
            memoryBytes: record.memoryBytes > 0 ? record.memoryBytes : nil,
            pids: 4096
        )
    }

    private func makeCgroup(_ record: ActorRecord, named name: String) throws(HostError) {
        let limits = Self.limits(of: record)
        try Self.system { () throws(SyscallError) in
            _ = try Cgroup.create(layout: layout, name: name, limits: limits)
        }
    }

    /// Whether a network or a cgroup of an actor is there, whatever the journal says.
    func hasSurroundings(_ key: ActorKey) -> Bool {
        let places = [directories(key).network] + Cgroup.open(layout: layout, name: cgroupName(key)).directories
        return places.contains { unsafe access($0, F_OK) == 0 }
    }

    /// Ends whatever is left of an actor on the machine, and of the warm slot that it has.
    ///
    /// - Throws: as `teardown(_: ActorKey)`.
    func teardown(_ record: ActorRecord) throws(HostError) {
        var first: HostError?
        do throws(HostError) { try teardown(record.identity.key) } catch { first = error }
        if let slot = record.warmSlot {
            do throws(HostError) { try removeSlot(slot) } catch { first = first ?? error }
        }
        if let first { throw first }
    }

    /// Ends whatever is left of an actor on the machine: programs, network, cgroups.
    ///
    /// Files stay.
    ///
    /// Repeatable, needs no plugin, and goes on past each failure so that the rest is still removed.
    /// - Throws: the first failure, after everything was tried.
    func teardown(_ key: ActorKey) throws(HostError) {
        var first: HostError?
        let cgroup = Cgroup.open(layout: layout, name: cgroupName(key))
        cgroup.kill()
        do throws(HostError) { try ActorNamespace.remove(at: directories(key).network) } catch {
            first = first ?? error
        }
        do throws(HostError) {
            try Self.system { () throws(SyscallError) in try cgroup.remove() }
        } catch { first = first ?? error }
        // What runtimes left to this process is of nobody else; who is held is reaped by who holds it.
        let held = registry.withLock { $0[key] }?.with { $0.handles.values.map(\.pid) } ?? []
        Orphans.reap(of: cgroup, except: Set(held))
        let places = directories(key)
        for name in (try? DirectoryTree.names(in: places.roots)) ?? [] {
            do throws(HostError) {
                try Self.system { () throws(SyscallError) in try Mounts.unmountDetached(places.merged(name)) }
            } catch { first = first ?? error }
        }
        for path in [places.runtime, places.work, places.bundles, places.checkpoint, places.restoreState] {
            do throws(HostError) { try DirectoryTree.remove(path) } catch { first = first ?? error }
        }
        if let first {
            logger.error("teardown is not complete", ["actor.id": key.text, "error": first.message])
            throw first
        }
    }

    /// Tears down and writes where the actor ended; used at the end of every verb that ends an actor.
    func end(
        _ entry: ActorEntry,
        as status: ActorStatus,
        reason: FailureReason = .none,
        message: String = "",
        change: (inout ActorRecord) -> Void = { _ in }
    ) async {
        let key = entry.key
        let ended = entry.record
        let (handles, tickets) = entry.with { state in
            defer { (state.handles, state.exits, state.held) = ([:], [:], nil) }
            state.operation?.markEnding()
            let held = state.held
            return (
                Array(state.handles.values) + (held.map { Array($0.handles.values) } ?? []),
                Array(state.exits.values) + (held?.tickets ?? [])
            )
        }
        pauses.remove(key)
        // Nothing but `handles` keeps the pidfds now: they are closed when this returns.
        for ticket in tickets { exits.forget(ticket) }
        var clean = true
        do throws(HostError) {
            try await Offload.run { () throws(HostError) in
                self.ports.close(key)
                self.egress.close(key)
                try self.teardown(ended)
                // The kill was sent; whoever is our child is reaped here.
                for handle in handles { _ = handle.wait() }
            }
        } catch { clean = false }
        do throws(HostError) {
            try move(entry, to: status, reason: reason, message: message, settled: true) { record in
                record.processes = []
                record.needsTeardown = !clean
                if clean { (record.warmSlot, record.firstID) = (nil, nil) }
                change(&record)
            }
        } catch {
            logger.error("the end of an actor could not be journalled", ["actor.id": key.text, "error": error.message])
            // Its programs are gone whatever the disk says; the next host finds that out by itself.
            let isClean = clean
            entry.with { state in
                state.record.status = status
                state.record.reason = reason
                state.record.message = message
                state.record.processes = []
                state.record.needsTeardown = !isClean
                if isClean { (state.record.warmSlot, state.record.firstID) = (nil, nil) }
            }
            entry.publish()
        }
    }

    /// A system call's failure in the words of a host error.
    static func system<Value>(_ body: () throws(SyscallError) -> Value) throws(HostError) -> Value {
        do throws(SyscallError) { return try body() } catch {
            switch error.errno {
            case 28, 122:
                throw HostError(.resourceExhausted, .storageFull, "the disk is full", context: ["error": "\(error)"])
            default:
                throw HostError(
                    .internal,
                    nil,
                    "\(error.call) failed (errno \(error.errno))",
                    context: ["error": "\(error)"]
                )
            }
        }
    }
}
