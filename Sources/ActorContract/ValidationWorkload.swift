public import HostErrors

extension Validation {
    /// Checks a workload's container names: V6-V8.
    public static func containerNames(_ spec: WorkloadSpec, dialect: Dialect) throws(HostError) {
        var seen: Set<String> = []
        for (index, container) in spec.containers.enumerated() {
            let name = container.name
            let prefix = dialect == .june ? "" : "spec.containers[\(index)].name: "
            if let fault = DNSName.labelFault(name) {
                throw invalid(prefix + "invalid container name \(quoted(name)): \(fault)")
            }
            guard name != "pause" else {
                throw invalid(
                    prefix + "invalid container name \(quoted(name)): reserved for sandbox infrastructure"
                )
            }
            guard seen.insert(name).inserted else {
                throw invalid(prefix + "duplicate container name \(quoted(name))")
            }
        }
    }

    /// Checks what upstream's June forgot: volumes and mounts; and autumn's own bounds.
    ///
    /// June ignores a mount of a volume that is not there; autumn refuses it.
    /// - Source: contract §11 A9-A10, §1.4 "S26 changes".
    public static func workload(_ spec: WorkloadSpec, dialect: Dialect) throws(HostError) {
        var volumes: Set<String> = []
        for (index, volume) in spec.volumes.enumerated() {
            let path = "spec.volumes[\(index)].name"
            if let fault = DNSName.labelFault(volume.name) {
                throw invalid("\(path): invalid volume name \(quoted(volume.name)): \(fault)")
            }
            guard volumes.insert(volume.name).inserted else {
                throw invalid("\(path): duplicate volume name \(quoted(volume.name))")
            }
            if case .systemInformation(let sources) = volume.source {
                try information(sources, at: "spec.volumes[\(index)].system_info")
            }
        }
        for (index, container) in spec.containers.enumerated() {
            let path = "spec.containers[\(index)]"
            try mounts(container, volumes, dialect, at: path)
            if let probe = container.readiness { try readiness(probe, dialect, at: path) }
            if dialect == .autumn { try bounds(container, at: path) }
        }
        guard dialect == .autumn else { return }
        try atMost(10, spec.containers.count, at: "spec.containers")
        try atMost(32, spec.volumes.count, at: "spec.volumes")
    }

    private static func mounts(
        _ container: Container,
        _ volumes: Set<String>,
        _ dialect: Dialect,
        at path: String
    ) throws(HostError) {
        var earlier: [String] = []
        for (index, mount) in container.volumeMounts.enumerated() {
            let field = "\(path).volume_mounts[\(index)]"
            if let fault = mountPathFault(mount.mountPath) {
                throw invalid("\(field).mount_path: invalid mount path \(quoted(mount.mountPath)): \(fault)")
            }
            let isDuplicate = earlier.contains(mount.mountPath)
            let isNested = earlier.contains {
                mount.mountPath.hasPrefix($0 + "/") || $0.hasPrefix(mount.mountPath + "/")
            }
            earlier.append(mount.mountPath)
            guard dialect == .autumn else { continue }
            guard volumes.contains(mount.name) else {
                throw invalid("\(field).name: no volume \(quoted(mount.name)) in spec.volumes")
            }
            guard !isDuplicate else {
                throw invalid("\(field).mount_path: duplicate mount path \(quoted(mount.mountPath))")
            }
            guard !isNested else {
                throw invalid("\(field).mount_path: \(quoted(mount.mountPath)) is nested with another mount")
            }
        }
    }

    /// What is wrong with a mount path; nil = nothing.
    public static func mountPathFault(_ path: String) -> String? {
        guard path.utf8.count <= 4096 else { return "must be no more than 4096 bytes" }
        guard path.hasPrefix("/") else { return "must be absolute" }
        guard path != "/" else { return "must not be the root" }
        guard !path.utf8.contains(UInt8(ascii: ":")) else { return "must not contain a colon" }
        guard !path.unicodeScalars.contains(where: { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) }) else {
            return "must not contain control characters"
        }
        let segments = path.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard segments.last?.isEmpty == false else { return "must not end with a slash" }
        for segment in segments {
            guard !segment.isEmpty else { return "must not contain two slashes in a row" }
            guard !segment.elementsEqual(".".utf8), !segment.elementsEqual("..".utf8) else {
                return "must not contain . or .. segments"
            }
        }
        return nil
    }

    private static func readiness(
        _ probe: ReadinessProbe,
        _ dialect: Dialect,
        at path: String
    ) throws(HostError) {
        let field = "\(path).\(dialect == .june ? "readyz" : "wakeup_probe")"
        guard probe.hasHTTPGet else { throw invalid("\(field).http_get: required") }
        guard (1...65535).contains(probe.port) else {
            throw invalid("\(field).http_get.port: must be 1 to 65535, got \(probe.port)")
        }
        guard (0...3600).contains(probe.timeoutSeconds) else {
            throw invalid("\(field).timeout_seconds: must be 0 to 3600, got \(probe.timeoutSeconds)")
        }
    }

    private static func bounds(_ container: Container, at path: String) throws(HostError) {
        try atMost(64, container.command.count, at: "\(path).command")
        try atMost(64, container.args.count, at: "\(path).args")
        try atMost(32, container.environment.count, at: "\(path).env")
        try atMost(32, container.volumeMounts.count, at: "\(path).volume_mounts")
        for (index, entry) in container.environment.enumerated()
        where entry.name.isEmpty || entry.name.contains("=") {
            // The value is never told.
            throw invalid("\(path).env[\(index)].name: must be non-empty and hold no '='")
        }
        try limits(memoryBytes: container.memoryBytes, cpu: container.cpuMillis, at: "\(path).resources.")
    }

    /// Checks autumn's limits; `cpu` is in thousandths of a core.
    ///
    /// - Parameters:
    ///   - memoryBytes: 0 = none.
    ///   - cpu: 0 = none.
    ///   - prefix: the path before the field's name; empty for the request's own.
    /// - Throws: INVALID_ARGUMENT with the field's path.
    public static func limits(memoryBytes: Int64, cpu: Int64, at prefix: String) throws(HostError) {
        let cpuField = prefix.isEmpty ? "cpu_milli" : "\(prefix)cpu_millis"
        guard (0...999_999).contains(cpu) else { throw invalid("\(cpuField): must be 0 to 999999, got \(cpu)") }
        guard memoryBytes >= 0 else {
            throw invalid("\(prefix)memory_bytes: must not be negative, got \(memoryBytes)")
        }
    }

    static func atMost(_ limit: Int, _ count: Int, at path: String) throws(HostError) {
        guard count <= limit else { throw invalid("\(path): at most \(limit), got \(count)") }
    }
}
