import Glibc
import HostErrors
import PluginAuthoring
import PluginCommands
import PluginOverlays
import SystemLayer

/// `plugin new`: a backend that runs, with a test.
enum NewCommand {
    static func run(_ arguments: PluginArguments, _ place: PluginPlace) throws -> Int32 {
        let name = arguments.operands[0]
        if let better = Scaffold.better(than: name) {
            let hint = better.isEmpty ? "" : "; try \"\(better)\""
            throw CommandFailure(
                "name \"\(name)\": small letters, digits and -, beginning with a letter\(hint)",
                code: ExitCode.wrong
            )
        }
        if !arguments.has("shadow"), try place.index().entries.contains(where: { $0.name == name }) {
            throw CommandFailure(
                "\"\(name)\" is a shipped backend: yours would shadow it; say --shadow if you mean it",
                code: ExitCode.wrong
            )
        }
        let scaffold = Scaffold(name: name, sdk: place.sdk, onlyTests: arguments.has("only-tests"))
        let paths = scaffold.files.map { "\(name)/\($0.name)" }
        let there = paths.filter { path in unsafe access(path, F_OK) == 0 }
        let isFolder = unsafe access(name, F_OK) == 0
        if !arguments.has("force"), isFolder && !arguments.has("only-tests") || !there.isEmpty {
            let list =
                there.isEmpty
                ? "none of its files would be replaced"
                : "--force replaces the files listed: \(there.joined(separator: " "))"
            let hint = there.isEmpty ? "--force writes beside what is there; \(list)" : list
            throw CommandFailure("\(name)/ exists; nothing was written (\(hint))", code: ExitCode.wrong)
        }
        do { try DirectoryTree.make(name, mode: 0o755) } catch {
            throw CommandFailure("\(name)/ cannot be made here: \(error); go to a folder of your own")
        }
        for file in scaffold.files { try write(file.text, to: "\(name)/\(file.name)") }
        if arguments.json {
            Console.json(
                .object([("name", .text(name)), ("wrote", .texts(scaffold.files.map { "\(name)/\($0.name)" }))])
            )
        } else {
            Console.line("wrote " + scaffold.files.map { "\(name)/\($0.name)\($0.note)" }.joined(separator: "  "))
            Console.line("next: \(PluginCommand.program) test \(name)")
        }
        return ExitCode.good
    }

    /// Truncates what is there: a file keeps its mode and its links.
    static func write(_ text: String, to path: String) throws(SyscallError) {
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard descriptor >= 0 else { throw SyscallError("open", errno, path) }
        let file = OwnedFD(descriptor)
        try writeAll(Array(text.utf8), to: file.rawValue)
    }
}
