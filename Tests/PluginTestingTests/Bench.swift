import Foundation
import HostErrors
import PluginAuthoring
import PluginCommands
import PluginHost
import PluginProtocol
import Synchronization
import Testing

@testable import PluginTesting

/// Runs `plugin test` over files of a test's own.
final class Bench: Sendable {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    /// Beside it the supervisor is.
    static let executable = root.appendingPathComponent(".build/debug/substrate-plugin").path
    static let shipped = root.appendingPathComponent("plugins/process").path

    /// What a run printed, and its exit code.
    struct Run: Sendable {
        var text: String
        var code: Int32
        var lines: [String] { text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) }
    }

    let directory: String

    /// A folder with a backend and a test file.
    init(name: String = "mine", backend: String, test: String, testName: String = "backend_test.lua") throws {
        let base = FileManager.default.temporaryDirectory.appendingPathComponent("plugin-test-\(UUID().uuidString)")
        let folder = base.appendingPathComponent(name)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try backend.write(to: folder.appendingPathComponent("backend.lua"), atomically: true, encoding: .utf8)
        try test.write(to: folder.appendingPathComponent(testName), atomically: true, encoding: .utf8)
        directory = folder.path
    }

    deinit {
        let base = URL(fileURLWithPath: directory).deletingLastPathComponent()
        try? FileManager.default.removeItem(at: base)
    }

    func run(_ options: String...) -> Run { Self.run([directory] + options) }

    static func run(_ arguments: [String], handlers: [BoundHandler] = HostFunctions.all) -> Run {
        var text = ""
        do {
            let command = try #require(PluginCommand.named("test"))
            let words = try PluginArguments(arguments[...], for: command) { Nearest.name(to: $0, among: $1) }
            let place = PluginPlace(executable: executable)
            let code = try TestCommand.run(words, place, handlers: handlers) { text += $0 }
            return Run(text: text, code: code)
        } catch let mistake as PluginArguments.Mistake { text += mistake.text } catch let error as HostError {
            text += error.message
        } catch { text += "\(error)" }
        return Run(text: text, code: 2)
    }

    /// A time in milliseconds, whatever it is, with what pads it.
    static func timeless(_ text: String) -> String {
        text.replacingOccurrences(of: " +[0-9]+ ms", with: " N ms", options: .regularExpression)
    }

    /// A backend of one line a verb, which is all right.
    static let hello = """
        return {
          name = "mine", api = 1, isolation = "kernel-shared",
          needs = { "workload.start", "process.stop" },
          run = function(actor)
            for _, container in ipairs(actor.containers) do
              try(host.workload.start { container = container.name })
            end
            return "ok"
          end,
          stop = function(actor, request)
            return host.process.stop(actor.processes, request.grace_ms)
          end,
        }
        """
}
