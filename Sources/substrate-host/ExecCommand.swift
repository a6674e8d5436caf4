import ContractWire
import Dispatch
import GRPCTransport
import Glibc
import HostErrors
import Synchronization
import SystemLayer

/// `exec`: this terminal's streams joined with a program inside an actor.
enum ExecCommand {
    /// As shells and container tools have it: the host refused, it cannot be executed, it is not found.
    private static let refused: Int32 = 125, cannotExecute: Int32 = 126, notFound: Int32 = 127

    /// Runs it.
    ///
    /// - Returns: the exit code of this process.
    /// - Throws: when no host answers.
    static func run(_ options: ExecOptions) async throws(Client.Failure) -> Int32 {
        let client = Client(options.client.connect)
        let size = options.hasTerminal ? Terminal.size : nil
        let request = HostMessages.ExecRequest(
            actor: options.actor,
            container: options.container,
            command: options.command,
            tty: options.hasTerminal,
            rows: Int64(size?.rows ?? 0),
            columns: Int64(size?.columns ?? 0)
        )
        let terminal = options.hasTerminal && options.isInteractive ? Terminal() : nil
        defer { terminal?.restore() }
        var code: Int32?
        do {
            for try await bytes in client.grpc.serverStream(HostMethod.exec.path, request.encoded()) {
                let event = try HostMessages.ExecEvent(decoding: bytes)
                if !event.id.isEmpty { await join(event.id, client, options) }
                try writeAll(event.stdout, to: 1)
                try writeAll(event.stderr, to: 2)
                if event.ended { code = Int32(clamping: event.exitCode) }
            }
        } catch let status as RPCStatus {
            terminal?.restore()
            let failure = client.failure(status)
            if failure.exitCode == .unavailable { throw failure }
            ConsoleOutput.error.line("\(Program.name): \(failure.text)")
            return Self.code(of: status)
        } catch {
            terminal?.restore()
            // Whoever read what it printed is gone, or the host's words do not decode.
            ConsoleOutput.error.line("\(Program.name): \(error)")
            return refused
        }
        return code ?? refused
    }

    /// What the backend refused has no reason; the host's own refusals have one.
    private static func code(of status: RPCStatus) -> Int32 {
        guard StatusDetails.reason(status.details) == nil else { return refused }
        switch status.code {
        case HostError.Code.notFound.rawValue: return notFound
        case HostError.Code.failedPrecondition.rawValue: return cannotExecute
        default: return refused
        }
    }

    /// Passes on what is typed, signals and the terminal's size, until this process ends.
    ///
    /// Signals are the program's from before its first word is shown on.
    private static func join(_ id: String, _ client: Client, _ options: ExecOptions) async {
        let (inputs, feed) = AsyncStream.makeStream(of: HostMessages.ExecInputRequest.self)
        for number in [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH] {
            await Signals.watch(number) {
                guard number == SIGWINCH else {
                    feed.yield(HostMessages.ExecInputRequest(id: id, signal: Int64(number)))
                    return
                }
                guard options.hasTerminal, let size = Terminal.size else { return }
                feed.yield(
                    HostMessages.ExecInputRequest(id: id, rows: Int64(size.rows), columns: Int64(size.columns))
                )
            }
        }
        let taken = DispatchSemaphore(value: 4)
        if options.isInteractive {
            // A thread of its own: reading a terminal waits for a person.
            let thread = DispatchQueue(label: "input")
            thread.async {
                while true {
                    let bytes = (try? readSome(32 << 10, from: 0)) ?? []
                    taken.wait()
                    feed.yield(HostMessages.ExecInputRequest(id: id, data: bytes, end: bytes.isEmpty))
                    if bytes.isEmpty { return }
                }
            }
        } else if !options.hasTerminal {
            feed.yield(HostMessages.ExecInputRequest(id: id, end: true))
        }
        Task {
            for await input in inputs {
                // The program may have ended meanwhile: its end says so.
                _ = await client.grpc.unary(HostMethod.execInput.path, input.encoded(), timeout: nil)
                if !input.data.isEmpty || input.end { taken.signal() }
            }
        }
    }
}

/// Signals as events, for the life of the process.
private enum Signals {
    /// Returns when none ends this process any more: they are caught some time after it was asked for.
    static func watch(_ number: CInt, _ action: @escaping @Sendable () -> Void) async {
        let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
        source.setEventHandler {
            // Naming the source keeps it until the process ends.
            if !source.isCancelled { action() }
        }
        await withCheckedContinuation { continuation in
            source.setRegistrationHandler { continuation.resume() }
            source.resume()
        }
    }
}

/// The terminal on standard input, with every key passed on as it is.
private final class Terminal: Sendable {
    private let before: Mutex<termios?>

    /// Makes it raw; nil where standard input is none.
    init?() {
        var state = termios()
        guard unsafe tcgetattr(0, &state) == 0 else { return nil }
        before = Mutex(state)
        unsafe cfmakeraw(&state)
        _ = unsafe tcsetattr(0, TCSANOW, &state)
    }

    /// Makes it as it was; only the first time.
    func restore() {
        before.withLock { before in
            guard var state = before else { return }
            _ = unsafe tcsetattr(0, TCSANOW, &state)
            before = nil
        }
    }

    /// Lines and columns; nil where standard output is no terminal.
    static var size: (rows: Int, columns: Int)? {
        var size = winsize()
        guard unsafe ioctl(1, UInt(TIOCGWINSZ), &size) == 0, size.ws_row > 0 else { return nil }
        return (Int(size.ws_row), Int(size.ws_col))
    }
}
