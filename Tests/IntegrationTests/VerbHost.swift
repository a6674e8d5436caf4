import ActorContract
import ContractWire
import Foundation
import GRPCTransport
import HostErrors
import SystemLayer
import TestSupport

/// A host with a backend of the test's own, named `mine`, and what its script printed.
struct VerbHost {
    let host: TestHost
    private let settings: String

    /// A backend that runs containers, with more fields.
    ///
    /// - Parameters:
    ///   - more: fields of the descriptor.
    ///   - needs: host functions beside the two that it calls.
    ///   - run: what run and restore do first.
    ///   - stop: what stop and checkpoint do first.
    ///   - result: what run and restore answer beside `ok`.
    /// - Returns: its text.
    static func script(
        _ more: String = "",
        needs: String = "",
        run: String = "",
        stop: String = "",
        result: String = "nil"
    ) -> String {
        """
        local function start(verb)
          return function(actor, request)
            \(run)
            for _, container in ipairs(actor.containers) do
              try(host.workload.start { container = container.name })
            end
            return "ok", \(result)
          end
        end
        local function stop(verb)
          return function(actor, request)
            \(stop)
            return host.process.stop(actor.processes, request.grace_ms)
          end
        end
        return {
          name = "mine", api = 1, isolation = "kernel-shared", scopes = { "data" }, enforces = { "memory" },
          needs = { "workload.start", "process.stop", \(needs) },
          run = start("run"), restore = start("restore"), stop = stop("stop"), checkpoint = stop("checkpoint"),
          \(more)
        }
        """
    }

    /// Makes one; `use` starts and ends it.
    ///
    /// - Parameters:
    ///   - script: the backend's.
    ///   - settings: `backends.mine` of the operator's file, as YAML on one line.
    ///   - arguments: more options of the command line.
    /// - Throws: when there is no room for it.
    init(_ script: String, settings: String = "{}", arguments: [String] = []) throws {
        self.settings = "/tmp/substrate-verbs-\(UUID().uuidString).yaml"
        try Self.write(settings, self.settings)
        host = try TestHost(
            backend: "mine",
            script: script,
            arguments: ["--json", "--config", self.settings] + arguments
        )
    }

    private static func write(_ settings: String, _ path: String) throws {
        try "backends: { mine: \(settings) }\n".write(toFile: path, atomically: false, encoding: .utf8)
    }

    /// Starts it, does something and ends it, whatever happened.
    ///
    /// - Parameters:
    ///   - environment: more of the host's, as `NAME=value`.
    ///   - body: what is done.
    /// - Throws: what the body throws.
    func use(_ environment: [String] = [], _ body: (TestHost) async throws -> Void) async throws {
        defer { try? FileManager.default.removeItem(atPath: settings) }
        try await host.use { host in
            try await host.start(environment)
            try await body(host)
        }
    }

    /// Kills the host and starts another on its base directory.
    ///
    /// - Parameter settings: the operator's from now on; nil leaves them.
    /// - Throws: when it does not come back.
    func again(settings: String? = nil) async throws {
        try await host.kill()
        if let settings { try Self.write(settings, self.settings) }
        try await host.start()
    }

    /// What the scripts printed that begins with a word, without that word, in order.
    func printed(_ word: String) -> [String] {
        (TextFile.read("\(host.scratch)/log") ?? "").split(separator: "\n").compactMap { line in
            let object = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            let attributes = (object?["attributes"] as? [String: Any]) ?? object
            guard let text = attributes?["plugin.text"] as? String, text.hasPrefix("\(word) ") else { return nil }
            return String(text.dropFirst(word.count + 1))
        }
    }

    /// How often a line with all of these was logged.
    func logged(_ words: String...) -> Int {
        (TextFile.read("\(host.scratch)/log") ?? "").split(separator: "\n").count { line in
            words.allSatisfy { line.contains($0) }
        }
    }

    /// What was refused, or nil.
    func refusal(_ answer: TestHost.Answer) -> String? {
        guard case .failure(let status) = answer else { return nil }
        return status.message + (StatusDetails.reason(status.details).map { " (\($0.rawValue))" } ?? "")
    }
}
