import Glibc
public import HostErrors
import SystemLayer
import Telemetry

/// The child that reads strangers' archives, so that this process need not.
///
/// One call, one process of `substrate-unpack`; it says what went wrong in one line, `CODE message`.
public struct UnpackWorker: Sendable {
    /// The path of `substrate-unpack`.
    public let executable: String

    /// Makes one.
    ///
    /// - Parameter executable: the path of `substrate-unpack`.
    public init(executable: String) { self.executable = executable }

    /// Runs it to its end; blocks.
    ///
    /// - Parameters:
    ///   - arguments: without the program's name, such as `--layer`.
    ///   - input: becomes descriptor 0; nil = /dev/null.
    ///   - output: becomes descriptor 1; nil = /dev/null.
    ///   - directories: become descriptors 3, 4, … in this order.
    ///   - isCancelled: asked ten times a second; true ends the child.
    /// - Returns: what the child said of its success: of an archive in, the bytes of its files.
    /// - Throws: what the child said, INTERNAL where it died or cannot be started, or CANCELLED.
    @discardableResult
    public func run(
        _ arguments: [String],
        input: CInt? = nil,
        output: CInt? = nil,
        directories: [CInt],
        isCancelled: () -> Bool = { false }
    ) throws(HostError) -> String {
        // A socket pair, since it alone can be made close-on-exec in one step here.
        var ends: [CInt] = [-1, -1]
        guard unsafe socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            throw storeError("socketpair", executable)
        }
        let reading = OwnedFD(ends[0])
        let writing = OwnedFD(ends[1])
        // From its clone on the time is the child's: nothing of this process runs meanwhile.
        let child = try ProgramTime.wait { () throws(HostError) in
            try spawn(arguments, input, output, writing.rawValue, directories)
        }
        do throws(SyscallError) { try writing.close() } catch { throw storeError(error) }
        let (words, status) = try ProgramTime.wait { () throws(HostError) in
            var words: [UInt8] = []
            while words.count < 8192 {
                var wait = pollfd(fd: reading.rawValue, events: Int16(POLLIN), revents: 0)
                let count = unsafe poll(&wait, 1, 100)
                if isCancelled() { break }
                if count == 0 { continue }
                guard let some = try? readSome(4096, from: reading.rawValue), !some.isEmpty else { break }
                words += some
            }
            let isUnwanted = isCancelled()
            if isUnwanted { _ = kill(child, SIGKILL) }
            var status: CInt = 0
            while unsafe waitpid(child, &status, 0) < 0 {
                guard errno == EINTR else { throw storeError("waitpid", executable) }
            }
            // Told only where it was not done: what is whole is whole.
            if isUnwanted, status != 0 { throw HostError(.cancelled, nil, "the unpacking was cancelled") }
            return (words, status)
        }
        if status != 0 { throw Self.failure(status, String(decoding: words, as: UTF8.self)) }
        return String(decoding: words.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }

    private func spawn(
        _ arguments: [String],
        _ input: CInt?,
        _ output: CInt?,
        _ errors: CInt,
        _ directories: [CInt]
    ) throws(HostError) -> pid_t {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        // Copies above every target first: a source must not be overwritten before it is used.
        var copies: [CInt] = []
        defer { for copy in copies { _ = close(copy) } }
        func place(_ source: CInt, at target: CInt) throws(HostError) {
            let copy = fcntl(source, F_DUPFD_CLOEXEC, 64)
            guard copy >= 0 else { throw storeError("fcntl", executable) }
            copies.append(copy)
            unsafe posix_spawn_file_actions_adddup2(&actions, copy, target)
        }
        if let input {
            try place(input, at: 0)
        } else {
            unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        }
        if let output {
            try place(output, at: 1)
        } else {
            unsafe posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
        }
        try place(errors, at: 2)
        for (index, directory) in directories.enumerated() { try place(directory, at: CInt(3 + index)) }

        var words: [UnsafeMutablePointer<CChar>?] = unsafe [strdup(executable)]
        for argument in arguments { unsafe words.append(strdup(argument)) }
        unsafe words.append(nil)
        defer { unsafe words.forEach { unsafe free($0) } }
        var environment: [UnsafeMutablePointer<CChar>?] = unsafe [nil]
        var child: pid_t = 0
        let code = unsafe posix_spawn(&child, executable, &actions, nil, &words, &environment)
        guard code == 0 else {
            throw HostError(.internal, .machine, "cannot start the unpacker: \(SyscallError("exec", code, executable))")
        }
        return child
    }

    /// The child's line as our error; its first word is the number of the code.
    static func failure(_ status: CInt, _ words: String) -> HostError {
        let signal = status & 0x7f
        if signal == SIGSYS {
            return HostError(.internal, nil, "the unpacker was killed: it tried what its filter forbids")
        }
        if signal != 0 {
            return HostError(.resourceExhausted, nil, "the unpacker was killed by signal \(signal)")
        }
        let line = words.prefix { $0 != "\n" }
        let parts = line.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, let number = Int32(parts[0]), let code = HostError.Code(rawValue: number), code != .ok
        else {
            return HostError(.internal, nil, "the unpacker ended with status \(status >> 8): \(line)")
        }
        return HostError(code, code == .resourceExhausted ? .storageFull : nil, String(parts[1]))
    }
}
