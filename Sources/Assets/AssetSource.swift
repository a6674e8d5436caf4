import Glibc
import HostErrors
import SystemLayer
import Transfer

/// Where assets may come from: files beneath the operator's roots, and servers.
struct AssetSource: Sendable {
    /// Absolute directories, without a trailing slash.
    let roots: [String]
    private let objects: ObjectSource

    init(_ settings: AssetSettings) {
        roots = settings.roots.map { root in
            var text = root
            while text.count > 1, text.hasSuffix("/") { text.removeLast() }
            return text
        }
        objects = ObjectSource(origins: settings.origins, environment: settings.environment)
    }

    /// Writes what a URL leads to.
    func fill(_ file: DownloadFile, from url: String) throws(HostError) {
        guard url.hasPrefix("file://") else { return try objects.fetch(url, into: file) }
        let input = try open(url)
        while true {
            let some: [UInt8]
            do throws(SyscallError) { some = try readSome(1 << 18, from: input.rawValue) } catch {
                throw storeError(error)
            }
            if some.isEmpty { return }
            try file.append(some)
        }
    }

    /// Opens a `file://` URL for reading, beneath a root, without following any symbolic link below that root.
    func open(_ url: String) throws(HostError) -> OwnedFD {
        guard let path = Percent.decode(url.dropFirst(7)), path.hasPrefix("/") else {
            throw HostError(.invalidArgument, .asset, "asset url \"\(url)\" is not file:///ABSOLUTE/PATH")
        }
        let parts = path.split(separator: "/").map(String.init)
        guard !parts.isEmpty, !parts.contains(where: { $0 == "." || $0 == ".." }) else {
            throw HostError(.invalidArgument, .asset, "asset url \"\(url)\" has a path with . or ..")
        }
        for root in roots {
            let rootParts = root.split(separator: "/").map(String.init)
            guard parts.count > rootParts.count, Array(parts.prefix(rootParts.count)) == rootParts else { continue }
            return try Self.walk(root, Array(parts.dropFirst(rootParts.count)), path)
        }
        throw HostError(.permissionDenied, .asset, "asset \(path) is not beneath any --asset-root")
    }

    /// Component by component from the root's descriptor, so that a link swapped in meanwhile cannot lead out.
    private static func walk(_ root: String, _ parts: [String], _ path: String) throws(HostError) -> OwnedFD {
        let number = unsafe Glibc.open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard number >= 0 else { throw failure(path) }
        var directory = OwnedFD(number)
        for part in parts.dropLast() {
            let next = unsafe openat(directory.rawValue, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            guard next >= 0 else { throw failure(path) }
            directory = OwnedFD(next)
        }
        guard let last = parts.last else { throw failure(path) }
        let file = unsafe openat(directory.rawValue, last, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard file >= 0 else { throw failure(path) }
        let opened = OwnedFD(file)
        var status = stat()
        guard unsafe fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw HostError(.invalidArgument, .asset, "asset \(path) is not a regular file")
        }
        return opened
    }

    private static func failure(_ path: String) -> HostError {
        switch errno {
        case ENOENT: HostError(.notFound, .asset, "asset \(path) does not exist")
        case ELOOP, ENOTDIR:
            HostError(.permissionDenied, .asset, "asset \(path) leads through a symbolic link or a file")
        case EACCES, EPERM: HostError(.permissionDenied, .asset, "asset \(path) is not readable")
        default: storeError("openat", path)
        }
    }
}
