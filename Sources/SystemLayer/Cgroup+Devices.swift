import Glibc

extension Cgroup {
    /// The devices that a workload may open: null, zero, full, random, urandom, tty, ptmx and its own terminals.
    ///
    /// With `m` for the runtimes of scripts, which make these nodes: a workload has no CAP_MKNOD.
    /// - Source: Linux, Documentation/admin-guide/devices.txt.
    static let devices = ["c 1:3", "c 1:5", "c 1:7", "c 1:8", "c 1:9", "c 5:0", "c 5:2", "c 136:*"].map { $0 + " rwm" }

    /// Refuses every other device by the v1 devices controller.
    ///
    /// Version 2 asks a BPF program instead, which this host does not have: there the mounts alone, all of them
    /// nodev, keep devices away, and `enforced` does not name `devices`. So it is where the controller is not ours.
    func restrictDevices(_ layout: CgroupLayout, _ name: String) {
        guard let base = layout.v1Bases["devices"] else { return }
        let path = "\(base)/\(name)"
        guard (try? TextFile.write("a", to: path + "/devices.deny")) != nil else { return }
        // What our own parent may not open cannot be given: the workload goes without.
        for device in Self.devices { try? TextFile.write(device, to: path + "/devices.allow") }
    }

    /// What the kernel enforces on this cgroup now, read back from it: of `cpu`, `memory`, `pids`, `devices`.
    ///
    /// - Parameters:
    ///   - layout: the machine's.
    ///   - name: as for `create`.
    /// - Returns: the names of what is limited.
    public static func enforced(layout: CgroupLayout, name: String) -> Set<String> {
        let v2 = layout.v2Base.map { "\($0)/\(name)" }
        func read(_ controller: String, _ v1File: String, _ v2File: String) -> String? {
            if let base = layout.v1Bases[controller] { return TextFile.read("\(base)/\(name)/\(v1File)") }
            guard layout.v2Controllers.contains(controller), let v2 else { return nil }
            return TextFile.read("\(v2)/\(v2File)")
        }
        var enforced: Set<String> = []
        if let quota = read("cpu", "cpu.cfs_quota_us", "cpu.max"), !quota.hasPrefix("-1"), !quota.hasPrefix("max") {
            enforced.insert("cpu")
        }
        if let bytes = read("memory", "memory.limit_in_bytes", "memory.max"),
            // Version 1 says "none" as the largest number of whole pages.
            let number = Int64(bytes.dropLast()), number < Int64.max - 1 << 20
        {
            enforced.insert("memory")
        }
        if let count = read("pids", "pids.max", "pids.max"), !count.hasPrefix("max") { enforced.insert("pids") }
        if let base = layout.v1Bases["devices"], let list = TextFile.read("\(base)/\(name)/devices.list"),
            !list.hasPrefix("a ")
        {
            enforced.insert("devices")
        }
        return enforced
    }
}
