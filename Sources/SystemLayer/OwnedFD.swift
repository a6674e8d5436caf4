import Glibc

/// Sole owner of one open descriptor.
///
/// Closed exactly once: by `close()`, or on drop.
public struct OwnedFD: ~Copyable, Sendable {
    /// The descriptor's number; valid while this value lives.
    public let rawValue: CInt

    /// Takes ownership of an open descriptor.
    ///
    /// - Parameter rawValue: open, and closed by nobody else.
    public init(_ rawValue: CInt) { self.rawValue = rawValue }

    /// Closes it and reports the error, which matters after writes.
    ///
    /// Never retried: after EINTR the number may already be somebody else's (close(2) "Dealing with error returns").
    /// - Throws: the error of close(2), EINTR excepted.
    public consuming func close() throws(SyscallError) {
        let number = rawValue
        discard self
        if Glibc.close(number) != 0, errno != EINTR { throw SyscallError("close", errno) }
    }

    /// Gives the number away; the caller now owns it.
    ///
    /// - Returns: the open descriptor.
    public consuming func release() -> CInt {
        let number = rawValue
        discard self
        return number
    }

    /// Another descriptor of the same open file, close-on-exec.
    ///
    /// - Returns: the duplicate.
    /// - Throws: EMFILE when the process has too many.
    public borrowing func duplicate() throws(SyscallError) -> OwnedFD {
        let copy = fcntl(rawValue, F_DUPFD_CLOEXEC, 3)
        guard copy >= 0 else { throw SyscallError("fcntl", errno) }
        return OwnedFD(copy)
    }

    deinit { _ = Glibc.close(rawValue) }
}

/// The system's words for an errno.
func errorText(_ number: CInt) -> String {
    guard let words = unsafe strerror(number) else { return "unknown" }
    return unsafe String(cString: words)
}
