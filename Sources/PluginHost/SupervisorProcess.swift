import Dispatch
import HostErrors
import PluginProtocol
import SystemLayer

/// One supervisor and its socket: one verb, then gone.
///
/// Used by one thread; only `kill` may come from another.
final class SupervisorProcess: Sendable {
    private static let reaper = DispatchQueue(label: "substrate.reaper", attributes: .concurrent)

    let handle: ProcessHandle
    private let socket: OwnedFD
    private let lastWords: OwnedFD

    /// Starts a supervisor in empty namespaces under an identity of its own.
    ///
    /// - Parameters:
    ///   - program: the executable.
    ///   - identity: uid and gid that nobody else has now.
    /// - Throws: `resourceExhausted` when it cannot be started.
    init(program: String, identity: UInt32) throws(HostError) {
        do throws(SyscallError) {
            let sockets = try DescriptorPair.sockets().release()
            socket = OwnedFD(sockets.first)
            let theirs = OwnedFD(sockets.second)
            let pipe = try DescriptorPair.pipe().release()
            lastWords = OwnedFD(pipe.first)
            let words = OwnedFD(pipe.second)
            var plan = SpawnPlan(program: program, arguments: ["substrate-supervisor", "--identity", "\(identity)"])
            plan.environment = ["SWIFT_BACKTRACE=enable=no"]
            plan.descriptors = [(child: 2, parent: words.rawValue), (child: 3, parent: theirs.rawValue)]
            plan.workingDirectory = "/"
            // mount, ipc, uts, pid and net namespaces, all empty or of nobody's use (clone(2)).
            plan.namespaces = 0x2_0000 | 0x0800_0000 | 0x0400_0000 | 0x2000_0000 | 0x4000_0000
            handle = try spawn(plan)
            try words.close()
            try theirs.close()
        } catch {
            throw HostError(
                .resourceExhausted,
                .machine,
                "the supervisor cannot be started (\(error)); `substrate-host doctor` says what is missing"
            )
        }
    }

    deinit { end() }

    /// How it ended and what it said last, once it has ended.
    var obituary: (status: ExitStatus?, words: String) {
        let status = handle.wait()
        let words =
            (try? waitReadable(lastWords.rawValue, milliseconds: 0)) == true
            ? (try? readSome(4096, from: lastWords.rawValue)).map { String(decoding: $0, as: UTF8.self) } ?? "" : ""
        return (status, words)
    }

    /// Ends it and reaps it.
    func end() {
        _ = handle.signal(9)
        // The kernel takes its empty namespaces apart before the process counts as ended: nobody waits for that.
        Self.reaper.async { [handle] in _ = handle.wait() }
    }

    /// Ends it, whatever it does.
    func kill() { _ = handle.signal(9) }

    /// Sends one frame.
    func send(_ frame: HostFrame) throws(HostError) {
        do throws(SyscallError) { try writeAll(frame.encoded(), to: socket.rawValue) } catch { throw gone() }
    }

    /// Waits for the next frame.
    ///
    /// - Parameters:
    ///   - buffer: what came and was not used yet.
    ///   - deadline: after it the supervisor is killed.
    /// - Returns: the frame.
    /// - Throws: what its silence or its death means.
    func receive(_ buffer: inout FrameBuffer, until deadline: ContinuousClock.Instant) throws(HostError)
        -> SupervisorFrame
    {
        do {
            while true {
                if let frame = try buffer.next() {
                    return try SupervisorFrame.decode(kind: frame.kind, payload: frame.payload)
                }
                let left = deadline - ContinuousClock.now
                let milliseconds = left.components.seconds * 1000 + left.components.attoseconds / 1_000_000_000_000_000
                guard milliseconds > 0, try waitReadable(socket.rawValue, milliseconds: milliseconds) else {
                    kill()
                    throw HostError(.deadlineExceeded, .plugin, "the script did not answer within its time")
                }
                let bytes = try readSome(65536, from: socket.rawValue)
                if bytes.isEmpty { throw gone() }
                buffer.append(bytes)
            }
        } catch let error as HostError {
            throw error
        } catch let error as FrameError {
            kill()
            throw HostError(.internal, .plugin, "plugin protocol: \(error)")
        } catch {
            throw gone()
        }
    }

    /// What its death means: the wait status and its last words.
    private func gone() -> HostError {
        kill()
        let (status, words) = obituary
        switch status {
        // SIGSYS: its filter; with last words it is the runtime's own way to die (security §3.2).
        case .signaled(31) where !words.hasPrefix("Fatal error:"):
            return HostError(
                .internal,
                .policy,
                "the supervisor broke the rules of its sandbox",
                context: ["words": words]
            )
        case .signaled(9):
            return HostError(.cancelled, nil, "the supervisor was killed", context: ["words": words])
        default:
            return HostError(
                .internal,
                .plugin,
                "the supervisor ended without an answer",
                context: ["words": words, "status": "\(String(describing: status))"]
            )
        }
    }
}
