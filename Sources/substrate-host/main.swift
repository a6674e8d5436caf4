import Glibc

do throws(UsageError) {
    switch try Invocation.parse(CommandLine.arguments) {
    case .print(let text): ConsoleOutput.standard.write(text)
    default: throw UsageError("not wired yet")
    }
} catch {
    ConsoleOutput.error.line(error.text)
    exit(error.exitCode.rawValue)
}
