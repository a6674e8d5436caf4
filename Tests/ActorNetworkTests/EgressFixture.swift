import ActorContract
import Foundation
import HostErrors
import Synchronization
import SystemLayer
import TestSupport
import Testing

@testable import ActorNetwork

/// A namespace whose connections go through a gateway, and what was not let out.
final class EgressFixture {
    let scratch: Scratch
    let directory: ScratchDirectory
    let gateway: EgressGateway
    let authority: TestAuthority?
    let counters = EgressCounters()
    let access: GatewayAccess
    let refusals = RefusalList()

    final class RefusalList: Sendable {
        private let list = Mutex<[EgressRefusal]>([])
        var all: [EgressRefusal] { list.withLock { $0 } }
        func add(_ refusal: EgressRefusal) { list.withLock { $0.append(refusal) } }
    }

    init(
        isSecure: Bool = false,
        isTrusted: Bool = true,
        hasCertificate: Bool = true,
        hasNames: Bool = false
    ) throws {
        scratch = try Scratch()
        directory = try ScratchDirectory("egress")
        authority = isSecure ? try TestAuthority(in: directory.path) : nil
        gateway = try EgressGateway(in: directory.path, authority: authority, isTrusted: isTrusted)
        var settings = EgressSettings()
        if let authority {
            settings.trust = authority.certificate
            if hasCertificate {
                let mine = try authority.issue("host-1")
                (settings.certificate, settings.key) = (mine.certificate, mine.key)
            }
        } else {
            settings.isPlaintext = true
        }
        if hasNames { settings.dns = try ResolverAddress(gateway.resolver, field: "dns") }
        access = GatewayAccess(settings)
        try access.check()
    }

    deinit { gateway.stop() }

    func relay(_ address: String? = nil, isAgain: Bool = false) throws -> EgressRelay {
        let refusals = refusals
        return try EgressRelay(
            namespacePath: scratch.path,
            hasInterface: false,
            isAgain: isAgain,
            gateway: GatewayAddress(address ?? gateway.address),
            access: access,
            counters: counters,
            report: { refusals.add($0) }
        )
    }

    /// A blocking connection from inside the namespace, which fails reads after ten seconds.
    func connect(_ address: String, _ port: UInt16, patience: Int = 10_000) throws(SyscallError) -> OwnedFD {
        let socket = try namespaceSocket(path: scratch.path)
        try connectSocket(socket.rawValue, address: address, port: port, deadline: Deadline(milliseconds: patience))
        _ = fcntl(socket.rawValue, F_SETFL, fcntl(socket.rawValue, F_GETFL) & ~O_NONBLOCK)
        var patience = timeval(tv_sec: 10, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        _ = unsafe setsockopt(socket.rawValue, SOL_SOCKET, SO_RCVTIMEO, &patience, size)
        return socket
    }

    /// Says something, ends that half if told so, and hears all of the answer.
    func ask(_ address: String, _ port: UInt16, _ text: String, ends: Bool = false) throws -> String {
        let socket = try connect(address, port)
        try writeAll(Array(text.utf8), to: socket.rawValue)
        if ends { _ = shutdown(socket.rawValue, CInt(SHUT_WR)) }
        return String(decoding: try readAll(from: socket.rawValue, limit: 64 << 20), as: UTF8.self)
    }

    /// What a connection gives that is not let out: nothing, by an end or by a reset.
    func isClosed(_ address: String, _ port: UInt16) throws -> Bool {
        let socket = try connect(address, port)
        do throws(SyscallError) { return try readSome(64, from: socket.rawValue).isEmpty } catch {
            return error.errno == ECONNRESET
        }
    }

    /// The same, and what was told of it.
    func refusal(_ address: String, _ port: UInt16) throws -> EgressRefusal {
        let before = refusals.all.count
        try #require(try isClosed(address, port))
        try #require(Self.comes { refusals.all.count > before })
        return refusals.all[before]
    }

    /// Whether something comes to be within half a minute.
    static func comes(_ condition: () -> Bool) -> Bool {
        let deadline = Deadline(milliseconds: 30_000)
        while !condition() {
            if deadline.hasPassed { return false }
            usleep(2000)
        }
        return true
    }
}
