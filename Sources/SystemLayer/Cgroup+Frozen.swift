import Glibc

extension Cgroup {
    /// Stops all processes in it and below it where they are, those included that fork meanwhile, and waits for that.
    ///
    /// - Throws: EOPNOTSUPP where no hierarchy can freeze, ETIMEDOUT when one of them will not stop within a second.
    /// - Source: Documentation/admin-guide/cgroup-v2.rst (cgroup.freeze), cgroup-v1/freezer-subsystem.rst.
    public func freeze() throws(SyscallError) {
        guard let file = switches.first else { throw SyscallError("freeze", EOPNOTSUPP, "cgroup") }
        try TextFile.write(Self.isVersion1(file) ? "FROZEN" : "1", to: file)
        for _ in 0..<2000 {
            if isFrozen(file) { return }
            usleep(500)
        }
        try? thaw()
        throw SyscallError("freeze", ETIMEDOUT, file)
    }

    /// Lets them go on; nothing where nobody was stopped.
    ///
    /// - Throws: the failing write(2).
    public func thaw() throws(SyscallError) {
        for file in switches { try TextFile.write(Self.isVersion1(file) ? "THAWED" : "0", to: file) }
    }

    /// What freezes here, the version 1 freezer or else version 2: all of an actor is in both.
    private var switches: [String] {
        let old = v1Paths.map { "\($0)/freezer.state" }.filter(Self.exists)
        if !old.isEmpty { return old }
        return (v2Path.map { ["\($0)/cgroup.freeze"] } ?? []).filter(Self.exists)
    }

    private static func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

    private static func isVersion1(_ file: String) -> Bool { file.hasSuffix(".state") }

    private func isFrozen(_ file: String) -> Bool {
        if Self.isVersion1(file) { return TextFile.read(file) == "FROZEN\n" }
        return v2Path.map { TextFile.lines("\($0)/cgroup.events").contains("frozen 1") } ?? false
    }
}
