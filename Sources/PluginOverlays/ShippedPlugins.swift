import SystemLayer

/// Finds the directory of the plugins that ship with the host.
public enum ShippedPlugins {
    /// Looks where an operator, an installation and a checkout keep them, in that order.
    ///
    /// - Parameters:
    ///   - pluginsDirOption: the value of `--plugins-dir`; taken as it is, so that a wrong one is reported by the scan.
    ///   - executableRealPath: the running binary's absolute path, its links resolved.
    /// - Returns: the directory, or nil when there is none.
    public static func find(pluginsDirOption: String?, executableRealPath: String) -> String? {
        if let pluginsDirOption { return pluginsDirOption }
        var directory = parent(executableRealPath)
        let installed = parent(directory) + "/share/substrate-host/plugins"
        if isDirectory(installed) { return installed }
        while true {
            if exists(directory + "/Package.swift"), isDirectory(directory + "/plugins") {
                return directory + "/plugins"
            }
            guard directory.contains("/"), !directory.isEmpty else { return nil }
            directory = parent(directory)
        }
    }

    private static func parent(_ path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "" }
        return String(path[..<slash])
    }

    private static func exists(_ path: String) -> Bool {
        // Unreadable counts as absent: the next place is tried.
        (try? kind(of: path)) != nil
    }

    private static func isDirectory(_ path: String) -> Bool {
        (try? kind(of: path + "/.")) == .directory
    }
}
