import ActorContract
import ActorLifecycle
import Glibc
import HostErrors
import PluginHost
import PluginProtocol
import Snapshots
import SystemLayer

/// Answers the calls of one test on this machine's real world; what is fake by its nature skips the test.
final class RealCase {
    private struct Saved {
        let actor: Int
        let name: String
        let scope: SnapshotScope
    }
    /// Expectations and specs, which are the same in every world; its own world is never asked.
    let plan: TestCase
    private let subject: TestSubject
    private let given: [OperatorGrant]
    private let standIns: StandIns
    /// Made when a verb is first asked for: what the test says of tools and settings comes before.
    private(set) var real: RealHost?
    private var tools: Set<String> = []
    private var saved: [Saved] = []
    /// The stand-ins by actor and container: what each says of itself.
    private var nonces: [String: String] = [:]
    private(set) var verbs: [(line: UInt32, words: String)] = []

    /// Makes one.
    ///
    /// - Parameters:
    ///   - plan: the test's expectations.
    ///   - subject: the backend.
    ///   - given: what `--grant` gives.
    ///   - standIns: programs for containers that name no image.
    init(_ plan: TestCase, _ subject: TestSubject, given: [OperatorGrant], standIns: StandIns) {
        self.plan = plan
        self.subject = subject
        self.given = given
        self.standIns = standIns
    }

    /// The host, made when it is first asked for.
    private func host() throws(HostError) -> RealHost {
        if let real { return real }
        let grants = given.filter { grant in
            if case .tool(let name, _) = grant { tools.contains(name) } else { true }
        }
        let made = try RealHost(
            subject,
            // What a script has in the other world too, whoever it came from.
            grants: Grants(OperatorGrant.standard(isShipped: true) + grants),
            config: plan.host.config,
            observer: plan.host.trace,
            sink: plan.host.mistakes
        )
        real = made
        return made
    }

    /// One call, as `TestCase` answers it.
    func answer(_ name: String, _ arguments: PluginValue, line: UInt32) -> TestReply {
        guard let row = TestFunction.named(name) else { return plan.answer(name, arguments, line: line) }
        switch (row.object, row.method) {
        case (.t, "http"), (.t, "clock"), (.clock, _):
            return .skips("\(row.object.name):\(row.method) is fake by its nature")
        case (.t, "program"): return program(name, arguments, row, line)
        case (.t, "prepare"), (.t, "probe"), (.actor, "recover"):
            return .skips(
                "\(row.object.name):\(row.method): a real host does that when it wants; see plugin conformance"
            )
        case (.t, "actor"):
            let reply = plan.answer(name, arguments, line: line)
            guard case .values = reply, let actor = plan.host.actors.last else { return reply }
            if !actor.assets.isEmpty || actor.rootFiles.values.contains(where: { !$0.isEmpty }) {
                return .skips("its assets and files are in memory")
            }
            do throws(HostError) { try standIn(for: plan.host.actors.count - 1) } catch { return .fails(error.message) }
            return reply
        case (.t, _): return plan.answer(name, arguments, line: line)
        default: break
        }
        let fields: TestFields
        do throws(ArgumentFault) {
            fields = TestFields(try ArgumentCheck(row.signature).complete(arguments))
        } catch { return .mistake(error) }
        // What is no thing of that kind is the author's mistake, in the same words in every world.
        guard let number = fields.index("self", row.object) else { return plan.answer(name, arguments, line: line) }
        let real: RealHost
        do throws(HostError) { real = try host() } catch { return .fails(error.message) }
        switch row.object {
        case .slot: return restore(real, fields, slot: plan.slots[number], line, isNew: true)
        case .actor: return actor(real, row.method, number, fields, line)
        case .workload: return workload(real, row.method, number, fields)
        case .snapshot: return snapshot(real, row.method, number, fields)
        case .t, .clock: return plan.answer(name, arguments, line: line)
        }
    }

    /// A tool that was given runs in place of its rules; what only rules can do skips the test.
    private func program(_ name: String, _ arguments: PluginValue, _ row: TestFunction, _ line: UInt32) -> TestReply {
        let reply = plan.answer(name, arguments, line: line)
        guard case .values = reply, let pairs = try? ArgumentCheck(row.signature).complete(arguments) else {
            return reply
        }
        let fields = TestFields(pairs)
        let tool = fields.text("name")
        guard subject.descriptor.tools[tool] != nil else {
            return .skips("t:program says what \(tool) answers, which is no tool of this backend")
        }
        if case .boolean(false) = TestFields(fields.map("how")).value("real") {
            return .skips("t:program has rules that only they can follow")
        }
        if plan.host.world.rules(of: tool).contains(where: { $0.code != 0 }) {
            return .skips("a rule of t:program has \(tool) fail")
        }
        guard given.contains(where: { $0.target == "tool:\(tool)" }) else {
            return .skips("it needs \(tool): --grant \(GrantHint.tool(tool))")
        }
        tools.insert(tool)
        return reply
    }

