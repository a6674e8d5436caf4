import ActorContract
import HostErrors

/// The capabilities that a workload has: the contract's three, less what the request drops.
///
/// More than these three are not given to anybody.
enum WorkloadCapabilities {
    private static let known: [String: UInt8] = ["KILL": 5, "NET_BIND_SERVICE": 10, "AUDIT_WRITE": 29]

    private static func plain(_ name: String) -> String { name.hasPrefix("CAP_") ? String(name.dropFirst(4)) : name }

    private static func kept(_ container: Container) -> [String] {
        let dropped = Set(container.capabilitiesDrop.map(plain))
        if dropped.contains("ALL") { return container.capabilitiesAdd.map(plain).filter { known[$0] != nil } }
        return known.keys.filter { !dropped.contains($0) }
    }

    /// Their numbers, sorted.
    ///
    /// - Parameter container: the request's.
    /// - Returns: in ascending order.
    /// - Throws: `failedPrecondition` for one that is asked for and never given.
    static func numbers(_ container: Container) throws(HostError) -> [UInt8] {
        for name in container.capabilitiesAdd where known[plain(name)] == nil {
            throw HostError(
                .failedPrecondition,
                nil,
                "security_context.capabilities.add \"\(name)\" is not given to workloads here; KILL, NET_BIND_SERVICE and AUDIT_WRITE are"
            )
        }
        return kept(container).compactMap { known[$0] }.sorted()
    }

    /// Their names as runtimes write them, sorted.
    ///
    /// - Parameter container: the request's.
    /// - Returns: such as `CAP_KILL`.
    static func names(_ container: Container) -> [String] { Set(kept(container)).sorted().map { "CAP_\($0)" } }
}
