import Foundation
import Glibc
import SystemLayer
import Testing

@testable import PluginTesting

/// `plugin test` of somebody who is not root, from an installation that was moved.
@Suite("plugin test as uid 65534", .serialized)
struct NobodyTests {
    /// An installation of its own, readable by all.
    private final class Installation {
        let base: URL
        var program: String { base.appendingPathComponent("bin/substrate-plugin").path }

        init() throws {
            base = URL(fileURLWithPath: "/tmp/plugin-nobody-\(UUID().uuidString)")
            let plugins = base.appendingPathComponent("share/substrate-host/plugins")
            let everybody = [FileAttributeKey.posixPermissions: 0o755]
            for place in [base, base.appendingPathComponent("bin"), plugins] {
                try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
                try FileManager.default.setAttributes(everybody, ofItemAtPath: place.path)
            }
            let built = URL(fileURLWithPath: Bench.executable).deletingLastPathComponent()
            for name in ["substrate-plugin", "substrate-supervisor"] {
                try FileManager.default.copyItem(
                    at: built.appendingPathComponent(name),
                    to: base.appendingPathComponent("bin/\(name)")
                )
            }
            let copy = plugins.appendingPathComponent("process")
            try FileManager.default.copyItem(at: URL(fileURLWithPath: Bench.shipped), to: copy)
        }

        deinit { try? FileManager.default.removeItem(at: base) }

        /// Starts it as nobody, its output on a pipe.
        func start(_ arguments: [String]) throws -> (process: Process, output: FileHandle) {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/setpriv")
            process.arguments = ["--reuid", "65534", "--regid", "65534", "--clear-groups", program] + arguments
            let pipe = Pipe()
            process.standardOutput = pipe
            process.standardError = pipe
            process.currentDirectoryURL = URL(fileURLWithPath: "/")
            try process.run()
            return (process, pipe.fileHandleForReading)
        }
    }

    @Test("the shipped suite passes, and what is left out is said", .enabled(if: geteuid() == 0))
    func passes() throws {
        let installation = try Installation()
        let (process, output) = try installation.start(["test", "process"])
        let text = String(decoding: output.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "\(text)")
        #expect(text.contains("\nsupervisors have filter, limits and no_new_privs; without root"), "\(text)")
        #expect(text.contains("6 passed, 0 failed, 12 host calls checked, nothing left behind"), "\(text)")
    }

    @Test("filter, limits and no_new_privs are there all the same", .enabled(if: geteuid() == 0))
    func walls() throws {
        let installation = try Installation()
        let folder = installation.base.appendingPathComponent("mine")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let everybody = [FileAttributeKey.posixPermissions: 0o755]
        try FileManager.default.setAttributes(everybody, ofItemAtPath: folder.path)
        try Bench.hello.write(to: folder.appendingPathComponent("backend.lua"), atomically: true, encoding: .utf8)
        // Long enough to be seen by who looks through all of /proc on a busy machine.
        let test = "test(\"long\", function() for _ = 1, 200000 do (\"x\"):rep(20000) end end)"
        try test.write(to: folder.appendingPathComponent("a_test.lua"), atomically: true, encoding: .utf8)
        let (process, output) = try installation.start(["test", folder.path])
        let seen = try #require(Self.supervisor(of: process.processIdentifier))
        #expect(seen.status.contains("Seccomp:\t2\n"))
        #expect(seen.status.contains("NoNewPrivs:\t1\n"))
        #expect(seen.status.contains("Uid:\t65534\t65534\t65534\t65534\n"))
        for (limit, most) in [("Max processes", "0"), ("Max open files", "4"), ("Max core file size", "0")] {
            let line = seen.limits.split(separator: "\n").first { $0.hasPrefix(limit) } ?? ""
            #expect(line.dropFirst(limit.count).split(separator: " ").first.map(String.init) == most, "\(line)")
        }
        _ = output.readDataToEndOfFile()
        process.waitUntilExit()
    }

    /// The state of the first supervisor that has confined itself; nil when none came in a minute.
    private static func supervisor(of parent: Int32) -> (status: String, limits: String)? {
        let deadline = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < deadline {
            for entry in (try? DirectoryTree.names(in: "/proc")) ?? [] where Int32(entry) != nil {
                guard let status = TextFile.read("/proc/\(entry)/status"), status.contains("PPid:\t\(parent)\n"),
                    status.contains("Seccomp:\t2\n"), let limits = TextFile.read("/proc/\(entry)/limits")
                else { continue }
                return (status, limits)
            }
            usleep(500)
        }
        return nil
    }
}
