import ActorContract
import Foundation
import HostErrors
import Synchronization
import TestSupport
import Testing

@testable import ActorNetwork

@Suite("Readiness", .enabled(if: TestMachine.needs(TestMachine.isRoot), "needs root"), .timeLimit(.minutes(1)))
struct ReadinessTests {
    private func wait(
        _ scratch: Scratch,
        _ ports: [UInt16],
        path: String = "",
        timeout: Duration = .seconds(10),
        shouldStop: @escaping @Sendable () -> String? = { nil }
    ) async throws(HostError) -> ReadinessReport {
        try await ReadinessProber.wait(
            namespacePath: scratch.path,
            probes: ports.map { (container: "web", path: path, port: $0, timeout: timeout) },
            shouldStop: shouldStop
        )
    }

    @Test("200 at once takes one request for each container, of the default path")
    func atOnce() async throws {
        let scratch = try Scratch()
        let seen = Mutex<[String]>([])
        let responder = try Responder(in: scratch) { _, text in
            seen.withLock { $0.append(text) }
            return Responder.status(200)
        }
        #expect(try await wait(scratch, [responder.port, responder.port]).attempts == 2)
        let texts = seen.withLock { $0 }
        #expect(texts.allSatisfy { $0.hasPrefix("GET /readyz HTTP/1.1\r\nHost: 169.254.17.2:\(responder.port)\r\n") })
        #expect(texts.count == 2)
    }

    @Test("nothing to probe is ready though nothing listens")
    func none() async throws {
        #expect(try await wait(try Scratch(), []).attempts == 0)
    }

    @Test("503 is waited through and 200 seen soon after")
    func waits() async throws {
        let scratch = try Scratch()
        let ready = Deadline.now() + 50_000_000
        let responder = try Responder(in: scratch) { _, _ in Responder.status(Deadline.now() < ready ? 503 : 200) }
        let report = try await wait(scratch, [responder.port])
        let late = Deadline.now() - ready
        #expect(report.attempts >= 2)
        #expect(late >= 0 && late < 10_000_000_000)
    }

    @Test("only 200 counts: neither 204 nor a redirect does", arguments: [204, 301, 404, 500])
    func others(_ status: Int) async throws {
        let scratch = try Scratch()
        let responder = try Responder(in: scratch) { _, _ in Responder.status(status) }
        let error = await #expect(throws: HostError.self) {
            try await wait(scratch, [responder.port], timeout: .milliseconds(300))
        }
        #expect(error?.code == .deadlineExceeded)
        #expect(error?.reason == .readinessTimeout)
        let message = error?.message ?? ""
        #expect(message.hasPrefix("readyz for \"web\" never returned 200 within 300ms ("))
        #expect(message.hasSuffix(" attempts, last error: status \(status))"))
    }

    @Test("a hung server is given up after 250 ms a try")
    func hung() async throws {
        let scratch = try Scratch()
        let responder = try Responder(in: scratch, keepOpen: true) { count, _ in
            count == 0 ? nil : Responder.status(200)
        }
        let start = Deadline.now()
        #expect(try await wait(scratch, [responder.port]).attempts == 2)
        #expect(Deadline.now() - start > 240_000_000)
    }

    @Test("an endless answer is not read to its end")
    func endless() async throws {
        let scratch = try Scratch()
        let responder = try Responder(in: scratch) { _, _ in
            Array("HTTP/1.1 200 OK\r\n\r\n".utf8) + [UInt8](repeating: 0x61, count: 1 << 18)
        }
        #expect(try await wait(scratch, [responder.port]).attempts == 1)
    }

    @Test("cancelling while nobody listens ends promptly")
    func cancelled() async throws {
        let scratch = try Scratch()
        let task = Task { try await wait(scratch, [9]) }
        let start = Deadline.now()
        try await Task.sleep(for: .milliseconds(30))
        task.cancel()
        let error = await #expect(throws: HostError.self) { _ = try await task.value }
        #expect(error?.code == .cancelled)
        #expect(error?.message.hasPrefix("readyz cancelled for \"web\" after ") == true)
        #expect(Deadline.now() - start < 10_000_000_000)
    }

    @Test("a workload that ended fails the wait at once, in its own words")
    func stopped() async throws {
        let scratch = try Scratch()
        let hung = try Responder(in: scratch, keepOpen: true) { _, _ in nil }
        let ended = Deadline.now() + 60_000_000
        let error = await #expect(throws: HostError.self) {
            try await wait(scratch, [hung.port, 9]) { Deadline.now() > ended ? "web exited with 3" : nil }
        }
        #expect(error == HostError(.failedPrecondition, .crashed, "web exited with 3"))
        #expect(Deadline.now() - ended < 10_000_000_000)
    }

    @Test("the first failure ends the others")
    func firstFailure() async throws {
        let scratch = try Scratch()
        let start = Deadline.now()
        let error = await #expect(throws: HostError.self) {
            try await ReadinessProber.wait(
                namespacePath: scratch.path,
                probes: [("slow", "", 9, .seconds(20)), ("fast", "", 10, .milliseconds(40))],
                shouldStop: { nil }
            )
        }
        #expect(error?.message.hasPrefix("readyz for \"fast\"") == true)
        #expect(Deadline.now() - start < 5_000_000_000)
    }

    @Test(
        "paths become what a request line may hold",
        arguments: [
            ("", "/readyz"), ("/x", "/x"), ("x?y=1", "/x?y=1"), ("/a b", "/a%20b"), ("/é", "/%C3%A9"), ("/a#b", "/a"),
        ]
    )
    func paths(_ given: String, _ sent: String) throws {
        #expect(try ReadinessTarget(container: "c", path: given, port: 1, timeout: .seconds(1)).path == sent)
    }

    @Test("what is no probe is refused", arguments: [(Int32(0), true), (70000, true), (-1, true), (80, false)])
    func refused(_ port: Int32, _ hasHTTPGet: Bool) {
        let error = #expect(throws: HostError.self) {
            try ReadinessTarget(container: "c", probe: .init(path: "", port: port, hasHTTPGet: hasHTTPGet))
        }
        #expect(error?.code == .invalidArgument)
        #expect(error?.message.hasPrefix("invalid readyz config") == true)
        #expect(throws: HostError.self) {
            try ReadinessTarget(container: "c", path: "/\r\nX: y", port: 1, timeout: .seconds(1))
        }
    }

    @Test(
        "answers are read by their status line",
        arguments: [
            ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", ReadinessRequest.Answer.status(200, complete: true)),
            ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no", .status(200, complete: false)),
            ("HTTP/1.0 200\r\n", .status(200, complete: false)), ("HTTP/1.1 20", .incomplete), ("", .incomplete),
            ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", .status(200, complete: false)),
            ("HTTP/2 200", .malformed), ("HTTP/1.1 2000 OK\r\n", .malformed), ("SSH-2.0", .malformed),
            ("HTTP/1.1\r\n", .malformed), ("HTTP/1.1 100 C\r\n\r\n", .incomplete),
        ]
    )
    func answers(_ text: String, _ answer: ReadinessRequest.Answer) {
        #expect(ReadinessRequest.parse(Array(text.utf8)) == answer)
    }
}
