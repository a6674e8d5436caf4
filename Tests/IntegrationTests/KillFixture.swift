import ContractWire
import Foundation
import Glibc
import HostErrors
import SystemLayer
import Testing
import Transfer

@testable import substrate_host

/// One base directory and the hosts that serve it, one after the other; every one may be killed.
final class KillFixture {
    /// What the tests of this suite cannot do without.
    static var canRun: Bool { geteuid() == 0 }

    let base: String
    private let scratch: String
    private(set) var server: ProcessHandle?
    private(set) var client: Client?
    private var starts = 0

    init() throws {
        var template = Array("/tmp/substrate-kill-XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else { throw SyscallError("mkdtemp", errno, "/tmp") }
        scratch = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        base = "\(scratch)/base"
    }

    /// The directory of the built programs.
    private static var programs: String { (Doctor.executablePath() as NSString).deletingLastPathComponent }

    private static var checkout: String {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().path
    }

    /// Builds an image with the program `/counter`, from the example's source or from another one.
    static func image(_ source: String? = nil) throws -> (directory: String, reference: String) {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("kill-image-\(UUID())").path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        for name in ["build-image", "counter.c"] {
            try FileManager.default.copyItem(
                atPath: "\(checkout)/examples/counter/\(name)",
                toPath: "\(directory)/\(name)"
            )
        }
        if let source { try source.write(toFile: "\(directory)/counter.c", atomically: true, encoding: .utf8) }
        let build = Process()
        build.executableURL = URL(fileURLWithPath: "\(directory)/build-image")
        build.arguments = ["\(directory)/image"]
        build.standardOutput = FileHandle.nullDevice
        try build.run()
        build.waitUntilExit()
        try #require(build.terminationStatus == 0, "build-image failed")
        return (directory, "oci:\(directory)/image:counter")
    }

    /// Starts a host and waits until it answers.
    func start(_ environment: [String] = []) async throws {
        starts += 1
        // A socket of its own: gRPC would hold back a new connection to an address that just failed.
        let socket = "\(scratch)/host\(starts).sock"
        let log = OwnedFD(unsafe open("\(scratch)/host.log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600))
        var plan = SpawnPlan(
            program: "\(Self.programs)/substrate-host",
            arguments: ["substrate-host", "--backend=process", "--base-dir", base, "--listen", "unix:\(socket)"]
        )
        plan.environment = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"] + environment
        plan.descriptors = [(child: 2, parent: log.rawValue)]
        let server = try spawn(plan)
        self.server = server
        let deadline = ContinuousClock.now + .seconds(20)
        while unsafe access(socket, F_OK) != 0 {
            try #require(!server.hasExited() && ContinuousClock.now < deadline, "the host does not serve:\n\(hostLog)")
            try await Task.sleep(for: .milliseconds(5))
        }
        let client = Client(.unix(socket))
        self.client = client
        while true {
            do {
                _ = try await client.call(.list, HostMessages.ListRequest(), as: HostMessages.ListResponse.self)
                return
            } catch {
                try #require(!server.hasExited() && ContinuousClock.now < deadline, "no answer: \(error)\n\(hostLog)")
                try await Task.sleep(for: .milliseconds(5))
            }
        }
    }

    /// What all hosts here said.
    var hostLog: String {
        let text = (try? String(contentsOfFile: "\(scratch)/host.log", encoding: .utf8)) ?? ""
        return text.split(separator: "\n").suffix(25).joined(separator: "\n")
    }

    /// Calls a method; the failure in words, or nil.
    func call(_ path: String, _ bytes: [UInt8]) async -> String? {
        guard let client else { return "there is no host" }
        do throws(Client.Failure) {
            _ = try await client.raw(path, bytes)
            return nil
        } catch {
            return error.text
        }
    }

    /// Publishes the counter's port and asks it for its next durable value.
    func count(_ actor: String) async throws -> Int {
        let client = try #require(client)
        let port = try await client.call(
            .publish,
            HostMessages.PublishRequest(actor: actor, port: 8080),
            as: HostMessages.PublishResponse.self
        ).port
        return try #require(CounterClient.data(try CounterClient.count(port)))
    }

    /// Kills the host as nothing can be prepared for.
    func kill() async throws {
        _ = server?.signal(SIGKILL)
        #expect(try await ended() == .signaled(SIGKILL))
    }

    /// Waits for the host's end; nil when it does not come.
    func ended(within limit: Duration = .seconds(10)) async throws -> SystemLayer.ExitStatus? {
        guard let server else { return nil }
        let deadline = ContinuousClock.now + limit
        while !server.hasExited() {
            guard ContinuousClock.now < deadline else { return nil }
            try await Task.sleep(for: .milliseconds(3))
        }
        return server.wait()
    }

    /// The cgroup directories that belong to this base directory's actors.
    private var cgroups: [String] {
        let name = "substrate/\(SHA256.hex(of: [UInt8](base.utf8)).prefix(12))"
        let layout = CgroupLayout.detect()
        return (Array(layout.v1Bases.values) + [layout.v2Base].compactMap { $0 }).flatMap { parent -> [String] in
            let names = (try? FileManager.default.contentsOfDirectory(atPath: "\(parent)/\(name)")) ?? []
            return names.map { "\(parent)/\(name)/\($0)" }.filter {
                var isDirectory: ObjCBool = false
                return unsafe FileManager.default.fileExists(atPath: $0, isDirectory: &isDirectory)
                    && isDirectory.boolValue
            }
        }
    }

    /// Everything of this base directory that is still on the machine.
    var leftovers: [String] {
        let mounts = (TextFile.read("/proc/self/mountinfo") ?? "").split(separator: "\n")
            .filter { $0.contains(base) }.map(String.init)
        let groups = cgroups
        let processes = groups.compactMap { group in
            TextFile.read("\(group)/cgroup.procs").flatMap { $0.isEmpty ? nil : "\(group): \($0)" }
        }
        return mounts + groups + processes
    }

    /// Ends the host and takes away whatever a failed test left.
    func close() async {
        _ = server?.signal(SIGTERM)
        if (try? await ended(within: .seconds(5))) ?? nil == nil {
            _ = server?.signal(SIGKILL)
            _ = try? await ended()
        }
        client = nil
        for group in cgroups {
            for pid in (TextFile.read("\(group)/cgroup.procs") ?? "").split(separator: "\n") {
                if let pid = Int32(pid), pid > 1 { Glibc.kill(pid, SIGKILL) }
            }
        }
        for line in (TextFile.read("/proc/self/mountinfo") ?? "").split(separator: "\n") where line.contains(base) {
            let fields = line.split(separator: " ")
            if fields.count > 4 { _ = unsafe umount2(String(fields[4]), CInt(MNT_DETACH)) }
        }
        for group in cgroups { _ = unsafe rmdir(group) }
        let name = "substrate/\(SHA256.hex(of: [UInt8](base.utf8)).prefix(12))"
        try? Cgroup.open(layout: CgroupLayout.detect(), name: name).remove()
        try? DirectoryTree.remove(scratch)
    }
}
