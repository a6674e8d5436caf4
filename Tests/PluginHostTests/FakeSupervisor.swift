import Foundation
import Glibc
import HostErrors
import PluginProtocol
import Synchronization
import SystemLayer

@testable import PluginHost

/// A supervisor that is a function of this process: it has the other end of a real socket, and does as it likes.
final class FakeSupervisor: SupervisorLife {
    private let socket: OwnedFD
    private let words: OwnedFD
    private let signals = Mutex<[Int32]>([])
    private let finished = DispatchSemaphore(value: 0)

    let pid: Int32 = 0

    private init(socket: consuming OwnedFD, words: consuming OwnedFD) {
        self.socket = socket
        self.words = words
    }

    /// The host's side of a fake.
    ///
    /// - Parameters:
    ///   - limit: the most bytes that the host takes from it.
    ///   - behaviour: what it does, on a thread of its own; its socket fails once the host has ended it.
    /// - Returns: what a pool hands out.
    /// - Throws: `resourceExhausted` when there is no descriptor left.
    static func start(
        limit: Int = SupervisorProcess.maxBytes,
        _ behaviour: @escaping @Sendable (FakeSupervisor) throws -> Void
    ) throws(HostError) -> SupervisorProcess {
        do throws(SyscallError) {
            let sockets = try DescriptorPair.sockets().release()
            let pipe = try DescriptorPair.pipe().release()
            let fake = FakeSupervisor(socket: OwnedFD(sockets.second), words: OwnedFD(pipe.second))
            Thread.detachNewThread {
                // It ends as a process does: its socket closes, whatever it still wanted to say.
                try? behaviour(fake)
                _ = shutdown(fake.socket.rawValue, CInt(SHUT_RDWR))
                fake.finished.signal()
            }
            return SupervisorProcess(
                handle: fake,
                socket: OwnedFD(sockets.first),
                lastWords: OwnedFD(pipe.first),
                limit: limit
            )
        } catch {
            throw HostError(.resourceExhausted, .machine, "\(error)")
        }
    }

    @discardableResult func signal(_ number: Int32) -> Bool {
        signals.withLock { $0.append(number) }
        _ = shutdown(socket.rawValue, CInt(SHUT_RDWR))
        return true
    }

    func hasExited() -> Bool { false }

    func wait() -> ExitStatus? {
        finished.wait()
        finished.signal()
        return .signaled(9)
    }

    /// Whether the host killed it.
    var isKilled: Bool { signals.withLock { $0.contains(9) } }

    /// Sends bytes as they are; the error says that the host is done with it.
    func send(_ bytes: [UInt8]) throws(SyscallError) {
        var offset = 0
        while offset < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { buffer in
                unsafe Glibc.send(
                    socket.rawValue,
                    buffer.baseAddress?.advanced(by: offset),
                    buffer.count - offset,
                    CInt(MSG_NOSIGNAL)
                )
            }
            if count < 0 {
                if errno == EINTR { continue }
                throw SyscallError("send", errno)
            }
            offset += count
        }
    }

    func send(_ frame: SupervisorFrame) throws(SyscallError) { try send(frame.encoded()) }

    /// Reads one frame of the host's.
    func receive() throws -> HostFrame {
        let header = try exactly(5)
        let length = (0..<4).reduce(0) { $0 | Int(header[$1]) << (8 * $1) }
        return try HostFrame.decode(kind: header[4], payload: try exactly(length))
    }

    private func exactly(_ count: Int) throws(SyscallError) -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            let some = try readSome(count - bytes.count, from: socket.rawValue)
            if some.isEmpty { throw SyscallError("read", ECONNRESET) }
            bytes += some
        }
        return bytes
    }

    /// Waits until the host has hung up.
    func waitForEnd() throws { while !(try readSome(65536, from: socket.rawValue)).isEmpty {} }
}
