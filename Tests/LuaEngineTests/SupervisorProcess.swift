import Foundation
import Glibc
import PluginProtocol
import SystemLayer

/// A supervisor as the host starts one: descriptor 3 is a socket, 2 goes nowhere, the environment is empty.
final class SupervisorProcess {
    struct Ended: Error, CustomStringConvertible {
        let description: String
    }

    let identifier: pid_t
    private let descriptor: CInt
    private var buffer = FrameBuffer()
    private var reaped: CInt?

    /// The built binary beside the test bundle.
    static var binary: String {
        var directory = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        for bundle in Bundle.allBundles where bundle.bundlePath.hasSuffix(".xctest") {
            directory = bundle.bundleURL.deletingLastPathComponent()
        }
        for _ in 0..<6 {
            let candidate = directory.appendingPathComponent("substrate-supervisor").path
            if FileManager.default.isExecutableFile(atPath: candidate) { return candidate }
            directory.deleteLastPathComponent()
        }
        return URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../.build/debug/substrate-supervisor").standardized.path
    }

    init(arguments: [String] = []) throws {
        var pair: [CInt] = [0, 0]
        let type = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
        guard unsafe socketpair(AF_UNIX, type, 0, &pair) == 0 else { throw SyscallError("socketpair", errno) }
        // posix_spawn's dup2 onto the same number would keep close-on-exec.
        let theirs = fcntl(pair[1], F_DUPFD_CLOEXEC, 10)
        _ = close(pair[1])
        defer { _ = close(theirs) }
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_adddup2(&actions, theirs, 3)
        var words: [UnsafeMutablePointer<CChar>?] = unsafe ([Self.binary] + arguments).map { unsafe strdup($0) } + [nil]
        defer { unsafe words.withUnsafeBufferPointer { unsafe $0.forEach { unsafe free($0) } } }
        var environment: [UnsafeMutablePointer<CChar>?] = unsafe [nil]
        var child: pid_t = 0
        let status = unsafe posix_spawn(&child, Self.binary, &actions, nil, &words, &environment)
        guard status == 0 else { throw SyscallError("posix_spawn", status, Self.binary) }
        identifier = child
        descriptor = pair[0]
    }

    deinit {
        if reaped == nil {
            kill(identifier, SIGKILL)
            _ = wait()
        }
        _ = close(descriptor)
    }

    func send(_ frame: HostFrame) throws { try writeAll(frame.encoded(), to: descriptor) }

    func kill() { kill(identifier, SIGKILL) }

    private func kill(_ identifier: pid_t, _ signal: CInt) { _ = Glibc.kill(identifier, signal) }

    /// The next frame, or how the process ended if it did so first.
    ///
    /// Printed lines go to the closure.
    func receive(until deadline: ContinuousClock.Instant, log: (String) -> Void = { _ in }) throws -> SupervisorFrame {
        while true {
            if let (kind, payload) = try buffer.next() {
                let frame = try SupervisorFrame.decode(kind: kind, payload: payload)
                guard case .log(let text, _) = frame else { return frame }
                log(text)
                continue
            }
            let left = (deadline - .now) / .milliseconds(1)
            var event = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard left > 0, unsafe poll(&event, 1, CInt(left.rounded(.up))) > 0 else {
                throw Ended(description: "killed deadline")
            }
            let some = (try? readSome(65536, from: descriptor)) ?? []
            if some.isEmpty { throw Ended(description: "crash \(wait())") }
            buffer.append(some)
        }
    }

    /// The wait status.
    func wait() -> CInt {
        if let reaped { return reaped }
        var status: CInt = 0
        while unsafe waitpid(identifier, &status, 0) < 0, errno == EINTR {}
        reaped = status
        return status
    }
}
