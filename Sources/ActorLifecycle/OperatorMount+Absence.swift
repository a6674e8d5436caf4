public import ActorContract
import Glibc
import HostErrors

extension OperatorMount {
    /// Why it cannot be mounted now; nil = it can.
    ///
    /// A link on the way would let whoever may change it choose what the actors see.
    public func absence() -> String? {
        guard let real = unsafe realpath(source, nil) else {
            return "HOST \(source) is not there: make it, or leave the mount out"
        }
        defer { unsafe free(real) }
        let path = unsafe String(cString: real)
        return path == source ? nil : "HOST \(source) leads through a symbolic link: write \(path)"
    }
}

extension ActorHost {
    /// Refuses what the operator shows to every container where it is not there, or where nobody would mount it.
    ///
    /// - Parameters:
    ///   - request: whose volumes must not be where the operator's mounts are.
    ///   - described: the backend.
    /// - Throws: `failedPrecondition`; `invalidArgument` with the field's path.
    func checkMounts(_ request: RunRequest, by described: BackendDescription) throws(HostError) {
        guard !settings.mounts.isEmpty else { return }
        // Those two functions mount what the host says; who uses neither makes containers in a way of its own.
        guard described.needs.contains("workload.start") || described.needs.contains("bundle.write") else {
            throw HostError(
                .failedPrecondition,
                .notServed,
                "the operator's mounts cannot be shown: backend \"\(described.name)\" starts no container with the host's workload.start or bundle.write; leave \"mounts\" out of the settings"
            )
        }
        for mount in settings.mounts {
            if let fault = mount.absence() {
                throw HostError(.failedPrecondition, .machine, "the operator's mount \"\(mount.text)\": \(fault)")
            }
            for (index, container) in request.spec.containers.enumerated() {
                for (number, own) in container.volumeMounts.enumerated() where mount.meets(own.mountPath) {
                    throw HostError(
                        .invalidArgument,
                        nil,
                        "spec.containers[\(index)].volume_mounts[\(number)].mount_path: \"\(own.mountPath)\" meets \(mount.target), which the operator mounts"
                    )
                }
            }
        }
    }
}
