import ActorContract
import Dispatch
import Glibc
public import HostErrors
import Synchronization
import SystemLayer
import Threads

/// A program that somebody runs inside an actor, with its streams.
///
/// One thread of its own reads what it prints, at most so much ahead of who takes it.
public final class Execution: Sendable {
    /// What comes from it.
    public enum Event: Sendable {
        /// It printed.
        case output([UInt8])
        /// It complained.
        case errors([UInt8])
        /// It ended, with this code; 128 and the signal's number where one ended it.
        case ended(Int32)
    }

    /// Names it for who sends it input; guessed by nobody.
    public let id: String
    /// What comes from it, in order; `took` is called for each.
    public let events: AsyncStream<Event>
    private let continuation: AsyncStream<Event>.Continuation
    private let handle: ProcessHandle
    private let output: OwnedFD
    private let errors: OwnedFD?
    /// The numbers of both.
    private let streams: [CInt]
    private let input: Mutex<OwnedFD?>
    private let isTerminal: Bool
    private let ahead = DispatchSemaphore(value: 16)
    private let cleanup: @Sendable () -> Void

    /// Takes over the descriptors of our side; -1 is none, and none for input means that `output` is a terminal.
    init(
        _ handle: ProcessHandle,
        input: CInt,
        output: CInt,
        errors: CInt,
        cleanup: @escaping @Sendable () -> Void
    ) throws(SyscallError) {
        var generator = SystemRandomNumberGenerator()
        id = (0..<2).map { _ in String(UInt64.random(in: 0 ... .max, using: &generator), radix: 16) }.joined()
        (events, continuation) = AsyncStream.makeStream(of: Event.self)
        self.handle = handle
        isTerminal = input < 0
        self.output = OwnedFD(output)
        self.errors = errors < 0 ? nil : OwnedFD(errors)
        self.input = Mutex(input < 0 ? nil : OwnedFD(input))
        streams = [output, errors].filter { $0 >= 0 }
        self.cleanup = cleanup
        for number in streams {
            _ = fcntl(number, F_SETFL, O_NONBLOCK)
        }
        try startThread("exec") { [self] in serve() }
    }

    /// Says that an event was passed on: as many more may come.
    public func took() { ahead.signal() }

    /// Ends it, whoever it is that does not want it any more.
    public func end() {
        handle.signal(1)
        handle.signal(9)
        cleanup()
        // Nobody takes what still comes.
        for _ in 0..<64 { ahead.signal() }
    }

    /// Passes a signal on.
    public func signal(_ number: Int32) { handle.signal(number) }

    /// Says how large the caller's terminal is; without one nothing happens.
    public func resize(rows: Int, columns: Int) {
        if isTerminal { try? PseudoTerminal.resize(output.rawValue, rows: rows, columns: columns) }
    }

    /// Gives it input, and waits until it has taken it.
    ///
    /// - Throws: `failedPrecondition` when it reads no more.
    public func write(_ bytes: [UInt8]) async throws(HostError) {
        try await Offload.run { () throws(HostError) in
            do throws(SyscallError) { try self.give(bytes) } catch {
                throw HostError(.failedPrecondition, .actorNotRunning, "the program reads no more (\(error.call))")
            }
        }
    }

    private func give(_ bytes: [UInt8]) throws(SyscallError) {
        let number = isTerminal ? output.rawValue : input.withLock { $0?.rawValue ?? -1 }
        guard number >= 0 else { throw SyscallError("write", EPIPE) }
        _ = fcntl(number, F_SETFL, O_NONBLOCK)
        var rest = bytes[...]
        while !rest.isEmpty {
            if handle.hasExited() { throw SyscallError("write", EPIPE) }
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(number, $0.baseAddress, $0.count) }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if errno == EAGAIN {
                var polls = [
                    pollfd(fd: number, events: Int16(POLLOUT), revents: 0),
                    pollfd(fd: handle.pollDescriptor, events: Int16(POLLIN), revents: 0),
                ]
                _ = unsafe poll(&polls, 2, -1)
            } else if errno != EINTR {
                throw SyscallError("write", errno)
            }
        }
    }

    /// Ends its input: a pipe is closed, a terminal is told so.
    public func closeInput() async throws(HostError) {
        if isTerminal { return try await write([4]) }
        input.withLock { $0 = nil }
    }

    private func serve() {
        var open = streams
        while !handle.hasExited() {
            var polls = ([handle.pollDescriptor] + open).map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
            _ = unsafe poll(&polls, nfds_t(polls.count), -1)
            open.removeAll { !take($0) }
        }
        // What it wrote before its end is there; others may hold the pipes for ever.
        for number in open { _ = take(number) }
        let code: Int32 =
            switch handle.wait() {
            case .exited(let code): code
            case .signaled(let signal): 128 + signal
            // Reaped by whoever tore the actor down: that was a kill.
            case nil: 137
            }
        cleanup()
        input.withLock { $0 = nil }
        continuation.yield(.ended(code))
        continuation.finish()
    }

    /// Passes on what is there; false when nothing comes any more.
    private func take(_ number: CInt) -> Bool {
        while true {
            let bytes: [UInt8]
            do throws(SyscallError) { bytes = try readSome(32 << 10, from: number) } catch {
                return error.errno == EAGAIN
            }
            if bytes.isEmpty { return false }
            ahead.wait()
            continuation.yield(number == output.rawValue ? .output(bytes) : .errors(bytes))
        }
    }
}
