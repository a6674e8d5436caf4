import Foundation
import HostErrors
import Synchronization
import SystemLayer
import TestSupport
import Testing

@testable import ActorNetwork

@Suite("Published ports", .enabled(if: TestMachine.needs(TestMachine.isRoot), "needs root"), .timeLimit(.minutes(1)))
struct PortForwarderTests {
    /// Connects to a loopback port of the host; nil when refused.
    private func connect(_ port: UInt16) -> OwnedFD? {
        let socket = OwnedFD(Glibc.socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0))
        // A lost end of stream fails the test instead of hanging it.
        var patience = timeval(tv_sec: 5, tv_usec: 0)
        _ = unsafe setsockopt(
            socket.rawValue,
            SOL_SOCKET,
            SO_RCVTIMEO,
            &patience,
            socklen_t(MemoryLayout<timeval>.size)
        )
        var where_ = sockaddr_in()
        where_.sin_family = sa_family_t(AF_INET)
        where_.sin_port = port.bigEndian
        where_.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let connected = unsafe withUnsafePointer(to: &where_) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe Glibc.connect(socket.rawValue, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        if connected { return socket }
        return nil
    }

    @Test("carries a large answer whole, many times over, and frees the port when stopped")
    func carries() throws {
        let scratch = try Scratch()
        let body = [UInt8](repeating: 0x62, count: 3_000_000)
        // The responder answers after the client has ended its request: half-closing works.
        let asked = Mutex(0)
        let responder = try Responder(in: scratch, toTheEnd: true) { _, text in
            asked.withLock { $0 += 1 }
            return Array(text.utf8) + body
        }
        let forwarder = try PortForwarder(port: 0, namespacePath: scratch.path, targetPort: responder.port)
        #expect(forwarder.port != 0)
        for round in 0..<5 {
            guard let client = connect(forwarder.port) else {
                Issue.record("refused")
                return
            }
            try writeAll(Array("hello \(round)".utf8), to: client.rawValue)
            _ = shutdown(client.rawValue, CInt(SHUT_WR))
            let answer = try readAll(from: client.rawValue, limit: 1 << 23)
            #expect(answer.count == body.count + 7)
            #expect(answer.starts(with: Array("hello \(round)".utf8)))
        }
        let taken = #expect(throws: HostError.self) {
            try PortForwarder(port: forwarder.port, namespacePath: scratch.path, targetPort: 1)
        }
        #expect(taken?.code == .alreadyExists)
        forwarder.stop()
        forwarder.stop()
        // Whoever listens there now, another test maybe, leads nobody to this actor.
        if let stranger = connect(forwarder.port) {
            _ = shutdown(stranger.rawValue, CInt(SHUT_RDWR))
            _ = try? waitReadable(stranger.rawValue, milliseconds: 1000)
        }
        #expect(asked.withLock { $0 } == 5)
    }

    @Test("a workload that does not listen closes the client, and the next one is served")
    func nobody() throws {
        let scratch = try Scratch()
        let forwarder = try PortForwarder(port: 0, namespacePath: scratch.path, targetPort: 9)
        for _ in 0..<3 {
            guard let client = connect(forwarder.port) else {
                Issue.record("refused")
                return
            }
            #expect(((try? readSome(1, from: client.rawValue)) ?? []).isEmpty)
        }
        forwarder.stop()
    }
}
