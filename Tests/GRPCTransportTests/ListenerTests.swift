import GRPCTransport
import Glibc
import HostErrors
import Testing

@Suite(.timeLimit(.minutes(1)))
struct ListenerTests {
    @Test func socketIsPrivateAndGoneAfterwards() async throws {
        let fixture = try Fixture(["/t.T/Echo": .unary(echo)])
        var status = stat()
        #expect(unsafe lstat(fixture.scratch.socket, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o600)
        await fixture.close()
        #expect(unsafe lstat(fixture.scratch.socket, &status) == -1)
    }

    @Test func refusesALiveSocket() async throws {
        try await Fixture.run([:]) { fixture in
            let second = try GRPCServer(methods: [:])
            let error = #expect(throws: HostError.self) { try second.listen(unix: fixture.scratch.socket) }
            #expect(error?.message.contains("already running") == true)
            // The first still answers.
            let (result, _) = await fixture.client.unary("/grpc.health.v1.Health/Check", [], timeout: .seconds(5))
            #expect(result == .success([8, 1]))
        }
    }

    @Test func replacesAStaleSocket() async throws {
        let scratch = try Scratch()
        let stale = try unsafe connectOrBind(scratch.socket, bind)
        close(stale)
        let server = try GRPCServer(methods: [:])
        try server.listen(unix: scratch.socket)
        server.start()
        server.setServing(true)
        let client = GRPCClient(unix: scratch.socket)
        let (result, _) = await client.unary("/grpc.health.v1.Health/Check", [], timeout: .seconds(10))
        #expect(result == .success([8, 1]), "the path is the new server's")
        client.close()
        await server.shutdown(grace: .zero)
        #expect(unsafe access(scratch.socket, F_OK) != 0, "and goes with it")
    }

    @Test func refusesFilesLinksAndOpenDirectories() throws {
        let scratch = try Scratch()
        let server = try GRPCServer(methods: [:])
        let file = unsafe open(scratch.socket, O_CREAT | O_WRONLY, 0o600)
        close(file)
        #expect(throws: HostError.self) { try server.listen(unix: scratch.socket) }
        _ = unsafe unlink(scratch.socket)
        #expect(unsafe symlink("/nowhere", scratch.socket) == 0)
        #expect(throws: HostError.self) { try server.listen(unix: scratch.socket) }
        _ = unsafe unlink(scratch.socket)
        #expect(unsafe chmod(scratch.path, 0o770) == 0)
        #expect(throws: HostError.self) { try server.listen(unix: scratch.socket) }
        #expect(throws: HostError.self) { try server.listen(unix: "relative.sock") }
    }

    @Test func dropsWhoDoesNotSpeakHTTP2() async throws {
        var limits = ServerLimits()
        limits.handshakeTimeout = .milliseconds(100)
        try await Fixture.run(["/t.T/Echo": .unary(echo)], limits: limits) { fixture in
            for words in ["", "PRI * HT", "GET / HTTP/1.1\r\n\r\n"] {
                let number = try unsafe connectOrBind(fixture.scratch.socket, connect)
                defer { close(number) }
                _ = unsafe send(number, words, words.utf8.count, CInt(MSG_NOSIGNAL))
                var poll = pollfd(fd: number, events: Int16(POLLIN), revents: 0)
                #expect(unsafe Glibc.poll(&poll, 1, 5000) == 1, "still connected after: \(words)")
                var byte: UInt8 = 0
                #expect(unsafe recv(number, &byte, 1, 0) <= 0)
            }
            #expect(await fixture.client.unary("/t.T/Echo", [5], timeout: .seconds(5)).0 == .success([5]))
        }
    }

    @Test func boundsConnectionsAndFreesTheirPlaces() async throws {
        var limits = ServerLimits()
        limits.maxConnections = 2
        try await Fixture.run(["/t.T/Echo": .unary(echo)], limits: limits) { fixture in
            let path = fixture.scratch.socket
            // One after the other: each place is given back.
            for round in 0..<UInt8(20) {
                let client = try await served(path, round)
                let second = try await served(path, round)
                let third = GRPCClient(unix: path)
                guard case .failure(let status) = await third.unary("/t.T/Echo", [], timeout: .seconds(5)).0 else {
                    Issue.record("a third connection was served")
                    return
                }
                #expect(status.code == 14)
                for client in [client, second, third] { client.close() }
                try await waitForFreePlace(path)
            }
        }
    }

    /// A client that was served, tried anew while the places of the round before are being given back.
    private func served(_ path: String, _ round: UInt8) async throws -> GRPCClient {
        let deadline = ContinuousClock.now + .seconds(20)
        while true {
            let client = GRPCClient(unix: path)
            if await client.unary("/t.T/Echo", [round], timeout: .seconds(5)).0 == .success([round]) { return client }
            client.close()
            try #require(ContinuousClock.now < deadline, "no place was given back")
        }
    }

    @Test func shutdownLetsCallsEnd() async throws {
        let began = Seen(false)
        let mayEnd = Seen(false)
        let handler: UnaryHandler = { _, request in
            began.set(true)
            let isAllowed = (try? await eventually { mayEnd.now }) ?? false
            return UnaryReply(result: isAllowed ? .success(request) : .failure(.cancelled))
        }
        let fixture = try Fixture(["/t.T/Slow": .unary(handler)])
        let (client, server) = (fixture.client, fixture.server)
        let call = Task { await client.unary("/t.T/Slow", [9], timeout: .seconds(20)).0 }
        try await #require(eventually { began.now })
        let down = Task { await server.shutdown(grace: .seconds(20)) }
        var status = stat()
        let path = fixture.scratch.socket
        #expect(
            try await eventually {
                var status = stat(); return unsafe lstat(path, &status) != 0
            }
        )
        #expect(unsafe lstat(path, &status) != 0)
        mayEnd.set(true)
        #expect(await call.value == .success([9]))
        await down.value
        client.close()
    }

    @Test func shutdownCancelsAfterTheGrace() async throws {
        let began = Seen(false)
        let handler: UnaryHandler = { _, _ in
            began.set(true)
            await waitForCancellation()
            return UnaryReply(result: .failure(.cancelled))
        }
        let fixture = try Fixture(["/t.T/Slow": .unary(handler)])
        let client = fixture.client
        let call = Task { await client.unary("/t.T/Slow", [9], timeout: .seconds(20)).0 }
        try await #require(eventually { began.now })
        await fixture.server.shutdown(grace: .milliseconds(50))
        guard case .failure = await call.value else {
            Issue.record("answered")
            return
        }
        client.close()
    }
}

/// Waits until the server has room for two connections again.
private func waitForFreePlace(_ path: String) async throws {
    for _ in 0..<500 {
        let numbers = try unsafe [connectOrBind(path, connect), connectOrBind(path, connect)]
        defer { for number in numbers { close(number) } }
        var polls = numbers.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        // Refused ones are closed at once, which poll shows; the others say nothing.
        if unsafe poll(&polls, 2, 20) == 0 { return }
    }
    Issue.record("no place was freed")
}

private func connectOrBind(
    _ path: String,
    _ call: (CInt, UnsafePointer<sockaddr>, socklen_t) -> CInt
) throws -> CInt {
    let number = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    try #require(number >= 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
    let result = unsafe withUnsafePointer(to: &address) { pointer in
        unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            unsafe call(number, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
    }
    try #require(result == 0)
    return number
}
