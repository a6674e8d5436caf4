import Foundation
import Glibc
import SystemLayer
import TestSupport
import Testing
import Transfer

/// A transfer that somebody ends: it says so, ends with 130, and leaves nothing half made.
@Suite("Ctrl-C in the stores' commands", .timeLimit(.minutes(2)))
struct StoreInterruptTests {
    /// A command that was begun, with its output in a file.
    private struct Begun {
        let process: ProcessHandle
        let scratch: ScratchDirectory
        var base: String { "\(scratch.path)/base" }
        var output: String { TextFile.read("\(scratch.path)/output") ?? "" }

        init(_ scratch: ScratchDirectory, _ arguments: [String], _ environment: [String] = []) throws {
            self.scratch = scratch
            var plan = SpawnPlan(program: TestMachine.host, arguments: ["substrate-host"] + arguments)
            plan.arguments += ["--base-dir", "\(scratch.path)/base"]
            plan.environment = ["PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"] + environment
            let file = OwnedFD(unsafe open("\(scratch.path)/output", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600))
            plan.descriptors = [(child: 1, parent: file.rawValue), (child: 2, parent: file.rawValue)]
            process = try spawn(plan)
        }

        /// Sends the signal when the event has come, and says how it ended.
        func interrupted(_ signal: CInt = SIGINT, when event: String, _ hasCome: () throws -> Bool) async throws
            -> SystemLayer.ExitStatus?
        {
            do {
                try await eventually(event, seconds: 30) {
                    if process.hasExited() { throw TestFailure("it ended before: \(output)") }
                    return try hasCome() ? () : nil
                }
                #expect(process.signal(signal))
                try await eventually("it ends", seconds: 20) { process.hasExited() ? () : nil }
            } catch {
                _ = process.signal(SIGKILL)
                _ = process.wait()
                throw error
            }
            return process.wait()
        }
    }

    private static let digest = String(repeating: "a", count: 64)

    private func names(_ directory: String) throws -> [String] { try DirectoryTree.names(in: directory) }

    @Test("a fetch leaves no part of the file and no lock", arguments: [SIGINT, SIGTERM])
    func fetch(_ signal: CInt) async throws {
        let server = try FaultServer(pace: 50_000) { _ in answer(200, [], assetBody, length: 100_000_000) }
        defer { server.stop() }
        let scratch = try ScratchDirectory("interrupt")
        let begun = try Begun(scratch, ["assets", "fetch", "\(server.base)/file", Self.digest])
        let files = "\(begun.base)/static-files"
        let status = try await begun.interrupted(signal, when: "a part is there") {
            try names(files).contains { $0.contains("-download-") }
        }
        #expect(status == .exited(130), "\(begun.output)")
        #expect(begun.output == "substrate-host: interrupted: nothing half made is left\n")
        #expect(try names(files).isEmpty)
        #expect(try names("\(begun.base)/asset-locks").isEmpty)
    }

    @Test("a fetch that waits for another process's waits no more")
    func waits() async throws {
        let server = try FaultServer(pace: 50_000) { _ in answer(200, [], assetBody, length: 100_000_000) }
        defer { server.stop() }
        let scratch = try ScratchDirectory("interrupt")
        let first = try Begun(scratch, ["assets", "fetch", "\(server.base)/file", Self.digest])
        try await eventually("the first has the lock") { server.requests.isEmpty ? nil : () }
        let other = try ScratchDirectory("interrupt")
        try FileManager.default.createSymbolicLink(atPath: "\(other.path)/base", withDestinationPath: first.base)
        let lock = "\(first.base)/asset-locks/\(Self.digest)"
        let second = try Begun(other, ["assets", "fetch", "\(server.base)/file", Self.digest])
        let waited = try await second.interrupted(when: "the second looks at it") {
            try names("/proc/\(second.process.pid)/fd").contains { name in
                (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(second.process.pid)/fd/\(name)"))
                    == lock
            }
        }
        #expect(waited == .exited(130), "\(second.output)")
        #expect(!first.process.hasExited(), "whose it was goes on")
        #expect(try await first.interrupted(when: "it goes on") { true } == .exited(130))
    }

    @Test("a pull ends its program and leaves nothing that was half fetched")
    func pull() async throws {
        let server = try FaultServer(pace: 20) { _ in answer(200, [], assetBody) }
        defer { server.stop() }
        let scratch = try ScratchDirectory("interrupt")
        let begun = try Begun(scratch, ["images", "pull", "127.0.0.1:\(server.port)/app:v1"])
        let status = try await begun.interrupted(when: "the registry is asked") { !server.requests.isEmpty }
        #expect(status == .exited(130), "\(begun.output)")
        #expect(begun.output == "substrate-host: interrupted: what came whole is kept for the next pull\n")
        #expect(try names("\(begun.base)/image-store/staging").isEmpty)
    }

    @Test("a pack that is being made is not there")
    func pack() async throws {
        let scratch = try ScratchDirectory("interrupt")
        // So large that nobody waits for its digest, and nothing on the disk.
        let file = "\(scratch.path)/large"
        let large = OwnedFD(unsafe open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600))
        #expect(ftruncate(large.rawValue, 1 << 40) == 0)
        let list = "assets:\n  - { id: 1, name: large, bank: rootfs, file: large }\n"
        try AtomicFile.write(Array(list.utf8), to: "\(scratch.path)/list.yaml")
        var plan = SpawnPlan(
            program: TestMachine.host,
            arguments: ["substrate-host", "assets", "pack", "\(scratch.path)/list.yaml", "\(scratch.path)/out.pack"]
        )
        plan.environment = ["PATH=/usr/bin"]
        let process = try spawn(plan)
        do {
            try await eventually("it reads the file") {
                try names("/proc/\(process.pid)/fd").contains { name in
                    (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process.pid)/fd/\(name)"))
                        == file
                } ? () : nil
            }
            #expect(process.signal(SIGINT))
            try await eventually("it ends", seconds: 20) { process.hasExited() ? () : nil }
        } catch {
            _ = process.signal(SIGKILL)
            _ = process.wait()
            throw error
        }
        #expect(process.wait() == .exited(130))
        #expect(try names(scratch.path).sorted() == ["large", "list.yaml"])
    }

