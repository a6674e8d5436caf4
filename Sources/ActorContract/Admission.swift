public import HostErrors

/// What is refused before any state changes: the same for a host that serves and for an author's tests.
public enum Admission {
    /// Checks a request against what the backend declares.
    ///
    /// - Throws: what it does not serve, enforce or accept.
    public static func check(_ request: RunRequest, by described: BackendDescription) throws(HostError) {
        let sandbox = request.assets?.sandboxClass ?? ""
        if !sandbox.isEmpty, sandbox != described.name, !described.classes.contains(sandbox) {
            throw HostError(
                .failedPrecondition,
                .sandboxClassMismatch,
                "sandbox_class is \"\(sandbox)\"; this host serves \(([described.name] + described.classes).map { "\"\($0)\"" }.joined(separator: ", "))"
            )
        }
        if request.cpuMilli > 0, !described.enforces.contains("cpu") { throw limit("cpu_milli", described) }
        if request.memoryBytes > 0, !described.enforces.contains("memory") { throw limit("memory_bytes", described) }
        for (index, container) in request.spec.containers.enumerated() {
            // Ignored it would be a promise that nobody keeps.
            let path = "spec.containers[\(index)].resources"
            let asked = [("cpu", "cpu_millis", container.cpuMillis), ("memory", "memory_bytes", container.memoryBytes)]
            for (limit, field, value) in asked where value > 0 && !described.containerLimits.contains(limit) {
                let known = described.containerLimits.joined(separator: ", ")
                throw HostError(
                    .failedPrecondition,
                    .limitUnsupported,
                    "\(path).\(field) (container \"\(container.name)\") is set, and backend \"\(described.name)\" enforces of one container: \(known.isEmpty ? "(none)" : known); set the actor's own"
                )
            }
        }
        for (index, volume) in request.spec.volumes.enumerated() {
            if case .unserved(let kind) = volume.source {
                throw HostError(
                    .unimplemented,
                    .notServed,
                    "spec.volumes[\(index)].\(kind) (volume \"\(volume.name)\") is not served yet; durable_dir and system_info are"
                )
            }
        }
        if request.egressGateway != nil, !described.needsNetwork {
            throw HostError(
                .failedPrecondition,
                .notServed,
                "egress_gateway is set, and backend \"\(described.name)\" has no network of this host's: leave it out"
            )
        }
        // The second dialect's containers may leave the program to their image; what it says is known when it is here.
        if described.needsImage, request.identity.dialect == .june {
            for (index, container) in request.spec.containers.enumerated()
            where container.command.isEmpty && container.args.isEmpty {
                throw HostError(
                    .invalidArgument,
                    nil,
                    "spec.containers[\(index)].command is empty (container \"\(container.name)\"): say which program to run"
                )
            }
        }
    }

    /// Checks a scope against what the backend declares.
    ///
    /// - Throws: `failedPrecondition` (`SCOPE_UNSUPPORTED`).
    public static func check(_ scope: SnapshotScope, by described: BackendDescription) throws(HostError) {
        let scopes = described.scopes
        guard scopes.contains(scope) else {
            let known = scopes.map(\.rawValue).joined(separator: ", ")
            throw HostError(
                .failedPrecondition,
                .scopeUnsupported,
                "backend \"\(described.name)\" has no scope \(scope.rawValue); it has: \(known.isEmpty ? "(none)" : known)"
            )
        }
    }

    private static func limit(_ field: String, _ described: BackendDescription) -> HostError {
        HostError(
            .failedPrecondition,
            .limitUnsupported,
            "\(field) is set, and backend \"\(described.name)\" does not enforce it; it enforces: \(described.enforces.joined(separator: ", "))"
        )
    }

    /// Refuses what the backend said that it cannot do here, in its own words.
    ///
    /// - Parameters:
    ///   - answer: what `probe` answered.
    ///   - verb: the verb that is asked for.
    ///   - scope: the scope, of a verb that has one.
    ///   - cpuMilli: the limit that is asked for; 0 is none.
    ///   - memoryBytes: likewise.
    /// - Throws: `failedPrecondition`.
    public static func refuse(
        _ answer: ProbeAnswer,
        verb: BackendVerb,
        scope: SnapshotScope? = nil,
        cpuMilli: Int64 = 0,
        memoryBytes: Int64 = 0
    ) throws(HostError) {
        var asked: [(String, String, Reason)] = [("verb", verb.rawValue, .verbUnsupported)]
        if let scope { asked.append(("scope", scope.rawValue, .scopeUnsupported)) }
        // A golden snapshot is a full one.
        if scope == .dataOnGolden { asked.append(("scope", SnapshotScope.full.rawValue, .scopeUnsupported)) }
        if cpuMilli > 0 { asked.append(("limit", "cpu", .limitUnsupported)) }
        if memoryBytes > 0 { asked.append(("limit", "memory", .limitUnsupported)) }
        for (kind, name, reason) in asked {
            guard let why = answer.without[name] else { continue }
            throw HostError(.failedPrecondition, reason, "\(kind) \(name) is unavailable here: \(why)")
        }
    }
}
