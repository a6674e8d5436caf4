import ContractWire
import Foundation
public import GRPCTransport
import Glibc
import Synchronization
public import SystemLayer

/// One base directory and the real binary that serves it: started, asked, killed, started again, ended.
///
/// Everything is below one fresh directory; `end` leaves nothing of it on the machine and says what the host left.
public final class TestHost: Sendable {
    /// The base directory.
    public let base: String
    /// The backend's name.
    public let backend: String
    /// A file beneath the host's asset root.
    public let asset: String
    /// The loopback address that it listens on, where it was asked to.
    public let tcp: String
    let directory: ScratchDirectory
    private let arguments: [String]
    private let stopsActors: Bool
    private let state = Mutex(State())

    private struct State {
        var starts = 0
        var process: ProcessHandle?
        var client: GRPCClient?
        var socket = ""
    }

    /// Makes the directories; `start` starts it.
    ///
    /// - Parameters:
    ///   - backend: its name.
    ///   - script: a backend to overlay under that name; nil takes the shipped one.
    ///   - arguments: more options of the command line.
    ///   - overTCP: whether it listens on a loopback port too, in plaintext.
    ///   - stopsActors: whether its end is the end of its actors.
    /// - Throws: when there is no room for it.
    public init(
        backend: String = "process",
        script: String? = nil,
        arguments: [String] = [],
        overTCP: Bool = false,
        stopsActors: Bool = true
    ) throws {
        directory = try ScratchDirectory("host")
        base = "\(directory.path)/base"
        self.backend = backend
        self.stopsActors = stopsActors
        try DirectoryTree.make("\(directory.path)/assets", mode: 0o700)
        asset = "\(directory.path)/assets/tool"
        try "a tool\n".write(toFile: asset, atomically: false, encoding: .utf8)
        var more = ["--asset-root", "\(directory.path)/assets"]
        if let script {
            try DirectoryTree.make("\(directory.path)/overlay", mode: 0o755)
            try script.write(
                toFile: "\(directory.path)/overlay/\(backend).lua",
                atomically: false,
                encoding: .utf8
            )
            more += ["--overlay", "\(directory.path)/overlay"]
        }
        tcp = overTCP ? "127.0.0.1:\(try Loopback.freePort())" : ""
        if overTCP { more += ["--listen", "tcp:\(tcp)", "--insecure-tcp"] }
        self.arguments = more + arguments
    }

    /// Starts a host, does something with it and ends it, whatever happened.
    ///
    /// - Parameters:
    ///   - backend: its name.
    ///   - script: a backend to overlay under that name; nil takes the shipped one.
    ///   - arguments: more options of the command line.
    ///   - overTCP: whether it listens on a loopback port too, in plaintext.
    ///   - body: what to do.
    /// - Throws: what `body` throws, else what `end` does.
    public static func with(
        backend: String = "process",
        script: String? = nil,
        arguments: [String] = [],
        overTCP: Bool = false,
        _ body: (TestHost) async throws -> Void
    ) async throws {
        let host = try TestHost(backend: backend, script: script, arguments: arguments, overTCP: overTCP)
        try await host.use { host in
            try await host.start()
            try await body(host)
        }
    }

    /// Does something with a host, started or not, and ends it, whatever happened.
    ///
    /// - Parameter body: what to do.
    /// - Throws: what `body` throws, else what `end` does.
    public func use(_ body: (TestHost) async throws -> Void) async throws {
        do { try await body(self) } catch {
            // The first failure is the one to tell: what is left behind is its consequence.
            try? await end()
            throw error
        }
        try await end()
    }

