import Foundation
import Glibc

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
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                // A program begins with the signals that its thread blocks: none, or it could not be told to end.
                var none = sigset_t()
                _ = unsafe sigemptyset(&none)
                _ = unsafe pthread_sigmask(CInt(SIG_SETMASK), &none, nil)
                continuation.resume(
                    with: Result { try wait(program, arguments, input: input, patience: patience) }
                )
            }
        }
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
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        // Files, not pipes: whoever inherits one of them cannot keep this waiting.
        let scratch = try ScratchDirectory("run")
        func file(_ name: String, _ text: String = "") throws -> URL {
            let place = URL(fileURLWithPath: "\(scratch.path)/\(name)")
            try Data(text.utf8).write(to: place)
            return place
        }
        let (output, error) = (try file("output"), try file("error"))
        process.standardInput = try FileHandle(forReadingFrom: try file("input", input))
        process.standardOutput = try FileHandle(forWritingTo: output)
        process.standardError = try FileHandle(forWritingTo: error)
        let ended = DispatchSemaphore(value: 0)
        process.terminationHandler = { _ in ended.signal() }
        try process.run()
        if ended.wait(timeout: .now() + patience) == .timedOut {
            kill(process.processIdentifier, SIGKILL)
            ended.wait()
        }
        return ProgramRun(
            code: process.terminationStatus,
            output: String(decoding: try Data(contentsOf: output), as: UTF8.self),
            error: String(decoding: try Data(contentsOf: error), as: UTF8.self)
        )
    }
}
