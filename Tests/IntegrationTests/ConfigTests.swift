import PluginHost
import PluginOverlays
import Testing

@testable import substrate_host

@Suite("substrate.yaml")
struct ConfigTests {
    private static let environment = Environment(isRoot: true, home: "/root", workingDirectory: "/w")

    private func parse(_ text: String) throws(Configuration.Mistakes) -> Configuration {
        try Configuration.parse(Array(text.utf8), path: "/etc/x/s.yaml", environment: Self.environment)
    }

    /// What is wrong with a text, without the file's name.
    private func mistakes(_ text: String) -> [String] {
        do throws(Configuration.Mistakes) {
            _ = try parse(text)
            return []
        } catch { return error.lines.map { String($0.dropFirst("/etc/x/s.yaml:".count)) } }
    }

    @Test("each option of serve has a key, and each key its words")
    func everyOption() throws {
        let serve = try #require(CommandTable.command("serve"))
        let flags = Set(SettingKey.table.compactMap(\.flag))
        #expect(Set(serve.options.map(\.name)).subtracting(["config"]) == flags)
        for key in SettingKey.table {
            #expect(key.doc.hasSuffix("."), "\(key.name)")
            #expect(!key.standard.isEmpty, "\(key.name)")
        }
        #expect(Set(SettingKey.table.map(\.name)).count == SettingKey.table.count)
    }

    @Test("a key of every kind is read; relative paths are meant from the file's directory")
    func kinds() throws {
        let read = try parse(
            """
            backend: b
            base_dir: state
            listen: [unix:s.sock, "tcp:[::1]:9"]
            insecure_tcp: true
            contract: june
            asset_roots: [a, /b]
            slot_capacity: 3
            log: { format: json }
            overlays:
              sources: [site, { dir: /o, assets_subdir: "", lib_subdir: modules }]
            backends:
              bwrap:
                grants: [tool:bwrap=/usr/bin/bwrap, host-network, socket:/run/x.sock]
                config: { platform: kvm, size: 4 }
                pool: { size: 2 }
            """
        )
        #expect(read.values["backend"]?.texts == ["b"])
        #expect(read.values["base_dir"] == .init(texts: ["/etc/x/state"], line: 2))
        #expect(read.values["listen"]?.texts == ["unix:/etc/x/s.sock", "tcp:[::1]:9"])
        #expect(read.values["insecure_tcp"]?.texts == ["true"])
        #expect(read.values["asset_roots"]?.texts == ["/etc/x/a", "/b"])
        #expect(read.values["slot_capacity"]?.texts == ["3"])
        #expect(read.values["log.format"] == .init(texts: ["json"], line: 8))
        #expect(read.sources.map(\.directory) == ["/etc/x/site", "/o"])
        #expect(read.sources.last?[.assets] == .off)
        #expect(read.sources.last?[.lib] == .named("modules"))
        #expect(read.sources.last?[.backends] == .standard)
        let bwrap = try #require(read.backends["bwrap"])
        #expect(
            bwrap.grants.map(\.grant) == [
                .tool(name: "bwrap", path: "/usr/bin/bwrap"), .hostNetwork, .socket(path: "/run/x.sock"),
            ]
        )
        #expect(bwrap.config["size"]?.text == "4")
        #expect(bwrap.poolSize == 2)
        #expect(try parse("") == Configuration(path: "/etc/x/s.yaml"))
        #expect(try parse(#"{"slot_capacity": 3}"#).values["slot_capacity"]?.texts == ["3"], "JSON is YAML")
    }

    @Test(
        "a mistake names line, field, value and mend",
        arguments: [
            ("slot_capcity: 3", "1: slot_capcity is no setting; did you mean slot_capacity?"),
            ("\nlog:\n  fromat: json", "3: log.fromat is no setting; did you mean format?"),
            ("stop_actors: yes", "1: stop_actors is \"yes\"; write true or false"),
            ("slot_capacity: -1", "1: slot_capacity is \"-1\"; write a whole number from 0 to 1000000"),
            ("slot_capacity: [1]", "1: slot_capacity is a list; write a whole number from 0 to 1000000"),
            ("contract: Juni", "1: contract is \"Juni\"; write one of june, autumn, auto"),
            ("contract: jun", "1: contract is \"jun\"; write one of june, autumn, auto; did you mean june?"),
            ("backend:", "1: backend is empty; write one word"),
            ("base_dir: \"\"", "1: base_dir is \"\"; write a path, or leave the key out"),
            ("require: cgroups", "1: require is a scalar; write a list of words"),
            ("listen: [x]", "1: listen holds \"x\"; an address is unix:PATH or tcp:HOST:PORT"),
            ("[]", "1: the file is a list; write a map of"),
            ("overlays: { sources: [{ lib_subdir: x }] }", "1: overlays.sources[0].dir is missing"),
            (
                "overlays: { sources: [{ dir: a, lib_subdir: /x }] }",
                "1: overlays.sources[0].lib_subdir is \"/x\"; write a"
            ),
            ("overlays: { sources: [{ dir: a, lib_subdir: }] }", "1: overlays.sources[0].lib_subdir is empty; write a"),
            ("overlays: { sources: [a, a] }", "1: overlays.sources[1] is /etc/x/a again"),
            ("overlays: { sources: [{ dir: a, repo: b }] }", "1: overlays.sources[0].repo is no setting; there is dir"),
            ("backends: { b: { grant: [] } }", "1: backends.b.grant is no setting; did you mean grants?"),
            (
                "backends: { b: { grants: [tool:x] } }",
                "1: backends.b.grants[0]: grant \"tool:x\": write tool:NAME=PATH"
            ),
            ("backends: { b: { grants: [asset, asset] } }", "1: backends.b.grants[1] gives asset again"),
            ("backends: { b: { config: { x: [1] } } }", "1: backends.b.config.x is a list; write one value"),
            ("backends: { b: { pool: { size: 2000 } } }", "1: backends.b.pool.size is \"2000\"; write a whole number"),
            ("a: [", "2: "),
        ]
    )
    func mistake(text: String, expected: String) {
        let found = mistakes(text)
        #expect(found.count == 1 && found[0].hasPrefix(expected), "\(found)")
    }

    @Test("every mistake of a file is said at once, in the file's order")
    func allMistakes() {
        let found = mistakes("stop_actors: 1\noverlays: { foo: 1 }\nslot_capacity: x\nbackends: 3\n")
        #expect(found.map { $0.prefix { $0 != ":" } } == ["1", "2", "3", "4"])
    }

    @Test("a grant is one of eight forms")
    func grants() throws {
        for text in [
            "workload", "bundle", "asset", "host-network", "restore", "tool:a=/b=c", "device:kvm=/dev/kvm",
            "socket:/run/s",
        ] { #expect(try OperatorGrant(text).text == text) }
        for text in ["", "tools:a=/b", "tool:a=b", "tool:=/b", "tool:a", "device:/dev/kvm", "socket:s", "workload:x"] {
            #expect(throws: OperatorGrant.Fault.self, "\(text)") { try OperatorGrant(text) }
        }
        #expect(
            throws: OperatorGrant.Fault(
                text:
                    "grant \"tol:a=/b\": there is workload, bundle, asset, host-network, restore, tool:NAME=PATH, device:NAME=PATH and socket:PATH; did you mean \"tool\"?"
            )
        ) {
            try OperatorGrant("tol:a=/b")
        }
    }
}
