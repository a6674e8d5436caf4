import LaunchProtocol
import SystemLayer

/// What `--require` demands: checks of the machine, and protections of every workload.
///
/// A name can be both (`seccomp`): then the machine must be able to, and each workload must get it.
struct Protections {
    /// The names that are checks of `doctor`, or of nothing at all, which `Doctor.unmet` refuses.
    let checks: [String]
    /// What each workload must get.
    let protections: [Protection]
    /// What is known already that none will get.
    let unmet: [DoctorFinding]

    /// Sorts the names.
    ///
    /// - Parameters:
    ///   - required: as given.
    ///   - checks: the names of `doctor`'s checks.
    ///   - layout: the machine's cgroups.
    ///   - userNamespace: whether workloads get one.
    /// - Throws: a usage error for a name that is neither.
    init(
        required: [String],
        checks: [String],
        layout: CgroupLayout,
        _ userNamespace: Bool
    ) throws(UsageError) {
        for name in required where !checks.contains(name) && Protection(rawValue: name) == nil {
            let known = (checks + Protection.allCases.map(\.rawValue)).sorted()
            let unique = known.indices.filter { $0 == 0 || known[$0] != known[$0 - 1] }.map { known[$0] }
            throw UsageError(
                "serve: --require=\(name) is none of \(unique.joined(separator: ", "))",
                command: "serve"
            )
        }
        self.checks = required.filter(checks.contains)
        protections = required.compactMap { Protection(rawValue: $0) }
        unmet = protections.compactMap { Self.lacking($0, layout, userNamespace) }
    }

    private static func lacking(
        _ protection: Protection,
        _ layout: CgroupLayout,
        _ userNamespace: Bool
    ) -> DoctorFinding? {
        func controller(_ name: String) -> DoctorFinding? {
            if layout.v1Bases[name] != nil || layout.v2Controllers.contains(name) { return nil }
            return .missing(
                protection.rawValue,
                "no \(name) controller",
                mend: "mount the cgroup controller \(name), or serve without --require \(protection.rawValue)"
            )
        }
        switch protection {
        case .cpuLimit: return controller("cpu")
        case .memoryLimit: return controller("memory")
        case .pidsLimit: return controller("pids")
        case .deviceList: return layout.v1Bases["devices"] == nil ? controller("devices") : nil
        case .userNamespace where !userNamespace:
            return .missing(
                protection.rawValue,
                "no workload gets one",
                mend: "serve with --user-namespace (user_namespace: true of the settings), or without --require"
            )
        default: return nil
        }
    }
}
