import Glibc
import PluginProtocol
import SystemLayer

/// A supervisor by itself, with this program in the host's place.
struct SupervisorScenario {
    let samples: Int
    let roundTripFloor: Double
    let programFloor: Double

    private static let calls: Int64 = 2000
    private static let script = """
        return {
          name = "bench", api = 1, isolation = "kernel-shared", needs = { "process.stop" },
          stop = function(actor, request)
            for _ = 1, request.timeout_ms do host.process.stop({}, 0) end
            return "ok"
          end,
          run = function(actor, request) return "ok" end,
        }
        """

    func measure() throws -> [Figure] {
        let shipped = [UInt8](
            (TextFile.read(try Place.inCheckout("plugins/process/backend.lua")) ?? "").utf8
        )
        var cold = Samples()
        var warm = Samples()
        var calls = Samples()
        for _ in 0..<samples {
            var start = Clock.now()
            var supervisor = try RawSupervisor()
            try supervisor.load("process", shipped)
            cold.add(Clock.now() - start)
            supervisor.end()

            supervisor = try RawSupervisor()
            try supervisor.waitUntilConfined()
            start = Clock.now()
            try supervisor.load("process", shipped)
            warm.add(Clock.now() - start)
            supervisor.end()

            supervisor = try RawSupervisor()
            try supervisor.load("bench", [UInt8](Self.script.utf8))
            calls.add(try supervisor.callLoop(Self.calls) * 1000)
            supervisor.end()
        }
        return [
            Figure(
                scenario: .supervisor,
                name: "supervisor to its first instruction, warm",
                value: warm.median,
                unit: "ms",
                floor: (name: "byte between processes and back", value: roundTripFloor)
            ),
            Figure(
                scenario: .supervisor,
                name: "supervisor to its first instruction, cold",
                value: cold.median,
                unit: "ms",
                floor: (name: "vfork, exec and wait of true", value: programFloor)
            ),
            Figure(
                scenario: .supervisor,
                name: "host call from Lua and back",
                value: calls.median,
                unit: "µs",
                floor: (name: "byte between processes and back", value: roundTripFloor * 1000)
            ),
        ]
    }
}

/// One supervisor, started as the host starts it.
final class RawSupervisor {
    private let process: ProcessHandle
    private let socket: OwnedFD
    private var buffer = FrameBuffer()

    init() throws {
        let pair = try DescriptorPair.sockets().release()
        socket = OwnedFD(pair.first)
        let theirs = OwnedFD(pair.second)
        // It goes into its empty root, its user namespace and its identity by itself. The host's cgroup is left out:
        // it is made ahead and used again.
        var arguments = ["substrate-supervisor", "--identity", "2000200000"]
        if TextFile.read("/proc/sys/user/max_user_namespaces").map({ !$0.hasPrefix("0") }) ?? false {
            arguments += ["--user-namespace", "1"]
        }
        var plan = SpawnPlan(program: try Place.companion("substrate-supervisor"), arguments: arguments)
        plan.environment = ["SWIFT_BACKTRACE=enable=no"]
        plan.descriptors = [(child: 2, parent: 2), (child: 3, parent: theirs.rawValue)]
        plan.workingDirectory = "/"
        // mount, ipc, uts, pid and net (clone(2)), as the host's.
        plan.namespaces = 0x2_0000 | 0x0800_0000 | 0x0400_0000 | 0x2000_0000 | 0x4000_0000
        process = try spawn(plan)
        try theirs.close()
    }

    /// Waits for what a spare of the pool is: behind its filter, asleep on its socket.
    func waitUntilConfined() throws {
        let deadline = Clock.now() + 5000
        while Clock.now() < deadline {
            let status = TextFile.read("/proc/\(process.pid)/status") ?? ""
            if status.contains("Seccomp:\t2"), status.contains("State:\tS") { return }
            usleep(200)
        }
        throw BenchFailure("the supervisor did not come to wait behind its filter")
    }

    /// Loads a script, until its descriptor is here.
    func load(_ name: String, _ source: [UInt8]) throws {
        try writeAll(HostFrame.load(name: name, file: "backend.lua", source: source).encoded(), to: socket.rawValue)
        guard case .descriptor = try receive() else { throw BenchFailure("no descriptor of \(name)") }
    }

    /// Answers the calls of one verb.
    ///
    /// - Parameters:
    ///   - count: how many come.
    ///   - verb: in which.
    ///   - row: of what; the answer has its shape.
    /// - Returns: milliseconds a call.
    /// - Throws: when other calls come, or none.
    func callLoop(_ count: Int64, verb: String = "stop", row: HostFunction = .processStop) throws -> Double {
        let handle = PluginValue.handle(PluginHandle(index: 0, generation: 0))
        let verb = HostFrame.verb(
            name: verb,
            actor: .map(["tools": .map(["t": .text("/usr/bin/true")]), "processes": .map(["web": handle])]),
            request: .map(["timeout_ms": .integer(count)]),
            functions: [row.name],
            deadlineMilliseconds: 60_000
        )
        let values: [PluginValue] =
            switch row.answers {
            case .nothing: []
            case .process: [handle]
            case .program, .record: [.map(["code": .integer(0)])]
            case .programs: [.list([.map(["code": .integer(0)])])]
            case .value: [.integer(1)]
            }
        let reply = HostFrame.reply(ReplyFrame(status: row.answers.isInfallible ? "" : "ok", values: values)).encoded()
        let start = Clock.now()
        try writeAll(verb.encoded(), to: socket.rawValue)
        var calls: Int64 = 0
        while true {
            switch try receive() {
            case .call:
                calls += 1
                try writeAll(reply, to: socket.rawValue)
            case .answer:
                guard calls == count else { throw BenchFailure("\(calls) calls came, not \(count)") }
                return (Clock.now() - start) / Double(count)
            case let other: throw BenchFailure("the supervisor sent \(other)")
            }
        }
    }

    func end() { Floors.end(process) }

    private func receive() throws -> SupervisorFrame {
        while true {
            if let frame = try buffer.next() {
                return try SupervisorFrame.decode(kind: frame.kind, payload: frame.payload)
            }
            guard try waitReadable(socket.rawValue, milliseconds: 5000) else {
                throw BenchFailure("the supervisor is silent")
            }
            let bytes = try readSome(65536, from: socket.rawValue)
            guard !bytes.isEmpty else { throw BenchFailure("the supervisor is gone") }
            buffer.append(bytes)
        }
    }
}