    /// Gives the containers of an actor that name no image one, and a program that lives in it.
    private func standIn(for number: Int) throws(HostError) {
        for index in plan.host.actors[number].containers.indices
        where plan.host.actors[number].containers[index].image.isEmpty {
            let container = plan.host.actors[number].containers[index]
            let nonce = String(UInt64.random(in: 0 ... .max), radix: 16)
            nonces["\(plan.host.actors[number].identity.key.text)/\(container.name)"] = nonce
            plan.host.actors[number].containers[index].image = try standIns.image()
            plan.host.actors[number].containers[index].command = StandIns.command(nonce: nonce)
        }
    }

    /// The stand-in of a container, if there is one whose files can be reached.
    private func running(_ real: RealHost, _ actor: FakeHost.Actor, _ container: String) -> StandIns.Running? {
        guard let nonce = nonces["\(actor.identity.key.text)/\(container)"],
            let process = (try? real.host.get(actor.identity.key))?.processes.first(where: { $0.name == container }),
            let handle = ProcessHandle.find(pid: process.pid, startTime: process.startTime)
        else { return nil }
        return StandIns.Running(handle, nonce: nonce)
    }

    private func actor(_ real: RealHost, _ method: String, _ number: Int, _ fields: TestFields, _ line: UInt32)
        -> TestReply
    {
        let actor = plan.host.actors[number]
        let key = actor.identity.key
        let how = TestFields(fields.map("how"))
        var context = VerbContext(timeoutMilliseconds: 60_000)
        context.graceMilliseconds = how.integer("grace_ms") ?? 10_000
        let asked = context
        let host = real.host
        switch method {
        case "run":
            let request = plan.host.request(actor)
            return verb(real, method, line) { () async throws(HostError) in
                _ = try await host.run(request, context: asked)
            }
        case "stop":
            return verb(real, method, line) { () async throws(HostError) in try await host.stop(key, context: asked) }
        case "checkpoint" where how.flag("may_hold"):
            return .skips("memory for held pauses is the operator's to give")
        case "checkpoint":
            let scope = SnapshotScope(rawValue: how.text("scope")) ?? .data
            let name = "t\(saved.count + 1)"
            let request = CheckpointRequest(
                identity: actor.identity,
                slot: actor.slot,
                spec: plan.host.request(actor).spec,
                place: .local(name),
                scope: scope
            )
            let reply = verb(real, method, line) { () async throws(HostError) in
                _ = try await host.checkpoint(request, context: asked)
            }
            guard case .values(let values) = reply, values.first == .text("ok") else { return reply }
            saved.append(Saved(actor: number, name: name, scope: scope))
            return .values([.text("ok"), TestCase.handle(.snapshot, saved.count - 1)])
        case "restore": return restore(real, fields, slot: actor.slot, line, isNew: false)
        case "exec": return exec(real, number, how, line)
        case "stats": return stats(real, key, line)
        case "processes":
            let record = try? host.get(key)
            let names = record?.status.isLive == true ? record?.processes.map(\.name).sorted() ?? [] : []
            return .values([.list(names.map { .text($0) })])
        default: return plan.makeWorkload(number, fields.text("container"))
        }
    }

    private func restore(
        _ real: RealHost,
        _ fields: TestFields,
        slot: String,
        _ line: UInt32,
        isNew: Bool
    ) -> TestReply {
        guard let index = fields.index("snapshot", .snapshot), saved.indices.contains(index) else {
            return .mistake(ArgumentFault(message: "restore takes a snapshot, as a checkpoint answered it"))
        }
        let snapshot = saved[index]
        var actor = plan.host.actors[snapshot.actor]
        actor.slot = slot
        let request = RestoreRequest(
            run: plan.host.request(actor),
            place: .local(snapshot.name),
            scope: snapshot.scope
        )
        let host = real.host
        let reply = verb(real, "restore", line) { () async throws(HostError) in
            _ = try await host.restore(request, context: VerbContext(timeoutMilliseconds: 60_000))
        }
        guard isNew, case .values(let values) = reply, values.first == .text("ok") else { return reply }
        return .values([.text("ok"), TestCase.handle(.actor, plan.host.add(actor))])
    }

