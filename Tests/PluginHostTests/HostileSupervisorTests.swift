import ActorContract
import Foundation
import Glibc
import HostErrors
import PluginProtocol
import Synchronization
import SystemLayer
import Telemetry
import Testing
import Threads

@testable import PluginHost
@testable import PluginOverlays

/// Counts what the host took from a supervisor.
private final class CountingSink: LogSink {
    let lines = Mutex(0)
    func write(_ record: LogRecord) { if record.message == "plugin" { lines.withLock { $0 += 1 } } }
}

/// The journal's port: what was begun and what was finished.
private final class RecordingLog: EffectLog {
    let begun = Mutex<[(effect: String, target: String)]>([])
    let open = Mutex<Set<Int64>>([])

    func begin(_ effect: String, target: String) throws(HostError) -> Int64 {
        let number = begun.withLock { begun -> Int64 in
            begun.append((effect, target))
            return Int64(begun.count)
        }
        open.withLock { _ = $0.insert(number) }
        return number
    }

    func finish(_ number: Int64, outcome: String, process: KeptProcess?) throws(HostError) {
        open.withLock { _ = $0.remove(number) }
    }
}

private struct NoCancellation: VerbCancellation {
    func onCancel(_ action: @escaping @Sendable () -> Void) {}
    var isCancelled: Bool { false }
}

/// A host against supervisors that somebody took over: it ends the verb with an error and nothing else happens.
@Suite("a hostile supervisor", .serialized)
struct HostileSupervisorTests {
    private static let descriptor = PluginValue.map([
        "name": .text("fake"), "api": .integer(1), "isolation": .text("none"),
        "needs": .list([.text("workload.start"), .text("process.stop")]),
        "verbs": .list([.text("run"), .text("stop"), .text("checkpoint"), .text("restore")]),
        "scopes": .list([.text("data")]),
    ])
    private static let needs: Set<String> = ["workload.start", "process.stop"]

    /// What the next supervisor does after its descriptor was asked for; the first one describes itself only.
    private typealias Behaviour = @Sendable (FakeSupervisor) throws -> Void

    private final class Stage: Sendable {
        let next = Mutex<Behaviour>({ _ in })
        let last = Mutex<FakeSupervisor?>(nil)
        let limit = Mutex(SupervisorProcess.maxBytes)
        let sink = CountingSink()
    }

    private let stage = Stage()

    private static func entry(_ name: String, _ source: [UInt8]) -> PluginEntry {
        PluginEntry(
            name: name,
            path: "/fake/\(name)/backend.lua",
            origin: "shipped",
            isShipped: true,
            source: source,
            libraries: [:],
            hash: { _ in "" }
        )
    }

    private func backend() async throws -> ScriptBackend {
        let stage = stage
        stage.next.withLock { next in
            next = { fake in
                _ = try fake.receive()
                try fake.send(.descriptor(Self.descriptor))
                try fake.waitForEnd()
            }
        }
        let logger = Logger(sink: stage.sink)
        let pool = SupervisorPool(logger: logger) { _ throws(HostError) in
            let behaviour = stage.next.withLock { $0 }
            return try FakeSupervisor.start(limit: stage.limit.withLock { $0 }) { fake in
                stage.last.withLock { $0 = fake }
                try behaviour(fake)
            }
        }
        return try await onThread("test") {
            try ScriptBackend(
                entry: Self.entry("fake", Array("return {}".utf8)),
                pool: pool,
                // Nothing is there: a start that the host means to make fails, and says so.
                companions: Companions(directory: "/nonexistent"),
                layout: CgroupLayout(),
                logger: logger
            )
        }
    }

    private static func actor() -> PreparedActor {
        var actor = PreparedActor(
            identity: ActorIdentity(
                key: .autumn(atespace: "space", name: "a"),
                uid: "",
                templateNamespace: "space",
                template: "t"
            ),
            slot: "slot",
            directory: "/nonexistent/actor",
            cgroup: "nonexistent/actor"
        )
        var container = Container()
        container.name = "web"
        container.command = ["/bin/true"]
        actor.containers = [PreparedContainer(container: container, layers: [])]
        // This very process's number with another's start time: whoever believes in numbers ends the tests.
        actor.processes = [KeptProcess(name: "web", pid: getpid(), startTime: 1, nonce: "n")]
        return actor
    }

