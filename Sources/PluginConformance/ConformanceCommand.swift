import Dispatch
import Glibc
import HostErrors
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
    /// - Parameter arguments: what follows the word `conformance`.
    /// - Returns: how to exit: 0 it conforms, 1 it does not, 2 it could not be tried, 130 after Ctrl-C.
    public static func run(arguments: [String]) -> Int32 {
        let options: ConformanceOptions
        do throws(ConformanceOptions.Mistake) { options = try ConformanceOptions(arguments) } catch {
            print(error: "substrate-plugin conformance: \(error.text)")
            return couldNotTry
        }
        if options.help {
            print(ConformanceOptions.help)
            return conforms
        }
        if options.list {
            for check in ConformanceSuite.checks { print("\(check.name)\t\(check.shows)") }
            return conforms
        }
        let executable = executablePath()
        let directory = executable.split(separator: "/").dropLast().reduce(into: "") { $0 += "/" + $1 }
        let entry: PluginEntry
        var settings = ConformanceSettings(companions: directory)
        do {
            entry = try PluginLocation.find(options, executable: executable)
            settings.grants = try options.granted(isShipped: entry.isShipped)
        } catch {
            print(error: (error as? ConformanceOptions.Mistake)?.text ?? (error as? HostError)?.message ?? "\(error)")
            return couldNotTry
        }
        settings.image = options.image
        settings.assets = options.assets
        settings.config = options.config
        settings.only = options.only
        settings.width = options.atOnce
        settings.countsDescriptors = true
        return report(ConformanceSuite(settings, entry: entry), entry, options)
    }

    private static func report(_ suite: ConformanceSuite, _ entry: PluginEntry, _ options: ConformanceOptions) -> Int32
    {
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
        case .success(let report)?: return tell(report, entry, options)
        case .failure(let error)?:
            print(error: error.message)
            if error.message.contains("backends.\(entry.name).config.") {
                print(error: "  mend      here: --config NAME=VALUE for each")
            }
            return error.code == .cancelled ? interrupted : couldNotTry
        case nil: return couldNotTry
        }
    }

    private static func tell(_ report: ConformanceReport, _ entry: PluginEntry, _ options: ConformanceOptions) -> Int32
    {
        // Of one check there is nothing to keep, unless somebody says where.
        let beside =
            entry.path.hasSuffix("/backend.lua")
            ? "\(entry.directory)/conformance.json" : "\(entry.directory)/\(entry.name).conformance.json"
        let file = options.report.map(absolute) ?? (options.only.isEmpty ? beside : nil)
        var written: String?
        var code = report.conforms ? conforms : doesNot
        if let file {
            do throws(SyscallError) {
                try AtomicFile.write(Array(report.json.utf8), to: file, mode: 0o644)
                written = options.report ?? file
            } catch {
                print(error: "the report cannot be written: \(error); say --report FILE")
                // Who named a file counts on it.
                if options.report != nil { code = couldNotTry }
            }
        }
        if options.json {
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

    private static func executablePath() -> String {
        guard let path = unsafe realpath("/proc/self/exe", nil) else { return "/" }
        defer { unsafe free(path) }
        return unsafe String(cString: path)
    }
}
