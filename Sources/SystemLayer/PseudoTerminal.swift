import CSystemShims

/// A pair of descriptors that are the two sides of a terminal.
public enum PseudoTerminal {
    /// Makes one; whoever calls owns both numbers, close-on-exec.
    ///
    /// - Returns: the side of who types and reads, and the side of the program.
    /// - Throws: the failing call.
    public static func open() throws(SyscallError) -> (controller: CInt, program: CInt) {
        var ends: (CInt, CInt) = (-1, -1)
        let result = unsafe csh_open_terminal(&ends.0, &ends.1)
        guard result == 0 else { throw SyscallError("open", -result, "/dev/ptmx") }
        return (controller: ends.0, program: ends.1)
    }

    /// Says how large the terminal is; its program hears of it.
    ///
    /// - Parameters:
    ///   - descriptor: of either side.
    ///   - rows: lines.
    ///   - columns: characters in a line.
    /// - Throws: the errno of ioctl(2).
    public static func resize(_ descriptor: CInt, rows: Int, columns: Int) throws(SyscallError) {
        let result = csh_resize_terminal(descriptor, CInt(clamping: rows), CInt(clamping: columns))
        guard result == 0 else { throw SyscallError("ioctl", -result, "TIOCSWINSZ") }
    }
}
