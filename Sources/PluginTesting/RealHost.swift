import ActorContract
import ActorLifecycle
import Assets
import Dispatch
import Glibc
import HostErrors
import Images
import PluginHost
import Snapshots
import Synchronization
import SystemLayer
import Telemetry

/// A host of its own on this machine's real world, for one test: the actors' real life, in a directory that goes again.
final class RealHost {
    let base: String
    let host: ActorHost
    let snapshots: SnapshotStore
    private let layout = CgroupLayout.detect()

    /// Makes it.
    ///
    /// - Throws: what this machine lacks.
    init(
        _ subject: TestSubject,
        grants: Grants,
        config: [String: String],
        observer: CallTrace,
        sink: MistakeSink
    ) throws(HostError) {
        base = "/tmp/substrate-plugin-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        try DirectoryTree.make(base, mode: 0o700)
        let backend = try subject.machineBackend(
            layout: layout,
            grants: grants,
            config: config,
            observer: observer,
            sink: sink
        )
        let unpacker = subject.companions.unpacker
        let snapshots = SnapshotStore(baseDirectory: base, unpacker: unpacker)
        self.snapshots = snapshots
        var settings = HostSettings(baseDirectory: base)
        settings.ranges = IDRanges()
        host = try ActorHost(
            settings: settings,
            backend: backend,
            journal: try Journal(path: "\(base)/journal.sqlite"),
            images: ImageStore(baseDirectory: base, unpacker: unpacker),
            assets: AssetCache(baseDirectory: base, roots: []),
            snapshots: snapshots,
            layout: layout,
            logger: Logger(sink: sink)
        )
        _ = try wait { [host] () async throws(HostError) in try await host.recover() }
    }

    /// Does something asynchronous to its end; never on the cooperative pool.
    func wait<Value: Sendable>(
        _ body: @escaping @Sendable () async throws(HostError) -> Value
    ) throws(HostError) -> Value {
        let done = DispatchSemaphore(value: 0)
        let answer = Answer<Value>()
        Task.detached {
            do throws(HostError) { answer.set(.success(try await body())) } catch { answer.set(.failure(error)) }
            done.signal()
        }
        done.wait()
        guard let result = answer.value else { throw HostError(.internal, nil, "a verb ended without an answer") }
        return try result.get()
    }

    /// Ends every actor and removes everything; what is still there afterwards, in words.
    ///
    /// - Parameter blame: where the script started a program of that name, in words.
    /// - Returns: actors, programs, cgroups and mounts; a network namespace is the mount that holds it.
    func close(blaming blame: (String) -> String? = { _ in nil }) -> [String] {
        let kept = host.list().flatMap(\.processes)
        for record in host.list() {
            let key = record.identity.key
            var context = VerbContext(timeoutMilliseconds: 10_000)
            context.graceMilliseconds = 0
            let asked = context
            try? wait { [host] () async throws(HostError) in try await host.remove(key, context: asked) }
        }
        host.forgetCgroupParent()
        var left = host.list().map { "actor \($0.identity.key.text)" }
        for process in kept {
            guard let handle = ProcessHandle.find(pid: process.pid, startTime: process.startTime), !handle.hasExited()
            else { continue }
            left.append("program \"\(process.name)\"" + (blame(process.name).map { ", \($0)" } ?? ""))
        }
        left += host.cgroupsLeft().map { path in
            let name = path.split(separator: "/").last.map(String.init) ?? path
            let program = name.hasPrefix("kept.") ? String(name.dropFirst(5)) : name
            return "cgroup \(path)" + (blame(program).map { ", \($0)" } ?? "")
        }
        let mounts = (TextFile.read("/proc/self/mountinfo") ?? "").split(separator: "\n")
        left += mounts.filter { $0.contains(" \(base)/") }.map { "mount \($0.split(separator: " ")[4])" }
        if left.isEmpty { try? DirectoryTree.remove(base) }
        return left
    }
}

/// What a task answered, for the thread that waits for it.
private final class Answer<Value: Sendable>: Sendable {
    private let kept = Mutex<Result<Value, HostError>?>(nil)
    var value: Result<Value, HostError>? { kept.withLock { $0 } }
    func set(_ result: Result<Value, HostError>) { kept.withLock { $0 = result } }
}