    /// Performs one verb on a backend.
    ///
    /// - Returns: its error, if it had one, and what was journalled.
    private func perform(
        _ backend: ScriptBackend,
        _ verb: BackendVerb,
        milliseconds: Int64 = 60_000
    ) async throws -> (error: HostError?, log: RecordingLog) {
        let log = RecordingLog()
        let error = await onThread("test") { Self.error(of: backend, verb, milliseconds: milliseconds, log: log) }
        return (error, log)
    }

    private static func error(
        of backend: ScriptBackend,
        _ verb: BackendVerb,
        milliseconds: Int64,
        log: RecordingLog
    ) -> HostError? {
        var request = VerbRequest()
        request.timeoutMilliseconds = milliseconds
        request.graceMilliseconds = 0
        do throws(HostError) {
            _ = try backend.perform(
                verb,
                actor: actor(),
                request: request,
                log: log,
                cancellation: NoCancellation()
            )
            return nil
        } catch { return error }
    }

    /// Describes itself, is given a verb, and then does as it likes.
    private func act(_ behaviour: @escaping Behaviour) {
        stage.next.withLock { next in
            next = { fake in
                _ = try fake.receive()
                try fake.send(.descriptor(Self.descriptor))
                guard case .verb = try fake.receive() else { return }
                try behaviour(fake)
            }
        }
    }

    private func expectClean(_ log: RecordingLog, _ verb: BackendVerb, _ comment: Comment) {
        for (effect, target) in log.begun.withLock({ $0 }) {
            #expect(Self.needs.contains(effect), comment)
            #expect(HostFunction.named(effect)?.verbs.contains(verb.rawValue) == true, comment)
            #expect(target.split(separator: ",").allSatisfy { $0 == "web" }, comment)
        }
        #expect(log.open.withLock { $0.isEmpty }, comment)
    }

    /// Counted is what the host took: calls it replied to, lines it logged, and what ended each verb.
    @Test("100,000 frames of any kind: each verb ends with a typed error or an answer, and nothing else happens")
    func fuzz() async throws {
        let backend = try await backend()
        let seed = ProcessInfo.processInfo.environment["SUBSTRATE_FUZZ_SEED"].flatMap { UInt64($0) } ?? 20_261_121
        let taken = Atomic(0)
        let wanted = 100_000
        var session: UInt64 = 0
        var codes: [HostError.Code: Int] = [:]
        var answered = 0
        while taken.load(ordering: .relaxed) + stage.sink.lines.withLock({ $0 }) < wanted, session < 60_000 {
            session += 1
            let own = seed &+ session
            var fuzz = Fuzz(seed: own)
            let verb = fuzz.pick(BackendVerb.allCases)
            let functions = Self.needs.compactMap(HostFunction.named)
                .filter { $0.verbs.contains(verb.rawValue) }.map(\.versionedName).sorted()
            let script = fuzz
            act { fake in
                var fuzz = script
                for _ in 0..<Int.random(in: 0...10, using: &fuzz.random) {
                    if functions.isEmpty || fuzz.chance(2, of: 3) {
                        try fake.send(fuzz.log())
                    } else {
                        // In step, or with lines that come before the reply is read.
                        let call = fuzz.call(functions).encoded()
                        try fake.send(fuzz.chance(1, of: 8) ? call + fuzz.log() : call)
                        _ = try fake.receive()
                        taken.add(1, ordering: .relaxed)
                    }
                }
                var tail: [UInt8] = []
                for _ in 0..<Int.random(in: 1...6, using: &fuzz.random) {
                    let frame = fuzz.anything().encoded()
                    tail += fuzz.chance(2, of: 3) ? fuzz.mutated(frame) : frame
                }
                try fake.send(tail)
                // Then it hangs up, since a frame that promises more than came is what the deadline is for.
            }
            let (error, log) = try await perform(backend, verb)
            taken.add(1, ordering: .relaxed)
            if let error {
                codes[error.code, default: 0] += 1
                #expect(!error.message.isEmpty)
                #expect(error.code != .deadlineExceeded, "SUBSTRATE_FUZZ_SEED=\(seed), session \(session)")
            } else {
                answered += 1
            }
            expectClean(log, verb, "SUBSTRATE_FUZZ_SEED=\(seed), session \(session)")
            let isKilled = stage.last.withLock { $0?.isKilled }
            #expect(isKilled == true, "SUBSTRATE_FUZZ_SEED=\(seed), session \(session): it outlived its verb")
        }
        #expect(taken.load(ordering: .relaxed) + stage.sink.lines.withLock { $0 } >= wanted)
        // The frames were of many kinds: some verbs were answered well, and most were ended for more than one reason.
        #expect(answered > 0 && codes.count > 2 && session > 1000, "\(session): \(answered) answered, \(codes)")
        // And the host still serves who behaves.
        act { fake in try fake.send(.answer(status: "ok", result: .null)) }
        #expect(try await perform(backend, .stop).error == nil)
    }

