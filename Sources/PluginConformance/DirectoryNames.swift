import SystemLayer

/// What is in a directory of an actor, without the probe's own files.
enum DirectoryNames {
    /// Sorted names.
    static func of(_ path: String) throws -> [String] {
        try DirectoryTree.names(in: path).filter { name in
            name != "events" && ![".do", ".now", ".new", ".out"].contains { name.hasSuffix($0) }
        }
    }
}