    /// Starts the host on its base directory and waits until it answers.
    ///
    /// - Parameter environment: more of it, as `NAME=value`.
    /// - Throws: when it does not answer, with what it logged.
    public func start(_ environment: [String] = []) async throws {
        let starts = state.withLock { state in
            state.starts += 1
            return state.starts
        }
        // A socket of its own from the second on: gRPC would hold back a new connection to an address that just failed.
        let isDefault = starts == 1 && tcp.isEmpty
        let socket = isDefault ? "\(base)/host.sock" : "\(directory.path)/host\(starts).sock"
        let log = OwnedFD(unsafe open("\(directory.path)/log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600))
        var plan = SpawnPlan(
            program: TestMachine.host,
            arguments: ["substrate-host", "--backend=\(backend)", "--base-dir", base]
                + (isDefault ? [] : ["--listen", "unix:\(socket)"]) + (stopsActors ? ["--stop-actors"] : []) + arguments
        )
        plan.environment = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"] + environment
        plan.descriptors = [(child: 2, parent: log.rawValue)]
        let process = try spawn(plan)
        state.withLock { $0.process = process }
        try await eventually("the host listens") {
            guard !process.hasExited() else { throw TestFailure("the host ended:\n\(self.log)") }
            return Loopback.accepts(socket) ? () : nil
        }
        let client = GRPCClient(unix: socket)
        state.withLock { state in
            state.client?.close()
            (state.client, state.socket) = (client, socket)
        }
        try await eventually("the host answers") {
            guard !process.hasExited() else { throw TestFailure("the host ended:\n\(self.log)") }
            return try? await self.actors()
        }
    }

    /// The client of the host that was started last.
    public var client: GRPCClient {
        get throws {
            guard let client = state.withLock({ $0.client }) else { throw TestFailure("there is no host") }
            return client
        }
    }

    /// The process that was started last.
    public var process: ProcessHandle {
        get throws {
            guard let process = state.withLock({ $0.process }) else { throw TestFailure("there is no host") }
            return process
        }
    }

    /// Where it listens, as `--connect` takes it.
    public var unix: String { "unix:\(state.withLock { $0.socket })" }

    /// A directory beside the base directory, for the test's own files.
    public var scratch: String { directory.path }

    /// The last that its hosts wrote about themselves.
    public var log: String {
        (TextFile.read("\(directory.path)/log") ?? "").split(separator: "\n").suffix(40).joined(separator: "\n")
    }

    /// Runs the command line against this host.
    ///
    /// - Parameter arguments: without `--connect`.
    /// - Returns: what it gave.
    /// - Throws: when it does not start.
    public func command(_ arguments: String...) async throws -> ProgramRun {
        try await ProgramRun.run(TestMachine.host, arguments + ["--connect", unix])
    }

    /// Kills the host as nothing can be prepared for.
    ///
    /// - Throws: when that did not kill it.
    public func kill() async throws {
        _ = try process.signal(SIGKILL)
        let status = try await ended()
        guard status == .signaled(SIGKILL) else { throw TestFailure("killed, it ended as \(status)") }
    }

    /// Waits for the host's end.
    ///
    /// - Parameter seconds: how long.
    /// - Returns: how it ended.
    /// - Throws: when it does not end.
    @discardableResult
    public func ended(within seconds: Int = 30) async throws -> ExitStatus {
        let process = try process
        try await eventually("the host ends", seconds: seconds) { process.hasExited() ? () : nil }
        guard let status = process.wait() else { throw TestFailure("the host was reaped by another") }
        return status
    }

    /// Ends the host as an operator would, and takes away whatever is left.
    ///
    /// - Throws: when it did not end with 0 or left mounts, cgroups or processes, after those are gone.
    public func end() async throws {
        let (process, client) = state.withLock { ($0.process, $0.client) }
        client?.close()
        var trouble: [String] = []
        if let process {
            _ = process.signal(SIGTERM)
            let status = try? await ended()
            if status == nil {
                _ = process.signal(SIGKILL)
                _ = process.wait()
            }
            if status != .exited(0) { trouble.append("on SIGTERM the host ended as \(String(describing: status))") }
        }
        trouble += leftovers
        let log = trouble.isEmpty ? "" : log
        takeAway()
        guard trouble.isEmpty else { throw TestFailure("\(trouble.joined(separator: "\n"))\n\(log)") }
    }
}
