import ActorContract
import ActorLifecycle
import HostErrors
import PluginProtocol

/// The optional verbs on this machine's real world.
extension RealCase {
    func exec(_ real: RealHost, _ number: Int, _ how: TestFields, _ line: UInt32) -> TestReply {
        let request: ExecRequest
        switch plan.execRequest(number, how) {
        case .success(let asked): request = asked
        case .failure(let wrong): return .fails(wrong.text)
        }
        let key = plan.host.actors[number].identity.key
        let host = real.host
        return answered(real, "exec", line) { () async throws(HostError) in
            let context = VerbContext(timeoutMilliseconds: 30_000)
            let execution = try await host.exec(key, request, context: context)
            try? await execution.closeInput()
            var output: [UInt8] = []
            var errors: [UInt8] = []
            var code: Int32 = 0
            for await event in execution.events {
                switch event {
                case .output(let bytes): output += bytes
                case .errors(let bytes): errors += bytes
                case .ended(let number): code = number
                }
                execution.took()
            }
            return .map(["code": .integer(Int64(code)), "stdout": .bytes(output), "stderr": .bytes(errors)])
        }
    }

    func stats(_ real: RealHost, _ key: ActorKey, _ line: UInt32) -> TestReply {
        let host = real.host
        return answered(real, "stats", line) { () async throws(HostError) in
            let counted = try await host.statistics(key)
            let figures = [
                "memory_bytes": counted.memoryBytes, "cpu_ns": counted.cpuNanoseconds, "pids": counted.pids,
            ]
            var fields: [String: PluginValue] = figures.compactMapValues { $0.map { .integer($0) } }
            fields["source"] = .text(counted.source.rawValue)
            return .map(fields)
        }
    }
}
