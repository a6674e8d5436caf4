import ActorContract
import Foundation
import GRPCTransport
import Glibc
import SystemLayer
import TestSupport
import Testing
import Transfer

/// What a container has from its image where the request does not say.
@Suite(.enabled(if: TestMachine.needs(TestMachine.isRoot), "confines actors"))
struct ImageConfigurationTests {
    #if arch(arm64)
    private static let architecture = "arm64"
    #else
    private static let architecture = "amd64"
    #endif

    /// The counter's image, saying more of itself.
    private static func image(_ directory: String, _ config: String) async throws -> String {
        let reference = try await CounterImage.reference()
        let source = String(reference.dropFirst("oci:".count).dropLast(":counter".count))
        let script = """
            import gzip, hashlib, io, json, os, shutil, sys, tarfile
            source, root, config = sys.argv[1:]
            shutil.copytree(source, root)
            def blob(data):
                digest = hashlib.sha256(data).hexdigest()
                open(f"{root}/blobs/sha256/{digest}", "wb").write(data)
                return {"digest": "sha256:" + digest, "size": len(data)}
            def read(digest): return json.load(open(f"{root}/blobs/sha256/{digest[7:]}"))
            index = json.load(open(f"{root}/index.json"))
            manifest = read(index["manifests"][0]["digest"])
            document = read(manifest["config"]["digest"])
            document["config"] = json.loads(config)
            raw = io.BytesIO()
            with tarfile.open(fileobj=raw, mode="w") as tar:
                def add(name, data, kind=tarfile.REGTYPE, uid=0, mode=0o644):
                    info = tarfile.TarInfo(name)
                    info.size, info.type, info.uid, info.gid, info.mode = len(data), kind, uid, uid, mode
                    tar.addfile(info, io.BytesIO(data))
                add("etc/passwd", b"root:x:0:0::/root:/bin/sh\\nworker:x:1234:500::/home/worker:/bin/sh\\n")
                add("etc/group", b"root:x:0:\\nstaff:x:500:\\nextra:x:600:other,worker\\n")
                add("home", b"", tarfile.DIRTYPE, mode=0o755)
                add("home/worker", b"", tarfile.DIRTYPE, uid=1234, mode=0o700)
            layer = blob(gzip.compress(raw.getvalue()))
            layer["mediaType"] = manifest["layers"][0]["mediaType"]
            manifest["layers"].append(layer)
            document["rootfs"]["diff_ids"].append("sha256:" + hashlib.sha256(raw.getvalue()).hexdigest())
            manifest["config"].update(blob(json.dumps(document).encode()))
            index["manifests"][0].update(blob(json.dumps(manifest).encode()))
            json.dump(index, open(f"{root}/index.json", "w"))
            """
        let made = try await ProgramRun.run("/usr/bin/python3", ["-c", script, source, directory, config])
        guard made.code == 0 else { throw TestFailure(made.error) }
        return "oci:\(directory):counter"
    }

    /// Says who it is and what it was given, then serves.
    private static let words = """
        { /bin/id -u; /bin/id -g; /bin/id -G; pwd; echo $GREETING; echo $PATH; echo $HOME; echo $LATE; \
        /bin/busybox grep CapEff /proc/self/status; echo mine > $HOME/file && echo wrote; echo "$@"; } > /data/out; exec /counter
        """

    private static func config(_ more: String) throws -> String {
        let quoted = String(decoding: try JSONEncoder().encode(words), as: UTF8.self)
        return #"{"Entrypoint":["/bin/busybox","sh","-c",\#(quoted),"sh"],"Cmd":["from","image"],\#(more)}"#
    }

    private func said(_ host: TestHost, _ directory: String) throws -> [String] {
        let path = "\(host.base)/actors/\(directory)/durable-dir/data/out"
        return (TextFile.read(path) ?? "").split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }

