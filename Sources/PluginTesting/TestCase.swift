import ActorContract
import PluginHost
import PluginProtocol

/// What one call of a test's came to.
enum TestReply {
    /// These values, in this order.
    case values([PluginValue])
    /// The test ends here: what was expected and what came.
    case fails(String)
    /// The test is not for this world, and why.
    case skips(String)
    /// The test's author called wrongly.
    case mistake(ArgumentFault)
}

/// Answers the calls of one test: what `t` and all that comes from it can do.
final class TestCase {
    let host: FakeHost
    private(set) var slots: [String] = []
    /// actor number, container.
    private(set) var workloads: [(actor: Int, container: String)] = []
    /// What the verbs of the test came to, for a trace.
    private(set) var verbs: [(line: UInt32, words: String)] = []
    /// The text of the last mistake of the script's.
    private(set) var trap: String?

    init(_ host: FakeHost) { self.host = host }

    /// One call.
    ///
    /// - Parameters:
    ///   - name: of a row of `TestFunction.table`.
    ///   - arguments: untrusted, under their names.
    ///   - line: the test's.
    /// - Returns: what goes back.
    func answer(_ name: String, _ arguments: PluginValue, line: UInt32) -> TestReply {
        guard let row = TestFunction.named(name) else {
            return .mistake(ArgumentFault(code: "api.name", message: "there is no \(name)"))
        }
        let fields: [String: PluginValue]
        do throws(ArgumentFault) { fields = try ArgumentCheck(row.signature).complete(arguments) } catch {
            return .mistake(error)
        }
        guard case .handle(let own)? = fields["self"], own.generation == row.object.rawValue else {
            return .mistake(
                ArgumentFault(
                    code: "api.type",
                    message: "\(name): the first argument is no \(row.object.name)",
                    expected: row.signature.example,
                    mend: "write \(row.object.name):\(row.method)(…), with a colon"
                )
            )
        }
        let number = Int(own.index)
        switch row.object {
        case .t: return root(row.method, TestFields(fields), line)
        case .clock: return .values([.integer(host.world.elapsedMilliseconds)])
        case .slot: return slot(number, TestFields(fields), line)
        case .actor: return actor(row.method, number, TestFields(fields), line)
        case .workload: return workload(row.method, number, TestFields(fields))
        case .snapshot: return snapshot(row.method, number, TestFields(fields))
        }
    }

    // MARK: t

    private func root(_ method: String, _ fields: TestFields, _ line: UInt32) -> TestReply {
        switch method {
        case "clock": return .values([Self.handle(.clock, 0)])
        case "actor": return makeActor(TestFields(fields.map("spec")))
        case "slot":
            slots.append(fields.text("name"))
            return .values([Self.handle(.slot, slots.count - 1)])
        case "workload": return findWorkload(fields.text("container"))
        case "program": return program(fields)
        case "http": return http(fields)
        case "config": return config(fields)
        case "prepare": return answered("prepare", host.prepare(Self.assets(TestFields(fields.map("how")))), line)
        case "probe": return answered("probe", host.probe(Self.assets(TestFields(fields.map("how")))), line)
        case "fault": return fault(fields, line)
        case "ok": return expectOK(fields)
        case "fails": return expectFailure(fields)
        case "equal":
            let (got, expected) = (fields.value("got"), fields.value("expected"))
            return LuaText.same(got, expected)
                ? .values([]) : .fails("expected \(LuaText.of(expected)), got \(LuaText.of(got))")
        case "calls":
            let (got, expected) = (host.trace.effects, fields.texts("expected"))
            func words(_ calls: [String]) -> String { LuaText.of(.list(calls.map { .text($0) })) }
            return got == expected ? .values([]) : .fails("expected calls \(words(expected)), got \(words(got))")
        default: return .mistake(ArgumentFault(code: "api.name", message: "t.\(method) is not served here"))
        }
    }

    private func expectOK(_ fields: TestFields) -> TestReply {
        let (status, value) = (fields.value("status"), fields.value("value"))
        guard status == .text("ok") else {
            let why: String = if case .text(let reason) = value, !reason.isEmpty { ": \(reason)" } else { "" }
            return .fails("expected ok, got \(Self.plain(status))\(why)")
        }
        return .values([value, fields.value("second")])
    }

    private func expectFailure(_ fields: TestFields) -> TestReply {
        let expected = fields.text("expected")
        let known = PluginStatus.allCases.map(\.rawValue).filter { $0 != "ok" }
        guard known.contains(expected) || expected.hasPrefix("trap ") else {
            return .mistake(
                ArgumentFault(
                    code: "api.range",
                    message: "t.fails: expected is \"\(expected)\"",
                    expected: known.joined(separator: ", "),
                    mend: Nearest.mend(expected, among: known)
                )
            )
        }
        let status = fields.value("status")
        return status == .text(expected) ? .values([]) : .fails("expected \(expected), got \(Self.plain(status))")
    }

