import Glibc
import SystemLayer

/// One script file as read, or why it cannot be served.
struct PluginScript {
    /// The most bytes a script may have.
    static let limit = 65536

    let bytes: [UInt8]
    let problem: String?

    /// Reads a script without following a link and without waiting on a pipe.
    ///
    /// - Parameter path: the script's file.
    init(path: String) {
        let descriptor = unsafe open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)
        guard descriptor >= 0 else {
            // ELOOP is what O_NOFOLLOW answers for a symbolic link, ENXIO what a socket does.
            let cause =
                errno == ELOOP || errno == ENXIO ? "not a regular file" : SyscallError("open", errno).description
            self.init(problem: cause)
            return
        }
        let file = OwnedFD(descriptor)
        var status = stat()
        guard unsafe fstat(file.rawValue, &status) == 0 else {
            self.init(problem: SyscallError("fstat", errno).description)
            return
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            self.init(problem: "not a regular file")
            return
        }
        do throws(SyscallError) {
            self.init(bytes: try readAll(from: file.rawValue, limit: Self.limit))
        } catch {
            let tooLong =
                "longer than \(Self.limit) bytes: move parts of it into modules in the overlay's lib/, for require \"name\""
            self.init(problem: error.errno == EFBIG ? tooLong : error.description)
        }
    }

    private init(problem: String) { self.init(bytes: [], problem: problem) }

    private init(bytes: [UInt8], problem: String?) {
        self.bytes = bytes
        self.problem = problem
    }

    private init(bytes: [UInt8]) {
        if bytes.first == 0x1B {
            // Bytecode can break the virtual machine (lua-sandbox.md §A): refused before a supervisor sees it.
            self.init(problem: "precompiled chunk: only Lua source is loaded")
        } else if bytes.isEmpty {
            self.init(problem: "empty file")
        } else {
            self.init(bytes: bytes, problem: nil)
        }
    }
}
