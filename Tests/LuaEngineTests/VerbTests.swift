import Foundation
import PluginProtocol
import Testing

@Suite struct VerbTests {
    private static let hello = """
        return {
          name = "hello", api = 1, isolation = "kernel-shared",
          needs = { "workload.start", "process.stop" },
          run = function(actor)
            for _, container in ipairs(actor.containers) do
              try(host.workload.start { container = container.name })
            end
            return "ok"
          end,
          stop = function(actor, request) return host.process.stop(actor.processes, request.grace_ms) end,
        }
        """
    private static let actor = PluginValue.map([
        "name": .text("counter"),
        "containers": .list([.map(["name": .text("web")]), .map(["name": .text("side")])]),
        "processes": .map(["web": .handle(PluginHandle(index: 4, generation: 2))]),
    ])

    private var soon: ContinuousClock.Instant { .now + .seconds(10) }

    private func loaded(_ source: String, name: String) throws -> (SupervisorProcess, PluginValue) {
        let supervisor = try SupervisorProcess()
        try supervisor.send(.load(name: name, file: "\(name).lua", source: Array(source.utf8)))
        guard case .descriptor(let descriptor) = try supervisor.receive(until: soon) else { throw CancellationError() }
        return (supervisor, descriptor)
    }

    private func verb(_ name: String, request: PluginValue = .map([:])) -> HostFrame {
        .verb(
            name: name,
            actor: Self.actor,
            request: request,
            functions: HostFunction.table.map(\.name),
            deadlineMilliseconds: 5000
        )
    }

    /// The trap that a run of this body ends with.
    private func trap(_ body: String, needs: String = "\"workload.start\"") throws -> TrapFrame {
        let source = """
            return { name = "x", api = 1, isolation = "none", needs = { \(needs) }, stop = function() end,
              run = function(actor, request)
            \(body)
            end }
            """
        let (supervisor, _) = try loaded(source, name: "x")
        try supervisor.send(verb("run"))
        guard case .trap(let trap) = try supervisor.receive(until: soon) else { throw CancellationError() }
        #expect(supervisor.wait() == 3 << 8)
        return trap
    }