    private func fault(_ fields: TestFields, _ line: UInt32) -> TestReply {
        let how = TestFields(fields.map("how"))
        let name = fields.text("name")
        let names = HostFunction.table.map(\.name)
        guard let row = HostFunction.named(name) else {
            return .mistake(
                ArgumentFault(
                    code: "api.name",
                    message: "t.fault: there is no host function \"\(name)\"",
                    mend: Nearest.mend(name, among: names)
                )
            )
        }
        let statuses = row.statuses.filter { $0 != .ok }
        guard let status = statuses.first(where: { $0.rawValue == how.text("status") }) else {
            return .mistake(
                ArgumentFault(
                    code: "api.range",
                    message: "t.fault: \(row.name) never answers \"\(how.text("status"))\"",
                    expected: statuses.map(\.rawValue).joined(separator: ", ")
                )
            )
        }
        let reason = how.text("reason")
        host.trace.add(
            CallTrace.Fault(
                function: row.name,
                after: how.integer("at") ?? 1,
                status: status,
                reason: reason.isEmpty ? "injected" : reason,
                line: line
            )
        )
        return .values([])
    }

    private func program(_ fields: TestFields) -> TestReply {
        var rules: [ProgramRule] = []
        for (index, value) in fields.list("rules").enumerated() {
            let rule: ProgramRule
            do throws(ArgumentFault) { rule = try ProgramRule(value, place: "rules[\(index + 1)]") } catch {
                return .mistake(error)
            }
            rules.append(rule)
        }
        host.world.setRules(rules, of: fields.text("name"))
        return .values([])
    }

    /// The assets of a spec: name → bytes.
    static func assets(_ spec: TestFields) -> [String: [UInt8]] {
        spec.map("assets").mapValues { TestFields.bytes($0) }
    }

    private func makeActor(_ spec: TestFields) -> TestReply {
        var actor = FakeHost.Actor(
            identity: ActorIdentity(
                key: .autumn(atespace: "test", name: spec.text("name")),
                uid: "uid-\(host.actors.count + 1)",
                templateNamespace: "test",
                template: "template"
            ),
            slot: "slot-\(host.actors.count + 1)",
            containers: [],
            volumes: [],
            assets: Self.assets(spec),
            rootFiles: [:],
            directory: host.directory(of: host.actors.count)
        )
        actor.cpuMilli = spec.integer("cpu_milli") ?? 0
        actor.memoryBytes = spec.integer("memory_bytes") ?? 0
        for value in spec.list("containers") {
            guard case .map(let pairs) = value else { continue }
            let given = TestFields(pairs)
            var container = Container()
            container.name = given.text("name")
            container.image = given.text("image")
            container.command = given.texts("command")
            container.environment = given.map("env").sorted { $0.key < $1.key }
                .map {
                    EnvironmentEntry(name: $0.key, value: String(decoding: TestFields.bytes($0.value), as: UTF8.self))
                }
            for case .map(let volume) in given.list("volumes") {
                let volume = TestFields(volume)
                let name = volume.text("name")
                container.volumeMounts.append(VolumeMount(name: name, mountPath: volume.text("path")))
                if !actor.volumes.contains(name) { actor.volumes.append(name) }
            }
            actor.rootFiles[container.name] = given.map("files").mapValues { TestFields.bytes($0) }
            actor.containers.append(container)
        }
        return .values([Self.handle(.actor, host.add(actor))])
    }

    private func findWorkload(_ name: String) -> TestReply {
        let all = host.actors.indices.reversed().filter { number in
            host.actors[number].containers.contains { $0.name == name }
        }
        guard let number = all.first(where: { host.actors[$0].isLive }) ?? all.first else {
            let names = host.actors.flatMap { $0.containers.map(\.name) }
            return .fails(
                "no actor of this test has a container \"\(name)\"; there are: \(names.joined(separator: ", "))"
            )
        }
        workloads.append((number, name))
        return .values([Self.handle(.workload, workloads.count - 1)])
    }

    // MARK: What comes from t

    private func slot(_ number: Int, _ fields: TestFields, _ line: UInt32) -> TestReply {
        guard let from = fields.index("actor", .actor), let snapshot = fields.index("snapshot", .snapshot) else {
            return .mistake(
                ArgumentFault(
                    message: "slot.restore takes an actor and a snapshot",
                    expected: "t:slot(\"slot-2\"):restore(actor, snapshot)"
                )
            )
        }
        var actor = host.actors[from]
        actor.slot = slots[number]
        actor.directory = host.directory(of: host.actors.count)
        actor.isLive = false
        actor.processes = []
        let place = host.add(actor)
        let outcome = host.restore(place, snapshot)
        return verb("restore", outcome, line, then: Self.handle(.actor, place))
    }

