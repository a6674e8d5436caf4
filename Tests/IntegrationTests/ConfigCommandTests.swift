import Foundation
import PluginHost
import PluginOverlays
import TestSupport
import Testing

@testable import substrate_host

@Suite("Settings come from file, environment and options; an option wins")
struct ConfigCommandTests {
    /// A directory with a configuration file, gone with it.
    private final class Place {
        let path: String
        init(_ text: String) throws {
            path = "/tmp/substrate-config-\(UUID().uuidString.prefix(8))"
            try FileManager.default.createDirectory(
                atPath: path,
                withIntermediateDirectories: false,
                attributes: [.posixPermissions: 0o700]
            )
            try text.write(toFile: file, atomically: false, encoding: .utf8)
        }
        var file: String { "\(path)/substrate.yaml" }
        deinit { try? FileManager.default.removeItem(atPath: path) }
    }

    private func parse(
        _ line: String,
        file: String? = nil,
        overlays: String? = nil
    ) throws(UsageError) -> Invocation {
        var environment = Environment(isRoot: true, home: "/root", workingDirectory: "/w")
        environment.configurationFiles = ["/nonexistent/substrate.yaml"] + (file.map { [$0] } ?? [])
        environment.overlaySources = overlays
        return try Invocation.parse(
            ["substrate-host"] + line.split(separator: " ").map(String.init),
            environment: environment
        )
    }

    private func serve(_ invocation: Invocation) throws -> ServeOptions {
        guard case .serve(let options) = invocation else { throw UsageError("it does not serve") }
        return options
    }

    private func usage(_ body: () throws -> Void) -> UsageError? {
        do {
            try body()
            return nil
        } catch { return error as? UsageError }
    }

