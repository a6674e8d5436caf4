import ActorContract
import Glibc
import HostErrors
import PluginAuthoring
import PluginOverlays
import SystemLayer

/// A host of one backend in a fresh directory, driven by its own command line; leaves nothing behind.
final class PrivateHost {
    private let directory: String
    private let program: String
    private let name: String
    private let grants: [String]
    private var process: ProcessHandle?
    private var read = 0
    private var actor = ""

    /// Makes its directory: the backend in an overlay, its settings, and the actor's file with that backend's name in it.
    init(
        entry: PluginEntry,
        actor: String,
        place: PluginPlace,
        grants: [String],
        config: [(name: String, value: String)]
    ) throws {
        guard entry.state == .candidate else {
            throw CommandFailure("\(entry.path) cannot be served", code: ExitCode.wrong)
        }
        guard let text = TextFile.read(actor) else { throw CommandFailure("\(actor): no such file") }
        program = "\(place.programs)/substrate-host"
        name = entry.name
        self.grants = grants
        directory = try Child.scratch("plugin-run")
        try DirectoryTree.make("\(directory)/overlay/backends/\(name)", mode: 0o700)
        try NewCommand.write(
            String(decoding: entry.source, as: UTF8.self),
            to: "\(directory)/overlay/backends/\(name)/backend.lua"
        )
        // Its own file, empty or not: what the operator of this machine wrote is for another host.
        let values = Dictionary(config.map { ($0.name, PluginJSON.text($0.value)) }, uniquingKeysWith: { $1 })
        let fields = values.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        let settings = PluginJSON.object([
            ("backends", .object([(name, .object([("config", .object(fields))]))]))
        ])
        try NewCommand.write(settings.line, to: "\(directory)/substrate.yaml")
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { line -> String in
            let key = line.drop { $0 == " " }
            guard key.hasPrefix("sandbox_class:") else { return String(line) }
            return "\(line.prefix(line.count - key.count))sandbox_class: \(name)"
        }
        try NewCommand.write(lines.joined(separator: "\n"), to: "\(directory)/actor.yaml")
    }

    /// Starts it and waits until it answers.
    func start() throws {
        let log = try Child.file("\(directory)/log")
        var plan = SpawnPlan(
            program: program,
            arguments: [
                "substrate-host", "serve", "--backend=\(name)", "--base-dir", "\(directory)/base", "--overlay",
                "\(directory)/overlay", "--config", "\(directory)/substrate.yaml", "--json", "--log-level", "debug",
                "--stop-actors",
            ] + grants.flatMap { ["--grant", $0] }
        )
        plan.environment = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]
        plan.descriptors = [(child: 2, parent: log.rawValue)]
        // Ctrl-C is for it too: it stops its actor, and this command takes its directory away.
        plan.newSession = false
        let started = try spawn(plan)
        process = started
        let deadline = ContinuousClock.now + .seconds(20)
        while true {
            if started.hasExited() {
                throw CommandFailure(
                    "its host ended:\n\(TextFile.read("\(directory)/log") ?? "")",
                    code: ExitCode.wrong
                )
            }
            if TextFile.read("\(directory)/log")?.contains("\"serving\"") == true { return }
            guard ContinuousClock.now < deadline else { throw CommandFailure("its host does not answer within 20 s") }
            usleep(5000)
        }
    }

    /// Drives one verb, and reads what the host logged of it.
    func perform(_ verb: String) throws -> LifeStage {
        let began = ContinuousClock.now
        let target = verb == "run" ? "\(directory)/actor.yaml" : actor
        let done = try command([verb, target])
        if done.status == .signaled(SIGINT) { throw CommandFailure("interrupted in \(verb); its host is stopped") }
        let took = (ContinuousClock.now - began).components
        let milliseconds = Double(took.seconds) * 1000 + Double(took.attoseconds) / 1e15
        if verb == "run" { actor = LifeStage.text("actor", in: done.output) ?? actor }
        var state = done.output
        if done.isGood, verb != "run", let shown = try? command(["get", actor]).output { state = shown }
        let log = TextFile.read("\(directory)/log") ?? ""
        let fresh = String(log.dropFirst(read))
        read = log.count
        return LifeStage(
            verb: verb,
            isGood: done.isGood,
            milliseconds: milliseconds,
            actor: state,
            error: done.error,
            log: fresh,
            printed: done.isGood ? [] : lastLines()
        )
    }

    /// The end of what the actor's programs printed: its directory is gone when somebody could look.
    private func lastLines() -> [String] {
        let name = actor.isEmpty ? listed : actor
        let words = ["substrate-host", "logs", name, "--connect", "unix:\(directory)/base/host.sock"]
        guard !name.isEmpty, let done = try? Child.run(program, words, scratch: directory), done.isGood else {
            return []
        }
        return done.output.split(separator: "\n").suffix(10).map(String.init)
    }

    /// The one actor of the host; empty where there is none.
    private var listed: String {
        guard let list = try? command(["actors"]).output, let first = list.firstIndex(of: "{"),
            let last = list.lastIndex(of: "}")
        else { return "" }
        return LifeStage.text("actor", in: String(list[first...last])) ?? ""
    }

    private func command(_ words: [String]) throws -> Child {
        try Child.run(
            program,
            ["substrate-host"] + words + ["--json", "--connect", "unix:\(directory)/base/host.sock"],
            scratch: directory
        )
    }

    /// Removes the actor, ends the host, and says what is still there.
    func end() throws -> [String] {
        // A run that failed left its actor too: the host lists it.
        if actor.isEmpty { actor = listed }
        if !actor.isEmpty { _ = try command(["remove", actor]) }
        stop()
        var left: [String] = []
        let mounts = (TextFile.read("/proc/self/mounts") ?? "").split(separator: "\n").filter { $0.contains(directory) }
        if !mounts.isEmpty { left.append("\(mounts.count) mounts below \(directory)") }
        for entry in (try? DirectoryTree.names(in: "/proc")) ?? [] {
            guard let pid = Int32(entry), pid != getpid() else { continue }
            let line = (TextFile.read("/proc/\(pid)/cmdline") ?? "").split(separator: "\0").joined(separator: " ")
            if line.contains(directory) { left.append("process \(pid): \(line.prefix(80))") }
        }
        for actor in (try? DirectoryTree.names(in: "\(directory)/base/actors")) ?? [] {
            let found = (try? DirectoryTree.names(in: "\(directory)/base/actors/\(actor)")) ?? []
            let kept = found.contains("local-checkpoint") ? ActorDirectories.keptWithSnapshots : []
            left += found.filter { !kept.contains($0) }.map { "\($0) of \(actor)" }
        }
        return left
    }

    private func stop() {
        guard let process else { return }
        _ = process.signal(SIGTERM)
        _ = process.wait()
        self.process = nil
    }

    /// Takes its directory away.
    func remove() {
        stop()
        try? DirectoryTree.remove(directory)
    }
}
