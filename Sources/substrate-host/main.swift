import Glibc
import HostErrors
import SystemLayer

Machine.shareHeaps(2)

/// Ends at once: exit(3) would tear down what the threads of the libraries still use, and may wait for them for ever.
func end(_ code: Int32) -> Never {
    fflush(nil)
    _exit(code)
}

do {
    let code: ExitCode
    switch try Invocation.parse(CommandLine.arguments) {
    case .print(let text):
        ConsoleOutput.standard.write(text)
        code = .ok
    case .doctor(let options): code = Doctor.run(options)
    case .backends(let options): code = try await FoundBackends.run(options)
    case .config(let options): code = ConfigCommand.run(options)
    case .overlays(let options): code = try OverlaysCommand.run(options)
    case .images(let options): code = try await ImagesCommand.heeding(options)
    case .assets(let options): code = try await AssetsCommand.heeding(options)
    case .snapshots(let options): code = try await SnapshotsCommand.heeding(options)
    case .serve(let options): code = try await Serve.run(options)
    case .exec(let options): end(try await ExecCommand.run(options))
    case .plugin(let words): throw PluginProgram.become(words)
    case .demo(let options): code = try await Interruption.heeding { try await Demo.run(options) }
    case let command: code = try await Interruption.heeding { try await ClientCommands.run(command) ?? .usage }
    }
    end(code.rawValue)
} catch let error as UsageError {
    ConsoleOutput.error.line(error.text)
    end(error.exitCode.rawValue)
} catch let failure as Client.Failure {
    ConsoleOutput.error.line("\(Program.name): \(failure.text)")
    end(failure.exitCode.rawValue)
} catch let error as HostError {
    ConsoleOutput.error.line("\(Program.name): \(error.message)")
    for (key, value) in error.context.sorted(by: { $0.key < $1.key }) { ConsoleOutput.error.line("  \(key): \(value)") }
    end(ExitCode.failure.rawValue)
} catch {
    ConsoleOutput.error.line("\(Program.name): \(error)")
    end(ExitCode.failure.rawValue)
}
