import ActorContract
import ActorLifecycle
import Glibc
import HostErrors
import SystemLayer
import Threads

/// One actor of a check, driven as a control plane drives it.
struct TestActor: Sendable {
    let stage: Stage
    var request: RunRequest

    var key: ActorKey { request.identity.key }
    var names: [String] { request.spec.containers.map(\.name) }
    /// Where it is in its life; nil when nobody knows it.
    var status: ActorStatus? { record?.status }
    var statusText: String { status?.rawValue ?? "gone" }
    var record: ActorRecord? { try? stage.host.get(key) }

    private func context(grace: Int64 = 2000) -> VerbContext {
        // Long: a machine that is busy with other things is no mistake of the script's.
        var context = VerbContext(timeoutMilliseconds: 60_000)
        context.graceMilliseconds = grace
        return context
    }

    func run() async throws(HostError) { try await stage.host.run(request, context: context()) }

    /// Runs it and waits until every program has said that it is there.
    ///
    /// Where the host still clears up after an end it says so, and is asked again, as it says.
    func begin() async throws {
        let deadline = ContinuousClock.now + .seconds(5)
        while true {
            do throws(HostError) {
                try await run()
                break
            } catch {
                guard error.code == .aborted, ContinuousClock.now < deadline else { throw error }
                try await Task.sleep(for: .milliseconds(5))
            }
        }
        // A run begins with empty volumes: whoever is in `events` now was started by it.
        try await started()
    }

    func start() async throws(HostError) { try await stage.host.start(key, context: context()) }

    func stop(grace: Int64 = 2000) async throws(HostError) {
        try await stage.host.stop(key, context: context(grace: grace))
    }

    func terminate() async throws(HostError) {
        let request = TerminateRequest(identity: request.identity, slot: request.slot, spec: request.spec)
        try await stage.host.terminate(request, context: context(grace: 100))
    }

    func checkpoint(_ name: String = "first", scope: SnapshotScope = .data, grace: Int64 = 2000) async throws(HostError)
    {
        let request = CheckpointRequest(
            identity: request.identity,
            slot: request.slot,
            spec: request.spec,
            place: .local(name),
            scope: scope
        )
        try await stage.host.checkpoint(request, context: context(grace: grace))
    }

    func restore(_ name: String = "first", scope: SnapshotScope = .data) async throws(HostError) {
        let request = RestoreRequest(run: request, place: .local(name), scope: scope)
        try await stage.host.restore(request, context: context())
    }

    /// Runs a program inside it to its end.
    func exec(
        _ command: [String],
        in container: String = "",
        environment: [String: String] = [:]
    ) async throws(HostError) -> (code: Int32, output: String, errors: String) {
        let asked = ExecRequest(container: container, command: command, environment: environment)
        let execution = try await stage.host.exec(key, asked, context: context())
        try? await execution.closeInput()
        var (output, errors): ([UInt8], [UInt8]) = ([], [])
        var code: Int32 = 0
        for await event in execution.events {
            switch event {
            case .output(let bytes): output += bytes
            case .errors(let bytes): errors += bytes
            case .ended(let number): code = number
            }
            execution.took()
        }
        return (code, String(decoding: output, as: UTF8.self), String(decoding: errors, as: UTF8.self))
    }

    /// How often each program has said that it started.
    var starts: [String: Int] {
        var counts: [String: Int] = [:]
        for event in events where event.word == "start" { counts[event.container, default: 0] += 1 }
        return counts
    }

    /// Waits until every program has said so once more.
    func started(since before: [String: Int] = [:], milliseconds: Int64 = 9000) async throws {
        try await eventually(
            "\(missing(since: before).map { "\"\($0)\"" }.joined(separator: " and ")) never started",
            milliseconds: milliseconds
        ) { missing(since: before).isEmpty }
    }

    /// The programs that have not said so.
    func missing(since before: [String: Int]) -> [String] {
        let now = starts
        return names.filter { now[$0, default: 0] <= before[$0, default: 0] }
    }

    /// What the programs wrote about themselves, in order.
    var events: [(container: String, word: String, rest: String)] {
        let text = TextFile.read("\(volume)/events") ?? ""
        return text.split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ", maxSplits: 2).map(String.init)
            guard words.count >= 2 else { return nil }
            return (words[0], words[1], words.count > 2 ? words[2] : "")
        }
    }

    /// Where the durable volume `data` is on this machine.
    var volume: String { places.volume("data") }
    var places: ActorDirectories { stage.host.directories(key) }

    /// Has a program of the actor run a shell command, and answers what that printed.
    func shell(_ command: String, in container: String? = nil) async throws -> String {
        let name = container ?? names.first ?? ""
        let ask = "\(volume)/\(name).do"
        let answer = "\(volume)/\(name).out"
        let bytes = Array((command + "\n").utf8)
        try await onThread("check") {
            _ = unsafe unlink(answer)
            try AtomicFile.write(bytes, to: ask, mode: 0o755)
        }
        try await eventually("\"\(name)\" does not answer", milliseconds: 9000) { unsafe access(answer, F_OK) == 0 }
        return TextFile.read(answer) ?? ""
    }

    /// The script's last end of a verb.
    func ending(_ verb: String) -> ObservedBackend.Ending? {
        stage.backend.endings(key).last { $0.verb == verb && !$0.isAgain }
    }

    /// The end of its second call on what the first had left.
    func endingAgain(_ verb: String) -> ObservedBackend.Ending? {
        stage.backend.endings(key).last { $0.verb == verb && $0.isAgain }
    }

    /// The calls that a verb made.
    func calls(_ verb: String) -> [Observer.Call] { stage.observer.calls(key).filter { $0.verb == verb } }

    /// What is left of it on the machine, after what was killed had time to leave.
    func leftovers(removed: Bool) async -> [String] {
        guard let place = stage.backend.place(key) else { return [] }
        let layout = stage.layout
        return await onThread("leftovers") { Leftovers.all(place, layout, removed: removed) }
    }
}
