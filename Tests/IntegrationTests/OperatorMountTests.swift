import ActorContract
import ContractWire
import Foundation
import Glibc
import SystemLayer
import TestSupport
import Testing

@testable import substrate_host

/// What the operator shows to every container: `HOST:TARGET[:ro]`.
@Suite("The operator's mounts", .timeLimit(.minutes(3)))
struct OperatorMountTests {
    private static let isRoot = ConditionTrait.enabled(
        if: TestMachine.needs(TestMachine.isRoot),
        "actors are confined as root only"
    )

    @Test(
        "a text that is none says why",
        arguments: [
            ("/a", "write HOST:TARGET"), ("/a:/b:rx", "ends in \"rx\""), ("a:/b", "HOST \"a\" must be absolute"),
            ("/a:b", "TARGET \"b\" must be absolute"), ("/a:/", "TARGET \"/\" must not be the root"),
            ("/a:/b/../c", "TARGET /b/../c holds a .. segment"), ("/a/..:/b", "HOST /a/.. holds a .. segment"),
            ("/a:/b/", "must not end with a slash"), ("/a:/run/ate/x", "meets /run/ate"), ("/a:/run", "meets /run/ate"),
            ("/a:/proc/x", "meets /proc"), ("/a:/sys", "meets /sys"), ("/a:/dev/shm", "meets /dev"),
        ]
    )
    func faults(_ text: String, _ words: String) {
        #expect { try OperatorMount(text) } throws: { error in
            (error as? OperatorMount.Fault)?.text.contains(words) == true
        }
    }

    @Test("a name that begins with dots is a name")
    func dots() throws {
        #expect(try OperatorMount("/a:/..foo").target == "/..foo")
        #expect(try OperatorMount("/a:/b:rw").isReadOnly == false)
    }

    @Test("config check names each mistake of the list, with its line")
    func configuration() async throws {
        let place = try ScratchDirectory("mounts")
        try DirectoryTree.make("\(place.path)/in/deep", mode: 0o755)
        #expect(unsafe symlink("\(place.path)/in", "\(place.path)/link") == 0)
        let cases: [([String], String)] = [
            (["\(place.path)/in:/m", "\(place.path)/in/deep:/m:ro"], "TARGET /m is taken by"),
            (["\(place.path)/in:/m:ro", "/usr:/m/n:ro"], "TARGET /m/n is nested with that of"),
            (["\(place.path)/in:/m", "\(place.path)/in/deep:/n"], "and an actor may write there"),
            (["\(place.path)/none:/m"], "HOST \(place.path)/none is not there"),
            (["\(place.path)/link:/m"], "leads through a symbolic link: write \(place.path)/in"),
            (["nonsense"], "write HOST:TARGET"),
        ]
        let file = "\(place.path)/substrate.yaml"
        for (mounts, words) in cases {
            let list = mounts.map { "\"\($0)\"" }.joined(separator: ", ")
            try "backend: process\nmounts: [\(list)]\n".write(toFile: file, atomically: true, encoding: .utf8)
            let checked = try await ProgramRun.run(TestMachine.host, ["config", "check", file])
            #expect(checked.code != 0 && checked.output.contains("\(file):2: mounts: "), "\(checked)")
            #expect(checked.output.contains(words), "\(words): \(checked.output)")
            let base = ["--base-dir", "\(place.path)/base"]
            let served = try await ProgramRun.run(TestMachine.host, ["serve", "--config", file] + base)
            #expect(served.code != 0 && served.error.contains(words), "\(words): \(served.error)")
        }
        let flag = ["serve", "--backend=process", "--mount", "x", "--base-dir", "\(place.path)/base"]
        let refused = try await ProgramRun.run(TestMachine.host, flag)
        #expect(refused.code == 2 && refused.error.contains("--mount: mount \"x\": write HOST:TARGET"), "\(refused)")
        try "backend: process\nmounts: [\"/usr:/m:ro\"]\n".write(toFile: file, atomically: true, encoding: .utf8)
        #expect(try await ProgramRun.run(TestMachine.host, ["config", "check", file]).code == 0)
        let shown = try await ProgramRun.run(TestMachine.host, ["config", "show", "--config", file])
        #expect(shown.output.contains("/usr:/m:ro") && shown.output.contains("\(file):2"), "\(shown)")
    }

    @Test(
        "are there after Run, Start, Restore and a restart of the host; ro refuses writes",
        isRoot,
        arguments: SharedBackend.all
    )
    func shown(_ backend: SharedBackend) async throws {
        let place = try ScratchDirectory("shown")
        for name in ["read", "write"] { try DirectoryTree.make("\(place.path)/\(name)", mode: 0o755) }
        try "for all\n".write(toFile: "\(place.path)/read/model", atomically: false, encoding: .utf8)
        try "one file\n".write(toFile: "\(place.path)/file", atomically: false, encoding: .utf8)
        let mounts = ["read:/srv/models:ro", "write:/srv/out", "file:/etc/one.conf:ro"]
        let options = mounts.flatMap { ["--mount", "\(place.path)/\($0)"] }
        try await backend.host(options).use { host in
            try await host.start()
            func look(_ round: String) async throws {
                let told = try await SharedBackend.sees(host, "one", "cat /srv/models/model /etc/one.conf")
                #expect(told == "for all\none file\n", "\(round)")
                for path in ["/srv/models/model", "/srv/models/new", "/etc/one.conf"] {
                    let refused = try await SharedBackend.exec(host, "one", "echo x > \(path)")
                    #expect(refused.error.contains("Read-only file system"), "\(round): \(refused)")
                }
                _ = try await SharedBackend.sees(host, "one", "echo \(round) > /srv/out/\(round)")
                #expect(TextFile.read("\(place.path)/write/\(round)") == "\(round)\n")
            }
            _ = try await host.run(try await host.request("one")).get()
            try await look("run")
            try await SharedBackend.command(host, "stop", "one")
            try await SharedBackend.command(host, "start", "one")
            try await look("start")
            try await host.kill()
            try await host.start()
            try await look("adopted")
            try await SharedBackend.command(host, "checkpoint", "one")
            try await host.kill()
            try await host.start()
            try await SharedBackend.command(host, "restore", "one")
            try await look("restore")
            // A source that went away is told, and what ran goes on.
            #expect(unsafe rename("\(place.path)/read", "\(place.path)/gone") == 0)
            let other = try await host.request("two")
            let refused = await host.call(ContractMethod.run.path, ContractWire.encode(other))
            #expect(refused?.contains("\(place.path)/read is not there") == true, "\(refused ?? "it ran")")
            #expect(try await host.actors().count == 1)
            try await SharedBackend.command(host, "remove", "one")
        }
        #expect(TextFile.read("\(place.path)/gone/model") == "for all\n")
        #expect(!(TextFile.read("/proc/self/mountinfo") ?? "").contains(place.path))
    }

    @Test("a link that an actor leaves where a mount goes leads nowhere outside", isRoot)
    func link() async throws {
        let place = try ScratchDirectory("link")
        for name in ["shown", "outside"] { try DirectoryTree.make("\(place.path)/\(name)", mode: 0o755) }
        let host = try SharedBackend(name: "process").host(["--mount", "\(place.path)/shown:/w/a/b"])
        try await host.use { host in
            try await host.start()
            _ = try await host.run(try await host.request("one")).get()
            try await SharedBackend.command(host, "stop", "one")
            let upper = "\(host.base)/actors/test:one/roots/main/upper"
            try DirectoryTree.remove("\(upper)/w")
            #expect(unsafe symlink("\(place.path)/outside", "\(upper)/w") == 0, "as the actor could have left it")
            try await SharedBackend.command(host, "start", "one")
            _ = try await SharedBackend.sees(host, "one", "echo x > /w/a/b/here")
            #expect(TextFile.read("\(place.path)/shown/here") == "x\n")
            #expect(try DirectoryTree.names(in: "\(place.path)/outside").isEmpty)
            try await SharedBackend.command(host, "remove", "one")
        }
    }

    @Test("a request cannot mount over one, and a backend that makes containers in its own way is refused", isRoot)
    func refused() async throws {
        let place = try ScratchDirectory("taken")
        let mount = ["--mount", "\(place.path):/data/shown"]
        try await TestHost.with(arguments: mount) { host in
            let request = try await host.request("one")
            let refused = await host.call(ContractMethod.run.path, ContractWire.encode(request))
            let words = "spec.containers[0].volume_mounts[0].mount_path: \"/data\" meets /data/shown"
            #expect(refused?.contains(words) == true, "\(refused ?? "it ran")")
            #expect(try await host.actors().isEmpty)
        }
        let script = """
            return {
              name = "own", api = 1, isolation = "none", needs = { "process.start" }, tools = { sh = "required" },
              run = function(actor) return "ok" end, stop = function() return "ok" end,
            }
            """
        let grant = ["--grant", "tool:sh=/bin/sh"]
        try await TestHost.with(backend: "own", script: script, arguments: mount + grant) { host in
            let request = try await host.request("one")
            let refused = await host.call(ContractMethod.run.path, ContractWire.encode(request))
            #expect(refused?.contains("mounts cannot be shown: backend \"own\"") == true, "\(refused ?? "it ran")")
            #expect(try await host.actors().isEmpty)
        }
    }
}
