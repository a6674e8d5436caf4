import ActorContract
import ActorNetwork
import HostErrors
import SystemLayer
import Telemetry

/// Slots without an actor: a probe's while it lasts, and warm ones until somebody takes them.
///
/// A slot is found by its directory and its cgroup alone, so that a host that was killed leaves nothing unknown.
extension ActorHost {
    private var slotsDirectory: String { "\(settings.baseDirectory)/slots" }

    /// Where a slot's things are.
    func slotDirectories(_ slot: String) -> ActorDirectories { ActorDirectories("\(slotsDirectory)/\(slot)") }

    /// The cgroup of a slot, which a warm one keeps.
    func slotCgroupName(_ slot: String) -> String { "\(cgroupParent)/\(Self.slotPrefix)\(slot)" }

    private static let slotPrefix = "slot-"

    /// A name that no slot of this host has or had.
    static func freshSlotName() -> String {
        var generator = SystemRandomNumberGenerator()
        return String(UInt64.random(in: (1 << 60)...UInt64.max, using: &generator), radix: 16)
    }

    /// Makes an empty slot: directories, cgroup, network.
    ///
    /// - Parameters:
    ///   - slot: its name.
    ///   - described: what its backend says that it needs.
    ///   - log: journals each effect.
    /// - Throws: the first effect that failed; the caller removes the slot.
    func makeSlot(_ slot: String, for described: BackendDescription, log: VerbLog) throws(HostError) {
        let places = slotDirectories(slot)
        let name = slotCgroupName(slot)
        var effects = [(name: "directories.make", target: places.root), (name: "cgroup.make", target: name)]
        if described.needsNetwork { effects.append((name: "network.make", target: places.network)) }
        try log.effects(effects) { () throws(HostError) in
            try DirectoryTree.make(slotsDirectory, mode: 0o700)
            for path in [
                places.root, places.runtime, places.work, places.bundles, places.logs, places.exits,
            ] { try DirectoryTree.make(path, mode: 0o700) }
            try log.made("directories.make")
            try Self.system { () throws(SyscallError) in
                _ = try Cgroup.create(layout: self.layout, name: name, limits: CgroupLimits(pids: 4096))
            }
            try log.made("cgroup.make")
            if described.needsNetwork {
                try self.namespaces.create(at: places.network, hasInterface: described.needsInterface)
                try log.made("network.make")
            }
        }
    }

    /// Ends and removes everything of a slot.
    ///
    /// Repeatable, and goes on past each failure.
    /// - Throws: the first failure, after everything was tried.
    func removeSlot(_ slot: String) throws(HostError) {
        var first: HostError?
        let places = slotDirectories(slot)
        let cgroup = Cgroup.open(layout: layout, name: slotCgroupName(slot))
        cgroup.kill()
        do throws(HostError) { try ActorNamespace.remove(at: places.network) } catch { first = error }
        do throws(HostError) {
            try Self.system { () throws(SyscallError) in try cgroup.remove() }
        } catch { first = first ?? error }
        do throws(HostError) { try DirectoryTree.remove(places.root) } catch { first = first ?? error }
        try? journal.settle(slot: slot)
        if let first {
            logger.error("a slot is not gone", ["slot": slot, "error": first.message])
            throw first
        }
    }

    /// Removes the slots that an earlier host left and no actor has.
    func sweepSlots(except kept: Set<String>) {
        var found = Set((try? DirectoryTree.names(in: slotsDirectory)) ?? [])
        for path in Cgroup.open(layout: layout, name: cgroupParent).directories {
            for name in (try? DirectoryTree.names(in: path)) ?? [] where name.hasPrefix(Self.slotPrefix) {
                found.insert(String(name.dropFirst(Self.slotPrefix.count)))
            }
        }
        for slot in found.subtracting(kept) { try? removeSlot(slot) }
        try? journal.settle(slot: nil)
    }

    /// What a verb about a slot is given.
    func slotActor(
        _ slot: String,
        assets: [String: String],
        by described: BackendDescription
    ) -> PreparedActor {
        let places = slotDirectories(slot)
        // Nobody: a slot has no actor, and its verbs are given no field of one.
        let nobody = ActorIdentity(
            key: .autumn(atespace: "", name: ""),
            uid: "",
            templateNamespace: "",
            template: ""
        )
        var actor = PreparedActor(identity: nobody, slot: slot, directory: places.root, cgroup: slotCgroupName(slot))
        actor.networkNamespace = described.needsNetwork ? places.network : nil
        actor.assets = assets
        return actor
    }
}