    @Test("half a frame and then silence is the deadline's")
    func silence() async throws {
        let backend = try await backend()
        act { fake in
            try fake.send(Array(SupervisorFrame.log(text: "half", line: 1).encoded().dropLast(2)))
            try fake.waitForEnd()
        }
        let (error, log) = try await perform(backend, .run, milliseconds: 100)
        #expect(error?.code == .deadlineExceeded)
        expectClean(log, .run, "silence")
    }

    @Test("who calls and never reads cannot make the host wait beyond the deadline")
    func deafness() async throws {
        let backend = try await backend()
        act { fake in
            // The host's replies fill the socket: "not_found" with the name in it.
            let name = String(repeating: "n", count: 4000)
            let call = SupervisorFrame.call(
                function: "workload.start@1",
                arguments: .map(["container": .text(name)]),
                line: 1
            )
            while true { try fake.send(call) }
        }
        let (error, _) = try await perform(backend, .run, milliseconds: 300)
        #expect(error?.code == .deadlineExceeded)
    }

    @Test("a flood of lines that never ends is the deadline's, or the limit's")
    func flood() async throws {
        let backend = try await backend()
        let line = SupervisorFrame.log(text: "", line: 1).encoded()
        let many = [UInt8](([[UInt8]](repeating: line, count: 1000)).joined())
        act { fake in while true { try fake.send(many) } }
        let (error, _) = try await perform(backend, .run)
        #expect(error?.code == .resourceExhausted && error?.message.contains("10,000 printed lines") == true)
        let (late, _) = try await perform(backend, .run, milliseconds: 1)
        #expect(late?.code == .deadlineExceeded || late?.code == .resourceExhausted)
    }

    @Test("bytes without end are refused")
    func bytes() async throws {
        let backend = try await backend()
        stage.limit.withLock { $0 = 1 << 20 }
        let line = SupervisorFrame.log(text: String(repeating: "x", count: 100_000), line: 1).encoded()
        act { fake in while true { try fake.send(line) } }
        let (error, _) = try await perform(backend, .run)
        #expect(error?.code == .resourceExhausted && error?.message.contains("1048576 bytes") == true)
    }

    @Test("a call for what the script did not ask for ends the verb, and nothing is done")
    func uninvited() async throws {
        let backend = try await backend()
        let uninvited = HostFunction.table.first { !Self.needs.contains($0.name) }
        let names = [uninvited?.versionedName ?? "workload.enter@1", "os.execute@1", "workload.start@9", ""]
        for name in names {
            act { fake in
                try fake.send(.call(function: name, arguments: .map(["container": .text("web")]), line: 1))
                try fake.waitForEnd()
            }
            let (error, log) = try await perform(backend, .run)
            #expect(error?.code == .internal, "\(name)")
            #expect(log.begun.withLock { $0.isEmpty }, "\(name)")
        }
        // In needs, and not in this verb.
        act { fake in
            try fake.send(.call(function: "process.stop@1", arguments: .map(["process": .list([])]), line: 1))
            try fake.waitForEnd()
        }
        let (error, log) = try await perform(backend, .run)
        #expect(error?.reason == .notGranted)
        #expect(log.begun.withLock { $0.isEmpty })
    }

    @Test("a handle that the verb never had ends it")
    func strangeHandles() async throws {
        let backend = try await backend()
        for handle in [(0, 1), (1, 0), (0xffff_ffff, 0), (0, 0xffff_ffff)] as [(UInt32, UInt32)] {
            act { fake in
                let value = PluginValue.handle(PluginHandle(index: handle.0, generation: handle.1))
                try fake.send(.call(function: "process.stop@1", arguments: .map(["process": value]), line: 1))
                try fake.waitForEnd()
            }
            let (error, log) = try await perform(backend, .stop)
            #expect(error?.code == .internal, "\(handle)")
            #expect(log.begun.withLock { $0.isEmpty }, "\(handle)")
        }
    }
}
