import Glibc
import HostErrors
import LaunchProtocol
import SystemLayer
import Telemetry

/// The program that speaks to registries, as a child in a room of its own.
///
/// It sees the machine's system to read, one directory to write, and the network; it has no capability, an environment
/// of a few words, and dies with the thread that waits for it. What it brings is believed by digest alone.
/// - Source: security.md §2, P5.
struct Skopeo: Sendable {
    let settings: ImageSettings
    let launcher: String
    /// Hidden from it.
    let baseDirectory: String

    /// The most that is read of what it prints.
    private static let outputLimit = BlobStore.maxDocument
    private static let tickMilliseconds: CInt = 100

    /// Runs it to its end; blocks.
    ///
    /// - Parameters:
    ///   - arguments: without its name; never a secret.
    ///   - directory: the one that it may write, and starts in.
    ///   - isCancelled: asked ten times a second; true kills it.
    ///   - tick: called as often.
    /// - Returns: what it printed.
    /// - Throws: what went wrong, by its kind: see `SkopeoFailure`.
    func run(
        _ arguments: [String],
        in directory: String,
        isCancelled: () -> Bool,
        tick: () -> Void = {}
    ) throws(HostError) -> [UInt8] {
        guard unsafe access(settings.skopeo, X_OK) == 0 else {
            throw HostError(
                .failedPrecondition,
                .machine,
                "images of registries need \(settings.skopeo), which is not here: apt-get install skopeo, or use oci:DIR"
            )
        }
        do throws(SyscallError) {
            return try converse(try plan(arguments, directory), isCancelled, tick)
        } catch {
            switch error {
            case let error where error.call == "cancelled": throw HostError(.cancelled, nil, "the pull was cancelled")
            case let error where error.call == "skopeo": throw SkopeoFailure.error(error.subject)
            default:
                throw HostError(.internal, .machine, "skopeo cannot be run: \(error)")
            }
        }
    }

    private func plan(_ arguments: [String], _ directory: String) throws(SyscallError) -> ToolPlan {
        var plan = ToolPlan()
        plan.program = settings.skopeo
        plan.arguments = ["skopeo"] + arguments
        plan.environment = ["PATH=/usr/bin:/bin", "HOME=\(directory)", "TMPDIR=\(directory)", "LANG=C.UTF-8"]
        for name in ["SSL_CERT_FILE", "SSL_CERT_DIR", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"] {
            for name in [name, name.lowercased()] {
                if let value = settings.environment[name] { plan.environment.append("\(name)=\(value)") }
            }
        }
        plan.workingDirectory = directory
        plan.covered = [baseDirectory]
        plan.capabilities = []
        if let resolver = Self.outside("/etc/resolv.conf") {
            plan.mounts.append(LaunchPlan.Mount(source: resolver, target: resolver, readOnly: true))
        }
        plan.mounts.append(LaunchPlan.Mount(source: directory, target: directory))
        do throws(PlanError) { try plan.validate() } catch { throw SyscallError("plan", EINVAL, error.description) }
        return plan
    }

    /// What a file of /etc means where it leads out of the system that is shown.
    private static func outside(_ path: String) -> String? {
        guard let real = unsafe realpath(path, nil) else { return nil }
        defer { unsafe free(real) }
        let text = unsafe String(cString: real)
        return text.hasPrefix("/etc/") || text.hasPrefix("/usr/") ? nil : text
    }