    private func actor(_ method: String, _ number: Int, _ fields: TestFields, _ line: UInt32) -> TestReply {
        let how = TestFields(fields.map("how"))
        switch method {
        case "run": return verb(method, host.run(number), line)
        case "stop": return verb(method, host.stop(number, graceMilliseconds: how.integer("grace_ms") ?? 10_000), line)
        case "checkpoint":
            let (outcome, snapshot) = host.checkpoint(
                number,
                scope: SnapshotScope(rawValue: how.text("scope")) ?? .data,
                graceMilliseconds: how.integer("grace_ms") ?? 10_000,
                mayHold: how.flag("may_hold")
            )
            return verb(method, outcome, line, then: snapshot.map { Self.handle(.snapshot, $0) })
        case "restore":
            guard let snapshot = fields.index("snapshot", .snapshot) else {
                return .mistake(
                    ArgumentFault(message: "actor.restore takes a snapshot", expected: "actor:restore(snapshot)")
                )
            }
            return verb(method, host.restore(number, snapshot), line)
        case "exec", "stats", "recover": return optional(method, number, how, line)
        case "processes":
            let actor = host.actors[number]
            let running = host.world.running(in: actor.directory)
            // One program may have two names: its own, and that of the child for which it stands.
            let kept = actor.processes.filter { process in running.contains { $0.pid == process.pid } }.map(\.name)
            let others = running.filter { program in !actor.processes.contains { $0.pid == program.pid } }.map(\.name)
            return .values([.list((kept + others).sorted().map { .text($0) })])
        default:
            return makeWorkload(number, fields.text("container"))
        }
    }

    /// An actor's container of that name.
    func makeWorkload(_ number: Int, _ name: String) -> TestReply {
        guard host.actors[number].containers.contains(where: { $0.name == name }) else {
            return .fails("the actor has no container \"\(name)\"")
        }
        workloads.append((number, name))
        return .values([Self.handle(.workload, workloads.count - 1)])
    }

    func verb(
        _ name: String,
        _ outcome: FakeHost.Outcome,
        _ line: UInt32,
        then value: PluginValue? = nil
    ) -> TestReply {
        verbs.append((line, outcome.status == "ok" ? "\(name) ok" : "\(name) \(outcome.status): \(outcome.reason)"))
        if let text = outcome.trap { trap = text }
        if outcome.status == "ok" { return .values([.text("ok"), value ?? .null]) }
        return .values([.text(outcome.status), .text(outcome.reason)])
    }

    private func workload(_ method: String, _ number: Int, _ fields: TestFields) -> TestReply {
        let (place, name) = workloads[number]
        let actor = host.actors[place]
        switch method {
        case "on":
            host.world.setAtTerm(Self.behaviour(fields.value("what")), container: name, in: actor.directory)
            return .values([])
        default:
            let path = fields.text("path")
            let running = host.world.running(in: actor.directory).first { $0.name == name }
            guard let mounts = running?.mounts else {
                if method == "write" { return .fails("container \"\(name)\" does not run: nobody can write \(path)") }
                return .values([.text("not_running"), .text("container \"\(name)\" does not run")])
            }
            if method == "write" {
                host.world.setFile(mounts.place(path), TestFields.bytes(fields.value("bytes")))
                return .values([])
            }
            guard let bytes = host.world.file(mounts.place(path)) else {
                return .values([.text("not_found"), .text("\(path): no such file")])
            }
            return .values([.text("ok"), .bytes(bytes)])
        }
    }

    /// What a program does at TERM, as a test says it: a table, or the word that it takes no notice.
    static func behaviour(_ value: PluginValue) -> FakeProgram.Behaviour {
        guard case .map(let pairs) = value else { return .ignore }
        let what = TestFields(pairs)
        return .flush(
            what.map("writes").mapValues { TestFields.bytes($0) },
            milliseconds: what.integer("after_ms") ?? 0
        )
    }

    private func snapshot(_ method: String, _ number: Int, _ fields: TestFields) -> TestReply {
        let snapshot = host.snapshots[number]
        if method == "files" { return .values([.list(snapshot.files.map { .text($0) })]) }
        let path = fields.text("path")
        guard let bytes = snapshot.volumes[path] ?? host.world.file("\(snapshot.directory)/\(path)") else {
            return .values([.text("not_found"), .text("the snapshot has no \(path)")])
        }
        return .values([.text("ok"), .bytes(bytes)])
    }

    static func handle(_ object: TestFunction.Object, _ number: Int) -> PluginValue {
        .handle(PluginHandle(index: UInt32(number), generation: object.rawValue))
    }

    /// A status without its quotes, anything else as Lua.
    private static func plain(_ value: PluginValue) -> String {
        if case .text(let text) = value { text } else { LuaText.of(value) }
    }
}
