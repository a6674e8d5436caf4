import Dispatch
import Glibc
import HostErrors
public import PluginAuthoring
public import PluginCommands
import PluginOverlays
import Synchronization
import SystemLayer
import Telemetry

/// `plugin conformance`: the suite over one backend, with its report.
public enum ConformanceCommand {
    /// The exit codes of every `plugin` command.
    private static let conforms: Int32 = 0
    private static let doesNot: Int32 = 1
    private static let couldNotTry: Int32 = 2
    private static let interrupted: Int32 = 130

    /// Runs it, and blocks until it is done.
    ///
    /// - Parameters:
    ///   - arguments: what follows the word `conformance`.
    ///   - place: where scripts are looked for.
    /// - Returns: how to exit: 0 it conforms, 1 it does not, 2 it could not be tried, 130 after Ctrl-C.
    /// - Throws: what is wrong with the command line, or with the script.
    public static func run(_ arguments: PluginArguments, _ place: PluginPlace) throws -> Int32 {
        if arguments.has("list") {
            for check in ConformanceSuite.checks { print("\(check.name)\t\(check.shows)") }
            return conforms
        }
        guard let path = arguments.operands.first else { throw PluginArguments.Mistake("conformance needs PATH") }
        let entry = try place.find(path, overlays: arguments.list("overlay"))
        let settings = try ConformanceSettings(arguments, entry: entry, companions: place.programs)
        return report(ConformanceSuite(settings, entry: entry), entry, arguments)
    }

    private static func report(_ suite: ConformanceSuite, _ entry: PluginEntry, _ arguments: PluginArguments) -> Int32 {
        umask(0o022)
        let isTerminal = isatty(2) == 1
        let done = DispatchSemaphore(value: 0)
        let result = Mutex<Result<ConformanceReport, HostError>?>(nil)
        let task = Task.detached {
            let outcome: Result<ConformanceReport, HostError>
            do throws(HostError) {
                outcome = .success(
                    try await suite.run { progress in
                        if isTerminal {
                            write("\r\u{1b}[K\(progress.stage) \(progress.done) of \(progress.total)", to: 2)
                        }
                    }
                )
            } catch { outcome = .failure(error) }
            result.withLock { $0 = outcome }
            done.signal()
        }
        // The first one ends the suite, which takes what it made down; it is never left half done.
        let sources = [SIGINT, SIGTERM].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { task.cancel() }
            source.resume()
            return source
        }
        done.wait()
        for source in sources { source.cancel() }
        if isTerminal { write("\r\u{1b}[K", to: 2) }
        switch result.withLock({ $0 }) {
        case .success(let report)?: return tell(report, entry, arguments)
        case .failure(let error)?:
            print(error: error.message)
            if error.message.contains("backends.\(entry.name).config.") {
                print(error: "  mend      here: --config NAME=VALUE for each")
            }
            return error.code == .cancelled ? interrupted : couldNotTry
        case nil: return couldNotTry
        }
    }

    private static func tell(_ report: ConformanceReport, _ entry: PluginEntry, _ arguments: PluginArguments) -> Int32 {
        // Of one check there is nothing to keep, unless somebody says where.
        let beside =
            entry.path.hasSuffix("/backend.lua")
            ? "\(entry.directory)/conformance.json" : "\(entry.directory)/\(entry.name).conformance.json"
        let named = arguments.value("report")
        let file = named.map(absolute) ?? (arguments.has("only") ? nil : beside)
        var written: String?
        var code = report.conforms ? conforms : doesNot
        if let file {
            do throws(SyscallError) {
                try AtomicFile.write(Array(report.json.utf8), to: file, mode: 0o644)
                written = named ?? file
            } catch {
                print(error: "the report cannot be written: \(error); say --report FILE")
                // Who named a file counts on it.
                if named != nil { code = couldNotTry }
            }
        }
        if arguments.json {
            write(report.json, to: 1)
        } else {
            for line in report.lines(report: written) { print(line) }
        }
        return code
    }

    private static func print(_ line: String) { write(line + "\n", to: 1) }
    private static func print(error line: String) { write(line + "\n", to: 2) }

    private static func write(_ text: String, to descriptor: CInt) {
        // A reader that is gone wants no report.
        try? writeAll(Array(text.utf8), to: descriptor)
    }
}
