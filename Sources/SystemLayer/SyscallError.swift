import HostErrors

/// A system call that failed: its name, the errno and what it was about.
public struct SyscallError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The call's name as in its man page, such as `openat`.
    public let call: String
    /// The errno it gave.
    public let errno: CInt
    /// What it was about: a name or a path; may be empty.
    public let subject: String

    /// Makes one.
    ///
    /// - Parameters:
    ///   - call: the system call's name.
    ///   - errno: the errno, positive.
    ///   - subject: what it was about.
    public init(_ call: String, _ errno: CInt, _ subject: String = "") {
        self.call = call
        self.errno = errno
        self.subject = subject
    }

    /// `openat etc/passwd: errno 2 (No such file or directory)`.
    public var description: String {
        let words = errorText(errno)
        return subject.isEmpty ? "\(call): errno \(errno) (\(words))" : "\(call) \(subject): errno \(errno) (\(words))"
    }
}
