import ActorContract
import Glibc
import HostErrors
import SystemLayer
import Transfer

/// Who an actor is, in files that only the host writes: made anew at each Run, Restore and Start.
///
/// Files and not the environment: a snapshot freezes an environment, and whoever is restored from it is somebody else.
extension ActorHost {
    /// Thirty-two bytes of chance, as hex digits.
    static func newToken() -> String {
        var generator = SystemRandomNumberGenerator()
        return hexadecimal((0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
    }

    /// Writes the identity, the token beside it, and the volumes that tell the actor about itself.
    ///
    /// Their directories are empty.
    /// - Parameters:
    ///   - record: the actor's.
    ///   - token: this start's.
    /// - Throws: `resourceExhausted` on a full disk.
    func makeIdentity(_ record: ActorRecord, token: String) throws(HostError) {
        let places = directories(record.identity.key)
        try Self.system { () throws(SyscallError) in
            let identity = record.identity
            try Self.show(identity.key.name, at: "\(places.identity)/\(ActorDirectories.actorID)")
            try Self.show(token, at: "\(places.identity)/\(ActorDirectories.token)")
        }
        for volume in record.spec.volumes {
            guard case .systemInformation(let sources) = volume.source else { continue }
            let root = places.information(volume.name)
            try Self.system { () throws(SyscallError) in try FileTree.makeDirectories(root, mode: 0o755) }
            for file in sources.joined() {
                let (path, text) = ("\(root)/\(file.path)", try text(of: file, for: record.identity))
                try Self.system { () throws(SyscallError) in
                    let parent = path.split(separator: "/").dropLast().joined(separator: "/")
                    try FileTree.makeDirectories("/\(parent)", mode: 0o755)
                    try Self.show(text, at: path)
                }
            }
        }
    }

    private func text(of file: SystemInformationFile, for identity: ActorIdentity) throws(HostError) -> String {
        guard let names = file.bundles else { return file.text(of: identity) }
        return try settings.trustBundles.text(of: names, at: "trust_bundle.names")
    }

    /// Refuses a request for trust bundles that cannot be had.
    ///
    /// - Throws: as `TrustBundles.text(of:at:)` does, with the field's path.
    func checkBundles(_ spec: WorkloadSpec) async throws(HostError) {
        let wanted = TrustBundles.wanted(spec)
        guard !wanted.isEmpty else { return }
        try await Offload.run { () throws(HostError) in
            for (field, names) in wanted { _ = try self.settings.trustBundles.text(of: names, at: field) }
        }
    }

    /// Whether an actor that was held is shown what it would be shown now.
    func isShownTheSame(_ record: ActorRecord) -> Bool {
        let root = directories(record.identity.key)
        for volume in record.spec.volumes {
            guard case .systemInformation(let sources) = volume.source else { continue }
            for file in sources.joined() where file.bundles != nil {
                guard let now = try? text(of: file, for: record.identity),
                    TextFile.read("\(root.information(volume.name))/\(file.path)") == now
                else { return false }
            }
        }
        return true
    }

    /// Gives an actor that was held another token.
    ///
    /// Over the old one of the same length: a runtime need not look at a directory again that nobody else changes.
    /// - Parameters:
    ///   - record: the actor's.
    ///   - token: the new one.
    /// - Throws: `internal` when the file is not there.
    func rotateToken(_ record: ActorRecord, to token: String) throws(HostError) {
        let path = "\(directories(record.identity.key).identity)/\(ActorDirectories.token)"
        try Self.system { () throws(SyscallError) in
            let number = unsafe open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW)
            guard number >= 0 else { throw SyscallError("open", errno, path) }
            let file = OwnedFD(number)
            try writeAll([UInt8](token.utf8), to: file.rawValue)
            try file.close()
        }
    }

    /// Makes a file that every user of the actor may read.
    ///
    /// Nobody reads it before the workload runs, and after a power loss nobody does: it need not be durable.
    private static func show(_ text: String, at path: String) throws(SyscallError) {
        let number = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard number >= 0 else { throw SyscallError("open", errno, path) }
        let file = OwnedFD(number)
        guard fchmod(number, 0o644) == 0 else { throw SyscallError("fchmod", errno, path) }
        try writeAll([UInt8](text.utf8), to: file.rawValue)
        try file.close()
    }
}
