import Dispatch
import Glibc
import HostErrors
import PluginAuthoring
import PluginCommands
import PluginHost
import PluginOverlays
import SystemLayer

/// `plugin watch`: check and tests whenever a script is saved, until Ctrl-C.
enum WatchCommand {
    static func run(_ arguments: PluginArguments, _ place: PluginPlace) throws -> Int32 {
        let entry = try place.find(arguments.operands[0])
        let pool = CheckCommand.supervisors(place)
        defer { pool.close() }
        let scratch = try Child.scratch("watch")
        defer { try? DirectoryTree.remove(scratch) }
        // Whoever asks for the end makes this readable.
        let pipe = try DescriptorPair.pipe().release()
        let ended = OwnedFD(pipe.first)
        let ending = OwnedFD(pipe.second)
        let number = ending.rawValue
        let sources = [SIGINT, SIGTERM].map { signalNumber in
            signal(signalNumber, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: signalNumber, queue: .global())
            source.setEventHandler { try? writeAll([0], to: number) }
            source.resume()
            return source
        }
        defer { for source in sources { source.cancel() } }
        let queue = inotify_init1(CInt(IN_CLOEXEC | IN_NONBLOCK))
        guard queue >= 0 else { throw SyscallError("inotify_init1", errno) }
        let events = OwnedFD(queue)
        let mask = UInt32(IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE)
        // A module is part of the script that requires it.
        for directory in [entry.directory] + (PluginEntry.library(of: entry.path).map { [$0] } ?? []) {
            guard unsafe inotify_add_watch(events.rawValue, directory, mask) >= 0 else {
                throw SyscallError("inotify_add_watch", errno, directory)
            }
        }
        var round = WatchRound(entry: entry, place: place, pool: pool, scratch: scratch, json: arguments.json)
        round.take("watching \(entry.directory)", isGone: false)
        while true {
            var descriptors = [events.rawValue, ended.rawValue].map {
                pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
            }
            let ready = unsafe poll(&descriptors, 2, -1)
            if ready < 0, errno == EINTR { continue }
            guard ready > 0, descriptors[1].revents == 0 else { break }
            let began = ContinuousClock.now
            // An editor writes, renames and touches: what comes within a moment is one save.
            var names = try read(events.rawValue)
            while try waitReadable(events.rawValue, milliseconds: 10) { names += try read(events.rawValue) }
            let saved = names.filter { $0.hasSuffix(".lua") && !$0.hasPrefix(".") }
            guard let last = saved.last else { continue }
            let isGone = unsafe access(entry.path, F_OK) != 0
            round.take(isGone ? "" : "saved \(last)", isGone: isGone, since: began)
        }
        if !arguments.json { Console.line() }
        return ExitCode.good
    }

    /// The names in the events that are there.
    private static func read(_ descriptor: CInt) throws -> [String] {
        guard try waitReadable(descriptor, milliseconds: 0) else { return [] }
        let bytes = try readSome(65536, from: descriptor)
        var names: [String] = []
        var at = 0
        // inotify(7): wd, mask, cookie and len of four bytes each, then the name, padded by NUL.
        while at + 16 <= bytes.count {
            let length = (0..<4).reduce(0) { $0 | Int(bytes[at + 12 + $1]) << (8 * $1) }
            let end = min(at + 16 + length, bytes.count)
            names.append(String(decoding: bytes[at + 16..<end].prefix { $0 != 0 }, as: UTF8.self))
            at = at + 16 + length
        }
        return names
    }
}

/// One save after another, and what is known of the last good one.
struct WatchRound {
    let entry: PluginEntry
    let place: PluginPlace
    let pool: SupervisorPool
    let scratch: String
    let json: Bool
    private var lastGood: String?

    init(entry: PluginEntry, place: PluginPlace, pool: SupervisorPool, scratch: String, json: Bool) {
        self.entry = entry
        self.place = place
        self.pool = pool
        self.scratch = scratch
        self.json = json
    }

