import CSystemShims
import Glibc

/// Two descriptors that belong together, both close-on-exec.
public struct DescriptorPair: ~Copyable, Sendable {
    /// The first: a pipe's reading end.
    public let first: OwnedFD
    /// The second: a pipe's writing end.
    public let second: OwnedFD

    private init(_ first: CInt, _ second: CInt) {
        self.first = OwnedFD(first)
        self.second = OwnedFD(second)
    }

    /// A pipe.
    ///
    /// - Returns: reading end, writing end.
    /// - Throws: EMFILE when the process has too many descriptors.
    public static func pipe() throws(SyscallError) -> DescriptorPair {
        var reading: CInt = -1
        var writing: CInt = -1
        let result = unsafe csh_pipe(&reading, &writing)
        guard result == 0 else { throw SyscallError("pipe2", -result) }
        return DescriptorPair(reading, writing)
    }

    /// A connected pair of stream sockets.
    ///
    /// - Returns: two equal ends.
    /// - Throws: EMFILE when the process has too many descriptors.
    public static func sockets() throws(SyscallError) -> DescriptorPair {
        var ends: [CInt] = [-1, -1]
        let kind = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
        guard unsafe socketpair(AF_UNIX, kind, 0, &ends) == 0 else { throw SyscallError("socketpair", errno) }
        return DescriptorPair(ends[0], ends[1])
    }

    /// Gives both away.
    ///
    /// - Returns: the owned ends as numbers, first and second.
    public consuming func release() -> (first: CInt, second: CInt) { (first.release(), second.release()) }
}

/// Waits until a descriptor can be read or has ended.
///
/// - Parameters:
///   - descriptor: open.
///   - milliseconds: the longest wait; negative waits for ever.
/// - Returns: whether there is something to read; false after the time.
/// - Throws: the errno of poll(2), EINTR excepted.
public func waitReadable(_ descriptor: CInt, milliseconds: Int64) throws(SyscallError) -> Bool {
    let deadline = milliseconds < 0 ? nil : ContinuousClock.now + .milliseconds(milliseconds)
    while true {
        var left: CInt = -1
        if let deadline {
            let rest = deadline - ContinuousClock.now
            left = CInt(
                clamping: max(0, rest.components.seconds * 1000 + rest.components.attoseconds / 1_000_000_000_000_000)
            )
        }
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        let count = unsafe poll(&entry, 1, left)
        if count > 0 { return true }
        if count == 0 { return false }
        if errno != EINTR { throw SyscallError("poll", errno) }
    }
}
