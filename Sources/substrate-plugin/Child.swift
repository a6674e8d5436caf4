import Glibc
import SystemLayer

/// A program that is run to its end.
struct Child {
    /// How it ended.
    let status: ExitStatus?
    /// What it wrote to standard output.
    let output: String
    /// What it wrote to standard error.
    let error: String

    var isGood: Bool { status == .exited(0) }

    /// Runs one; its output goes to files, so that nobody who inherits them keeps this waiting.
    ///
    /// - Parameters:
    ///   - program: its path.
    ///   - arguments: its own name first.
    ///   - scratch: a directory for the files.
    /// - Returns: how it ended and what it wrote.
    /// - Throws: when it does not start.
    static func run(_ program: String, _ arguments: [String], scratch: String) throws -> Child {
        let output = try file("\(scratch)/output")
        let error = try file("\(scratch)/error")
        var plan = SpawnPlan(program: program, arguments: arguments)
        plan.environment = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]
        plan.descriptors = [(child: 1, parent: output.rawValue), (child: 2, parent: error.rawValue)]
        plan.newSession = false
        let status = try spawn(plan).wait()
        return Child(
            status: status,
            output: TextFile.read("\(scratch)/output") ?? "",
            error: TextFile.read("\(scratch)/error") ?? ""
        )
    }

    /// A file that is empty.
    static func file(_ path: String) throws(SyscallError) -> OwnedFD {
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SyscallError("open", errno, path) }
        return OwnedFD(descriptor)
    }

    /// A fresh directory of mode 0700.
    static func scratch(_ name: String) throws(SyscallError) -> String {
        var template = Array("/tmp/substrate-\(name)-XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else { throw SyscallError("mkdtemp", errno, "/tmp") }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
