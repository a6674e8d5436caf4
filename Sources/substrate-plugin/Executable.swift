import Glibc

/// This program's own file.
enum Executable {
    /// Its real path, whatever it was called by.
    static let path: String = {
        guard let real = unsafe realpath("/proc/self/exe", nil) else { return CommandLine.arguments[0] }
        defer { unsafe free(real) }
        return unsafe String(cString: real)
    }()
}
