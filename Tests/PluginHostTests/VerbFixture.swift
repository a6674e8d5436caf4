import ActorContract
import Foundation
import HostErrors
import PluginProtocol
import Synchronization
import SystemLayer

@testable import PluginHost

/// A verb of an actor whose directories are real and whose journal is a list.
final class VerbFixture {
    let root: String
    let places: ActorDirectories
    let journal = MemoryJournal()
    let cancellation = TestCancellation()
    let context: VerbContext
    let broker: Broker

    init(
        verb: String = "run",
        timeoutMilliseconds: Int64 = 20_000,
        grants: Grants = .standard,
        handlers: [BoundHandler] = HostFunctions.all,
        assets: [String: String] = [:],
        world: any World = Machinery()
    ) throws {
        root = FileManager.default.temporaryDirectory.appendingPathComponent("plugin-host-\(UUID().uuidString)").path
        places = ActorDirectories(root)
        for path in [places.work, places.runtime, places.bundles, places.logs, places.exits] {
            try DirectoryTree.make(path)
        }
        var actor = PreparedActor(
            identity: ActorIdentity(
                key: .june(namespace: "ns", template: "t", id: "counter"),
                uid: "",
                templateNamespace: "ns",
                template: "t"
            ),
            slot: "s",
            directory: root,
            cgroup: "none"
        )
        actor.assets = assets
        var request = VerbRequest()
        request.timeoutMilliseconds = timeoutMilliseconds
        context = VerbContext(
            verb: verb,
            actor: actor,
            request: request,
            effects: journal,
            companions: Companions(directory: "/nowhere"),
            layout: CgroupLayout.detect(),
            deadline: .now + .milliseconds(timeoutMilliseconds),
            cancellation: cancellation,
            grants: grants,
            file: "x.lua",
            world: world
        )
        broker = Broker(context, needs: HostFunction.table.map(\.name), handlers: handlers)
    }

    deinit { try? FileManager.default.removeItem(atPath: root) }

    /// A call that the broker answers with a reply.
    func call(_ function: String, _ fields: [String: PluginValue], line: UInt32 = 1) throws -> ReplyFrame {
        guard case .reply(let reply) = try broker.answer("\(function)@1", .map(fields), line: line) else {
            throw CancellationError()
        }
        return reply
    }

    /// A program of this machine, held as an earlier verb's.
    func hold(_ program: String, _ arguments: [String], name: String) throws -> PluginHandle {
        var plan = SpawnPlan(program: program, arguments: [name] + arguments)
        plan.environment = ["PATH=/usr/bin:/bin"]
        let handle = try spawn(plan)
        return context.processes.insert(
            HeldProcess(name: name, kept: nil, handle: handle) {
                let status = handle.wait()
                return ProgramEnd(status: status, stderr: Array("last words\n".utf8), isAllowed: status == .exited(0))
            }
        )
    }
}

/// Effects in order, as `begin name target` and `end name outcome`.
final class MemoryJournal: EffectLog {
    private let entries = Mutex<[(line: String, name: String)]>([])
    var lines: [String] { entries.withLock { $0.map(\.line) } }

    func begin(_ effect: String, target: String) throws(HostError) -> Int64 {
        entries.withLock { entries in
            entries.append(("begin \(effect) \(target)", effect))
            return Int64(entries.count - 1)
        }
    }

    func finish(_ number: Int64, outcome: String, process: KeptProcess?) throws(HostError) {
        entries.withLock { entries in
            let name = entries[Int(number)].name
            entries.append(("end \(name) \(outcome)", name))
        }
    }
}

/// A cancel that a test gives.
final class TestCancellation: VerbCancellation {
    private struct State {
        var isCancelled = false
        var actions: [@Sendable () -> Void] = []
    }
    private let state = Mutex(State())

    var isCancelled: Bool { state.withLock { $0.isCancelled } }

    func onCancel(_ action: @escaping @Sendable () -> Void) {
        let now = state.withLock { state in
            if !state.isCancelled { state.actions.append(action) }
            return state.isCancelled
        }
        if now { action() }
    }

    func cancel() {
        let actions = state.withLock { state in
            state.isCancelled = true
            return state.actions
        }
        for action in actions { action() }
    }
}