    /// Checks and tests, and prints one line; a mistake is printed whole.
    mutating func take(_ what: String, isGone: Bool, since began: ContinuousClock.Instant = .now) {
        let time = Self.timeOfDay()
        let before = lastGood.map { " · still serving \($0)" } ?? ""
        if isGone {
            let file = entry.path.split(separator: "/").last ?? ""
            return show(time, good: false, "\(file) is gone\(before)")
        }
        do {
            let fresh = try place.find(entry.path)
            let report = try CheckReport.make(fresh, pool: pool)
            guard report.isGood else {
                let lines = report.text().split(separator: "\n", omittingEmptySubsequences: true).map(String.init)
                let rest = lines.dropFirst().map { "\n\($0)" }.joined()
                return show(time, good: false, "\(lines.first ?? "")\(before)\(rest)")
            }
            let tests = try tests()
            let milliseconds = Self.milliseconds(since: began)
            guard tests.failed.isEmpty, !tests.isBroken else {
                return show(time, good: false, "\(tests.words)\(before)\(tests.text)")
            }
            lastGood = time
            let check = report.verdict == "good" ? "check good" : "check \(report.verdict)"
            show(time, good: true, "\(what) · \(check) · \(tests.words) · \(milliseconds) ms")
        } catch let error as HostError {
            show(time, good: false, "\(error.message)\(before)")
        } catch {
            show(time, good: false, "\(error)\(before)")
        }
    }

    private struct Tests {
        var count = 0
        var failed: [Int] = []
        /// The runner did not get as far as a result.
        var isBroken = false
        var text = ""

        var words: String {
            if isBroken { return "the tests could not run" }
            if count == 0 { return "no tests" }
            let numbers = failed.map { "\($0)" }.joined(separator: ", ")
            return failed.isEmpty ? "\(count) tests ok" : "\(failed.count) of \(count) tests fail (\(numbers))"
        }
    }

    /// Runs the tests beside the script in a process of their own, and reads their TAP.
    private func tests() throws -> Tests {
        let names = try DirectoryTree.names(in: entry.directory)
        guard names.contains(where: { $0.hasSuffix("_test.lua") }) else { return Tests() }
        let run = try Child.run(
            Executable.path,
            ["substrate-plugin", "test", entry.path, "--tap"],
            scratch: scratch
        )
        var tests = Tests()
        // Below a failed one its block: its name, and then what went wrong.
        var said = 0
        for line in run.output.split(separator: "\n") {
            let words = line.split(separator: " ")
            said = line.hasPrefix("# ") ? said + 1 : 0
            if said == 2, let number = tests.failed.last { tests.text += "\n  \(number)  \(line.dropFirst(10))" }
            if line.hasPrefix("ok "), words.count > 1 { tests.count += 1 }
            if line.hasPrefix("not ok "), words.count > 2 {
                tests.count += 1
                tests.failed.append(Int(words[2]) ?? tests.count)
            }
        }
        tests.isBroken = run.status != .exited(0) && tests.failed.isEmpty
        if tests.isBroken {
            tests.text = "\n" + run.error + run.output
            while tests.text.last == "\n" { tests.text.removeLast() }
        }
        return tests
    }

    private func show(_ time: String, good: Bool, _ text: String) {
        if json {
            Console.json(.object([("time", .text(time)), ("good", .boolean(good)), ("text", .text(text))]))
        } else {
            Console.line("\(time) \(text)")
        }
    }

    private static func milliseconds(since began: ContinuousClock.Instant) -> Int64 {
        let took = (ContinuousClock.now - began).components
        return took.seconds * 1000 + took.attoseconds / 1_000_000_000_000_000
    }

    private static func timeOfDay() -> String {
        var now = time(nil)
        var parts = unsafe tm()
        unsafe localtime_r(&now, &parts)
        func two(_ number: CInt) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return unsafe "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))"
    }
}