    /// The call of the error is `cancelled`, or `skopeo` with its last words for a subject, or a real one.
    private func converse(
        _ plan: ToolPlan,
        _ isCancelled: () -> Bool,
        _ tick: () -> Void
    ) throws(SyscallError) -> [UInt8] {
        var child = SpawnPlan(program: launcher, arguments: ["substrate-launch"])
        child.environment = ["SWIFT_BACKTRACE=enable=no"]
        child.workingDirectory = "/"
        // Mounts, processes, IPC and host name of its own (clone(2)); the network is what it is for.
        child.namespaces = 0x2_0000 | 0x2000_0000 | 0x0800_0000 | 0x0400_0000
        child.endsWithCaller = true
        let bytes = try Channels.memoryFile(plan.encoded(), name: "plan")
        let reports = try DescriptorPair.pipe().release()
        let report = OwnedFD(reports.first)
        let reportWriter = OwnedFD(reports.second)
        let outputs = try DescriptorPair.pipe().release()
        let output = OwnedFD(outputs.first)
        let outputWriter = OwnedFD(outputs.second)
        let complaints = try DescriptorPair.pipe().release()
        let errors = OwnedFD(complaints.first)
        let errorWriter = OwnedFD(complaints.second)
        child.descriptors = [
            (child: 1, parent: outputWriter.rawValue), (child: 2, parent: errorWriter.rawValue),
            (child: 3, parent: bytes.rawValue), (child: 4, parent: reportWriter.rawValue),
        ]
        let ready = child
        let handle = try ProgramTime.wait { () throws(SyscallError) in try spawn(ready) }
        try reportWriter.close()
        try outputWriter.close()
        try errorWriter.close()
        let ended: (status: ExitStatus?, printed: [UInt8], words: [UInt8])
        do throws(SyscallError) {
            ended = try ProgramTime.wait { () throws(SyscallError) in
                try Self.follow(handle, output.rawValue, errors.rawValue, isCancelled, tick)
            }
        } catch {
            _ = handle.signal(SIGKILL)
            _ = handle.wait()
            throw error
        }
        let said = (try? readAll(from: report.rawValue, limit: 1 << 16)) ?? []
        if case .failed(let step, _, let text)? = said.isEmpty ? nil : LaunchReport.decode(said) {
            throw SyscallError("launch", EPROTO, "step \(step) failed: \(text)")
        }
        guard ended.status == .exited(0) else {
            throw SyscallError("skopeo", 0, String(decoding: ended.words, as: UTF8.self))
        }
        return ended.printed
    }

    private static func follow(
        _ handle: ProcessHandle,
        _ output: CInt,
        _ errors: CInt,
        _ isCancelled: () -> Bool,
        _ tick: () -> Void
    ) throws(SyscallError) -> (ExitStatus?, [UInt8], [UInt8]) {
        var printed: [UInt8] = []
        var words: [UInt8] = []
        var open = [output, errors]
        while !open.isEmpty {
            var polls = open.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
            let count = unsafe poll(&polls, nfds_t(polls.count), tickMilliseconds)
            if count < 0, errno != EINTR { throw SyscallError("poll", errno) }
            tick()
            if isCancelled() { throw SyscallError("cancelled", ECANCELED) }
            for poll in polls where poll.revents != 0 {
                let some = try readSome(65536, from: poll.fd)
                if some.isEmpty { open.removeAll { $0 == poll.fd } }
                if poll.fd == output {
                    printed += some
                    guard printed.count <= outputLimit else { throw SyscallError("read", EFBIG, "skopeo's output") }
                } else {
                    // The reason is in the last words.
                    words = (words + some).suffix(8192)
                }
            }
        }
        return (handle.wait(), printed, words)
    }
}

/// What skopeo's last words mean.
enum SkopeoFailure {
    /// Words that it, or the registry, uses for each kind; the first that occurs decides.
    private static let kinds: [(code: HostError.Code, words: [String])] = [
        (.resourceExhausted, ["no space left on device", "disk quota exceeded"]),
        (.permissionDenied, ["unauthorized", "authentication required", "denied", "invalid username/password"]),
        (.notFound, ["manifest unknown", "name unknown", "not found", "no image found", "blob unknown"]),
        (.dataLoss, ["digest did not match", "digest mismatch", "does not match", "invalid checksum", "corrupt"]),
        (.invalidArgument, ["unsupported manifest", "unsupported schema", "unknown media type"]),
    ]

    /// The error; UNAVAILABLE for what may be better the next time.
    static func error(_ words: String) -> HostError {
        let reason = reason(words)
        let small = reason.lowercased()
        let kind = kinds.first { kind in kind.words.contains { small.contains($0) } }
        return HostError(kind?.code ?? .unavailable, .image, "the registry did not give it: \(reason)")
    }

    /// The text of the last `level=fatal` line, or the last line.
    static func reason(_ words: String) -> String {
        let lines = words.split(separator: "\n")
        guard let line = lines.last(where: { $0.contains("level=fatal") }) ?? lines.last else {
            return "no reason given"
        }
        var text = Substring(line)
        if let start = line.firstRange(of: "msg=\"") { text = line[start.upperBound...].dropLast() }
        let clean = text.replacing("\\\"", with: "\"").unicodeScalars.map { scalar -> Character in
            scalar.properties.generalCategory == .control ? "?" : Character(scalar)
        }
        return String(clean.prefix(500))
    }
}
