import Glibc
public import HostErrors
import SystemLayer

extension PluginEntry {
    /// Reads one plugin from its own path, as an author names it.
    ///
    /// - Parameters:
    ///   - path: a file `NAME.lua`, a folder with `backend.lua`, or that file itself.
    ///   - hash: SHA-256 in lower-case hex.
    /// - Returns: the entry; a script that cannot be served is a broken one.
    /// - Throws: `notFound` when nothing is there that could be a plugin.
    public static func read(path: String, hash: ([UInt8]) -> String) throws(HostError) -> PluginEntry {
        guard let real = unsafe realpath(path, nil) else {
            throw HostError(.notFound, nil, "\(path): no such file or folder")
        }
        defer { unsafe free(real) }
        let full = unsafe String(cString: real)
        let isFolder = (try? kind(of: full)) == .directory
        let file = isFolder ? "\(full)/backend.lua" : full
        let directory = file.split(separator: "/").dropLast().reduce(into: "") { $0 += "/" + $1 }
        if isFolder, (try? kind(of: file)) == nil {
            throw HostError(
                .notFound,
                nil,
                "\(path) has no backend.lua; `substrate-host plugin new NAME` writes one that runs"
            )
        }
        guard file.hasSuffix(".lua") else { throw HostError(.notFound, nil, "\(path) is no .lua file") }
        let base = file.split(separator: "/").last.map(String.init) ?? ""
        let folder = directory.split(separator: "/").last.map(String.init) ?? ""
        let script = PluginScript(path: file)
        var state: State = script.problem.map { .broken("\(base): \($0)") } ?? .candidate
        var libraries: [String: [UInt8]] = [:]
        if script.problem == nil {
            let lib = library(of: file)
            do throws(LibraryClosure.Fault) {
                libraries = try LibraryClosure(directory: lib, paths: modules(in: lib))
                    .libraries(of: script.bytes, path: file)
            } catch { state = .broken(error.text) }
        }
        return PluginEntry(
            name: base == "backend.lua" ? folder : String(base.dropLast(4)),
            path: file,
            directory: directory,
            origin: "path \(path)",
            isShipped: false,
            source: script.bytes,
            libraries: libraries,
            state: state,
            shadows: [],
            hash: hash
        )
    }

    /// The `lib` of the overlay that a script lies in: beside `backends`, or beside the script or its folder.
    ///
    /// - Parameter file: the script's own path.
    /// - Returns: an existing directory.
    public static func library(of file: String) -> String? {
        func parent(_ path: String) -> String {
            path.split(separator: "/").dropLast().reduce(into: "") { $0 += "/" + $1 }
        }
        let directory = parent(file)
        let source = file.hasSuffix("/backend.lua") ? parent(directory) : directory
        return [parent(source), source].map { "\($0)/lib" }.first { (try? kind(of: $0)) == .directory }
    }

    private static func modules(in directory: String?) -> [String: String] {
        guard let directory, let names = try? names(in: directory) else { return [:] }
        let files = names.filter { $0.hasSuffix(".lua") }.map { (String($0.dropLast(4)), "\(directory)/\($0)") }
        return Dictionary(files, uniquingKeysWith: { $1 })
    }
}
