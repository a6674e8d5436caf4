import Glibc
import HostErrors
import PluginAuthoring
import PluginCommands
import PluginHost
import PluginOverlays
import SystemLayer

/// `plugin run`: a real actor's life on a private host that has this backend alone.
enum RunCommand {
    private static let verbs = ["run", "checkpoint", "restore", "stop", "start"]

    static func run(_ arguments: PluginArguments, _ place: PluginPlace) throws -> Int32 {
        guard let actor = arguments.value("actor") else {
            throw CommandFailure("run needs --actor FILE, such as examples/counter/actor.yaml")
        }
        let life = (arguments.value("life") ?? "run,checkpoint,restore,stop").split(separator: ",").map(String.init)
        for verb in life where !verbs.contains(verb) {
            throw CommandFailure("--life: \"\(verb)\" is none of \(verbs.joined(separator: ", "))")
        }
        guard geteuid() == 0 else {
            throw CommandFailure(
                "run starts confined processes, which needs root (namespaces, overlayfs, cgroups): run it with sudo; `\(PluginCommand.program) test` needs none"
            )
        }
        // Handled, so that the children have it and this command lives to clean up.
        signal(SIGINT) { _ in }
        let entry = try place.find(arguments.operands[0], overlays: arguments.list("overlay"))
        let host = try PrivateHost(
            entry: entry,
            actor: actor,
            place: place,
            grants: try arguments.grants().map(\.text),
            config: try arguments.pairs("config")
        )
        defer { host.remove() }
        try host.start()
        var good = true
        var shown: [PluginJSON] = []
        for verb in life {
            let stage = try host.perform(verb)
            if arguments.json { shown.append(stage.json) } else { Console.write(stage.text) }
            if !stage.isGood {
                good = false
                break
            }
        }
        let left = try host.end()
        if arguments.json {
            Console.json(
                .object([
                    ("stages", .list(shown)), ("left_behind", .texts(left)), ("good", .boolean(good && left.isEmpty)),
                ])
            )
        } else {
            Console.line("left behind: \(left.isEmpty ? "nothing" : left.joined(separator: ", "))")
        }
        return good && left.isEmpty ? ExitCode.good : ExitCode.wrong
    }
}
