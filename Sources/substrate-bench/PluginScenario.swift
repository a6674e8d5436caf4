import Glibc
import PluginProtocol
import SystemLayer

/// What an author of scripts waits for: a check, a test run, a save under `plugin watch`, and each host call.
struct PluginScenario {
    let scratch: String
    let samples: Int
    let roundTripFloor: Double
    let programFloor: Double

    private static let calls: Int64 = 500

    func measure() throws -> [Figure] {
        let process = (name: "vfork, exec and wait of true", value: programFloor)
        let shipped = above(try Place.inCheckout("plugins/process/backend.lua"))
        let folder = "\(scratch)/process"
        try DirectoryTree.make(folder, mode: 0o700)
        for name in ["backend.lua", "backend_test.lua"] {
            try write([UInt8]((TextFile.read("\(shipped)/\(name)") ?? "").utf8), to: "\(folder)/\(name)")
        }
        var figures = [
            Figure(
                scenario: .plugin,
                name: "load of process, file to descriptor",
                value: try loads(folder),
                unit: "ms",
                floor: (name: "byte between processes and back", value: roundTripFloor)
            ),
            Figure(
                scenario: .plugin,
                name: "plugin check",
                value: try whole(["check", folder]),
                unit: "ms",
                floor: process
            ),
            Figure(
                scenario: .plugin,
                name: "plugin test, the suite of process",
                value: try whole(["test", folder]),
                unit: "ms",
                floor: process,
                goal: .atMost(300)
            ),
            Figure(
                scenario: .plugin,
                name: "plugin watch, from a save to its result",
                value: try saves(folder),
                unit: "ms",
                floor: process
            ),
        ]
        let floor = (name: "byte between processes and back", value: roundTripFloor * 1000)
        for row in HostFunction.table {
            figures.append(
                Figure(
                    scenario: .plugin,
                    name: "\(row.name) from Lua and back",
                    value: try calls(row),
                    unit: "µs",
                    floor: floor
                )
            )
        }
        return figures
    }

    private func above(_ path: String) -> String { Place.above(path) }

    private func write(_ bytes: [UInt8], to path: String) throws {
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SyscallError("open", errno, path) }
        let file = OwnedFD(descriptor)
        try writeAll(bytes, to: file.rawValue)
    }

    /// The median of one command, from its start to its end.
    private func whole(_ words: [String]) throws -> Double {
        let program = try Place.companion("substrate-plugin")
        var times = Samples()
        for _ in 0..<samples {
            let start = Clock.now()
            let status = try spawn(SpawnPlan(program: program, arguments: ["substrate-plugin"] + words)).wait()
            times.add(Clock.now() - start)
            guard status == .exited(0) else {
                throw BenchFailure("plugin \(words[0]) ended as \(String(describing: status))")
            }
        }
        return times.median
    }

    /// The median of loading a script in a supervisor that waits for one.
    private func loads(_ folder: String) throws -> Double {
        let source = [UInt8]((TextFile.read("\(folder)/backend.lua") ?? "").utf8)
        var times = Samples()
        for _ in 0..<samples {
            let supervisor = try RawSupervisor()
            try supervisor.waitUntilConfined()
            let start = Clock.now()
            try supervisor.load("process", source)
            times.add(Clock.now() - start)
            supervisor.end()
        }
        return times.median
    }

    /// The median from the end of a write to the line that says what it is worth.
    private func saves(_ folder: String) throws -> Double {
        let pair = try DescriptorPair.pipe().release()
        let output = OwnedFD(pair.first)
        let theirs = OwnedFD(pair.second)
        let program = try Place.companion("substrate-plugin")
        var plan = SpawnPlan(program: program, arguments: ["substrate-plugin", "watch", folder])
        plan.descriptors = [(child: 1, parent: theirs.rawValue)]
        let watch = try spawn(plan)
        try theirs.close()
        defer {
            _ = watch.signal(SIGTERM)
            _ = watch.wait()
        }
        func line() throws {
            var text: [UInt8] = []
            while text.last != 0x0a {
                guard try waitReadable(output.rawValue, milliseconds: 10_000) else {
                    throw BenchFailure("watch is silent")
                }
                let bytes = try readSome(4096, from: output.rawValue)
                guard !bytes.isEmpty else { throw BenchFailure("watch is gone") }
                text += bytes
            }
            let words = String(decoding: text, as: UTF8.self)
            guard words.contains("check good") else { throw BenchFailure("watch says: \(words)") }
        }
        try line()
        let source = [UInt8]((TextFile.read("\(folder)/backend.lua") ?? "").utf8)
        var times = Samples()
        for _ in 0..<samples {
            try write(source, to: "\(folder)/backend.lua")
            let start = Clock.now()
            try line()
            times.add(Clock.now() - start)
        }
        return times.median
    }

    /// The median of a call in a loop: its check in the supervisor, the frame, the answer; nothing is done for it.
    private func calls(_ row: HostFunction) throws -> Double {
        let verb = row.verbs[0]
        // Not "ok", with which some verbs must give a result.
        let body = "function(actor, request) for _ = 1, request.timeout_ms do \(call(row)) end return \"busy\" end"
        let others = ["run", "stop", "checkpoint", "restore"].filter { $0 != verb }
            .map { "\($0) = function() return \"ok\" end" }.joined(separator: ", ")
        let script = """
            return { name = "bench", api = 1, isolation = "none", needs = { "\(row.name)" }, tools = { t = "required" },
              \(verb) = \(body), \(others) }
            """
        var times = Samples()
        for _ in 0..<samples {
            let supervisor = try RawSupervisor()
            try supervisor.load("bench", [UInt8](script.utf8))
            times.add(try supervisor.callLoop(Self.calls, verb: verb, row: row) * 1000)
            supervisor.end()
        }
        return times.median
    }

    private func call(_ row: HostFunction) -> String {
        let required = row.arguments.fields.filter(\.required)
        switch row.arguments {
        case .positions: return "host.\(row.name)(\(required.map { word($0.kind) }.joined(separator: ", ")))"
        case .record:
            return "host.\(row.name) { \(required.map { "\($0.name) = \(word($0.kind))" }.joined(separator: ", ")) }"
        }
    }

    private func word(_ kind: ArgumentKind) -> String {
        switch kind {
        case .text, .bytes: "\"web\""
        case .path: "\"/a\""
        case .program: "actor.tools.t"
        case .oneOf(let allowed): "\"\(allowed[0])\""
        case .integer(let range): "\(range.lowerBound)"
        case .boolean: "true"
        case .arguments: "{ \"--flag\", \"value\" }"
        case .list(let element): "{ \(word(element)) }"
        case .process, .processes: "actor.processes.web"
        case .asset: "actor.processes.asset"
        case .map, .either, .record: "{}"
        }
    }
}
