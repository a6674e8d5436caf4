/// Finds the modules that a script requires, and those that they require.
///
/// The host resolves them, so that a script reads no file: what is not found here is not there for it.
struct LibraryClosure {
    /// What keeps a script from being served.
    struct Fault: Error { let text: String }

    /// The most modules of one script.
    static let limit = 64

    /// The `lib` of the script's own source; nil when that has none.
    let directory: String?
    /// Name → file.
    let paths: [String: String]

    /// Every module by name.
    ///
    /// - Parameters:
    ///   - script: the text to begin with.
    ///   - path: its file, for messages.
    /// - Returns: the bytes of each, at most `limit` of them.
    /// - Throws: the first `require` that finds nothing sound, with its file and line.
    func libraries(of script: [UInt8], path: String) throws(Fault) -> [String: [UInt8]] {
        var found: [String: [UInt8]] = [:]
        var pending = [(text: script, path: path)]
        while let (text, path) = pending.popLast() {
            for requirement in RequireScan.requirements(in: text) where found[requirement.name] == nil {
                let place = "\(path):\(requirement.line): require \"\(requirement.name)\""
                guard let directory else {
                    throw Fault(text: "\(place): this source has no lib/; put \(requirement.name).lua there")
                }
                guard let file = paths[requirement.name] else {
                    let names = paths.keys.sorted().joined(separator: ", ")
                    throw Fault(
                        text: "\(place): there is no \(directory)/\(requirement.name).lua; "
                            + "there is: \(names.isEmpty ? "(none)" : names)"
                    )
                }
                let module = PluginScript(path: file)
                if let problem = module.problem { throw Fault(text: "\(place): \(file): \(problem)") }
                found[requirement.name] = module.bytes
                guard found.count <= Self.limit else {
                    throw Fault(text: "\(place): more than \(Self.limit) modules; join some of them")
                }
                pending.append((module.bytes, file))
            }
        }
        return found
    }
}
