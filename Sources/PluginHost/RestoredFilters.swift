import ActorContract
import Glibc
import HostErrors
import SystemLayer

extension VerbContext {
    /// Waits for the filters of containers that this verb gave their memory back.
    ///
    /// - Parameters:
    ///   - kept: the programs that stay.
    ///   - isolation: the backend's; what has a kernel of its own filters itself.
    /// - Throws: FAILED_PRECONDITION where one has none.
    func waitForFilters(of kept: [KeptProcess], _ isolation: String) throws(HostError) {
        guard verb == BackendVerb.restore.rawValue, request.scope != .data, givesFilters,
            isolation == IsolationLevel.kernelShared.rawValue
        else { return }
        try world.waitForFilters(of: kept, until: min(deadline, world.now() + .seconds(10)))
    }
}

/// Whether containers that were given their memory back have their system call filter, too.
///
/// A container that begins gets its filter from its runtime; one that is restored gets it from whoever restores it, and
/// without it there would be one wall less around the actor, silently.
/// - Source: security note §7, the row of full restores.
enum RestoredFilters {
    /// Waits until every process inside the containers has one.
    ///
    /// - Parameters:
    ///   - kept: the programs that stay in front of the containers; one that has ended has nothing to be asked.
    ///   - deadline: until when.
    /// - Throws: FAILED_PRECONDITION where one has none by then.
    static func wait(for kept: [KeptProcess], until deadline: ContinuousClock.Instant) throws(HostError) {
        while true {
            var bare: String?
            for process in kept {
                guard let handle = ProcessHandle.find(pid: process.pid, startTime: process.startTime),
                    !handle.hasExited()
                else { continue }
                let inside = ToolRoom.descendants(of: process.pid).compactMap(State.init).filter(\.isInside)
                // Whoever is in front has not got that far.
                if inside.isEmpty { bare = process.name }
                if inside.contains(where: { !$0.isFiltered }) { bare = process.name }
            }
            guard let bare else { return }
            guard ContinuousClock.now < deadline else {
                throw HostError(
                    .failedPrecondition,
                    .plugin,
                    "\"\(bare)\" was restored without its system call filter, and is not run without it"
                )
            }
            _ = usleep(2000)
        }
    }

    /// What /proc says of a process.
    private struct State {
        /// Whether it is in a pid namespace of its own making or its maker's.
        var isInside = false
        /// Whether it has a filter; who has ended needs none.
        var isFiltered = false

        init?(_ pid: Int32) {
            guard let text = TextFile.read("/proc/\(pid)/status") else { return nil }
            for line in text.split(separator: "\n") {
                if line.hasPrefix("NSpid:") { isInside = line.split(separator: "\t").count > 2 }
                if line.hasPrefix("Seccomp:\t2") || line.hasPrefix("State:\tZ") { isFiltered = true }
            }
        }
    }
}