    @Test func helloStartsEachContainerAndAnswers() throws {
        let (supervisor, _) = try loaded(Self.hello, name: "hello")
        try supervisor.send(verb("run"))
        for container in ["web", "side"] {
            let call = try supervisor.receive(until: soon)
            #expect(
                call == .call(function: "workload.start@1", arguments: .map(["container": .text(container)]), line: 6)
            )
            let handle = PluginValue.handle(PluginHandle(index: 1, generation: 1))
            try supervisor.send(.reply(ReplyFrame(status: "ok", values: [handle])))
        }
        #expect(try supervisor.receive(until: soon) == .answer(status: "ok", result: .null))
        #expect(supervisor.wait() == 0)
    }

    @Test func tryEndsTheVerbWithTheReasonOfTheCall() throws {
        let (supervisor, _) = try loaded(Self.hello, name: "hello")
        try supervisor.send(verb("run"))
        _ = try supervisor.receive(until: soon)
        try supervisor.send(.reply(ReplyFrame(status: "storage_full", values: [.text("no space")])))
        #expect(try supervisor.receive(until: soon) == .answer(status: "storage_full", result: .text("no space")))
        #expect(supervisor.wait() == 0)
    }

    @Test func processDescribesItselfStopsAndEnters() throws {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../plugins/process/backend.lua").standardized
        let source = try String(contentsOf: file, encoding: .utf8)
        let (supervisor, descriptor) = try loaded(source, name: "process")
        guard case .map(let fields) = descriptor else { throw CancellationError() }
        #expect(fields["verbs"] == .list(["run", "stop", "checkpoint", "restore", "exec"].map { .text($0) }))
        #expect(fields["scopes"] == .list([.text("data")]))
        try supervisor.send(verb("stop", request: .map(["grace_ms": .integer(500)])))
        guard case .call("process.stop@1", let arguments, _) = try supervisor.receive(until: soon) else {
            throw CancellationError()
        }
        let handles = PluginValue.list([.handle(PluginHandle(index: 4, generation: 2))])
        #expect(arguments == .map(["process": handles, "grace_ms": .integer(500)]))
        try supervisor.send(.reply(ReplyFrame(status: "ok", values: [])))
        #expect(try supervisor.receive(until: soon) == .answer(status: "ok", result: .null))

        let (second, _) = try loaded(source, name: "process")
        let command = PluginValue.list([.text("ls"), .text("-l")])
        try second.send(verb("exec", request: .map(["container": .text("web"), "command": command])))
        guard case .call("workload.enter@1", _, _) = try second.receive(until: soon) else { throw CancellationError() }
        let process = PluginValue.handle(PluginHandle(index: 7, generation: 1))
        try second.send(.reply(ReplyFrame(status: "ok", values: [process])))
        #expect(try second.receive(until: soon) == .answer(status: "ok", result: .map(["process": process])))
    }

    @Test(arguments: [
        ("host.workload.strat {}", "api.name", "did you mean host.workload.start?"),
        ("host.process.stop({})", "api.name", "host.process.stop is not in needs"),
        ("host.workload.start { container = 1.5 }", "api.type", "workload.start: container is a float"),
        ("host.workload.start { containr = 'a' }", "api.name", "did you mean container?"),
        ("host.workload.start()", "api.arity", "workload.start takes one table"),
        ("host.workload.start { container = 'a\\0' }", "api.text", "is not text"),
        ("host.workload.start { container = print }", "api.type", "container is a function"),
        ("local t = {} t.t = t host.workload.start(t)", "api.limit", "nested deeper"),
        ("return actor.contaners", "api.name", "actor has no field \"contaners\"; did you mean \"containers\"?"),
        ("pcall(function() return request.x end)", "api.name", "request has no field"),
        ("local a a.b = 1", "script.error", "attempt to index a nil value (local 'a')"),
        ("while true do end", "budget.instructions", "10 million instructions spent in this verb"),
        ("local t = {} while true do t[#t+1] = {} end", "budget.memory", "32 MiB of memory spent in this verb"),
        ("return 'fine'", "verb.result", "is no status"),
        ("return 'ok', { adress = 'a' }", "verb.result", "did you mean address?"),
        ("try(1)", "api.type", "try: the first value is a number"),
    ])
    func trapsSayWhatAndWhere(_ body: String, _ code: String, _ words: String) throws {
        let trap = try trap(body)
        #expect(trap.code == code)
        #expect(trap.message.contains(words), "\(trap.message)")
        #expect(trap.message.hasPrefix("x.lua:3: "), "\(trap.message)")
        #expect(trap.message.contains("[trap \(code)"), "\(trap.message)")
    }

    @Test(arguments: [
        ("host.x()", "api.load"), ("pcall(host.x)", "api.load"), ("return 1", "load.shape"), ("x = ", "load.syntax"),
        ("return { name = 'x', chekpoint = 1 }", "load.shape"), ("return { [1] = 1, run = print }", "load.shape"),
        ("return setmetatable({}, {})", "load.shape"), ("error('no')", "script.error"),
    ])
    func aBadFileIsRefusedWhileLoading(_ source: String, _ code: String) throws {
        let supervisor = try SupervisorProcess()
        try supervisor.send(.load(name: "x", file: "x.lua", source: Array(source.utf8)))
        guard case .trap(let trap) = try supervisor.receive(until: soon) else { throw CancellationError() }
        #expect(trap.code == code)
        #expect(trap.message.hasPrefix("x.lua:"), "\(trap.message)")
    }

    @Test func aSpareHasGivenUpEverything() throws {
        let supervisor = try SupervisorProcess()
        let path = "/proc/\(supervisor.identifier)/status"
        let deadline = soon
        var status = ""
        repeat {
            status = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
        } while !status.contains("Seccomp:\t2") && .now < deadline
        for line in ["Seccomp:\t2", "Seccomp_filters:\t1", "NoNewPrivs:\t1", "Threads:\t1"] {
            #expect(status.contains(line), "\(line)")
        }
    }
}
