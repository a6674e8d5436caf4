// What authors of backends need: substrate-host execs it for `plugin …`, so that no host links any of it.
import Glibc
import HostErrors
import PluginAuthoring
import PluginCommands
import PluginConformance
import PluginProtocol
import PluginTesting

/// What runs a command: the words after its name, and the exit code.
typealias CommandRunner = @Sendable (PluginArguments, PluginPlace) throws -> Int32

/// One line a command.
let runners: [String: CommandRunner] = [
    "new": NewCommand.run,
    "check": CheckCommand.run,
    "test": { try TestCommand.run($0, $1) },
    "conformance": ConformanceCommand.run,
    "run": RunCommand.run,
    "watch": WatchCommand.run,
    "doc": DocCommand.run,
    "types": TypesCommand.run,
]

func perform(_ words: ArraySlice<String>) -> Int32 {
    guard let name = words.first, !["--help", "-h", "help"].contains(name) else {
        Console.write(PluginCommand.overview)
        return words.isEmpty ? ExitCode.untried : ExitCode.good
    }
    guard let command = PluginCommand.named(name) else {
        let near =
            Nearest.name(to: name, among: PluginCommand.all.map(\.name)).map { "; did you mean \"\($0)\"?" } ?? ""
        Console.complain("unknown command \"\(name)\"\(near)\nTry: \(PluginCommand.program) --help")
        return ExitCode.untried
    }
    let rest = words.dropFirst()
    if rest.contains("--help") || rest.contains("-h") {
        Console.write(command.help)
        return ExitCode.good
    }
    guard let runner = runners[name] else {
        Console.complain("\(name) is not part of this build")
        return ExitCode.untried
    }
    do {
        let arguments = try PluginArguments(rest, for: command) { Nearest.name(to: $0, among: $1) }
        return try runner(arguments, PluginPlace(executable: Executable.path))
    } catch let mistake as PluginArguments.Mistake {
        Console.complain("\(mistake.text)\nTry: \(PluginCommand.program) \(name) --help")
        return ExitCode.untried
    } catch let failure as CommandFailure {
        Console.complain(failure.text)
        return failure.code
    } catch let error as HostError {
        Console.complain(error.message)
        return ExitCode.untried
    } catch {
        Console.complain("\(error)")
        return ExitCode.untried
    }
}

signal(SIGPIPE, SIG_IGN)
exit(perform(CommandLine.arguments.dropFirst()))
