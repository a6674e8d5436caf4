import Dispatch
import Glibc
import Synchronization
import SystemLayer

/// What a program prints, read as it comes so that it never waits for the script; 1 MiB of each stream is kept.
///
/// Of what it prints the beginning is kept, of what it complains of the end, where the reason is.
final class ProgramOutput: Sendable {
    /// The most that is kept of a stream.
    static let limit = 1 << 20

    private struct State {
        var output: [UInt8] = []
        var errors: [UInt8] = []
        var isTruncated = false
        var open = [true, true]
        var sources: [Source] = []
    }
    /// A source of libdispatch, kept to be cancelled.
    ///
    /// Unchecked: the reference never changes, and the one thing done with it, `cancel`, is allowed from any thread and
    /// more than once (dispatch_source_cancel(3)); the list of sources itself is behind the `Mutex` of `State`.
    private struct Source: @unchecked Sendable {
        let source: any DispatchSourceRead
    }
    /// Non-blocking.
    private let output: OwnedFD
    private let errors: OwnedFD
    private let log: ProgramLog?
    private let state = Mutex(State())
    private static let queue = DispatchQueue(label: "program output")

    /// Takes the reading ends of two pipes.
    init(output: consuming OwnedFD, errors: consuming OwnedFD, log: ProgramLog?) {
        self.output = output
        self.errors = errors
        self.log = log
        for number in [self.output.rawValue, self.errors.rawValue] { _ = fcntl(number, F_SETFL, O_NONBLOCK) }
    }

    /// The streams that may still bring something, to be waited for.
    var descriptors: [CInt] {
        let open = state.withLock { $0.open }
        return (open[0] ? [output.rawValue] : []) + (open[1] ? [errors.rawValue] : [])
    }

    /// What was kept so far.
    var kept: (output: [UInt8], errors: [UInt8], isTruncated: Bool) {
        state.withLock { state in
            (state.output, state.errors.suffix(Self.limit), state.isTruncated || state.errors.count > Self.limit)
        }
    }

    /// Reads from now on whenever something comes, until `finish`.
    func follow() {
        for (index, number) in [output.rawValue, errors.rawValue].enumerated() {
            let source = Source(source: DispatchSource.makeReadSource(fileDescriptor: number, queue: Self.queue))
            source.source.setEventHandler { [self] in
                if !drain(index) { source.source.cancel() }
            }
            // Holds the descriptor until the queue is done with it.
            source.source.setCancelHandler { [self] in withExtendedLifetime(self) {} }
            state.withLock { $0.sources.append(source) }
            source.source.activate()
        }
    }

    /// Takes all that is there at the moment.
    func drain() {
        for index in 0...1 { _ = drain(index) }
    }

    /// Takes what is there and reads no further: whoever still holds the pipes has been left alone by its program.
    func finish() {
        drain()
        let sources = state.withLock { state in
            defer { state.sources = [] }
            return state.sources
        }
        for source in sources { source.source.cancel() }
        log?.finish()
    }

    /// Whether the stream is still open.
    private func drain(_ index: Int) -> Bool {
        state.withLock { state in
            guard state.open[index] else { return false }
            let number = index == 0 ? output.rawValue : errors.rawValue
            // At most 1 MiB at once, so that the other stream has its turn.
            for _ in 0..<16 {
                let bytes: [UInt8]
                do throws(SyscallError) { bytes = try readSome(65536, from: number) } catch {
                    if error.errno != EAGAIN { state.open[index] = false }
                    return state.open[index]
                }
                if bytes.isEmpty {
                    state.open[index] = false
                    return false
                }
                log?.take(bytes, isError: index == 1)
                if index == 0 {
                    let room = Self.limit - state.output.count
                    state.output += bytes.prefix(room)
                    if bytes.count > room { state.isTruncated = true }
                } else {
                    state.errors += bytes
                    if state.errors.count > 2 * Self.limit {
                        state.errors.removeFirst(state.errors.count - Self.limit)
                        state.isTruncated = true
                    }
                }
            }
            return true
        }
    }
}
