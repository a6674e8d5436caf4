import Glibc
import HostErrors
import Synchronization
import SystemLayer

/// The cgroups of supervisors: one for each that lives, used again when it is gone, since making one takes longer.
final class SupervisorGroups: Sendable {
    private struct State {
        var free: [Cgroup] = []
        var made: [Cgroup] = []
        var next = 0
        var isClosed = false
    }
    private static let top = "substrate-supervisors"
    private static let counter = Mutex(0)
    private let confinement: SupervisorConfinement
    private let name: String
    private let state = Mutex(State())

    /// Names the directory; what a host that was killed left behind is removed.
    init(_ confinement: SupervisorConfinement) {
        self.confinement = confinement
        let number = Self.counter.withLock { counter in
            counter += 1
            return counter
        }
        // Pid and start time name this process for ever, so that nobody removes what a living host uses.
        let start = ProcessHandle.readStartTime(pid: getpid()) ?? 0
        name = "\(Self.top)/\(getpid()).\(start).\(number)"
        removeLeftovers()
    }

    /// A cgroup with the limits and nobody in it; nil where no controller limits anything.
    func take() throws(SyscallError) -> Cgroup? {
        guard confinement.limits != CgroupLimits() else { return nil }
        let (found, number) = state.withLock { state in
            state.next += 1
            return (state.free.popLast(), state.next)
        }
        if let found { return found }
        let made: Cgroup
        do throws(SyscallError) {
            made = try make(number)
        } catch {
            // Another host that ended just now took the directory above with it.
            guard error.errno == ENOENT else { throw error }
            made = try make(number)
        }
        let isClosed = state.withLock { state in
            if !state.isClosed { state.made.append(made) }
            return state.isClosed
        }
        if isClosed {
            remove([made])
            throw SyscallError("cgroup", ECANCELED, name)
        }
        return made
    }

    private func make(_ number: Int) throws(SyscallError) -> Cgroup {
        try Cgroup.create(layout: confinement.layout, name: "\(name)/\(number)", limits: confinement.limits)
    }

    /// The directories of all that were made, for who looks from outside.
    var directories: [String] { state.withLock { $0.made.flatMap(\.directories) } }

    /// Takes one back whose process is reaped.
    func giveBack(_ group: Cgroup) {
        let isClosed = state.withLock { state in
            if !state.isClosed { state.free.append(group) }
            return state.isClosed
        }
        if isClosed { remove([group]) }
    }

    /// Kills who is in them and removes them all.
    func close() {
        let made = state.withLock { state in
            state.isClosed = true
            state.free = []
            defer { state.made = [] }
            return state.made
        }
        for group in made { group.kill() }
        remove(made)
    }

    private func remove(_ groups: [Cgroup]) {
        for group in groups { try? group.remove() }
        // The last one takes the directories along; until then rmdir(2) answers EBUSY.
        for parent in [name, Self.top] {
            for path in Cgroup.open(layout: confinement.layout, name: parent).directories { _ = unsafe rmdir(path) }
        }
    }

    private func removeLeftovers() {
        for base in Cgroup.open(layout: confinement.layout, name: Self.top).directories {
            for entry in (try? DirectoryTree.names(in: base)) ?? [] {
                let parts = entry.split(separator: ".")
                guard parts.count == 3, let pid = Int32(parts[0]), let start = UInt64(parts[1]),
                    ProcessHandle.find(pid: pid, startTime: start) == nil
                else { continue }
                // Only empty ones go: a supervisor that outlived its host ends as soon as it reads.
                for group in (try? DirectoryTree.names(in: "\(base)/\(entry)")) ?? [] {
                    _ = unsafe rmdir("\(base)/\(entry)/\(group)")
                }
                _ = unsafe rmdir("\(base)/\(entry)")
            }
        }
    }
}
