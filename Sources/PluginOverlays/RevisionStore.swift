import Glibc
public import HostErrors
import SystemLayer

/// Keeps the scripts that actors were started with, by digest, so that a live actor outlasts a save and a restart.
public struct RevisionStore: Sendable {
    /// Where they are: one file a revision.
    public let directory: String
    private let hash: @Sendable ([UInt8]) -> String

    /// Names a place; it is made when something is kept.
    ///
    /// - Parameters:
    ///   - baseDirectory: the host's.
    ///   - hash: SHA-256 in lower-case hex.
    public init(baseDirectory: String, hash: @escaping @Sendable ([UInt8]) -> String) {
        directory = "\(baseDirectory)/revisions"
        self.hash = hash
    }

    /// Keeps a script; durable when it returns.
    ///
    /// - Parameter entry: sound; one that is kept already stays as it is.
    /// - Throws: when it cannot be written.
    public func keep(_ entry: PluginEntry) throws(HostError) {
        let path = "\(directory)/\(entry.revision)"
        guard unsafe access(path, F_OK) != 0 else { return }
        try DirectoryTree.make(directory, mode: 0o700)
        var bytes: [UInt8] = []
        func put(_ key: String, _ value: some Sequence<UInt8>) {
            let value = Array(value)
            bytes += Array("\(key) \(value.count)\n".utf8) + value + [10]
        }
        put("name", entry.name.utf8)
        put("path", entry.path.utf8)
        put("origin", entry.origin.utf8)
        put("shipped", (entry.isShipped ? "yes" : "no").utf8)
        put("script", entry.source)
        for (name, source) in entry.libraries.sorted(by: { $0.key < $1.key }) { put("lib:\(name)", source) }
        do throws(SyscallError) { try AtomicFile.write(bytes, to: path) } catch {
            throw HostError(.resourceExhausted, .storageFull, "a backend's revision cannot be kept: \(error)")
        }
    }

    /// A script that was kept.
    ///
    /// - Parameter revision: its digest.
    /// - Returns: the entry; nil when none was kept under that digest, or it is no longer what it was.
    public func entry(_ revision: String) -> PluginEntry? {
        guard revision.utf8.count == 64, revision.utf8.allSatisfy({ ($0 >= 48 && $0 <= 57) || ($0 >= 97 && $0 <= 102) })
        else { return nil }
        let number = unsafe open("\(directory)/\(revision)", O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard number >= 0 else { return nil }
        let file = OwnedFD(number)
        // 64 modules and a script of 64 KiB each, and their names.
        guard let bytes = try? readAll(from: file.rawValue, limit: 8 << 20) else { return nil }
        let fields = Self.fields(bytes)
        guard let name = fields["name"], let path = fields["path"], let script = fields["script"] else { return nil }
        var libraries: [String: [UInt8]] = [:]
        for (key, value) in fields where key.hasPrefix("lib:") { libraries[String(key.dropFirst(4))] = value }
        let entry = PluginEntry(
            name: String(decoding: name, as: UTF8.self),
            path: String(decoding: path, as: UTF8.self),
            origin: String(decoding: fields["origin"] ?? [], as: UTF8.self),
            isShipped: fields["shipped"] == Array("yes".utf8),
            source: script,
            libraries: libraries,
            hash: hash
        )
        return entry.revision == revision ? entry : nil
    }

    /// Forgets every revision but these.
    ///
    /// - Parameter revisions: those that an actor may still need.
    /// - Throws: when the directory cannot be read.
    public func forget(except revisions: Set<String>) throws(HostError) {
        for name in try DirectoryTree.names(in: directory) where !revisions.contains(name) {
            _ = unsafe unlink("\(directory)/\(name)")
        }
    }

    private static func fields(_ bytes: [UInt8]) -> [String: [UInt8]] {
        var fields: [String: [UInt8]] = [:]
        var rest = bytes[...]
        while let end = rest.firstIndex(of: 10) {
            let header = rest[..<end]
            guard let space = header.lastIndex(of: 32),
                let count = Int(String(decoding: header[(space + 1)...], as: UTF8.self)), count >= 0,
                rest.endIndex - end - 1 > count
            else { return [:] }
            fields[String(decoding: header[..<space], as: UTF8.self)] = Array(rest[(end + 1)..<(end + 1 + count)])
            rest = rest[(end + 2 + count)...]
        }
        return fields
    }
}
