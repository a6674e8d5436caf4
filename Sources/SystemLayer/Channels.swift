import CSystemShims
import Glibc

/// Descriptors made from nothing, close-on-exec.
public enum Channels {
    /// A pipe; whoever calls owns both numbers.
    ///
    /// - Returns: the end to read from and the end to write to.
    /// - Throws: the errno of pipe2(2).
    public static func pipe() throws(SyscallError) -> (read: CInt, write: CInt) {
        var ends: (CInt, CInt) = (-1, -1)
        let result = unsafe csh_pipe(&ends.0, &ends.1)
        guard result == 0 else { throw SyscallError("pipe2", -result) }
        return (read: ends.0, write: ends.1)
    }

    /// Hands a descriptor to who holds the other end of a socket.
    ///
    /// - Parameters:
    ///   - descriptor: open; it stays the caller's.
    ///   - socket: a stream socket.
    /// - Throws: the errno of sendmsg(2).
    public static func hand(_ descriptor: CInt, through socket: CInt) throws(SyscallError) {
        let result = csh_send_descriptor(socket, descriptor)
        guard result == 0 else { throw SyscallError("sendmsg", -result) }
    }

    /// Takes a descriptor that was handed over, without waiting for one.
    ///
    /// - Parameter socket: a stream socket.
    /// - Returns: the descriptor; nil when there is none.
    public static func takeDescriptor(from socket: CInt) -> OwnedFD? {
        let number = csh_receive_descriptor(socket)
        return number >= 0 ? OwnedFD(number) : nil
    }

    /// A file in memory that holds these bytes, to be read from its start: what a pipe's capacity is too small for.
    ///
    /// - Parameters:
    ///   - bytes: the contents.
    ///   - name: shown in /proc.
    /// - Returns: the file.
    /// - Throws: the failing call.
    public static func memoryFile(_ bytes: [UInt8], name: String) throws(SyscallError) -> OwnedFD {
        let number = unsafe csh_memfd(name)
        guard number >= 0 else { throw SyscallError("memfd_create", -number, name) }
        let file = OwnedFD(number)
        try writeAll(bytes, to: number)
        guard lseek(number, 0, SEEK_SET) == 0 else { throw SyscallError("lseek", errno, name) }
        return file
    }
}
