import HostErrors

extension Validation {
    /// Checks a `system_info` volume: each item says what it tells and where, and no two meet.
    static func information(_ sources: [[SystemInformationFile]], at path: String) throws(HostError) {
        var earlier: [String] = []
        for (index, files) in sources.enumerated() {
            for (number, file) in files.enumerated() {
                let item = "\(path).data_sources[\(index)].actor_metadata.items[\(number)]"
                guard file.field != .unspecified else {
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
}
