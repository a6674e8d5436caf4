import ActorContract
import ContractWire
import Foundation
import SystemLayer
import TestSupport
import Testing

@testable import substrate_host

/// Run, Checkpoint, Restore, Stop, Start and Remove of one counter, each as bytes that can be sent again.
struct KillTour: Sendable {
    /// One verb: the first word of its fail points, its method and its request.
    struct Step: Sendable {
        let name: String
        let path: String
        let bytes: [UInt8]
    }

    let actor: String
    let steps: [Step]

    init(image: String, probe: Bool = true, place: SnapshotPlace = .local("one")) {
        let key = ActorKey.autumn(atespace: "kill", name: "counter")
        var container = Container()
        container.name = "counter"
        container.image = image
        container.command = ["/counter"]
        container.volumeMounts = [VolumeMount(name: "data", mountPath: "/data")]
        if probe { container.readiness = ReadinessProbe(path: "/readyz", port: 8080) }
        var spec = WorkloadSpec()
        spec.containers = [container]
        spec.volumes = [Volume(name: "data", source: .durableDirectory)]
        var assets = SandboxAssets()
        assets.sandboxClass = "process"
        let identity = ActorIdentity(key: key, uid: "kill-counter", templateNamespace: "kill", template: "counter")
        let run = RunRequest(identity: identity, slot: "s", spec: spec, assets: assets)
        let saved = CheckpointRequest(identity: identity, slot: "s", spec: spec, place: place, scope: .data)
        let restored = RestoreRequest(run: run, place: place, scope: .data)
        actor = key.text
        steps = [
            Step(name: "run", path: ContractMethod.run.path, bytes: ContractWire.encode(run)),
            Step(name: "checkpoint", path: ContractMethod.checkpoint.path, bytes: ContractWire.encode(saved)),
            Step(name: "restore", path: ContractMethod.restore.path, bytes: ContractWire.encode(restored)),
            Step(
                name: "stop",
                path: HostMethod.stop.path,
                bytes: HostMessages.StopRequest(actor: key.text).encoded()
            ),
            Step(
                name: "start",
                path: HostMethod.start.path,
                bytes: HostMessages.StartRequest(actor: key.text).encoded()
            ),
            Step(
                name: "remove",
                path: HostMethod.remove.path,
                bytes: HostMessages.RemoveRequest(actor: key.text).encoded()
            ),
        ]
    }

    /// What a checkpoint leaves for after its answer; its points are passed then.
    static let after = "teardown"

