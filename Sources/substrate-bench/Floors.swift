import Glibc
import SystemLayer

/// The least that this machine needs for what the host does, measured anew in each run.
enum Floors {
    /// The hidden argument that makes this program the far end of the round trip.
    static let echoArgument = "--answer-on-descriptor-3"

    /// One byte to another process and back, in milliseconds.
    static func roundTrip(_ samples: Int) throws -> Double {
        let pair = try DescriptorPair.sockets().release()
        let near = OwnedFD(pair.first)
        let far = OwnedFD(pair.second)
        var plan = SpawnPlan(program: Place.program, arguments: ["substrate-bench", echoArgument])
        plan.descriptors = [(child: 3, parent: far.rawValue)]
        let child = try spawn(plan)
        try far.close()
        defer { end(child) }
        var medians = Samples()
        for _ in 0..<samples {
            let start = Clock.now()
            for _ in 0..<1000 {
                try writeAll([1], to: near.rawValue)
                _ = try readSome(1, from: near.rawValue)
            }
            medians.add((Clock.now() - start) / 1000)
        }
        return medians.median
    }

    /// Answers until the other end is gone.
    static func echo() {
        while let bytes = try? readSome(1, from: 3), !bytes.isEmpty {
            guard (try? writeAll(bytes, to: 3)) != nil else { return }
        }
    }

    /// vfork, exec and wait of `/bin/true`, in milliseconds.
    static func program(_ samples: Int) throws -> Double {
        var times = Samples()
        for _ in 0..<samples * 3 {
            let start = Clock.now()
            var pid: pid_t = 0
            var arguments: [UnsafeMutablePointer<CChar>?] = unsafe [strdup("true"), nil]
            defer { unsafe free(arguments[0]) }
            let result = unsafe posix_spawn(&pid, "/bin/true", nil, nil, &arguments, nil)
            guard result == 0 else { throw SyscallError("posix_spawn", result, "/bin/true") }
            var status: CInt = 0
            while unsafe waitpid(pid, &status, 0) < 0, errno == EINTR {}
            times.add(Clock.now() - start)
        }
        return times.median
    }

    /// One page appended to a file of a directory and made durable, in milliseconds.
    static func sync(in directory: String, _ samples: Int) throws -> Double {
        let path = "\(directory)/sync-floor"
        let file = OwnedFD(unsafe open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600))
        defer { _ = unsafe unlink(path) }
        let page = [UInt8](repeating: 1, count: 4096)
        var times = Samples()
        for _ in 0..<samples * 3 {
            let start = Clock.now()
            try writeAll(page, to: file.rawValue)
            guard fdatasync(file.rawValue) == 0 else { throw SyscallError("fdatasync", errno, path) }
            times.add(Clock.now() - start)
        }
        return times.median
    }

    /// The same program in namespaces of its own, as a container's first process is.
    static func confinedProgram(_ samples: Int) throws -> Double {
        var times = Samples()
        for _ in 0..<samples {
            let start = Clock.now()
            var plan = SpawnPlan(program: "/bin/true", arguments: ["true"])
            // pid, mount, ipc, uts (clone(2)): what the launcher gets.
            plan.namespaces = 0x2000_0000 | 0x2_0000 | 0x0800_0000 | 0x0400_0000
            _ = try spawn(plan).wait()
            times.add(Clock.now() - start)
        }
        return times.median
    }

    static func end(_ child: ProcessHandle) {
        child.signal(SIGKILL)
        _ = child.wait()
    }
}
