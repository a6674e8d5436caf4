import ActorContract
import ContractWire
import Foundation
import SystemLayer
import TestSupport
import Testing
import Transfer

/// Who an actor is, by the files that it reads.
@Suite(
    "An actor's identity",
    .enabled(if: TestMachine.needs(TestMachine.isRoot), "actors are confined as root only"),
    .timeLimit(.minutes(3))
)
struct IdentityTests {
    /// A request whose actor is told everything about itself.
    private func request(_ host: TestHost, _ name: String) async throws -> RunRequest {
        var request = try await host.request(name) {
            $0.volumeMounts.append(VolumeMount(name: "about", mountPath: "/etc/actor"))
        }
        let files = [
            [SystemInformationFile(field: .name, path: "name"), SystemInformationFile(field: .uid, path: "ids/uid")],
            [SystemInformationFile(field: .atespace, path: "ids/atespace")],
        ]
        request.spec.volumes.append(Volume(name: "about", source: .systemInformation(files)))
        return request
    }

    private func who(_ host: TestHost, _ actor: String) async throws -> [String] {
        let files = ["/run/ate/actor-id", "/etc/actor/name", "/etc/actor/ids/uid", "/etc/actor/ids/atespace"]
        let text = try await SharedBackend.sees(host, actor, files.map { "cat \($0)" }.joined(separator: "; echo; "))
        return text.split(separator: "\n").map(String.init)
    }

    private func token(_ host: TestHost, _ actor: String) async throws -> String {
        try await SharedBackend.sees(host, actor, "cat /run/ate/token")
    }

    @Test("two actors of one golden snapshot are each themselves", arguments: SharedBackend.all)
    func golden(_ backend: SharedBackend) async throws {
        try await backend.host().use { host in
            try await host.start()
            let golden = try await request(host, "golden")
            _ = try await host.run(golden).get()
            #expect(try await who(host, "golden") == ["golden", "golden", "uid-golden", "test"])
            #expect(try await CounterProbe.data(host, "golden") == 1)
            let place = SnapshotPlace.external("file://bucket/golden")
            let saved = ExternalSnapshotTests.checkpoint(golden, place, .data)
            #expect(await host.call(ContractMethod.checkpoint.path, saved) == nil)
            for name in ["one", "two"] {
                let request = try await request(host, name)
                var restore = RestoreRequest(run: request, place: place, scope: .data)
                restore.shared = true
                #expect(await host.call(ContractMethod.restore.path, ContractWire.encode(restore)) == nil)
            }
            for name in ["one", "two"] {
                #expect(try await who(host, name) == [name, name, "uid-\(name)", "test"])
                #expect(try await CounterProbe.data(host, name) == 2, "the golden's files")
            }
            #expect(try await token(host, "one") != token(host, "two"))
            for name in ["golden", "one", "two"] { try await SharedBackend.command(host, "remove", name) }
        }
    }

    @Test("identity and volumes are the actor's to read and nobody's to write", arguments: SharedBackend.all)
    func readOnly(_ backend: SharedBackend) async throws {
        try await backend.host().use { host in
            try await host.start()
            _ = try await host.run(try await request(host, "one")).get()
            for path in ["/run/ate/actor-id", "/run/ate/token", "/run/ate/new", "/etc/actor/name", "/etc/actor/new"] {
                let written = try await SharedBackend.exec(host, "one", "echo x > \(path)")
                #expect(written.code != 0 && written.error.contains("Read-only file system"), "\(path): \(written)")
            }
            try await SharedBackend.command(host, "remove", "one")
        }
    }

