/// Which cgroup hierarchies this machine has, and below which directory of each we may make our own.
public struct CgroupLayout: Sendable, Equatable {
    /// The v2 directory that ours go into; nil without a v2 hierarchy.
    public var v2Base: String?
    /// The controllers that the v2 hierarchy has.
    public var v2Controllers: Set<String> = []
    /// The v1 directory that ours go into, by controller.
    public var v1Bases: [String: String] = [:]

    /// A machine without cgroups.
    public init() {}

    /// `v2`, `v1`, `hybrid` or `none`, with the controllers that limits can use.
    public var description: String {
        let kind = v2Base == nil ? (v1Bases.isEmpty ? "none" : "v1") : (v1Bases.isEmpty ? "v2" : "hybrid")
        let usable = ["cpu", "memory", "pids"].filter { v2Controllers.contains($0) || v1Bases[$0] != nil }
        return usable.isEmpty ? kind : "\(kind) (\(usable.joined(separator: ", ")))"
    }

    /// Reads the layout from `/proc/self/mountinfo` and `/proc/self/cgroup`.
    ///
    /// - Returns: what there is; a machine without cgroups gives the empty layout.
    public static func detect() -> CgroupLayout {
        detect(mounts: TextFile.read("/proc/self/mountinfo") ?? "", own: TextFile.read("/proc/self/cgroup") ?? "") {
            TextFile.read($0) ?? ""
        }
    }

    static func detect(mounts: String, own: String, read: (String) -> String) -> CgroupLayout {
        var layout = CgroupLayout()
        var paths: [String: String] = [:]
        for line in own.split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { continue }
            for controller in fields[1].split(separator: ",", omittingEmptySubsequences: false) {
                paths[String(controller)] = String(fields[2])
            }
        }
        let wanted: Set<String> = ["cpu", "memory", "pids", "freezer", "devices"]
        for line in mounts.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard let dash = fields.firstIndex(of: "-"), fields.count > dash + 3, dash > 5 else { continue }
            let (root, point) = (String(fields[3]), String(fields[4]))
            switch fields[dash + 1] {
            case "cgroup2":
                // A service's own directory is delegated to us; any other (a login session, say) would not outlive it.
                let own = paths[""] ?? "/"
                layout.v2Base = join(point, own.hasSuffix(".service") ? below(root, own) : "/")
                let controllers = read("\(point)/cgroup.controllers").split { " \n".contains($0) }
                layout.v2Controllers = Set(controllers.map(String.init))
            case "cgroup":
                for option in fields[dash + 3].split(separator: ",") where wanted.contains(String(option)) {
                    layout.v1Bases[String(option)] = join(point, below(root, paths[String(option)] ?? "/"))
                }
            default: continue
            }
        }
        return layout
    }

    private static func below(_ root: String, _ path: String) -> String {
        guard root != "/", path.hasPrefix(root) else { return path }
        return String(path.dropFirst(root.count))
    }

    private static func join(_ point: String, _ path: String) -> String {
        let rest = path.split(separator: "/")
        return rest.isEmpty ? point : point + "/" + rest.joined(separator: "/")
    }
}
