import Foundation
import HostErrors
import SystemLayer
import TestSupport
import Testing

@testable import ActorNetwork

@Suite("Actor namespaces", .enabled(if: TestMachine.needs(TestMachine.isRoot), "needs root"), .timeLimit(.minutes(1)))
struct ActorNamespaceTests {
    @Test("created twice it is one mount, removed twice it is none")
    func repeated() throws {
        let scratch = try Scratch()
        #expect(try Scratch.mounts(of: scratch.path) == 1)
        try ActorNamespace().pin(at: scratch.path)
        #expect(try Scratch.mounts(of: scratch.path) == 1)
        try ActorNamespace.remove(at: scratch.path)
        try ActorNamespace.remove(at: scratch.path)
        #expect(try Scratch.mounts(of: scratch.path) == 0)
        #expect(!FileManager.default.fileExists(atPath: scratch.path))
    }

    @Test("a hundred come and go without a trace")
    func cycles() throws {
        let scratch = try Scratch()
        let before = namespaceDescriptors()
        let mounts = try Scratch.mounts(of: scratch.path)
        for _ in 0..<100 {
            try ActorNamespace().pin(at: scratch.path + "2")
            try ActorNamespace.remove(at: scratch.path + "2")
        }
        #expect(try Scratch.mounts(of: scratch.path + "2") == 0)
        #expect(mounts == 1)
        // Other suites run beside this one: a leak of one a cycle would show as a hundred.
        #expect(namespaceDescriptors() < before + 60)
    }

    private func namespaceDescriptors() -> Int {
        let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
        return all.filter {
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)"))?.hasPrefix("net:")
                == true
        }.count
    }

    @Test("what cannot be made leaves nothing")
    func failure() throws {
        #expect(throws: HostError.self) { try ActorNamespace().pin(at: "/nonexistent/net") }
        #expect(throws: Never.self) { try ActorNamespace.remove(at: "/nonexistent/net") }
    }

    /// What the kernel tells of a namespace's interfaces, addresses and routes.
    private func seen(_ path: String) throws -> String {
        let files = ["dev", "fib_trie", "route", "if_inet6"].map { "/proc/net/\($0)" }
        return try ProgramRun.wait("/usr/bin/nsenter", ["--net=\(path)", "cat"] + files).output
    }

    @Test("with an interface the address is that one's; the host's end has none before it is attached")
    func pair() throws {
        let scratch = try Scratch()
        let path = scratch.path + "-pair"
        defer { try? ActorNamespace.remove(at: path) }
        try ActorNamespace(hasInterface: true).pin(at: path)
        let before = try seen(path)
        #expect(before.contains("eth0:") && before.contains("host0:") && before.contains("169.254.17.2"), "\(before)")
        #expect(!before.contains("169.254.17.1\n"), "a runtime would take it too: \(before)")
        for _ in 0..<2 { try ActorNamespace.attach(at: path) }
        let after = try seen(path)
        #expect(after.contains("169.254.17.1\n") && after.contains("169.254.17.2"), "\(after)")
        #expect(!after.contains("eth0\n") && !after.contains("host0\n"), "an address of IPv6: \(after)")
        // There is none in a namespace without.
        #expect(throws: HostError.self) { try ActorNamespace.attach(at: scratch.path) }
    }

    @Test("holds the loopback with the constant address and nothing else")
    func interfaces() throws {
        let scratch = try Scratch()
        let text = try seen(scratch.path)
        #expect(
            text.split(separator: "\n").filter { $0.contains(":") && !$0.contains("|") }.filter { $0.contains("lo:") }
                .count == 1
        )
        #expect(text.contains("169.254.17.2"))
        #expect(text.contains("127.0.0.1"))
        #expect(!text.contains("eth"))
    }

    @Test("two actors share the address and do not meet")
    func apart() throws {
        let one = try Scratch()
        let two = try Scratch()
        let responder = try Responder(in: one) { _, _ in Responder.status(200) }
        let socket = try ActorNamespace.dial(path: one.path, port: responder.port, timeoutMilliseconds: 1000)
        #expect(fcntl(socket.rawValue, F_GETFL) & O_NONBLOCK == 0)
        try writeAll(Array("x".utf8), to: socket.rawValue)
        #expect(try readSome(8, from: socket.rawValue) == Array("HTTP/1.1".utf8))
        let refused = #expect(throws: SyscallError.self) {
            _ = try ActorNamespace.dial(path: two.path, port: responder.port, timeoutMilliseconds: 1000).rawValue
        }
        #expect(refused?.errno == ECONNREFUSED)
        let absent = #expect(throws: SyscallError.self) {
            _ = try ActorNamespace.dial(path: "/tmp", port: 1, timeoutMilliseconds: 10).rawValue
        }
        #expect(absent?.errno == EINVAL)
    }

    @Test("dialling takes less than a millisecond and leaves the thread where it was")
    func speed() throws {
        let scratch = try Scratch()
        let responder = try Responder(in: scratch) { _, _ in nil }
        let home = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/thread-self/ns/net")
        var times: [Int64] = []
        for _ in 0..<51 {
            let start = Deadline.now()
            let socket = try ActorNamespace.dial(path: scratch.path, port: responder.port, timeoutMilliseconds: 1000)
            times.append(Deadline.now() - start)
            try socket.close()
        }
        #expect(times.sorted()[5] < 1_000_000)
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/thread-self/ns/net") == home)
    }
}
