import HostErrors

extension Validation {
    /// Checks a `system_info` volume: each item says what it tells and where, and no two meet.
    static func information(_ sources: [[SystemInformationFile]], at path: String) throws(HostError) {
        var earlier: [String] = []
        for (index, files) in sources.enumerated() {
            for (number, file) in files.enumerated() {
                let source = "\(path).data_sources[\(index)]"
                let item = file.bundles == nil ? "\(source).actor_metadata.items[\(number)]" : "\(source).trust_bundle"
                if let names = file.bundles {
                    try bundles(names, at: item)
                } else if file.field == .unspecified {
                    throw invalid("\(item).field: must be NAME, ATESPACE or UID")
                }
                guard !file.path.hasPrefix("/"), mountPathFault("/\(file.path)") == nil, file.path.utf8.count <= 255
                else {
                    throw invalid(
                        "\(item).path: invalid path \(quoted(file.path)): must be relative, at most 255 bytes, without . or .. segments"
                    )
                }
                let meets = earlier.contains {
                    OperatorMount.covers($0, file.path) || OperatorMount.covers(file.path, $0)
                }
                guard !meets else { throw invalid("\(item).path: \(quoted(file.path)) meets that of another item") }
                earlier.append(file.path)
            }
        }
        guard earlier.count <= 32 else {
            throw invalid("\(path).data_sources: at most 32 items, got \(earlier.count)")
        }
    }

    private static func bundles(_ names: [String], at path: String) throws(HostError) {
        guard !names.isEmpty else { throw invalid("\(path).names: name at least one trust bundle") }
        try atMost(16, names.count, at: "\(path).names")
        for (index, name) in names.enumerated() {
            guard !name.isEmpty, name.utf8.count <= 253 else {
                throw invalid("\(path).names[\(index)]: must be the name of a trust bundle, of 1 to 253 bytes")
            }
            guard !names[..<index].contains(name) else {
                throw invalid("\(path).names[\(index)]: duplicate trust bundle \(quoted(name))")
            }
        }
    }
}
