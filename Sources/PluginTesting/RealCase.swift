import ActorContract
import ActorLifecycle
import Glibc
import HostErrors
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
    let real: RealHost
    private var saved: [Saved] = []
    private(set) var verbs: [(line: UInt32, words: String)] = []

    init(_ plan: TestCase, _ real: RealHost) {
        self.plan = plan
        self.real = real
    }

    /// One call, as `TestCase` answers it.
    func answer(_ name: String, _ arguments: PluginValue, line: UInt32) -> TestReply {
        guard let row = TestFunction.named(name) else { return plan.answer(name, arguments, line: line) }
        switch (row.object, row.method) {
        case (.t, "program"), (.t, "http"), (.t, "config"), (.t, "fault"), (.t, "clock"), (.clock, _),
            (.workload, "on"):
            return .skips("\(row.object.name):\(row.method) is fake by its nature")
        case (.t, "prepare"), (.t, "probe"), (.actor, "recover"):
            return .skips(
                "\(row.object.name):\(row.method): a real host does that when it wants; see plugin conformance"
            )
        case (.t, "actor"):
            let reply = plan.answer(name, arguments, line: line)
            guard case .values = reply, let actor = plan.host.actors.last else { return reply }
            if let bare = actor.containers.first(where: { $0.image.isEmpty }) {
                return .skips("container \"\(bare.name)\" names no image")
            }
            if !actor.assets.isEmpty || actor.rootFiles.values.contains(where: { !$0.isEmpty }) {
                return .skips("its assets and files are in memory")
            }
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
        switch row.object {
        case .slot: return restore(fields, slot: plan.slots[number], line, isNew: true)
        case .actor: return actor(row.method, number, fields, line)
        case .workload: return workload(row.method, number, fields)
        case .snapshot: return snapshot(row.method, number, fields)
        case .t, .clock: return plan.answer(name, arguments, line: line)
        }
    }

    private func actor(_ method: String, _ number: Int, _ fields: TestFields, _ line: UInt32) -> TestReply {
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
            return verb(method, line) { () async throws(HostError) in _ = try await host.run(request, context: asked) }
        case "stop":
            return verb(method, line) { () async throws(HostError) in try await host.stop(key, context: asked) }
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
            let reply = verb(method, line) { () async throws(HostError) in
                _ = try await host.checkpoint(request, context: asked)
            }
            guard case .values(let values) = reply, values.first == .text("ok") else { return reply }
            saved.append(Saved(actor: number, name: name, scope: scope))
            return .values([.text("ok"), TestCase.handle(.snapshot, saved.count - 1)])
        case "restore": return restore(fields, slot: actor.slot, line, isNew: false)
        case "exec": return exec(number, how, line)
        case "stats": return stats(key, line)
        case "processes":
            let record = try? host.get(key)
            let names = record?.status.isLive == true ? record?.processes.map(\.name).sorted() ?? [] : []
            return .values([.list(names.map { .text($0) })])
        default: return plan.makeWorkload(number, fields.text("container"))
        }
    }

    private func restore(_ fields: TestFields, slot: String, _ line: UInt32, isNew: Bool) -> TestReply {
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
        let reply = verb("restore", line) { () async throws(HostError) in
            _ = try await host.restore(request, context: VerbContext(timeoutMilliseconds: 60_000))
        }
        guard isNew, case .values(let values) = reply, values.first == .text("ok") else { return reply }
        return .values([.text("ok"), TestCase.handle(.actor, plan.host.add(actor))])
    }

    private func workload(_ method: String, _ number: Int, _ fields: TestFields) -> TestReply {
        let (place, name) = plan.workloads[number]
        let actor = plan.host.actors[place]
        let path = fields.text("path")
        guard let container = actor.containers.first(where: { $0.name == name }) else { return .values([]) }
        let places = real.host.directories(actor.identity.key)
        let mount = container.volumeMounts.filter { path.hasPrefix("\($0.mountPath)/") }
            .max { $0.mountPath.utf8.count < $1.mountPath.utf8.count }
        if method == "write" {
            guard let mount else { return .skips("only its own program can write \(path) in a container's real root") }
            return write(
                String(path.dropFirst(mount.mountPath.count + 1)),
                beneath: places.volume(mount.name),
                TestFields.bytes(fields.value("bytes"))
            )
        }
        let directory = mount.map { places.volume($0.name) } ?? places.upper(name)
        let rest = mount.map { path.dropFirst($0.mountPath.count + 1) } ?? path.dropFirst(1)
        return read(String(rest), beneath: directory, named: path)
    }

    private func snapshot(_ method: String, _ number: Int, _ fields: TestFields) -> TestReply {
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
            let file = try BeneathPath.open(path, beneath: directory, flags: O_RDONLY | O_NONBLOCK)
            return .values([.text("ok"), .bytes(try readAll(from: file.rawValue, limit: 1 << 20))])
        } catch {
            let status = error.errno == ENOENT || error.errno == ENOTDIR ? "not_found" : "io_error"
            return .values([.text(status), .text("\(name): \(error)")])
        }
    }

    private func write(_ path: String, beneath directory: String, _ bytes: [UInt8]) -> TestReply {
        let parts = path.split(separator: "/").map(String.init)
        do throws(SyscallError) {
            let folder = parts.dropLast().joined(separator: "/")
            let parent = try BeneathPath.open(
                folder.isEmpty ? "." : folder,
                beneath: directory,
                flags: O_RDONLY | O_DIRECTORY
            )
            let flags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC
            let number = unsafe openat(parent.rawValue, parts.last ?? "", flags, 0o644)
            guard number >= 0 else { throw SyscallError("openat", errno, path) }
            let file = OwnedFD(number)
            try writeAll(bytes, to: file.rawValue)
            try file.close()
            return .values([])
        } catch { return .fails("\(path) cannot be written: \(error)") }
    }

    func verb(
        _ name: String,
        _ line: UInt32,
        _ body: @escaping @Sendable () async throws(HostError) -> Void
    ) -> TestReply {
        answered(name, line) { () async throws(HostError) in
            try await body()
            return .null
        }
    }

    func answered(
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
