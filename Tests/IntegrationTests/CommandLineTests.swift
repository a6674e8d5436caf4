import ActorContract
import PluginOverlays
import Snapshots
import Testing

@testable import substrate_host

@Suite("The command line")
struct CommandLineTests {
    private static let root = Environment(isRoot: true, home: "/root", stateHome: nil, workingDirectory: "/home/d")
    private static let user = Environment(isRoot: false, home: "/home/u", stateHome: "/state", workingDirectory: "/w")

    private func parse(_ line: String, _ environment: Environment = root) throws(UsageError) -> Invocation {
        try Invocation.parse(
            ["substrate-host"] + line.split(separator: " ").map(String.init),
            environment: environment
        )
    }

    @Test(
        "serve has the documented defaults, and may be left out",
        arguments: ["serve --backend process", "--backend=process"]
    )
    func serveDefaults(line: String) throws {
        let expected = ServeOptions(
            backend: "process",
            baseDirectory: "/var/lib/substrate-host",
            listen: [.unix("/var/lib/substrate-host/host.sock")],
            insecureTCP: false,
            contract: .auto,
            overlays: [],
            pluginsDirectory: nil,
            assetRoots: [],
            slotCapacity: 0,
            require: [],
            stopActors: false,
            json: false
        )
        #expect(try parse(line) == .serve(expected))
    }

    @Test("serve takes every option of its table, and makes paths absolute")
    func serveOptions() throws {
        let line = """
            serve --backend=b --base-dir d --listen unix:./s --listen tcp:[::1]:99 --insecure-tcp --contract june \
            --overlay o1 --overlay=/o2 --plugins-dir p --asset-root a --asset-origin http://h:1 \
            --asset-budget 20GiB --asset-pack s.pack --offline --image-auth-file f --image-budget 1MiB --object-dir o \
            --localhost-registry-replacement kind-registry:5000 \
            --snapshot-format atelet --keep-snapshots 4 --mount /usr:/machine:ro --user-namespace --first-id 100000 --slot-capacity 3 --require cgroups --require=landlock \
            --stop-actors --json
            """
        let expected = ServeOptions(
            backend: "b",
            baseDirectory: "/home/d/d",
            listen: [.unix("/home/d/s"), .tcp(host: "::1", port: 99)],
            insecureTCP: true,
            contract: .june,
            overlays: [.overlay("/home/d/o1"), .overlay("/o2")],
            pluginsDirectory: "/home/d/p",
            assetRoots: ["/home/d/a"],
            slotCapacity: 3,
            require: ["cgroups", "landlock"],
            stopActors: true,
            json: true,
            assetOrigins: ["http://h:1"],
            assetBudget: 20 << 30,
            assetPacks: ["/home/d/s.pack"],
            objectDirectory: "/home/d/o",
            snapshotFormat: .atelet,
            keepSnapshots: 4,
            mounts: [try OperatorMount("/usr:/machine:ro")],
            images: ImageOptions(
                isOffline: true,
                authFile: "/home/d/f",
                localhostReplacement: "kind-registry:5000",
                budget: 1 << 20
            ),
            userNamespace: true,
            firstID: 100_000
        )
        #expect(try parse(line) == .serve(expected))
    }

