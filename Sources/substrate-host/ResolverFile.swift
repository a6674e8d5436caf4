import ActorContract
import ActorNetwork
import Glibc
import HostErrors
import SystemLayer

/// The /etc/resolv.conf of every container, where the host passes DNS queries on.
///
/// For actors without a gateway too: which files a container sees must be the same when a snapshot of it wakes.
enum ResolverFile {
    private static let target = "/etc/resolv.conf"

    /// Writes it and says how it is shown.
    ///
    /// - Parameters:
    ///   - options: the operator's.
    ///   - described: the backend, which must have the host's network and show the host's mounts.
    /// - Returns: one mount, or none.
    /// - Throws: when the file cannot be written.
    static func mounts(_ options: ServeOptions, of described: BackendDescription) throws(HostError) -> [OperatorMount] {
        let shows = described.needs.contains("workload.start") || described.needs.contains("bundle.write")
        guard options.egress?.dns != nil, described.needsNetwork, shows,
            !options.mounts.contains(where: { $0.meets(target) })
        else { return [] }
        let path = "\(options.baseDirectory)/resolv.conf"
        do throws(SyscallError) {
            let text = "# Every query goes to the resolver of egress.dns.\nnameserver \(ActorNamespace.hostAddress)\n"
            try AtomicFile.write(Array(text.utf8), to: path, mode: 0o644)
        } catch { throw HostError(.internal, nil, "egress.dns: \(error)") }
        guard let real = unsafe realpath(path, nil) else {
            throw HostError(.internal, nil, "egress.dns: \(SyscallError("realpath", errno, path))")
        }
        defer { unsafe free(real) }
        do throws(OperatorMount.Fault) {
            return [try OperatorMount("\(unsafe String(cString: real)):\(target):ro")]
        } catch { throw HostError(.failedPrecondition, .machine, "egress.dns: base_dir: \(error.text)") }
    }
}
