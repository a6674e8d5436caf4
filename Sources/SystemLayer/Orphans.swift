import CSystemShims
import Glibc

/// Children that a program left to this process when it ended: nobody else waits for them.
public enum Orphans {
    /// Reaps those that have ended and were of a cgroup or of one below it, which may be gone by now.
    ///
    /// - Parameters:
    ///   - cgroup: an actor's.
    ///   - held: children that somebody waits for.
    public static func reap(of cgroup: Cgroup, except held: Set<Int32>) {
        let threads = (try? DirectoryTree.names(in: "/proc/self/task")) ?? []
        var children: [Int32] = []
        for thread in threads {
            let list = TextFile.read("/proc/self/task/\(thread)/children") ?? ""
            children += list.split { " \n".contains($0) }.compactMap { Int32($0) }
        }
        guard let path = cgroup.directories.first else { return }
        // In /proc a path begins at its hierarchy's root, which is some directory above: the end is what tells.
        let name = path.split(separator: "/").suffix(3).joined(separator: "/")
        for pid in children where !held.contains(pid) {
            let lines = TextFile.lines("/proc/\(pid)/cgroup")
            let ends = ["/\(name)", "/\(name) (deleted)"]
            let isOurs = lines.contains { line in
                line.contains("/\(name)/") || ends.contains(where: line.hasSuffix)
            }
            if isOurs { _ = csh_reap_child(pid) }
        }
    }
}
