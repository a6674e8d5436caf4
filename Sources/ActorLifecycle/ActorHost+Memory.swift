import ActorContract
import HostErrors
import SystemLayer

extension ExitStatus? {
    /// Whether it is how a program ends that the kernel killed, by itself or as a runtime in front of it tells.
    var isPerhapsOutOfMemory: Bool { self == nil || self == .signaled(9) || self == .exited(137) }
}

/// Whether an actor ended for want of memory: the kernel counts, and is asked before the teardown.
extension ActorHost {
    /// What is to be told of a container of which the kernel killed a program for its memory; nil when it did not.
    func outOfMemory(_ container: String, _ record: ActorRecord) -> String? {
        let actor = cgroupName(record)
        let cgroup = Container.cgroup(of: container, among: record.spec.containers, actor: actor)
        guard Cgroup.outOfMemoryKills(layout: layout, name: cgroup) > 0 else { return nil }
        let own = record.spec.containers.first { $0.name == container }?.memoryBytes ?? 0
        let limits = [own, record.memoryBytes].filter { $0 > 0 }
        let cause =
            limits.min().map { "it used more than its memory limit of \($0) bytes" } ?? "the machine is out of memory"
        return "container \"\(container)\" was killed: \(cause)"
    }

    /// An error of a wait for readiness, in the words of what was behind it.
    func explained(_ error: HostError, _ record: ActorRecord) -> HostError {
        guard error.reason == .crashed else { return error }
        let text = record.spec.containers.lazy.compactMap { self.outOfMemory($0.name, record) }.first
        return text.map { HostError(.failedPrecondition, .outOfMemory, $0) } ?? error
    }
}
