import Glibc
package import HostErrors
package import PluginProtocol
import Synchronization
import SystemLayer
import Threads

/// The process at the other end of a supervisor's socket, as far as the host cares; tests put another in its place.
protocol SupervisorLife: Sendable {
    var pid: Int32 { get }
    @discardableResult func signal(_ number: Int32) -> Bool
    func hasExited() -> Bool
    func wait() -> ExitStatus?
}

extension ProcessHandle: SupervisorLife {}

/// One supervisor and its socket: one verb, then gone.
///
/// Used by one thread; only `kill` may come from another.
package final class SupervisorProcess: Sendable {
    /// What one supervisor may send in all.
    static let maxBytes = 256 << 20
    /// The exit code of a supervisor that could not confine itself.
    private static let exitUnconfined: Int32 = 6
    /// Threads of our own: a pool that is shared is full when many end at once.
    private static let reapers = BlockingThreads(bound: 16)

    let handle: any SupervisorLife
    private let socket: OwnedFD
    private let lastWords: OwnedFD
    private let received = Atomic(0)
    private let limit: Int
    private let onEnd: Mutex<(@Sendable () -> Void)?>

    /// Takes a process that is already there.
    ///
    /// - Parameters:
    ///   - handle: the process.
    ///   - socket: the host's end.
    ///   - lastWords: the reading end of its descriptor 2.
    ///   - limit: the most bytes that it may send in all.
    ///   - onEnd: called once, when it is reaped.
    init(
        handle: any SupervisorLife,
        socket: consuming OwnedFD,
        lastWords: consuming OwnedFD,
        limit: Int = SupervisorProcess.maxBytes,
        onEnd: (@Sendable () -> Void)? = nil
    ) {
        self.limit = limit
        self.handle = handle
        self.socket = socket
        self.lastWords = lastWords
        self.onEnd = Mutex(onEnd)
    }

    /// Starts a supervisor in empty namespaces under an identity of its own.
    ///
    /// - Parameters:
    ///   - program: the executable.
    ///   - identity: uid and gid that nobody else has now.
    ///   - confinement: what else surrounds it.
    ///   - groups: where its cgroup comes from.
    ///   - tests: whether it loads an author's tests in the place of a backend.
    /// - Returns: the supervisor, which confines itself before it reads.
    /// - Throws: `resourceExhausted` when it cannot be started.
    static func start(
        program: String,
        identity: UInt32,
        confinement: SupervisorConfinement,
        groups: SupervisorGroups,
        tests: Bool = false
    ) throws(HostError) -> SupervisorProcess {
        do throws(SyscallError) {
            let group = try groups.take()
            do throws(SyscallError) {
                return try start(program, identity, confinement, group, tests) {
                    if let group { groups.giveBack(group) }
                }
            } catch {
                if let group { groups.giveBack(group) }
                throw error
            }
        } catch {
            throw HostError(
                .resourceExhausted,
                .machine,
                "the supervisor cannot be started (\(error)); `substrate-host doctor` says what is missing"
            )
        }
    }

    private static func start(
        _ program: String,
        _ identity: UInt32,
        _ confinement: SupervisorConfinement,
        _ group: Cgroup?,
        _ tests: Bool,
        onEnd: @escaping @Sendable () -> Void
    ) throws(SyscallError) -> SupervisorProcess {
        let sockets = try DescriptorPair.sockets().release()
        let socket = OwnedFD(sockets.first)
        let theirs = OwnedFD(sockets.second)
        let pipe = try DescriptorPair.pipe().release()
        let lastWords = OwnedFD(pipe.first)
        let words = OwnedFD(pipe.second)
        var arguments = ["substrate-supervisor"]
        arguments += confinement.separate ? ["--identity", "\(identity)"] : ["--unprivileged", "1"]
        if tests { arguments += ["--tests", "1"] }
        if confinement.userNamespace { arguments += ["--user-namespace", "1"] }
        for path in group?.v1Paths ?? [] { arguments += ["--tasks", "\(path)/tasks"] }
        var plan = SpawnPlan(program: program, arguments: arguments)
        plan.environment = ["SWIFT_BACKTRACE=enable=no"]
        plan.descriptors = [(child: 2, parent: words.rawValue), (child: 3, parent: theirs.rawValue)]
        plan.workingDirectory = "/"
        // mount, ipc, uts, pid and net namespaces, all empty or of nobody's use (clone(2)).
        let empty: UInt64 = 0x2_0000 | 0x0800_0000 | 0x0400_0000 | 0x2000_0000 | 0x4000_0000
        plan.namespaces = confinement.separate ? empty : 0
        var directory: CInt = -1
        if let path = group?.v2Path {
            directory = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            guard directory >= 0 else { throw SyscallError("open", errno, path) }
            plan.cgroupV2 = directory
        }
        defer { if directory >= 0 { _ = close(directory) } }
        let handle = try spawn(plan)
        try words.close()
        try theirs.close()
        return SupervisorProcess(handle: handle, socket: socket, lastWords: lastWords, onEnd: onEnd)
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
    package func end() {
        _ = handle.signal(9)
        // The kernel takes its empty namespaces apart before the process counts as ended: nobody waits for that.
        let onEnd = onEnd.withLock { action in
            defer { action = nil }
            return action
        }
        Self.reapers.run { [handle] in
            _ = handle.wait()
            onEnd?()
        }
    }

    /// Ends it, whatever it does.
    package func kill() { _ = handle.signal(9) }

    /// Sends one frame.
    ///
    /// - Parameters:
    ///   - frame: the frame.
    ///   - deadline: of a supervisor that does not read; after it the supervisor is killed.
    /// - Throws: what its silence or its death means.
    package func send(_ frame: HostFrame, until deadline: ContinuousClock.Instant) throws(HostError) {
        let bytes = frame.encoded()
        var offset = 0
        while offset < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { buffer in
                unsafe Glibc.send(
                    socket.rawValue,
                    buffer.baseAddress?.advanced(by: offset),
                    buffer.count - offset,
                    CInt(MSG_DONTWAIT | MSG_NOSIGNAL)
                )
            }
            if count >= 0 {
                offset += count
                continue
            }
            switch errno {
            case EINTR: continue
            case EAGAIN:
                let left = Self.milliseconds(until: deadline)
                guard left > 0 else { throw silent() }
                var entry = pollfd(fd: socket.rawValue, events: Int16(POLLOUT), revents: 0)
                _ = unsafe poll(&entry, 1, CInt(clamping: left))
            default: throw gone()
            }
        }
    }

    /// Waits for the next frame.
    ///
    /// - Parameters:
    ///   - buffer: what came and was not used yet.
    ///   - deadline: after it the supervisor is killed.
    /// - Returns: the frame.
    /// - Throws: what its silence or its death means.
    package func receive(_ buffer: inout FrameBuffer, until deadline: ContinuousClock.Instant) throws(HostError)
        -> SupervisorFrame
    {
        do {
            while true {
                let left = Self.milliseconds(until: deadline)
                // Before what is there already: a flood must not outlast the deadline.
                guard left > 0 else { throw silent() }
                if let frame = try buffer.next() {
                    return try SupervisorFrame.decode(kind: frame.kind, payload: frame.payload)
                }
                guard try waitReadable(socket.rawValue, milliseconds: left) else { throw silent() }
                let bytes = try readSome(65536, from: socket.rawValue)
                if bytes.isEmpty { throw gone() }
                let total = received.add(bytes.count, ordering: .relaxed).newValue
                guard total <= limit else {
                    kill()
                    throw HostError(.resourceExhausted, .plugin, "the script sent more than \(limit) bytes")
                }
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

    private static func milliseconds(until deadline: ContinuousClock.Instant) -> Int64 {
        let left = deadline - ContinuousClock.now
        return left.components.seconds * 1000 + left.components.attoseconds / 1_000_000_000_000_000
    }

    /// Ends a supervisor whose time is over.
    private func silent() -> HostError {
        kill()
        return HostError(.deadlineExceeded, .plugin, "the script did not answer within its time")
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
        case .exited(Self.exitUnconfined):
            return HostError(
                .failedPrecondition,
                .machine,
                "the supervisor cannot confine itself; `substrate-host doctor` says what is missing",
                context: ["words": words]
            )
        case .signaled(9):
            // A cancelled verb and a deadline have their own words: this is the kernel, which ran into a limit.
            return HostError(
                .resourceExhausted,
                .plugin,
                "the supervisor was killed: it ran into its cgroup's memory or its processor time",
                context: ["words": words]
            )
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
