import Glibc
import HostErrors
import PluginOverlays
import SystemLayer

/// A backend and the test files beside it.
struct TestFiles {
    let entry: PluginEntry
    let tests: [TestRunner.File]

    /// Finds them.
    ///
    /// - Parameter entry: the backend.
    /// - Throws: what is missing, and how to have it.
    init(_ entry: PluginEntry) throws(HostError) {
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

    private static func bytes(_ path: String) throws(HostError) -> [UInt8] {
        do throws(SyscallError) {
            let number = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
            guard number >= 0 else { throw SyscallError("open", errno, path) }
            let file = OwnedFD(number)
            return try readAll(from: file.rawValue, limit: 64 << 10)
        } catch { throw HostError(.notFound, nil, "\(path) cannot be read (\(error))") }
    }
}