    /// A store that answers what the test says, as the environment tells the host where it is.
    private func store(_ server: FaultServer) -> [String] {
        [
            "AWS_ENDPOINT_URL=http://127.0.0.1:\(server.port)", "AWS_S3_USE_PATH_STYLE=true",
            "AWS_ACCESS_KEY_ID=i", "AWS_SECRET_ACCESS_KEY=s", "AWS_REGION=us-east-1",
        ]
    }

    @Test("an export that a store holds up ends, and the snapshot here is whole", arguments: [SIGINT, SIGTERM])
    func export(_ signal: CInt) async throws {
        let held = DispatchSemaphore(value: 0)
        let server = try FaultServer { request in
            // Asked for once more it is to be written: that takes for ever.
            if request.target.contains("substrate-chunks"), request.earlier > 0 { held.wait() }
            return answer(404)
        }
        defer {
            server.stop()
            for _ in 0..<64 { held.signal() }
        }
        let scratch = try ScratchDirectory("interrupt")
        let place = try PlainSnapshot.make(assetBody, in: "\(scratch.path)/base")
        let words = ["snapshots", "export", "space/one", "first", "s3://bucket/one"]
        let begun = try Begun(scratch, words, store(server))
        let status = try await begun.interrupted(signal, when: "a chunk is written") {
            server.requests.contains { $0.target.contains("substrate-chunks") && $0.earlier > 0 }
        }
        #expect(status == .exited(130), "\(begun.output)")
        #expect(begun.output.contains("there is no snapshot at the URI"), "\(begun.output)")
        #expect(!server.requests.contains { $0.target.contains("manifest.json") && $0.earlier > 0 })
        #expect(try names(place).sorted() == ["manifest.json", "memory.img"])
        #expect(try SHA256.hex(ofFile: "\(place)/memory.img") == assetDigest)
    }

    @Test("an import and a verify leave nothing of what came", arguments: ["import", "verify"])
    func fetches(_ action: String) async throws {
        let manifest = #"{"sandboxClass":"m","assets":{},"snapshotFiles":["memory.img"]}"#
        let server = try FaultServer { request in
            if request.target.hasSuffix("manifest.json") { return answer(200, [], Array(manifest.utf8)) }
            // It says more than it sends, and stays: one connection for each request.
            return answer(200, ["Connection: keep-alive"], assetBody, length: 100_000_000) + [0]
        }
        defer { server.stop() }
        let scratch = try ScratchDirectory("interrupt")
        let words = ["snapshots", action, "s3://bucket/one"] + (action == "import" ? ["space/one", "first"] : [])
        let begun = try Begun(scratch, words, store(server))
        let status = try await begun.interrupted(when: "the file is asked for") {
            server.requests.contains { $0.target.hasSuffix("memory.img.zstd") }
        }
        #expect(status == .exited(130), "\(begun.output)")
        #expect(begun.output.hasSuffix("interrupted: nothing half made is left\n"), "\(begun.output)")
        #expect(try names("\(begun.base)/scratch").isEmpty)
        #expect(try names("\(begun.base)/actors").isEmpty)
    }
}
