import GRPCTransport
import Glibc
import HostErrors
import Synchronization
import Testing

/// A directory that is gone when this is.
final class Scratch: Sendable {
    let path: String

    init() throws {
        let name = "/tmp/grpc-test-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        try #require(unsafe mkdir(name, 0o700) == 0)
        path = name
    }

    deinit {
        _ = unsafe unlink(socket)
        _ = unsafe rmdir(path)
    }

    var socket: String { "\(path)/host.sock" }
}

/// A running server on a socket, and a client of it.
struct Fixture {
    let scratch: Scratch
    let server: GRPCServer
    let client: GRPCClient

    init(_ methods: [String: Method], limits: ServerLimits = ServerLimits()) throws {
        scratch = try Scratch()
        server = try GRPCServer(methods: methods, limits: limits)
        try server.listen(unix: scratch.socket)
        server.start()
        client = GRPCClient(unix: scratch.socket)
    }

    /// Runs a test's body and always shuts down.
    static func run(
        _ methods: [String: Method],
        limits: ServerLimits = ServerLimits(),
        _ body: (Fixture) async throws -> Void
    ) async throws {
        let fixture = try Fixture(methods, limits: limits)
        do {
            try await body(fixture)
        } catch {
            await fixture.close()
            throw error
        }
        await fixture.close()
    }

    func close() async {
        client.close()
        await server.shutdown(grace: .seconds(1))
    }
}

let echo: UnaryHandler = { _, request in UnaryReply(result: .success(request), trailers: [("x-echo", "yes")]) }

/// Waits until something is so, at most five seconds.
func eventually(_ condition: @Sendable () -> Bool) async throws -> Bool {
    let end = ContinuousClock.now + .seconds(5)
    while ContinuousClock.now < end {
        if condition() { return true }
        try await Task.sleep(for: .milliseconds(5))
    }
    return condition()
}

/// Something seen by a handler.
final class Seen<Value: Sendable>: Sendable {
    private let value: Mutex<Value>
    init(_ value: Value) { self.value = Mutex(value) }
    var now: Value { value.withLock { $0 } }
    func set(_ new: Value) { value.withLock { $0 = new } }
}

/// Waits until the task is cancelled, as a handler of a slow operation does.
func waitForCancellation() async {
    while !Task.isCancelled {
        try? await Task.sleep(for: .seconds(60))
    }
}
