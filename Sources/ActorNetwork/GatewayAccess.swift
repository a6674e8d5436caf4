internal import CNetworkBridge
import Glibc
public import HostErrors
import Synchronization
import SystemLayer

/// How gateways are spoken to: by TLS with the operator's files, read anew when they change, or without.
public final class GatewayAccess: Sendable {
    /// When a file was written, and as what.
    private struct Stamp: Equatable {
        let numbers: [Int]
    }
    private struct Kept {
        let stamps: [Stamp]
        let context: SecureContext
    }

    /// The operator's.
    public let settings: EgressSettings
    private let kept = Mutex<Kept?>(nil)

    /// Reads nothing yet.
    public init(_ settings: EgressSettings) { self.settings = settings }

    /// Refuses where no actor could get out: before anything of one is made.
    ///
    /// - Throws: `FAILED_PRECONDITION` that names the setting and the mend.
    public func check() throws(HostError) {
        if let words = unsafe csh_network_rules_missing() {
            throw HostError(
                .failedPrecondition,
                .machine,
                unsafe "egress_gateway needs libnftables: install libnftables1 (\(String(cString: words)))"
            )
        }
        guard !settings.isPlaintext else { return }
        do throws(EgressRefusal.Cause) { _ = try context() } catch {
            throw HostError(.failedPrecondition, .machine, "egress_gateway: \(error.words)")
        }
    }

    /// Makes an end of a connected socket.
    ///
    /// - Parameters:
    ///   - socket: connected to a gateway.
    ///   - host: the gateway's, which its certificate must be for.
    /// - Returns: the end; with TLS, its handshake comes next.
    /// - Throws: which of the files is not as it must be.
    func end(_ socket: consuming OwnedFD, host: String) throws(EgressRefusal.Cause) -> StreamEnd {
        if settings.isPlaintext { return StreamEnd(socket) }
        let context = try context()
        do throws(SyscallError) { return try StreamEnd(socket, context, host: host) } catch {
            throw EgressRefusal.Cause("\(error)")
        }
    }

    private func context() throws(EgressRefusal.Cause) -> SecureContext {
        guard let trust = settings.trust else { throw EgressRefusal.Cause("egress.trust is not set") }
        var stamps = [try Self.stamp(trust, "egress.trust")]
        if let path = settings.certificate { stamps.append(try Self.stamp(path, "egress.certificate")) }
        if let path = settings.key { stamps.append(try Self.stamp(path, "egress.key", isSecret: true)) }
        if let same = kept.withLock({ $0?.stamps == stamps ? $0?.context : nil }) { return same }
        let made: SecureContext
        do throws(EgressRefusal.Cause) {
            made = try SecureContext(trust: trust, certificate: settings.certificate, key: settings.key)
        } catch { throw EgressRefusal.Cause("egress.\(error.words)") }
        kept.withLock { $0 = Kept(stamps: stamps, context: made) }
        return made
    }

    private static func stamp(
        _ path: String,
        _ field: String,
        isSecret: Bool = false
    ) throws(EgressRefusal.Cause) -> Stamp {
        var about = stat()
        guard unsafe stat(path, &about) == 0 else {
            throw EgressRefusal.Cause("\(field) \"\(path)\" cannot be read: \(SyscallError("stat", errno))")
        }
        guard about.st_mode & S_IFMT == S_IFREG else {
            throw EgressRefusal.Cause("\(field) \"\(path)\" is no file")
        }
        if isSecret, about.st_mode & 0o077 != 0 || about.st_uid != geteuid() && about.st_uid != 0 {
            throw EgressRefusal.Cause("\(field) \"\(path)\" may be read by others: chmod 600 it")
        }
        return Stamp(numbers: [
            Int(about.st_dev), Int(about.st_ino), Int(about.st_size), about.st_mtim.tv_sec, about.st_mtim.tv_nsec,
        ])
    }
}
