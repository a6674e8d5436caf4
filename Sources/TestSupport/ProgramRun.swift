import Foundation
import Glibc
import SystemLayer
import Threads

/// What a program gave that ran to its end.
public struct ProgramRun: Sendable {
    /// Its exit code.
    public let code: Int32
    /// What it wrote to standard output.
    public let output: String
    /// What it wrote to standard error.
    public let error: String

    /// Runs a program, off the threads that tests share.
    ///
    /// - Parameters:
    ///   - program: its absolute path.
    ///   - arguments: without its own name.
    ///   - input: what it reads on standard input.
    ///   - patience: seconds after which it is killed.
    /// - Returns: what it gave.
    /// - Throws: when it does not start.
    public static func run(
        _ program: String,
        _ arguments: [String],
        input: String = "",
        patience: Double = 60
    ) async throws -> ProgramRun {
        try await onThread("program") { try wait(program, arguments, input: input, patience: patience) }
    }

    /// Copies a program, or a directory of them, to where it will be run, by another process.
    ///
    /// A descriptor of this one that writes the file could be inherited for a moment by whatever another test starts,
    /// and the copy would be "text file busy" (execve(2), ETXTBSY).
    /// - Parameters:
    ///   - program: its path.
    ///   - place: the copy's.
    /// - Throws: when it cannot be copied.
    public static func copy(_ program: String, to place: String) throws {
        let copied = try wait("/bin/cp", ["-Rp", program, place])
        guard copied.code == 0 else { throw TestFailure("cp: \(copied.error)") }
    }

    /// Runs a program on the calling thread.
    ///
    /// - Parameters:
    ///   - program: its absolute path.
    ///   - arguments: without its own name.
    ///   - input: what it reads on standard input.
    ///   - patience: seconds after which it is killed.
    /// - Returns: what it gave.
    /// - Throws: when it does not start.
    public static func wait(
        _ program: String,
        _ arguments: [String],
        input: String = "",
        patience: Double = 60
    ) throws -> ProgramRun {
        // Files, not pipes: whoever inherits one of them cannot keep this waiting.
        let scratch = try ScratchDirectory("run")
        let places = ["input", "output", "error"].map { "\(scratch.path)/\($0)" }
        try Data(input.utf8).write(to: URL(fileURLWithPath: places[0]))
        let files = try places.map { place in
            let number = unsafe open(place, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
            guard number >= 0 else { throw TestFailure("open \(place): errno \(errno)") }
            return number
        }
        defer { for file in files { close(file) } }
        var plan = SpawnPlan(program: program, arguments: [program] + arguments)
        plan.environment = ProcessInfo.processInfo.environment.map { "\($0)=\($1)" }
        plan.descriptors = files.enumerated().map { (child: CInt($0), parent: $1) }
        let process = try spawn(plan)
        if !process.hasExited(within: patience) { process.signal(SIGKILL) }
        guard let status = process.wait() else { throw TestFailure("\(program) was reaped by another") }
        let (output, error) = (
            try Data(contentsOf: URL(fileURLWithPath: places[1])), try Data(contentsOf: URL(fileURLWithPath: places[2]))
        )
        return ProgramRun(
            code: status.code,
            output: String(decoding: output, as: UTF8.self),
            error: String(decoding: error, as: UTF8.self)
        )
    }
}

extension ProcessHandle {
    /// Whether it ends within some seconds; blocks until then.
    fileprivate func hasExited(within seconds: Double) -> Bool {
        var poller = pollfd(fd: pollDescriptor, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&poller, 1, CInt(seconds * 1000)) > 0
    }
}

extension ExitStatus {
    /// The exit code, or the number of the signal, as Foundation's `terminationStatus` has them.
    fileprivate var code: Int32 {
        switch self {
        case .exited(let code): code
        case .signaled(let number): number
        }
    }
}
