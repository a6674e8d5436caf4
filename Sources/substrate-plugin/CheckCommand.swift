import HostErrors
import PluginAuthoring
import PluginCommands
import PluginHost
import PluginOverlays
import Telemetry

/// `plugin check`: a script as the host would load it.
enum CheckCommand {
    static func run(_ arguments: PluginArguments, _ place: PluginPlace) throws -> Int32 {
        let path = arguments.operands[0]
        let pool = supervisors(place)
        defer { pool.close() }
        let grants = try arguments.grants().map(\.text)
        let entry = try place.find(path, overlays: arguments.list("overlay"))
        var report = try CheckReport.make(entry, pool: pool, granted: grants)
        if arguments.has("fix"), !report.missingNeeds.isEmpty {
            guard let fixed = report.fixed else {
                throw CommandFailure(
                    "\(entry.path): no place for needs was found; write needs = { … } in the returned table",
                    code: ExitCode.wrong
                )
            }
            try NewCommand.write(String(decoding: fixed, as: UTF8.self), to: entry.path)
            if !arguments.json { Console.line("added to needs: \(report.missingNeeds.joined(separator: " "))") }
            report = try CheckReport.make(
                place.find(path, overlays: arguments.list("overlay")),
                pool: pool,
                granted: grants
            )
        }
        if arguments.json { Console.json(report.json) } else { Console.write(report.text(all: arguments.has("all"))) }
        return report.isGood ? ExitCode.good : ExitCode.wrong
    }

    /// Supervisors for scripts that are looked at and not served.
    static func supervisors(_ place: PluginPlace) -> SupervisorPool {
        SupervisorPool(
            program: Companions(directory: place.programs).supervisor,
            size: 0,
            confinement: .forAuthor(),
            logger: Logger(sink: SilentSink())
        )
    }
}
