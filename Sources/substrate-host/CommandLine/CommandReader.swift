import PluginOverlays
import Snapshots
import Telemetry

/// Turns the sorted words of one command into its typed options.
struct CommandReader {
    let command: String
    let parsed: ParsedArguments
    let environment: Environment

    /// The invocation, every value checked.
    ///
    /// - Throws: which value is wrong and what would be right.
    func invocation() throws(UsageError) -> Invocation {
        switch command {
        case "serve": .serve(try serve())
        case "run": .run(try run())
        case "actors": .actors(try client())
        case "metrics": .metrics(try client())
        case "get": .get(try actor())
        case "stats": .stats(try actor())
        case "checkpoint": .checkpoint(try checkpoint())
        case "restore": .restore(try restore())
        case "start": .start(try actor())
        case "stop": .stop(try actor())
        case "remove": .remove(try actor())
        case "logs":
            .logs(LogsOptions(client: try client(), actor: try actorName(), follow: parsed.has("follow")))
        case "exec": .exec(try exec())
        case "backends": .backends(try backends())
        case "config": .config(try config())
        case "overlays": .overlays(try overlays())
        case "assets": .assets(try assets())
        case "images": .images(try images())
        case "snapshots": .snapshots(try snapshots())
        case "doctor":
            .doctor(DoctorOptions(pluginsDirectory: directory("plugins-dir"), json: parsed.has("json")))
        case "demo": .demo(DemoOptions(json: parsed.has("json")))
        case "completion": .print(try completion())
        default: throw UsageError("unknown command \"\(command)\"")
        }
    }

    private func serve() throws(UsageError) -> ServeOptions {
        let configuration = try configuration()
        let whole = CommandReader(command: command, parsed: merged(configuration), environment: environment)
        return try whole.serve(configuration, overlays: try sources(configuration))
    }

    /// Reads a command line whose gaps the file has filled.
    private func serve(
        _ configuration: Configuration,
        overlays: [PluginSource]
    ) throws(UsageError) -> ServeOptions {
        guard let backend = parsed.value("backend") else {
            throw error("which backend? write --backend=NAME; `\(Program.name) backends` lists them")
        }
        let base = try baseDirectory()
        var listen: [Endpoint] = []
        for text in parsed.list("listen") {
            listen.append(try Endpoint(text, option: "listen", command: command, environment: environment))
        }
        for case .tcp in listen where !parsed.has("insecure-tcp") {
            throw error(
                "tcp: is plaintext and whoever reaches it commands the host; add --insecure-tcp if that is meant"
            )
        }
        if listen.isEmpty { listen = [try Endpoint(socket: base + "/host.sock", command: command)] }
        return ServeOptions(
            backend: backend,
            baseDirectory: base,
            listen: listen,
            insecureTCP: parsed.has("insecure-tcp"),
            contract: try choice("contract") ?? .auto,
            reflection: parsed.has("reflection"),
            overlays: overlays,
            pluginsDirectory: directory("plugins-dir"),
            assetRoots: directories("asset-root"),
            slotCapacity: try number("slot-capacity", 0...1_000_000) ?? 0,
            require: parsed.list("require"),
            stopActors: parsed.has("stop-actors"),
            json: parsed.has("json"),
            backends: try grants(configuration, to: backend),
            configuration: configuration.path,
            logLevel: try choice("log-level") ?? .info,
            assetOrigins: try origins("asset-origin"),
            assetBudget: try size("asset-budget") ?? 0,
            assetPacks: directories("asset-pack"),
            objectDirectory: directory("object-dir"),
            snapshotFormat: try choice("snapshot-format") ?? .chunks,
            keepSnapshots: try number("keep-snapshots", 0...1_000_000) ?? 0,
            mounts: try mounts(),
            egress: try egress(),
            images: try imageOptions(),
            trustBundles: try trustBundles()
        )
    }

    private func run() throws(UsageError) -> RunOptions {
        RunOptions(
            client: try client(),
            file: parsed.operands[0],
            publish: try publish(),
            slot: parsed.value("slot"),
            egressGateway: try egressGateway()
        )
    }

    private func checkpoint() throws(UsageError) -> CheckpointOptions {
        CheckpointOptions(
            client: try client(),
            actor: try actorName(),
            scope: try choice("scope"),
            snapshotName: parsed.value("name")
        )
    }

    private func restore() throws(UsageError) -> RestoreOptions {
        RestoreOptions(
            client: try client(),
            actor: try actorName(),
            snapshotName: parsed.value("from"),
            slot: parsed.value("slot"),
            scope: try choice("scope"),
            publish: try publish()
        )
    }

    private func exec() throws(UsageError) -> ExecOptions {
        ExecOptions(
            client: try client(),
            actor: try actorName(),
            container: parsed.value("container") ?? "",
            command: Array(parsed.operands.dropFirst()),
            isInteractive: parsed.has("interactive"),
            hasTerminal: parsed.has("tty")
        )
    }

    private func actor() throws(UsageError) -> ActorOptions {
        ActorOptions(client: try client(), actor: try actorName())
    }

    private func actorName() throws(UsageError) -> String {
        let name = parsed.operands[0]
        guard !name.isEmpty else { throw error("ACTOR is empty") }
        return name
    }

    private func client() throws(UsageError) -> ClientOptions {
        let endpoint =
            if let text = parsed.value("connect") {
                try Endpoint(text, option: "connect", command: command, environment: environment)
            } else {
                try usualEndpoint()
            }
        return ClientOptions(connect: endpoint, json: parsed.has("json"))
    }

    private func completion() throws(UsageError) -> String {
        let name = parsed.operands[0]
        guard let shell = Completion(rawValue: name) else {
            throw error("no completion for \"\(name)\"; there is bash, zsh and fish")
        }
        return shell.script
    }

    func baseDirectory() throws(UsageError) -> String {
        if let named = directory("base-dir") { return named }
        guard let standard = environment.defaultBaseDirectory else {
            throw error("neither XDG_STATE_HOME nor HOME is set: say --base-dir DIR")
        }
        return standard
    }

    func directory(_ option: String) -> String? { parsed.value(option).map(environment.absolute) }
    func directories(_ option: String) -> [String] { parsed.list(option).map(environment.absolute) }

    func number(_ option: String, _ range: ClosedRange<Int>) throws(UsageError) -> Int? {
        guard let text = parsed.value(option) else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw error("--\(option)=\(text) is no number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    func choice<Choice: RawRepresentable & CaseIterable>(
        _ option: String
    ) throws(UsageError) -> Choice? where Choice.RawValue == String {
        guard let text = parsed.value(option) else { return nil }
        guard let choice = Choice(rawValue: text) else {
            let words = Choice.allCases.map(\.rawValue).joined(separator: ", ")
            throw error("--\(option)=\(text) is none of \(words)")
        }
        return choice
    }

    private func publish() throws(UsageError) -> [PublishedPort] {
        var ports: [PublishedPort] = []
        for text in parsed.list("publish") {
            let parts = text.split(separator: ":", omittingEmptySubsequences: false)
            guard let last = parts.last, let port = UInt16(last), port > 0, parts.count <= 2,
                let hostPort = parts.count == 2 ? UInt16(parts[0]) : 0
            else {
                throw error("--publish=\(text): write PORT or HOSTPORT:PORT, each from 1 to 65535")
            }
            ports.append(PublishedPort(hostPort: hostPort, port: port))
        }
        return ports
    }

    func error(_ text: String) -> UsageError { UsageError("\(command): \(text)", command: command) }
}