    @Test("program, arguments, environment, directory and user are the image's, and exec is the same user")
    func honoured() async throws {
        let scratch = try ScratchDirectory("image")
        let config = try Self.config(
            #""Env":["GREETING=hello","PATH=/bin:/opt","LATE=image"],"WorkingDir":"/home/worker","User":"worker""#
        )
        let image = try await Self.image("\(scratch.path)/image", config)
        try await TestHost.with { host in
            let request = try await host.request("own") { container in
                container.image = image
                container.command = []
                container.environment = [EnvironmentEntry(name: "LATE", value: "request")]
            }
            _ = try await host.run(request).get()
            let lines = try said(host, "test:own")
            #expect(
                lines.prefix(8) == [
                    "1234", "500", "500 600", "/home/worker", "hello", "/bin:/opt", "/home/worker", "request",
                ]
            )
            #expect(lines.dropFirst(8).first == "CapEff:\t0000000000000000")
            #expect(lines.dropFirst(9).prefix(2) == ["wrote", "from image"])
            let exec = try await ProgramRun.run(
                TestMachine.host,
                ["exec", "--connect", host.unix, "own", "--", "/bin/busybox", "sh", "-c", "id -u; pwd; echo $GREETING"]
            )
            #expect(exec.output == "1234\n/home/worker\nhello\n", "\(exec.error)")
            try await host.terminate(request)

            // What the request says wins, each for itself.
            let other = try await host.request("other") { container in
                container.image = image
                container.args = ["from", "request"]
            }
            var changed = other
            changed.spec.containers[0].command = []
            _ = try await host.run(changed).get()
            #expect(try said(host, "test:other").dropFirst(10).first == "from request")
            try await host.terminate(changed)
        }
    }

    @Test("an image that names no program, or a user it does not have, is refused")
    func refused() async throws {
        let scratch = try ScratchDirectory("image")
        let silent = try await Self.image("\(scratch.path)/silent", "{}")
        let nobody = try await Self.image("\(scratch.path)/nobody", try Self.config(#""User":"nobody""#))
        try await TestHost.with { host in
            for (name, image, word) in [("silent", silent, "names no program"), ("nobody", nobody, "/etc/passwd")] {
                let request = try await host.request(name) { container in
                    container.image = image
                    container.command = []
                }
                guard case .failure(let status) = try await host.run(request) else {
                    Issue.record("\(name) runs")
                    continue
                }
                #expect(status.message.contains(word), "\(status.message)")
                try await host.terminate(request)
            }
        }
    }

    @Test("for the first dialect an image is its files alone: root's, run as root, by the request's command")
    func june() async throws {
        let scratch = try ScratchDirectory("image")
        let image = try await Self.image("\(scratch.path)/image", try Self.config(#""User":"worker""#))
        try await TestHost.with(arguments: ["--contract", "june"]) { host in
            var request = try await host.request("plain") { container in
                container.image = image
                container.command = [
                    "/bin/busybox", "sh", "-c",
                    "{ id -u; ls -n -d /home/worker; pwd; } > /data/out; exec /counter",
                ]
            }
            request.identity.key = .june(namespace: "test", template: "counter", id: "plain")
            let digest = SHA256.hex(of: Array("a tool\n".utf8))
            let tool = SandboxAssets.File(url: "file://\(host.asset)", sha256: digest)
            request.assets?.assets = [Self.architecture: ["tool": tool]]
            _ = try await host.run(request).get()
            let lines = try said(host, "test:counter:plain")
            #expect(lines.first == "0" && lines.dropFirst(2).first == "/")
            #expect(lines.dropFirst().first?.split(separator: " ").dropFirst(2).prefix(2) == ["0", "0"], "\(lines)")
            var empty = request
            empty.identity.key = .june(namespace: "test", template: "counter", id: "empty")
            empty.slot = "slot-empty"
            empty.spec.containers[0].command = []
            guard case .failure(let status) = try await host.run(empty) else {
                Issue.record("it runs")
                return
            }
            #expect(status.message.contains("command is empty"))
            for id in ["plain"] {
                let removed = try await ProgramRun.run(
                    TestMachine.host,
                    ["remove", "--connect", host.unix, "test:counter:\(id)"]
                )
                #expect(removed.code == 0, "\(removed.error)")
            }
        }
    }
}
