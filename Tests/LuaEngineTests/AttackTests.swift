import Foundation
import PluginProtocol
import Testing

/// Each script is one abuse; its first line says how it must end.
@Suite struct AttackTests {
    private static let directory = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Attacks")

    static var scripts: [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []
        return names.filter { $0.hasSuffix(".lua") }.sorted()
    }

    @Test func theScriptsAreHere() {
        #expect(Self.scripts.count == 155)
        #expect(Self.scripts.count { $0.hasPrefix("6") } == 38)
    }

    /// Those whose means a backend script has: without `load` and coroutines the others abuse what is not there.
    ///
    /// From 600 on they are whole backends that call the host: `HostAttackTests` runs them over the real broker.
    static var runnable: [String] {
        scripts.filter { name in
            if name.hasPrefix("6") { return false }
            let text = (try? String(contentsOf: directory.appendingPathComponent(name), encoding: .utf8)) ?? ""
            return !text.components(separatedBy: "\n").contains {
                ["-- needs: load", "-- needs: coroutine"].contains($0)
            }
        }
    }

    @Test(arguments: runnable)
    func endsAsItsFirstLineSays(_ name: String) async throws {
        let text = try String(contentsOf: Self.directory.appendingPathComponent(name), encoding: .utf8)
        let lines = text.components(separatedBy: "\n")
        let expected = lines[0].replacingOccurrences(of: "-- expect: ", with: "").components(separatedBy: " | ")
        let source = Self.source(lines, text)
        // Two seconds are the deadline that some are to meet; the others must end by themselves, on a busy machine too.
        let limit = Duration.seconds(expected.contains("killed deadline") ? 2 : 20)
        let outcome = await withCheckedContinuation { answer in
            // A supervisor that spins holds its reader: not on the two threads of the tests' own pool.
            DispatchQueue.global().async { answer.resume(returning: Self.outcome(of: source, within: limit)) }
        }
        // A crash is listed for traps that unwind; ours end the process.
        #expect(expected.filter { $0 != "crash" }.contains(outcome.word), "\(name): \(outcome.word) \(outcome.text)")
    }

    /// A chunk becomes the body of a verb; bytes are fed to the loader as they are.
    private static func source(_ lines: [String], _ text: String) -> [UInt8] {
        if let input = lines.first(where: { $0.hasPrefix("-- input: hex ") }) {
            let digits = Array(input.dropFirst(14).utf8)
            return stride(from: 0, to: digits.count - 1, by: 2).compactMap {
                UInt8(String(decoding: digits[$0...$0 + 1], as: UTF8.self), radix: 16)
            }
        }
        var body = text
        if let line = lines.first(where: { $0.hasPrefix("-- repeat: ") }) {
            let parts = line.split(separator: " ", maxSplits: 3)
            body = body.replacingOccurrences(
                of: "--@@",
                with: String(repeating: String(parts[3]), count: Int(parts[2]) ?? 0)
            )
        }
        let whole = """
            local function attack(...)
            \(body)
            end
            return { name = "attack", api = 1, isolation = "none", stop = function() end,
              run = function(...) attack(...) return "ok" end }
            """
        return Array(whole.utf8)
    }

    private static func outcome(of source: [UInt8], within limit: Duration) -> (word: String, text: String) {
        do {
            let supervisor = try SupervisorProcess()
            try supervisor.send(.load(name: "attack", file: "attack.lua", source: source))
            try? supervisor.send(
                .verb(name: "run", actor: .map([:]), request: .map([:]), functions: [], deadlineMilliseconds: 2000)
            )
            let deadline = ContinuousClock.now + limit
            while true {
                switch try supervisor.receive(until: deadline) {
                case .trap(let trap):
                    guard supervisor.wait() == 3 << 8 else { return ("crash", "\(supervisor.wait())") }
                    return ("trap \(trap.code)", trap.message)
                case .answer(let status, let result):
                    guard supervisor.wait() == 0 else { return ("crash", "\(supervisor.wait())") }
                    return (status, "\(result)")
                case .call, .release: return ("call", "")
                case .descriptor, .log: continue
                }
            }
        } catch {
            return ("\(error)", "")
        }
    }
}