    @Test("the file fills what the command line leaves out, and no more")
    func precedence() throws {
        let place = try Place(
            """
            backend: b
            slot_capacity: 3
            stop_actors: true
            insecure_tcp: false
            require: [cgroups]
            log: { format: json }
            base_dir: /base
            """
        )
        let options = try serve(parse("serve --slot-capacity 4", file: place.file))
        #expect(options.backend == "b")
        #expect(options.slotCapacity == 4)
        #expect(options.stopActors && options.json && !options.insecureTCP)
        #expect(options.require == ["cgroups"])
        #expect(options.listen == [.unix("/base/host.sock")])
        #expect(options.configuration == place.file)
        #expect(try serve(parse("--backend=c --require landlock --config \(place.file)")).require == ["landlock"])
        #expect(try serve(parse("--backend=c")).configuration == nil)
        #expect(
            try parse("actors", file: place.file) == .actors(.init(connect: .unix("/base/host.sock"), json: false)),
            "a client finds the host that the file describes"
        )
    }

    @Test("C18: file and environment may not both name overlays; those of the command line lie above either")
    func oneCarrier() throws {
        let place = try Place("overlays: { sources: [/file] }\n")
        #expect(try serve(parse("--backend=b", file: place.file)).overlays == [.overlay("/file")])
        #expect(try serve(parse("--backend=b", overlays: "/e:rel")).overlays == [.overlay("/e"), .overlay("/w/rel")])
        let listed = try serve(parse("--backend=b", overlays: #"[{ dir: /e, lib_subdir: "" }]"#)).overlays
        #expect(listed.map(\.directory) == ["/e"] && listed.first?[.lib] == .off)
        let both = usage { _ = try parse("--backend=b", file: place.file, overlays: "/e") }
        #expect(both?.exitCode == .usage)
        #expect(both?.text.contains("SUBSTRATE_OVERLAY_SOURCES and by overlays.sources (\(place.file):1)") == true)
        let above = try serve(parse("--backend=b --overlay /x --overlay y", file: place.file)).overlays
        #expect(above == [.overlay("/file"), .overlay("/x"), .overlay("/w/y")])
        #expect(
            try serve(parse("--backend=b --overlay /x", overlays: "/e")).overlays == [.overlay("/e"), .overlay("/x")]
        )
        #expect(
            usage { _ = try parse("--backend=b", overlays: "[{ dri: /e }]") }?.text.contains("did you mean dir?")
                == true
        )
    }

    @Test("a grant is for the backend that is served, or the one before the slash")
    func grantOptions() throws {
        let place = try Place("backends: { b: { grants: [tool:x=/old, asset] } }\n")
        let line = "--backend=b --grant tool:x=/new --grant c/device:kvm=/dev/kvm --grant socket:/run/s"
        let backends = try serve(parse(line, file: place.file)).backends
        #expect(backends["b"]?.grants.map(\.grant.text) == ["asset", "tool:x=/new", "socket:/run/s"])
        #expect(backends["b"]?.grants.map(\.origin.description) == ["\(place.file):1", "--grant", "--grant"])
        #expect(backends["c"]?.grants.map(\.grant.text) == ["device:kvm=/dev/kvm"])
        #expect(
            usage { _ = try parse("--backend=b --grant tol:x=/y") }?.text.contains("did you mean \"tool\"?") == true
        )
        let nobody = usage { _ = try parse("overlays ls --grant asset") }
        #expect(nobody?.text.contains("to which backend? write --grant BACKEND/asset") == true)
        let given = BackendSettings(grants: [.init(grant: .tool(name: "t", path: "/t"), origin: .standard)])
        #expect(given.allGrants(isShipped: false).map(\.grant.text) == ["workload", "bundle", "tool:t=/t"])
        #expect(given.allGrants(isShipped: true).map(\.grant.text) == ["workload", "bundle", "asset", "tool:t=/t"])
    }

    @Test("a wrong file is refused with exit 2 and all its mistakes, before anything is done")
    func wrongFile() throws {
        let place = try Place("slot_capcity: 1\nrequire: 3\n")
        let error = usage { _ = try parse("--backend=b", file: place.file) }
        #expect(error?.exitCode == .usage)
        #expect(error?.text.hasPrefix("\(place.file):1: slot_capcity is no setting") == true)
        #expect(error?.text.contains("\(place.file):2: require is a scalar") == true)
        #expect(usage { _ = try parse("--backend=b --config /nonexistent") }?.text.contains("No such file") == true)
    }

    @Test("config check says every mistake and exits 1; config show says who said what")
    func commands() async throws {
        let bad = try Place("slot_capcity: 1\nrequire: 3\n")
        let checked = try await ProgramRun.run(TestMachine.host, ["config", "check", bad.file])
        #expect(checked.code == 1)
        #expect(checked.output.split(separator: "\n").count == 2)
        let json = try await ProgramRun.run(TestMachine.host, ["config", "check", "--json", bad.file])
        let read = try #require(try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any])
        #expect(read["ok"] as? Bool == false)
        #expect((read["errors"] as? [String])?.count == 2)
        let good = try Place("slot_capacity: 1\nbackends: { b: { grants: [tool:t=/t] } }\n")
        let fine = try await ProgramRun.run(TestMachine.host, ["config", "check", good.file])
        #expect(fine.code == 0 && fine.output == "\(good.file): ok\n")
        let show = ["config", "show", "--config", good.file, "--stop-actors", "--grant", "c/asset"]
        let shown = try await ProgramRun.run(TestMachine.host, show)
        #expect(shown.code == 0, "\(shown.error)")
        let lines = shown.output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
        #expect(lines.contains(["slot_capacity", "1", "\(good.file):1"]))
        #expect(lines.contains(["stop_actors", "true", "--stop-actors"]))
        #expect(lines.contains(["contract", "auto", "default"]))
        #expect(lines.contains(["backends.c.grants", "asset", "--grant"]))
        #expect(shown.output.contains("tool:t=/t: \(OperatorGrant.warning)\n"))
        let rows = try await ProgramRun.run(TestMachine.host, show + ["--json"])
        let object = try #require(try JSONSerialization.jsonObject(with: Data(rows.output.utf8)) as? [String: Any])
        let settings = try #require(object["settings"] as? [[String: Any]])
        let tool = try #require(settings.first { $0["value"] as? String == "tool:t=/t" })
        #expect(tool["warning"] as? String == OperatorGrant.warning)
        #expect(tool["from"] as? String == "\(good.file):2")
    }

    @Test("a misspelt action has its nearest")
    func actions() {
        #expect(usage { _ = try parse("config chekc") }?.text.contains("did you mean \"check\"?") == true)
        #expect(usage { _ = try parse("overlays explian x") }?.text.contains("did you mean \"explain\"?") == true)
        #expect(usage { _ = try parse("overlays explain") }?.text.contains("explain needs NAME") == true)
        #expect(usage { _ = try parse("overlays ls x") }?.text.contains("ls takes no \"x\"") == true)
        #expect(usage { _ = try parse("config") }?.text.contains("config needs check|show") == true)
    }
}
