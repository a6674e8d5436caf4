import Glibc
import HostErrors
import PluginOverlays
import SystemLayer
import Transfer

/// A backend and the test files beside it.
struct TestFiles {
    let entry: PluginEntry
    let tests: [TestRunner.File]

    /// Finds them.
    ///
    /// - Parameters:
    ///   - path: a file, a folder with `backend.lua`, or the name of a shipped backend.
    ///   - executable: where the shipped ones are looked for.
    /// - Throws: what is missing, and how to have it.
    init(_ path: String, executable: String) throws(HostError) {
        let entry = try Self.entry(path, executable: executable)
        self.entry = entry
        if case .broken(let cause) = entry.state {
            throw HostError(.failedPrecondition, .plugin, "\(entry.path): \(cause)")
        }
        let names: [String]
        do throws(HostError) { names = try DirectoryTree.names(in: entry.directory) } catch {
            throw HostError(.notFound, nil, "\(entry.directory) cannot be read")
        }
        // Beside a folder's backend.lua all tests are its own; beside NAME.lua those that begin with NAME.
        let isFolder = entry.path.hasSuffix("/backend.lua")
        let wanted = names.filter { $0.hasSuffix("_test.lua") && (isFolder || $0 == "\(entry.name)_test.lua") }.sorted()
        guard !wanted.isEmpty else {
            throw HostError(
                .notFound,
                nil,
                "\(entry.name) has no *_test.lua; plugin new \(entry.name) --only-tests writes one that passes"
            )
        }
        var files: [TestRunner.File] = []
        for name in wanted {
            files.append(TestRunner.File(name: name, source: try Self.bytes("\(entry.directory)/\(name)")))
        }
        tests = files
    }

    private static func entry(_ path: String, executable: String) throws(HostError) -> PluginEntry {
        guard let real = unsafe realpath(path, nil) else {
            let shipped = ShippedPlugins.find(pluginsDirOption: nil, executableRealPath: executable)
            let index = try shipped.map { directory throws(HostError) in
                try PluginIndex.scan(sources: [.shipped(directory)], hash: SHA256.hex(of:))
            }
            if let entry = index?[path] { return entry }
            let names = index?.available.joined(separator: ", ") ?? "none"
            throw HostError(.notFound, nil, "\(path): no such file or folder; shipped backends: \(names)")
        }
        defer { unsafe free(real) }
        var file = unsafe String(cString: real)
        if (try? DirectoryTree.names(in: file)) != nil { file += "/backend.lua" }
        guard unsafe access(file, R_OK) == 0 else {
            throw HostError(.notFound, nil, "\(path) has no backend.lua that can be read")
        }
        let parts = file.split(separator: "/").map(String.init)
        let base = parts.last ?? ""
        guard base.hasSuffix(".lua") else { throw HostError(.notFound, nil, "\(path) is no .lua file") }
        // In an overlay its modules come along; found as a host finds it.
        let depth = base == "backend.lua" ? 3 : 2
        if parts.count >= depth, parts[parts.count - depth] == "backends" {
            let root = parts.dropLast(depth).reduce(into: "") { $0 += "/" + $1 }
            let index = try PluginIndex.scan(sources: [.overlay(root)], hash: SHA256.hex(of:))
            if let entry = index.entries.first(where: { $0.path == file }) { return entry }
        }
        return PluginEntry(
            name: base == "backend.lua" && parts.count > 1 ? parts[parts.count - 2] : String(base.dropLast(4)),
            path: file,
            origin: "path \(path)",
            isShipped: false,
            source: try bytes(file),
            libraries: [:],
            hash: SHA256.hex(of:)
        )
    }

    private static func bytes(_ path: String) throws(HostError) -> [UInt8] {
        do throws(SyscallError) {
            let number = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
            guard number >= 0 else { throw SyscallError("open", errno, path) }
            let file = OwnedFD(number)
            return try readAll(from: file.rawValue, limit: 64 << 10)
        } catch { throw HostError(.notFound, nil, "\(path) cannot be read (\(error))") }
    }
}
