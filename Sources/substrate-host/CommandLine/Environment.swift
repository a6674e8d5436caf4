import Glibc

/// What the defaults depend on, as values, so that tests can choose it.
struct Environment: Sendable {
    /// Whether the effective user is root.
    var isRoot: Bool
    /// `HOME`, if set.
    var home: String?
    /// `XDG_STATE_HOME`, if set.
    var stateHome: String?
    /// The working directory, absolute.
    var workingDirectory: String
    /// Where a configuration file is looked for when `--config` names none; the first that exists is read.
    var configurationFiles: [String] = []
    /// `SUBSTRATE_OVERLAY_SOURCES`, if set: overlays for who can change neither file nor command line.
    var overlaySources: String?

    /// This process's own.
    static var current: Environment {
        Environment(
            isRoot: geteuid() == 0,
            home: variable("HOME"),
            stateHome: variable("XDG_STATE_HOME"),
            workingDirectory: currentDirectory(),
            configurationFiles: usualConfigurationFiles(),
            overlaySources: variable("SUBSTRATE_OVERLAY_SOURCES")
        )
    }

    /// Where the state is when `--base-dir` does not say; nil when there is no home to put it in.
    var defaultBaseDirectory: String? {
        if isRoot { return "/var/lib/substrate-host" }
        // The XDG specification: a relative value is invalid and ignored.
        if let stateHome, stateHome.hasPrefix("/") { return stateHome + "/substrate-host" }
        return home.map { $0 + "/.local/state/substrate-host" }
    }

    /// A path that stays the same whatever the working directory becomes.
    func absolute(_ path: String) -> String {
        if path.hasPrefix("/") { return path }
        if path == "." { return workingDirectory }
        let relative = path.hasPrefix("./") ? String(path.dropFirst(2)) : path
        return workingDirectory == "/" ? "/" + relative : "\(workingDirectory)/\(relative)"
    }

    /// A variable of the process's environment; nil when it is unset or empty.
    static func variable(_ name: String) -> String? {
        guard let value = unsafe getenv(name) else { return nil }
        let text = unsafe String(cString: value)
        return text.isEmpty ? nil : text
    }

    /// The user's own file first, then the machine's.
    private static func usualConfigurationFiles() -> [String] {
        let name = "/substrate-host/substrate.yaml"
        var files: [String] = []
        if let own = variable("XDG_CONFIG_HOME"), own.hasPrefix("/") {
            files.append(own + name)
        } else if geteuid() != 0, let home = variable("HOME") {
            files.append(home + "/.config" + name)
        }
        return files + ["/etc" + name]
    }

    private static func currentDirectory() -> String {
        guard let path = unsafe getcwd(nil, 0) else { return "/" }
        defer { unsafe free(path) }
        return unsafe String(cString: path)
    }
}
