import Foundation
import Glibc
import SystemLayer
import Transfer

extension TestHost {
    /// The cgroup that holds this base directory's actors, below each of the machine's roots.
    public var cgroupParent: String { "substrate/\(SHA256.hex(of: [UInt8](base.utf8)).prefix(12))" }

    /// The cgroup directories of this base directory's actors.
    public var cgroups: [String] {
        let layout = CgroupLayout.detect()
        let roots = Set(Array(layout.v1Bases.values) + [layout.v2Base].compactMap { $0 })
        return roots.sorted().flatMap { root -> [String] in
            let names = (try? DirectoryTree.names(in: "\(root)/\(cgroupParent)")) ?? []
            // A directory of a cgroup has this file; a cgroup's own files are no directories.
            return names.map { "\(root)/\(cgroupParent)/\($0)" }.filter {
                unsafe access("\($0)/cgroup.procs", F_OK) == 0
            }
        }
    }

    /// The lines of this machine's mounts that name the base directory.
    public var mounts: [String] {
        (TextFile.read("/proc/self/mountinfo") ?? "").split(separator: "\n").filter { $0.contains(base) }.map(
            String.init
        )
    }

    /// Everything of this base directory that is still on the machine.
    public var leftovers: [String] {
        let groups = cgroups
        let processes = groups.compactMap { group in
            TextFile.read("\(group)/cgroup.procs").flatMap { $0.isEmpty ? nil : "\(group): \($0)" }
        }
        return mounts + groups + processes
    }

    /// Kills, unmounts and removes what a host left.
    func takeAway() {
        for group in cgroups {
            for pid in (TextFile.read("\(group)/cgroup.procs") ?? "").split(separator: "\n") {
                if let pid = Int32(pid), pid > 1 { Glibc.kill(pid, SIGKILL) }
            }
        }
        for line in mounts {
            let fields = line.split(separator: " ")
            if fields.count > 4 { _ = unsafe umount2(String(fields[4]), CInt(MNT_DETACH)) }
        }
        for group in cgroups { _ = unsafe rmdir(group) }
        try? Cgroup.open(layout: CgroupLayout.detect(), name: cgroupParent).remove()
        try? DirectoryTree.remove(scratch)
    }
}
