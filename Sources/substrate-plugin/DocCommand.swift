import Glibc
import HostErrors
import PluginAuthoring
import PluginCommands
import PluginHost
import PluginOverlays
import PluginProtocol

/// `plugin doc`: the reference, and what a backend does.
enum DocCommand {
    static func run(_ arguments: PluginArguments, _ place: PluginPlace) throws -> Int32 {
        let pages = ReferencePage.all()
        guard let name = arguments.operands.first else {
            show(pages, json: arguments.json)
            return ExitCode.good
        }
        if name.contains("/") || name.hasSuffix(".lua") { return try backend(name, arguments, place) }
        let parts = name.split(separator: "@", maxSplits: 1)
        let found = ReferencePage.named(parts.first.map(String.init) ?? name)
        if parts.count == 2, let row = found.first.flatMap({ HostFunction.named($0.name) }),
            "\(row.version)" != parts[1]
        {
            throw CommandFailure("\(name): it has version \(row.version)")
        }
        guard let first = found.first else {
            let served = try? place.index(arguments.list("overlay"))
            if served?[name] != nil { return try backend(name, arguments, place) }
            let near = nearest(name, pages.map(\.name))
            let mend =
                near.isEmpty ? "`\(PluginCommand.program) doc` lists them" : "nearest: \(near.joined(separator: ", "))"
            throw CommandFailure("doc \(name): no such page; \(mend)")
        }
        if arguments.json {
            Console.json(.list(found.map(json)))
        } else if found.count == 1 {
            Console.write(first.text)
        } else {
            show(found, json: false)
        }
        return ExitCode.good
    }

    /// The two names that are most like it, those of its module first.
    static func nearest(_ name: String, _ names: [String]) -> [String] {
        var left = names
        var found: [String] = []
        while found.count < 2, let near = Nearest.name(to: name, among: left) {
            found.append(near)
            left.removeAll { $0 == near }
        }
        let module = name.prefix { $0 != "." }
        if found.count < 2, name.contains(".") {
            let sisters = left.filter { $0.hasPrefix("\(module).") }
            let function = String(name.drop { $0 != "." })
            // The same first letters count, where the whole is too far off.
            found += sisters.sorted { common($0, function, module) > common($1, function, module) }.prefix(
                2 - found.count
            )
        }
        return found
    }

    private static func common(_ name: String, _ function: String, _ module: Substring) -> Int {
        zip(name.dropFirst(module.count), function).prefix { $0 == $1 }.count
    }

    private static func show(_ pages: [ReferencePage], json isJSON: Bool) {
        if isJSON { return Console.json(.list(pages.map(json))) }
        let width = pages.map(\.name.count).max() ?? 0
        for page in pages {
            Console.line("\(page.name)\(String(repeating: " ", count: width - page.name.count))  \(page.summary)")
        }
    }

    private static func json(_ page: ReferencePage) -> PluginJSON {
        .object([("name", .text(page.name)), ("summary", .text(page.summary)), ("text", .text(page.text))])
    }

    private static func backend(_ path: String, _ arguments: PluginArguments, _ place: PluginPlace) throws -> Int32 {
        let pool = CheckCommand.supervisors(place)
        defer { pool.close() }
        let entry = try place.find(path, overlays: arguments.list("overlay"))
        let report = try CheckReport.make(entry, pool: pool)
        if arguments.json {
            Console.json(report.json)
        } else if let descriptor = report.descriptor {
            Console.write(BackendPage.text(descriptor, entry: entry))
        } else {
            Console.write(report.text())
        }
        return report.descriptor == nil ? ExitCode.wrong : ExitCode.good
    }
}