    @Test("the token is new at each start, and the host tells its digest alone", arguments: SharedBackend.all)
    func tokens(_ backend: SharedBackend) async throws {
        try await backend.host(["--json", "--log-level", "debug"]).use { host in
            try await host.start()
            let request = try await host.request("one")
            _ = try await host.run(request).get()
            var tokens = [try await token(host, "one")]
            #expect(tokens[0].utf8.count == 64)
            try await SharedBackend.command(host, "stop", "one")
            try await SharedBackend.command(host, "start", "one")
            tokens.append(try await token(host, "one"))
            try await host.kill()
            try await host.start()
            #expect(try await token(host, "one") == tokens[1], "it lives on: nothing was started")
            try await SharedBackend.command(host, "checkpoint", "one")
            try await SharedBackend.command(host, "restore", "one")
            tokens.append(try await token(host, "one"))
            #expect(Set(tokens).count == 3, "\(tokens)")
            #expect(try await host.actor("one").tokenSHA256 == SHA256.hex(of: Array(tokens[2].utf8)))
            let told = try await host.command("get", "one", "--json").output
            #expect(told.contains(SHA256.hex(of: Array(tokens[2].utf8))))
            for token in tokens { #expect(!told.contains(token) && !host.log.contains(token)) }
            try await SharedBackend.command(host, "remove", "one")
        }
    }

    @Test("what a system_info volume cannot be is refused by its field, before anything is begun")
    func refused() async throws {
        try await TestHost.with { host in
            func fault(_ files: [SystemInformationFile]) async throws -> String {
                var request = try await host.request("one")
                request.spec.volumes.append(Volume(name: "about", source: .systemInformation([files])))
                return try #require(await host.call(ContractMethod.run.path, ContractWire.encode(request)))
            }
            let items = "spec.volumes[1].system_info.data_sources[0].actor_metadata.items"
            let unsaid = try await fault([.init(field: .unspecified, path: "a")])
            #expect(unsaid.contains("\(items)[0].field: must be NAME"), "\(unsaid)")
            for path in ["", "/a", "a/../b", "..", "a//b", "a/"] {
                let text = try await fault([.init(field: .name, path: path)])
                #expect(text.contains("\(items)[0].path: invalid path"), "\(path): \(text)")
            }
            let twice = try await fault([.init(field: .name, path: "a"), .init(field: .uid, path: "a/b")])
            #expect(twice.contains("\(items)[1].path: \"a/b\" meets"), "\(twice)")
            // A second `spec` is merged into the first: a volume named t, of one source that is neither kind.
            let empty: [UInt8] = [0x3a, 9, 0x12, 7, 0x0a, 1, 0x74, 0x22, 2, 0x0a, 0]
            let request = ContractWire.encode(try await host.request("one")) + empty
            let other = try #require(await host.call(ContractMethod.run.path, request))
            #expect(other.contains("spec.volumes[1].system_info.data_sources[0] (volume \"t\")"), "\(other)")
            #expect(try await host.actors().isEmpty)
        }
    }

    @Test("no environment value is in a snapshot, here or in a store", arguments: SharedBackend.all)
    func secrets(_ backend: SharedBackend) async throws {
        let secret = "secret-\(UUID().uuidString)"
        try await backend.host().use { host in
            try await host.start()
            let request = try await host.request("one") {
                $0.environment = [EnvironmentEntry(name: "KEY", value: secret)]
            }
            let places: [(SnapshotPlace, String)] = [
                (.local("here"), "\(host.base)/actors/test:one/local-checkpoint/here"),
                (.external("file://bucket/there"), "\(host.base)/objects"),
            ]
            for (place, directory) in places {
                _ = try await host.run(request).get()
                let environments = "cat /proc/[0-9]*/environ 2>/dev/null; true"
                #expect(try await SharedBackend.sees(host, "one", environments).contains(secret))
                let saved = ExternalSnapshotTests.checkpoint(request, place, .data)
                #expect(await host.call(ContractMethod.checkpoint.path, saved) == nil)
                let files = (FileManager.default.subpaths(atPath: directory) ?? []).filter { $0.contains("manifest") }
                #expect(!files.isEmpty, "\(directory) holds no manifest")
                #expect(EnvironmentSecretTests.holders(of: secret, in: directory) == [])
            }
            try await SharedBackend.command(host, "remove", "one")
            #expect(EnvironmentSecretTests.holders(of: secret, in: host.scratch) == [])
        }
    }
}