    private func workload(_ real: RealHost, _ method: String, _ number: Int, _ fields: TestFields) -> TestReply {
        let (place, name) = plan.workloads[number]
        let actor = plan.host.actors[place]
        let path = fields.text("path")
        guard let container = actor.containers.first(where: { $0.name == name }) else { return .values([]) }
        let places = real.host.directories(actor.identity.key)
        if method == "on" {
            guard let running = running(real, actor, name) else {
                return .skips("nobody can tell the program of container \"\(name)\" what to do at a signal")
            }
            do throws(SyscallError) { try running.set(TestCase.behaviour(fields.value("what"))) } catch {
                return .fails("container \"\(name)\" cannot be told what to do: \(error)")
            }
            return .values([])
        }
        let mount = container.volumeMounts.filter { path.hasPrefix("\($0.mountPath)/") }
            .max { $0.mountPath.utf8.count < $1.mountPath.utf8.count }
        let rest = String(mount.map { path.dropFirst($0.mountPath.count + 1) } ?? path.dropFirst(1))
        let volume = mount.map { places.volume($0.name) }
        if method == "write" {
            guard let directory = volume ?? running(real, actor, name)?.root else {
                return .skips("only its own program can write \(path) in a container's real root")
            }
            do throws(SyscallError) {
                try RealFile.write(rest, beneath: directory, TestFields.bytes(fields.value("bytes")))
            } catch { return .fails("\(path) cannot be written: \(error)") }
            return .values([])
        }
        return read(rest, beneath: volume ?? running(real, actor, name)?.root ?? places.upper(name), named: path)
    }

    private func snapshot(_ real: RealHost, _ method: String, _ number: Int, _ fields: TestFields) -> TestReply {
        let snapshot = saved[number]
        let actor = plan.host.actors[snapshot.actor]
        let found: Snapshot
        do throws(HostError) {
            let directory = actor.identity.key.directoryName
            found = try real.snapshots.find(actorDirectory: directory, name: snapshot.name)
        } catch { return .values([.text("not_found"), .text(error.message)]) }
        if method == "files" {
            let names = found.manifest.snapshotFiles ?? []
            return .values([.list(names.sorted().map { .text($0) })])
        }
        let path = fields.text("path")
        let parts = path.split(separator: "/", maxSplits: 1).map(String.init)
        guard parts.count == 2, actor.volumes.contains(parts[0]) else {
            return .values([.text("not_found"), .text("the snapshot has no \(path)")])
        }
        let scratch = "\(real.base)/read-\(UInt32.random(in: 0 ... .max))"
        defer { try? DirectoryTree.remove(scratch) }
        do throws(HostError) {
            for volume in actor.volumes { try DirectoryTree.make("\(scratch)/\(volume)", mode: 0o700) }
            let volumes = actor.volumes.map { DurableVolume(name: $0, path: "\(scratch)/\($0)") }
            try real.snapshots.restoreVolumes(found, into: volumes)
        } catch { return .values([.text("io_error"), .text(error.message)]) }
        return read(parts[1], beneath: "\(scratch)/\(parts[0])", named: path)
    }

    private func read(_ path: String, beneath directory: String, named name: String) -> TestReply {
        do throws(SyscallError) {
            return .values([.text("ok"), .bytes(try RealFile.read(path, beneath: directory))])
        } catch {
            let status = error.errno == ENOENT || error.errno == ENOTDIR ? "not_found" : "io_error"
            return .values([.text(status), .text("\(name): \(error)")])
        }
    }

    private func verb(
        _ real: RealHost,
        _ name: String,
        _ line: UInt32,
        _ body: @escaping @Sendable () async throws(HostError) -> Void
    ) -> TestReply {
        answered(real, name, line) { () async throws(HostError) in
            try await body()
            return .null
        }
    }

    func answered(
        _ real: RealHost,
        _ name: String,
        _ line: UInt32,
        _ body: @escaping @Sendable () async throws(HostError) -> PluginValue
    ) -> TestReply {
        do throws(HostError) {
            let value = try real.wait(body)
            verbs.append((line, "\(name) ok"))
            return .values([.text("ok"), value])
        } catch {
            let status = FakeHost.word(for: error)
            verbs.append((line, "\(name) \(status): \(error.message)"))
            return .values([.text(status), .text(error.message)])
        }
    }
}
