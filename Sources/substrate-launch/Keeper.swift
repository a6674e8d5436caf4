import CSystemShims
import Confinement
import Glibc
import LaunchProtocol
import SystemLayer

/// Stays beside a kept program: spools its output, records its end, and ends what it left.
///
/// Its descriptors are open to the end of the process.
struct Keeper {
    private let nonce: String
    private let logs: CInt
    private let status: CInt
    private let record: CInt
    private let killFile: CInt

    /// Opens what it needs while paths still mean the machine's.
    init(_ keeping: ToolPlan.Keeping) throws(StepError) {
        nonce = keeping.nonce
        logs = try step(.open) { () throws(SyscallError) in try openDirectory(keeping.logDirectory) }.release()
        let directory = try step(.open) { () throws(SyscallError) in try openDirectory(keeping.statusDirectory) }
            .release()
        record = try step(.open) { () throws(SyscallError) in try ExitRecord.reserve(directory: directory) }.release()
        status = directory
        killFile = keeping.killFile.isEmpty ? -1 : unsafe open(keeping.killFile, O_WRONLY | O_CLOEXEC)
    }

    /// The fork: this process goes on as the keeper, its child becomes the program.
    func split(_ plan: ToolPlan) throws(StepError) -> Never {
        do throws(StepError) {
            try divide(plan)
        } catch {
            ExitRecord.discard(directory: status)
            throw error
        }
    }

    private func divide(_ plan: ToolPlan) throws(StepError) -> Never {
        let output = try step(.fork) { () throws(SyscallError) in try Pipe() }
        let errors = try step(.fork) { () throws(SyscallError) in try Pipe() }
        let failure = try step(.fork) { () throws(SyscallError) in try Pipe() }
        let signals = csh_signalfd()
        try step(.fork) { () throws(SyscallError) in
            try check(signals, "signalfd")
            // What the program leaves behind is reaped here.
            try check(csh_become_subreaper(), "prctl")
        }
        let pid = try forkSelf()
        if pid == 0 {
            let reason: StepError
            var told = failure.write.rawValue
            do throws(StepError) {
                try step(.descriptors) { () throws(SyscallError) in
                    guard setsid() >= 0 else { throw SyscallError("setsid", errno) }
                    for (source, target) in [(output.write.rawValue, 1), (errors.write.rawValue, 2)] as [(CInt, CInt)]
                    where dup2(source, target) < 0 {
                        throw SyscallError("dup2", errno)
                    }
                }
                reason = try Room.become(plan, &told)
            } catch { reason = error }
            let words = LaunchReport.failed(
                step: reason.step.rawValue,
                errno: UInt16(clamping: reason.errno),
                text: reason.text
            )
            try? writeAll(words.encoded(), to: told)
            _exit(125)
        }
        _ = close(0)
        try step(.identity) { () throws(SyscallError) in
            try Privileges.keep([5])
            try Privileges.forbidNew()
        }
        _ = close(output.write.rawValue)
        _ = close(errors.write.rawValue)
        _ = close(failure.write.rawValue)
        let said = (try? readAll(from: failure.read.rawValue, limit: 8192)) ?? []
        if !said.isEmpty {
            let words = LaunchReport.decode(said)
            Launcher.end(words ?? .failed(step: Step.exec.rawValue, errno: 0, text: "no reason given"), status)
        }
        try step(.seccomp) { () throws(SyscallError) in try WorkloadFilter.initial.install() }
        Launcher.report(.ready(pid: pid, applied: []))
        let duty = Initial.Duty(
            nonce: nonce,
            graceMilliseconds: nil,
            logLimitBytes: 64 << 20,
            isFirst: false,
            killFile: killFile
        )
        Initial.run(
            duty,
            mainChild: pid,
            signals: signals,
            output: output.read.rawValue,
            errors: errors.read.rawValue,
            logs: OwnedFD(logs),
            record: record,
            status: status
        )
    }
}
