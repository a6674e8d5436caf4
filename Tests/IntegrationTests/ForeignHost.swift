import Foundation
import Glibc
import SystemLayer
import Testing

/// The built binary as a host of its own, with everything it needs below one fresh directory.
struct ForeignHost: Sendable {
    /// What a program that ran gave.
    struct Outcome: Sendable {
        let code: Int32
        let output: String
        let error: String
    }

    /// What cannot be tested, in words.
    struct Trouble: Error, CustomStringConvertible {
        let description: String
    }

    static let binary = "\(directory)/substrate-host"
    static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path
    static let isRoot = geteuid() == 0
    static let isCI = ProcessInfo.processInfo.environment["CI"] == "true"
    /// Whether this machine has a foreign gRPC; asked once, and known before any test begins.
    static let hasClient =
        (try? execute("/usr/bin/env", ["python3", "-c", "import grpc, grpc_tools"], patience: 30))?.code == 0
    /// Where the binaries that were built with this test are.
    static let directory = URL(
        fileURLWithPath: (try? FileManager.default.destinationOfSymbolicLink(
            atPath: "/proc/self/exe"
        )) ?? ""
    ).deletingLastPathComponent().path
    /// The counter's image, built once a run, kept among the other products of the build.
    static let image = Task {
        let place = "\(directory)/foreign-counter-image"
        let built = try await run("\(repository)/examples/counter/build-image", [place])
        guard built.code == 0 else { throw Trouble(description: "build-image: \(built.error)") }
        return built.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    let scratch: String
    /// A file beneath the host's asset root.
    let asset: String
    let tcp: String
    private let process: ProcessHandle

    var unix: String { "unix:\(scratch)/host.sock" }
    /// What the host logged.
    var log: String { (try? String(contentsOfFile: "\(scratch)/log", encoding: .utf8)) ?? "" }

    /// Starts a host, does something with it and ends it, whatever happened.
    static func with(_ arguments: [String] = [], _ body: (ForeignHost) async throws -> Void) async throws {
        let host = try start(arguments)
        let result: Result<Void, any Error>
        do {
            try await host.answer()
            result = .success(try await body(host))
        } catch { result = .failure(error) }
        try await host.close()
        try result.get()
    }

    private static func start(_ arguments: [String]) throws -> ForeignHost {
        let scratch = FileManager.default.temporaryDirectory.appendingPathComponent("foreign-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(
            atPath: "\(scratch)/assets",
            withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700]
        )
        try "a tool\n".write(toFile: "\(scratch)/assets/tool", atomically: false, encoding: .utf8)
        let tcp = "127.0.0.1:\(try freePort())"
        let log = OwnedFD(unsafe open("\(scratch)/log", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600))
        var plan = SpawnPlan(
            program: binary,
            arguments: [
                "substrate-host", "--backend=process", "--base-dir", "\(scratch)/base", "--listen",
                "unix:\(scratch)/host.sock", "--listen", "tcp:\(tcp)", "--insecure-tcp", "--asset-root",
                "\(scratch)/assets", "--stop-actors",
            ] + arguments
        )
        plan.environment = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]
        plan.descriptors = [(child: 2, parent: log.rawValue)]
        return ForeignHost(scratch: scratch, asset: "\(scratch)/assets/tool", tcp: tcp, process: try spawn(plan))
    }

    /// Waits until the host answers.
    private func answer() async throws {
        let deadline = ContinuousClock.now + .seconds(20)
        while try await command("actors").code != 0 {
            guard !process.hasExited(), ContinuousClock.now < deadline else {
                throw Trouble(description: "the host does not answer:\n\(log)")
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// Ends the host as an operator would, and looks at what it leaves.
    private func close() async throws {
        _ = process.signal(SIGTERM)
        let deadline = ContinuousClock.now + .seconds(30)
        while !process.hasExited(), ContinuousClock.now < deadline { try await Task.sleep(for: .milliseconds(20)) }
        if !process.hasExited() {
            Issue.record("the host does not end on SIGTERM:\n\(log)")
            _ = process.signal(SIGKILL)
        }
        #expect(process.wait() == .exited(0))
        let mounts = try String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8)
        #expect(!mounts.contains(scratch), "the host leaves mounts")
        try FileManager.default.removeItem(atPath: scratch)
    }

    /// Runs the command line against this host.
    func command(_ arguments: String...) async throws -> Outcome {
        try await Self.run(Self.binary, arguments + ["--connect", unix])
    }

    /// Takes a scenario of the foreign client; what it says is this test's word.
    func client(_ scenario: String, _ dialect: String, over target: String) async throws {
        let script = "\(Self.repository)/Tests/IntegrationTests/Foreign/client.py"
        let image = try await Self.image.value
        let outcome = try await Self.run("/usr/bin/env", ["python3", script, scenario, dialect, target, image, asset])
        let failed = outcome.output.split(separator: "\n").filter { !$0.hasPrefix("ok ") }.joined(separator: "\n")
        #expect(outcome.code == 0, "\(dialect) \(scenario) over \(target):\n\(failed)\n\(outcome.error)")
        #expect(outcome.output.hasSuffix("\n0 failed\n"))
    }

    /// Runs a program to its end, off the threads that tests share.
    static func run(_ program: String, _ arguments: [String]) async throws -> Outcome {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(with: Result { try execute(program, arguments, patience: 60) })
            }
        }
    }

    private static func execute(_ program: String, _ arguments: [String], patience: Double) throws -> Outcome {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        // Files, not pipes: whoever inherits one of them cannot keep this waiting.
        let place = FileManager.default.temporaryDirectory.appendingPathComponent("foreign-run-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(at: place) }
        let (output, error) = (place.appendingPathComponent("output"), place.appendingPathComponent("error"))
        for file in [output, error] { try Data().write(to: file) }
        process.standardOutput = try FileHandle(forWritingTo: output)
        process.standardError = try FileHandle(forWritingTo: error)
        let ended = DispatchSemaphore(value: 0)
        process.terminationHandler = { _ in ended.signal() }
        try process.run()
        if ended.wait(timeout: .now() + patience) == .timedOut {
            kill(process.processIdentifier, SIGKILL)
            ended.wait()
        }
        return Outcome(
            code: process.terminationStatus,
            output: try String(contentsOf: output, encoding: .utf8),
            error: try String(contentsOf: error, encoding: .utf8)
        )
    }

    /// A port of the loopback that nobody has at this instant.
    private static func freePort() throws -> UInt16 {
        let listener = OwnedFD(socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let length = size
        let bound = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                unsafe bind(listener.rawValue, pointer, length) == 0
                    && getsockname(listener.rawValue, pointer, &size) == 0
            }
        }
        guard bound else { throw Trouble(description: "no free port: errno \(errno)") }
        return UInt16(bigEndian: address.sin_port)
    }
}
