import Glibc

/// Which cgroup layout there is, and whether actors can be limited in it.
enum DoctorCgroups {
    private static let wanted = ["cpu", "memory", "pids"]

    /// One mounted hierarchy.
    private struct Hierarchy {
        let path: String
        let isUnified: Bool
        let options: [Substring]
    }

    /// Judges by the mount table.
    ///
    /// - Parameters:
    ///   - mounts: the text of /proc/self/mounts.
    ///   - read: reads a file as text; empty when there is none.
    ///   - isWritable: whether groups can be made in a directory.
    /// - Returns: the finding `cgroups`.
    static func examine(
        mounts: String,
        read: (String) -> String = Doctor.text,
        isWritable: (String) -> Bool = { unsafe access($0, W_OK) == 0 }
    ) -> DoctorFinding {
        let hierarchies = mounts.split(separator: "\n").compactMap { line -> Hierarchy? in
            let fields = line.split(separator: " ")
            guard fields.count >= 4, fields[2] == "cgroup" || fields[2] == "cgroup2" else { return nil }
            return Hierarchy(
                path: String(fields[1]),
                isUnified: fields[2] == "cgroup2",
                options: fields[3].split(separator: ",")
            )
        }
        guard let unified = hierarchies.first(where: \.isUnified) else {
            return .missing(
                "cgroups",
                hierarchies.isEmpty ? "none mounted" : "version 1 alone",
                mend: "mkdir -p /sys/fs/cgroup/unified && mount -t cgroup2 none /sys/fs/cgroup/unified"
            )
        }
        let v2 = read(unified.path + "/cgroup.controllers").split { $0 == " " || $0 == "\n" }.map(String.init)
        var homes = [unified.path]
        var lacking: [String] = []
        for controller in wanted where !v2.contains(controller) {
            if let home = hierarchies.first(where: { !$0.isUnified && $0.options.contains(Substring(controller)) }) {
                homes.append(home.path)
            } else {
                lacking.append(controller)
            }
        }
        let layout = homes.count > 1 ? "hybrid" : "version 2"
        guard lacking.isEmpty else {
            return .missing(
                "cgroups",
                "\(layout) without \(lacking.joined(separator: ", "))",
                mend: "boot with systemd.unified_cgroup_hierarchy=1 or cgroup_enable=\(lacking.joined(separator: ","))"
            )
        }
        guard let closed = homes.first(where: { !isWritable($0) }) else {
            return .present("cgroups", "\(layout): cpu, memory, pids at \(homes.joined(separator: ", "))")
        }
        return .missing("cgroups", "\(closed) is not writable", mend: "run as root with cgroups mounted read-write")
    }
}
