import ActorContract
import ContractWire
import Glibc
import HostErrors
import SystemLayer
import Telemetry
import Transfer

/// `demo`: the counter example through Run, Checkpoint and Restore on a host of its own, which `make run` shows.
enum Demo {
    /// Runs it from beginning to end and leaves nothing behind.
    ///
    /// - Returns: ok when the counter went on where it was.
    /// - Throws: the phase that failed, in words.
    static func run(_ options: DemoOptions) async throws -> ExitCode {
        guard geteuid() == 0 else {
            throw HostError(
                .failedPrecondition,
                .machine,
                "the demo starts confined processes, which needs root (namespaces, overlayfs, cgroups): run it with sudo"
            )
        }
        let example = try exampleDirectory()
        var template = Array("/tmp/substrate-demo-XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else { throw SyscallError("mkdtemp", errno, "/tmp") }
        let scratch = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer { try? DirectoryTree.remove(scratch) }
        let show = ConsoleOutput.standard
        show.line(show.styled("substrate-host demo", .bold) + "  backend process, the counter example")
        try child("\(example)/build-image", ["build-image", "\(scratch)/image"])
        let base = "\(scratch)/base"
        let server = try start(base: base, log: "\(scratch)/host.log")
        defer {
            _ = server.signal(SIGTERM)
            _ = server.wait()
        }
        let client = Client(.unix("\(base)/host.sock"))
        try await answering(client, server, log: "\(scratch)/host.log")
        let tour = Tour(client: client, show: show, image: "oci:\(scratch)/image:counter")
        let good = try await tour.take()
        show.line(
            good
                ? show.styled("the counter went on where it was", .green)
                : show.styled("the counter did not go on", .red)
        )
        return good ? .ok : .failure
    }

    private static func exampleDirectory() throws(HostError) -> String {
        var directory = Program.directory
        while !directory.isEmpty {
            for place in ["\(directory)/examples/counter", "\(directory)/share/substrate-host/examples/counter"]
            where unsafe access("\(place)/build-image", X_OK) == 0 { return place }
            directory = directory.split(separator: "/").dropLast().reduce(into: "") { $0 += "/" + $1 }
        }
        throw HostError(
            .notFound,
            .machine,
            "examples/counter is not beside this program: run the demo from a checkout (make run)"
        )
    }

    private static func child(_ program: String, _ arguments: [String]) throws {
        var plan = SpawnPlan(program: program, arguments: arguments)
        plan.environment = ["PATH=/usr/local/bin:/usr/bin:/bin:/opt/swift/usr/bin"]
        plan.descriptors = [(child: 2, parent: 2)]
        plan.newSession = false
        let status = try spawn(plan).wait()
        guard status == .exited(0) else {
            throw HostError(.failedPrecondition, .machine, "\(program) failed: it needs python3 and busybox-static")
        }
    }

    private static func start(base: String, log: String) throws -> ProcessHandle {
        let file = OwnedFD(unsafe open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600))
        var plan = SpawnPlan(
            program: Program.path,
            arguments: [
                "substrate-host", "--backend=process", "--base-dir", base, "--stop-actors", "--config", "/dev/null",
            ]
        )
        plan.environment = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]
        plan.descriptors = [(child: 2, parent: file.rawValue)]
        return try spawn(plan)
    }

    /// Waits until the host answers; a host that ended says why in its log.
    private static func answering(_ client: Client, _ server: ProcessHandle, log: String) async throws {
        let deadline = ContinuousClock.now + .seconds(10)
        while true {
            do throws(Client.Failure) {
                _ = try await client.call(.list, HostMessages.ListRequest(), as: HostMessages.ListResponse.self)
                return
            } catch {
                guard !server.hasExited(), ContinuousClock.now < deadline else {
                    let file = OwnedFD(unsafe open(log, O_RDONLY | O_CLOEXEC))
                    let text = (try? readAll(from: file.rawValue, limit: 1 << 20)).map {
                        String(decoding: $0, as: UTF8.self)
                    }
                    throw HostError(
                        .unavailable,
                        nil,
                        "the demo's host does not answer (\(error.text)):\n\(text ?? "")"
                    )
                }
                try await Task.sleep(for: .milliseconds(10))
            }
        }
    }
}
