import Glibc

do throws(UsageError) {
    switch try Invocation.parse(CommandLine.arguments) {
    case .print(let text): ConsoleOutput.standard.write(text)
    case .doctor(let options): exit(Doctor.run(options).rawValue)
    default: throw UsageError("not wired yet")
    }
} catch {
    ConsoleOutput.error.line(error.text)
    exit(error.exitCode.rawValue)
}
