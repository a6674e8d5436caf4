import PluginAuthoring
import PluginCommands
import SystemLayer

/// `plugin types`: the generated files of a checkout.
enum TypesCommand {
    static func run(_ arguments: PluginArguments, _ place: PluginPlace) throws -> Int32 {
        let root = arguments.operands[0]
        let files = GeneratedFile.all()
        let stale = files.filter { TextFile.read("\(root)/\($0.path)") != $0.text }
        if arguments.has("check") {
            if arguments.json {
                Console.json(.object([("stale", .texts(stale.map(\.path)))]))
            } else {
                for file in stale { Console.line("\(file.path) is stale: make types") }
                if stale.isEmpty { Console.line("\(files.count) files are as the table says") }
            }
            return stale.isEmpty ? ExitCode.good : ExitCode.wrong
        }
        for file in stale {
            let directory = "\(root)/\(file.path)".split(separator: "/", omittingEmptySubsequences: false).dropLast()
            try DirectoryTree.make(directory.joined(separator: "/"), mode: 0o755)
            try NewCommand.write(file.text, to: "\(root)/\(file.path)")
        }
        if arguments.json {
            Console.json(.object([("wrote", .texts(stale.map(\.path)))]))
        } else {
            Console.line("wrote \(stale.count) of \(files.count) files")
            for file in stale { Console.line("  \(file.path)") }
        }
        return ExitCode.good
    }
}
