import Glibc
import LaunchProtocol
import SystemLayer

/// A root file system of busybox in a temporary directory, launched for real.
final class LaunchFixture: Sendable {
    let directory: String
    static let namespaces: UInt64 = 0x2000_0000 | 0x0002_0000 | 0x0800_0000 | 0x0400_0000 | 0x4000_0000
    static let canLaunch: Bool = {
        // Where everything has been installed, what is missing is a failure and no reason to skip.
        if let setting = unsafe getenv("CI"), unsafe String(cString: setting) == "true" { return true }
        guard getuid() == 0, unsafe access("/bin/busybox", X_OK) == 0 else { return false }
        return unsafe access(launcher, X_OK) == 0
    }()
    static let launcher: String = {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = unsafe readlink("/proc/self/exe", &buffer, buffer.count)
        let path = String(decoding: buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        // Under swift test this program is the test bundle itself, or a helper that lies elsewhere.
        for argument in [path] + CommandLine.arguments where argument.contains(".build/") {
            let parts = argument.split(separator: "/")
            guard let build = parts.firstIndex(of: ".build") else { continue }
            for end in (build...(parts.count - 1)).reversed() {
                let candidate = "/" + parts[...end].joined(separator: "/") + "/substrate-launch"
                if unsafe access(candidate, X_OK) == 0 { return candidate }
            }
        }
        return ".build/debug/substrate-launch"
    }()

    init() throws {
        directory = "/tmp/substrate-launch-test-\(getpid())-\(UInt64.random(in: 0 ... .max))"
        for name in ["layer/bin", "layer/etc", "upper", "work", "logs", "status", "data"] {
            try FileTree.makeDirectories("\(directory)/\(name)", mode: 0o755)
        }
        let number = unsafe open("/bin/busybox", O_RDONLY | O_CLOEXEC)
        guard number >= 0 else { throw SyscallError("open", errno, "/bin/busybox") }
        let file = OwnedFD(number)
        let bytes = try readAll(from: file.rawValue, limit: 16 << 20)
        try AtomicFile.write(bytes, to: "\(directory)/layer/bin/busybox", mode: 0o755)
        for name in ["sh", "cat", "ls", "sleep", "mount", "kill", "seq", "id", "hostname", "head", "yes", "unshare"] {
            _ = unsafe symlink("busybox", "\(directory)/layer/bin/\(name)")
        }
    }

    deinit { try? FileTree.remove(directory) }

    func plan(_ arguments: [String]) -> LaunchPlan {
        var plan = LaunchPlan()
        plan.actorName = "counter"
        plan.containerName = "main"
        plan.nonce = "n-\(UInt64.random(in: 0 ... .max))"
        plan.arguments = arguments
        plan.environment = ["PATH=/bin", "GREETING=hello world"]
        plan.hostname = "actor"
        plan.layers = ["\(directory)/layer"]
        plan.upperDirectory = "\(directory)/upper"
        plan.workDirectory = "\(directory)/work"
        plan.logDirectory = "\(directory)/logs"
        plan.statusDirectory = "\(directory)/status"
        plan.graceMilliseconds = 200
        return plan
    }

    func start(
        _ plan: LaunchPlan,
        namespaces: UInt64 = LaunchFixture.namespaces,
        under tracer: [String]? = nil,
        in cgroup: Cgroup? = nil
    ) throws -> (process: ProcessHandle, report: LaunchReport?) {
        let planRead = try Channels.memoryFile(plan.encoded(), name: "plan")
        let answer = try Channels.pipe()
        let answerRead = OwnedFD(answer.read)
        let answerWrite = OwnedFD(answer.write)
        var spawnPlan = SpawnPlan(program: Self.launcher, arguments: ["substrate-launch"])
        if let tracer {
            spawnPlan = SpawnPlan(program: "/usr/bin/strace", arguments: ["strace"] + tracer + [Self.launcher])
        }
        let group = try cgroup?.v2Path.map { path throws(SyscallError) in
            let number = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            guard number >= 0 else { throw SyscallError("open", errno, path) }
            return number
        }
        defer { if let group { _ = close(group) } }
        if let group { spawnPlan.cgroupV2 = group }
        spawnPlan.descriptors = [(child: 3, parent: planRead.rawValue), (child: 4, parent: answerWrite.rawValue)]
        spawnPlan.namespaces = namespaces
        let process = try spawn(spawnPlan)
        try answerWrite.close()
        return (process, LaunchReport.decode(try readAll(from: answerRead.rawValue, limit: 8192)))
    }

    /// Runs to the end; the output is all of it, lines joined.
    func run(_ plan: LaunchPlan) throws -> (status: ExitStatus?, report: LaunchReport?, output: String) {
        let (process, report) = try start(plan)
        _ = process.wait()
        return (ExitRecord.read(directory: plan.statusDirectory, nonce: plan.nonce), report, output())
    }

    func shell(_ script: String) throws -> String { try run(plan(["/bin/sh", "-c", script])).output }

    func output() -> String {
        var reader = LogSpoolReader(directory: "\(directory)/logs")
        var lines: [String] = []
        while let record = reader.next() { lines.append(String(decoding: record.bytes, as: UTF8.self)) }
        return lines.joined(separator: "\n")
    }

    /// Waits for a line of output, at most ten seconds.
    func waitFor(_ line: String) -> Bool {
        for _ in 0..<1000 {
            if output().split(separator: "\n").contains(Substring(line)) { return true }
            usleep(10_000)
        }
        return false
    }
}