    @Test("each client command becomes its own invocation")
    func clientCommands() throws {
        let client = ClientOptions(connect: .unix("/var/lib/substrate-host/host.sock"), json: false)
        let actor = ActorOptions(client: client, actor: "a")
        #expect(try parse("actors") == .actors(client))
        #expect(try parse("get a") == .get(actor))
        #expect(try parse("start a") == .start(actor))
        #expect(try parse("stop a") == .stop(actor))
        #expect(try parse("remove a") == .remove(actor))
        #expect(try parse("logs a") == .logs(LogsOptions(client: client, actor: "a", follow: false)))
        #expect(try parse("logs -f a") == .logs(LogsOptions(client: client, actor: "a", follow: true)))
        #expect(try parse("logs a --follow") == .logs(LogsOptions(client: client, actor: "a", follow: true)))
        #expect(
            try parse("actors --json --connect tcp:h:1")
                == .actors(ClientOptions(connect: .tcp(host: "h", port: 1), json: true))
        )
        #expect(
            try parse("run f.yaml --publish 80 --publish 8080:81 --slot s")
                == .run(
                    RunOptions(
                        client: client,
                        file: "f.yaml",
                        publish: [.init(hostPort: 0, port: 80), .init(hostPort: 8080, port: 81)],
                        slot: "s"
                    )
                )
        )
        #expect(
            try parse("checkpoint a --scope data --name n")
                == .checkpoint(CheckpointOptions(client: client, actor: "a", scope: .data, snapshotName: "n"))
        )
        #expect(
            try parse("restore a")
                == .restore(
                    RestoreOptions(client: client, actor: "a", snapshotName: nil, slot: nil, scope: nil, publish: [])
                )
        )
        #expect(
            try parse("backends --overlay o")
                == .backends(
                    BackendsOptions(
                        overlays: [.overlay("/home/d/o")],
                        pluginsDirectory: nil,
                        json: false,
                        isConnectOptional: true
                    )
                )
        )
        #expect(
            try parse("backends --base-dir d")
                == .backends(
                    BackendsOptions(
                        overlays: [],
                        pluginsDirectory: nil,
                        json: false,
                        connect: .unix("/home/d/d/host.sock")
                    )
                )
        )
        #expect(try parse("doctor --json") == .doctor(DoctorOptions(pluginsDirectory: nil, json: true)))
        #expect(try parse("demo") == .demo(DemoOptions(json: false)))
    }

    @Test("without root the state is in the user's own directories")
    func userDefaults() throws {
        #expect(
            try parse("actors", Self.user)
                == .actors(ClientOptions(connect: .unix("/state/substrate-host/host.sock"), json: false))
        )
        var environment = Self.user
        environment.stateHome = "relative"
        #expect(environment.defaultBaseDirectory == "/home/u/.local/state/substrate-host")
        environment.home = nil
        #expect(throws: UsageError.self) { try parse("actors", environment) }
        #expect(throws: Never.self) { try parse("actors --base-dir d", environment) }
    }

    @Test(
        "a wrong command line exits 2 and says what would be right",
        arguments: [
            ("serv --backend=x", "unknown command \"serv\"; did you mean \"serve\"?"),
            ("chekcpoint a", "did you mean \"checkpoint\"?"),
            ("xyzzy", "unknown command \"xyzzy\""),
            ("run f --publsh 80", "unknown option \"--publsh\"; did you mean \"--publish\"?"),
            ("--backnd=x", "unknown option \"--backnd\"; did you mean \"--backend\"?"),
            ("actors -x", "unknown option \"-x\""),
            ("get", "get needs ACTOR"),
            ("get a b", "does not understand \"b\""),
            ("run f --slot", "--slot needs a value: --slot=SLOT"),
            ("run f --slot --json", "--slot needs a value"),
            ("actors --json=yes", "--json takes no value"),
            ("run f --slot a --slot b", "--slot is given twice"),
            ("serve", "which backend? write --backend=NAME"),
            ("serve --backend=x --listen tcp:0.0.0.0:80", "add --insecure-tcp"),
            ("serve --backend=x --listen 80", "an address is unix:PATH or tcp:HOST:PORT"),
            ("serve --backend=x --listen tcp:::1:80 --insecure-tcp", "tcp:[::1]:PORT"),
            ("serve --backend=x --listen tcp:h:65536 --insecure-tcp", "names no port"),
            ("serve --backend=x --listen unix:", "names no path"),
            ("serve --backend=x --contract may", "--contract=may is none of june, autumn, auto"),
            ("serve --backend=x --slot-capacity -1", "--slot-capacity=-1 is no number"),
            ("run f --publish 0", "--publish=0: write PORT or HOSTPORT:PORT"),
            ("run f --publish 1:2:3", "--publish=1:2:3"),
            ("checkpoint a --scope some", "--scope=some is none of full, data"),
            ("completion csh", "there is bash, zsh and fish"),
            ("help nope", "unknown command \"nope\""),
        ]
    )
    func mistakes(line: String, says: String) {
        let error = #expect(throws: UsageError.self) { try parse(line) }
        #expect(error?.exitCode == .usage)
        #expect(error?.text.contains(says) == true, "\(error?.text ?? "")")
        #expect(error?.text.contains("\nTry: substrate-host") == true)
    }

    @Test("a socket's path that the kernel would refuse is refused here")
    func longSocketPath() {
        let long = "unix:/" + String(repeating: "a", count: 107)
        #expect(throws: UsageError.self) { try parse("actors --connect \(long)") }
        #expect(throws: Never.self) { try parse("actors --connect \(long.dropLast())") }
    }

    @Test("--help of every command lists its options, examples that parse, and the exit codes")
    func help() throws {
        for command in CommandTable.commands {
            for line in ["\(command.name) --help", "help \(command.name)"] {
                guard case .print(let text) = try parse(line) else {
                    Issue.record("\(line) must print")
                    continue
                }
                for option in command.options { #expect(text.contains("--\(option.name)")) }
                for code in ExitCode.allCases { #expect(text.contains(code.summary)) }
                for wide in text.split(separator: "\n") where wide.count > 150 { Issue.record("too wide: \(wide)") }
            }
            for example in command.examples {
                #expect(throws: Never.self, "\(example.line)") { try parse(example.line) }
            }
        }
        guard case .print(let overview) = try parse("--help") else { throw UsageError("no overview") }
        for command in CommandTable.commands { #expect(overview.contains(command.summary)) }
        #expect(try parse("--version") == .print("substrate-host \(Program.version)\n"))
        #expect(try parse("") == .print(overview))
    }

    @Test("exit codes are what scripts rely on")
    func exitCodes() {
        #expect(ExitCode.allCases.map(\.rawValue) == [0, 1, 2, 69, 78, 130])
    }

    @Test("an unknown backend is answered with those there are")
    func unknownBackend() {
        let error = UsageError.unknownBackend("nope", available: ["process", "sandbox"])
        #expect(error.text.contains("unknown backend \"nope\"; available: process, sandbox"))
        #expect(error.exitCode == .usage)
        #expect(UsageError.unknownBackend("x", available: []).text.contains("available: (none)"))
    }
}

@Suite("Output for people and programs")
struct ConsoleTests {
    @Test("JSON keeps its order and escapes what it must")
    func json() {
        let value = JSONText.members([
            "b": .list([1, true, .null, .number(1.5), .number(.nan)]), "a": "q\"\\\n\u{1}é", "e": .list([]),
        ])
        #expect(value.line == #"{"b":[1,true,null,1.5,null],"a":"q\"\\\n\u0001é","e":[]}"#)
        #expect(JSONText.members(["a": .list([1])]).pretty == "{\n  \"a\": [\n    1\n  ]\n}")
    }

    @Test("what an actor wrote cannot drive the terminal")
    func printable() {
        #expect(ConsoleOutput.printable("a\u{1B}[2Jb") == "a\\u{1b}[2Jb")
        #expect(ConsoleOutput.printable("é → ok") == "é → ok")
    }

    @Test("colour only where it was asked for")
    func colour() {
        #expect(ConsoleOutput(descriptor: -1).styled("x", .red) == "x")
        #expect(ConsoleOutput(descriptor: -1, hasColour: true).styled("x", .red) == "\u{1B}[31mx\u{1B}[0m")
    }
}
