import CSystemShims
import Glibc
import LaunchProtocol
import SystemLayer

/// The half that stays beside a program: reaps, forwards signals, spools output, records the end.
///
/// Outlives the host: it waits for nobody outside, and its answers are files.
struct Initial: ~Copyable {
    /// What it does for one program.
    struct Duty {
        /// What the exit record carries.
        var nonce: String
        /// How long the program has after the host's SIGTERM; nil leaves the end to the host.
        var graceMilliseconds: Int64?
        /// The most that the spool keeps.
        var logLimitBytes: UInt64
        /// Whether it is number 1 of a pid namespace, so that everybody it can signal is the program's.
        var isFirst: Bool
        /// Open for writing: ends all that the program left, this process included; -1 without one.
        var killFile: CInt
    }

    private let mainChild: Int32
    private let duty: Duty
    private var spool: LogSpool
    private var outputs: [(descriptor: CInt, splitter: LineSplitter)]
    private var ended: ExitStatus?
    private var endTime: Int64 = 0
    /// When everything is killed, or when waiting for the last output ends.
    private var killAt: Int64?
    private var drainUntil: Int64?

    /// How long output may still come after the last process was killed: only a stranger can hold the pipe by then.
    private static let drainMilliseconds: Int64 = 500

    static func run(
        _ duty: Duty,
        mainChild: Int32,
        signals: CInt,
        output: CInt,
        errors: CInt,
        logs: consuming OwnedFD,
        record: CInt,
        status: CInt
    ) -> Never {
        var initial = Initial(
            mainChild: mainChild,
            duty: duty,
            spool: LogSpool(directory: logs, limit: duty.logLimitBytes),
            output: output,
            errors: errors
        )
        while !initial.isDone { initial.turn(signals) }
        let end = initial.ended ?? .signaled(SIGKILL)
        // The disk may be full for a moment; a record that cannot be written at all leaves the code below.
        for _ in 0..<50 {
            let written: Void? = try? ExitRecord.write(
                end,
                nonce: duty.nonce,
                timeNanoseconds: initial.endTime,
                file: record,
                directory: status
            )
            if written != nil { break }
            usleep(20_000)
        }
        // Never by number: outside a namespace of its own that would be the whole machine.
        if duty.killFile >= 0 { try? writeAll([0x31], to: duty.killFile) }
        switch end {
        case .exited(let code): exit(code)
        case .signaled(let signal): exit(128 + signal)
        }
    }

    private init(mainChild: Int32, duty: Duty, spool: consuming LogSpool, output: CInt, errors: CInt) {
        self.mainChild = mainChild
        self.duty = duty
        self.spool = spool
        outputs = [
            (output, LineSplitter(stream: .standardOutput)), (errors, LineSplitter(stream: .standardError)),
        ]
        for output in outputs { _ = fcntl(output.descriptor, F_SETFL, O_NONBLOCK) }
    }

    private var isDone: Bool {
        guard ended != nil else { return false }
        guard !outputs.isEmpty, let drainUntil else { return outputs.isEmpty }
        return csh_monotonic_ms() >= drainUntil
    }

    /// One wait, and all that it brought.
    private mutating func turn(_ signals: CInt) {
        var polls = [pollfd(fd: signals, events: Int16(POLLIN), revents: 0)]
        polls += outputs.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
        var wait: CInt = -1
        if let until = [killAt, drainUntil].compactMap({ $0 }).min() {
            wait = CInt(clamping: max(0, until - csh_monotonic_ms()))
        }
        _ = unsafe poll(&polls, nfds_t(polls.count), wait)
        takeSignals(signals)
        for index in polls.indices.dropFirst().reversed() where polls[index].revents != 0 { drain(index - 1) }
        if let when = killAt, csh_monotonic_ms() >= when {
            killAt = nil
            killOthers()
        }
        reap()
    }

    private mutating func takeSignals(_ descriptor: CInt) {
        var sender: CInt = 0
        while case let number = unsafe csh_next_signal(descriptor, &sender), number > 0 {
            switch number {
            case SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGQUIT, SIGWINCH:
                if ended == nil { _ = kill(mainChild, number) }
                // Only the host, outside the namespace, has the number 0 here; the workload's own does not stop it.
                if number == SIGTERM, duty.isFirst, sender == 0, killAt == nil, let grace = duty.graceMilliseconds {
                    killAt = csh_monotonic_ms() + grace
                }
            default: break
            }
        }
    }

    private mutating func reap() {
        var kind: CInt = 0
        var value: CInt = 0
        while case let pid = unsafe csh_reap_any(&kind, &value), pid > 0 {
            guard pid == mainChild, ended == nil else { continue }
            ended = kind == 1 ? .exited(value) : .signaled(value)
            endTime = csh_realtime_ns()
            killAt = nil
            drainUntil = csh_monotonic_ms() + Self.drainMilliseconds
            // The main program's end is the container's.
            killOthers()
        }
    }

    /// Everybody of the namespace but this process.
    private func killOthers() {
        guard duty.isFirst else { return }
        _ = kill(-1, SIGKILL)
    }

    /// Reads what is there of one output, at most 1 MiB so that signals and the other one get their turn.
    private mutating func drain(_ index: Int) {
        for _ in 0..<16 {
            var buffer = [UInt8](repeating: 0, count: 64 << 10)
            let count = unsafe buffer.withUnsafeMutableBytes { bytes in
                unsafe read(outputs[index].descriptor, bytes.baseAddress, bytes.count)
            }
            if count < 0, errno == EAGAIN || errno == EINTR { return }
            let time = csh_realtime_ns()
            guard count > 0 else {
                spool.append(outputs[index].splitter.finish(time: time))
                _ = close(outputs[index].descriptor)
                outputs.remove(at: index)
                return
            }
            buffer.removeLast(buffer.count - count)
            spool.append(outputs[index].splitter.feed(buffer, time: time))
        }
    }
}