    /// Takes the tour undisturbed and gives the points that each verb passes, with the number of the hit.
    func trace(to file: String) async throws -> [String: [String]] {
        try await take(dyingAt: [:], trace: file)
        var hits: [String: Int] = [:]
        var points: [String: [String]] = [:]
        for line in try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n").map(String.init) {
            let step = String(line.prefix { $0 != "." })
            // What the start of the host passes is swept apart.
            if step == "recover" { continue }
            let isKnown = step == Self.after || steps.contains { $0.name == step }
            #expect(isKnown, "\(line) is of no verb of the tour")
            hits[line, default: 0] += 1
            points[step, default: []].append("\(line)@\(hits[line] ?? 1)")
        }
        return points
    }

    /// Takes the tour on a base directory of its own; in each verb that has a point the host dies there.
    ///
    /// - Parameters:
    ///   - points: where it dies, by verb.
    ///   - recovery: where the next host dies too, before it serves; a third one then goes on.
    ///   - recoveries: told what each recovery passes.
    ///   - trace: where the undisturbed tour's points are written.
    /// - Throws: when no host could be made.
    func take(
        dyingAt points: [String: String],
        andThenAt recovery: String? = nil,
        recoveries: KillRecoveries? = nil,
        trace: String? = nil
    ) async throws {
        let host = try TestHost(stopsActors: false)
        try await host.use { host in
            do { try await go(host, points, recovery, recoveries, trace) } catch {
                Issue.record("the tour through \(points.values.sorted()) ended: \(error)\n\(host.log)")
            }
        }
    }

    /// Takes the tour with a host whose disk is full at one point of each verb.
    func take(failingAt points: [String: String]) async throws {
        let host = try TestHost(stopsActors: false)
        try await host.use { host in
            let armed = points.values.sorted().map { "\($0)=error(storage_full)" }.joined(separator: ",")
            try await host.start(["SUBSTRATE_FAILPOINT=\(armed)"])
            for step in steps {
                var failure = await host.call(step.path, step.bytes)
                if failure != nil { failure = await host.call(step.path, step.bytes) }
                if step.name == "checkpoint", failure?.contains("ACTOR_NOT_RUNNING") == true {
                    // The programs had ended when the disk was full: the volumes are there, and Start runs on them.
                    let start = steps[4]
                    _ = await host.call(start.path, start.bytes)
                    _ = await host.call(start.path, start.bytes)
                    failure = await host.call(step.path, step.bytes)
                    if failure != nil { failure = await host.call(step.path, step.bytes) }
                }
                if step.name == "remove", failure?.contains("no actor") == true { failure = nil }
                #expect(failure == nil, "\(step.name) (\(points[step.name] ?? "undisturbed")): \(failure ?? "")")
            }
            let left = host.leftovers
            #expect(left.isEmpty, "after \(points.values.sorted()): \(left)")
        }
    }

    private func go(
        _ host: TestHost,
        _ points: [String: String],
        _ recovery: String?,
        _ recoveries: KillRecoveries?,
        _ trace: String?
    ) async throws {
        func environment(from index: Int) -> [String] {
            if let trace { return ["SUBSTRATE_FAILPOINT_TRACE=\(trace)"] }
            let names = steps.dropFirst(index).flatMap { $0.name == "checkpoint" ? [$0.name, Self.after] : [$0.name] }
            let next = names.lazy.compactMap { points[$0] }.first
            return next.map { ["SUBSTRATE_FAILPOINT=\($0)=kill"] } ?? []
        }
        try await host.start(environment(from: 0))
        var counted = 0
        for (index, step) in steps.enumerated() {
            var failure = await host.call(step.path, step.bytes)
            let later = step.name == "checkpoint" ? points[Self.after] : nil
            if let point = points[step.name] ?? later {
                // A point that is hit kills before the verb can answer, unless it is passed after that.
                #expect(failure != nil || later != nil, "\(point) was never hit")
                #expect(try await host.ended() == .signaled(SIGKILL), "\(point) killed nobody: \(failure ?? "")")
                if let recovery { try await dieInRecovery(host, at: recovery, after: point) }
                let passed = "\(host.scratch)/recovery\(index)"
                try await host.start(environment(from: index + 1) + ["SUBSTRATE_FAILPOINT_TRACE=\(passed)"])
                await recoveries?.add(TextFile.read(passed) ?? "", step: step.name, point: point)
                failure = await host.call(step.path, step.bytes)
                // What is removed has no name any more: the second answer says so.
                if step.name == "remove", failure?.contains("no actor") == true { failure = nil }
            }
            try #require(failure == nil, "\(step.name) (\(points[step.name] ?? "undisturbed")): \(failure ?? "")")
            if ["run", "restore", "start"].contains(step.name) {
                let value = try await CounterProbe.data(host, actor)
                // What proves later that nothing is left must see what is there now.
                #expect(host.leftovers.count >= 3, "\(host.leftovers)")
                if step.name == "run" {
                    counted = value
                } else {
                    #expect(value == counted + 1, "after \(step.name), \(points[step.name] ?? "undisturbed")")
                    counted = value
                }
            }
        }
        let left = host.leftovers
        #expect(left.isEmpty, "after \(points.values.sorted()): \(left)")
    }

    /// Starts a host that dies before it serves.
    private func dieInRecovery(_ host: TestHost, at recovery: String, after point: String) async throws {
        await #expect(throws: TestFailure.self, "\(recovery) was never hit after \(point)") {
            try await host.start(["SUBSTRATE_FAILPOINT=\(recovery)=kill"])
        }
        #expect(try await host.ended() == .signaled(SIGKILL), "\(recovery) killed nobody after \(point)")
    }
}

/// Every point that a recovery passed, with one way to come there.
actor KillRecoveries {
    private(set) var ways: [String: (step: String, point: String)] = [:]

    /// Takes the trace of one recovery.
    func add(_ trace: String, step: String, point: String) {
        var hits: [String: Int] = [:]
        for line in trace.split(separator: "\n").map(String.init) {
            hits[line, default: 0] += 1
            let hit = "\(line)@\(hits[line] ?? 1)"
            if ways[hit] == nil { ways[hit] = (step, point) }
        }
    }
}
