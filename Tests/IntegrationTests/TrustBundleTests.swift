import ActorContract
import ContractWire
import SystemLayer
import TestSupport
import Testing

/// Certificates that an actor asks for by name, in a `system_info` volume.
@Suite(
    "Trust bundles",
    .enabled(if: TestMachine.needs(TestMachine.isRoot), "actors are confined as root only"),
    .timeLimit(.minutes(3))
)
struct TrustBundleTests {
    private static let begin = "-----BEGIN CERTIFICATE-----\n"

    private func request(_ host: TestHost, _ names: [String], path: String = "tls/ca.pem") async throws -> RunRequest {
        var request = try await host.request("one") {
            $0.volumeMounts.append(VolumeMount(name: "about", mountPath: "/etc/actor"))
        }
        let files = [[SystemInformationFile(bundles: names, path: path)]]
        request.spec.volumes.append(Volume(name: "about", source: .systemInformation(files)))
        return request
    }

    @Test("the file holds the named bundles in their order, read anew at each start", arguments: SharedBackend.all)
    func shown(_ backend: SharedBackend) async throws {
        let files = try ScratchDirectory("bundles")
        for name in ["a", "b"] {
            try AtomicFile.write(Array("\(Self.begin)\(name)".utf8), to: "\(files.path)/\(name)")
        }
        let options = ["--trust-bundle", "a.test=\(files.path)/a", "--trust-bundle", "b.test=\(files.path)/b"]
        try await backend.host(options).use { host in
            try await host.start()
            _ = try await host.run(try await request(host, ["b.test", "a.test"])).get()
            let show = "cat /etc/actor/tls/ca.pem"
            #expect(try await SharedBackend.sees(host, "one", show) == "\(Self.begin)b\n\(Self.begin)a\n")
            try AtomicFile.write(Array("\(Self.begin)new\n".utf8), to: "\(files.path)/b")
            try await SharedBackend.command(host, "stop", "one")
            try await SharedBackend.command(host, "start", "one")
            #expect(try await SharedBackend.sees(host, "one", show) == "\(Self.begin)new\n\(Self.begin)a\n")
            try await SharedBackend.command(host, "remove", "one")
        }
    }

    @Test("both autumns' requests mean the same, and the machine's own roots need no setting")
    func wire() async throws {
        let spare = try TestHost()
        let request = ContractWire.encode(try await self.request(spare, ["one"]))
        let decoded = try ContractWire.decodeRun(request, dialect: .autumn)
        guard case .systemInformation(let sources)? = decoded.spec.volumes.last?.source else {
            Issue.record("no system_info")
            return
        }
        #expect(sources == [[SystemInformationFile(bundles: ["one"], path: "tls/ca.pem")]])
        // A second `spec` is merged into the first: a volume t, whose source has one `name`, as August sent it.
        let early: [UInt8] = [
            0x3a, 17, 0x12, 15, 0x0a, 1, 0x74, 0x22, 10, 0x0a, 8, 0x12, 6, 0x0a, 1, 0x70, 0x12, 1, 0x6e,
        ]
        let older = try ContractWire.decodeRun(request + early, dialect: .autumn)
        #expect(
            older.spec.volumes.last
                == Volume(name: "t", source: .systemInformation([[SystemInformationFile(bundles: ["n"], path: "p")]]))
        )
        guard let roots = TextFile.read("/etc/ssl/certs/ca-certificates.crt") else { return }
        try await TestHost.with { host in
            _ = try await host.run(try await self.request(host, ["system-roots.ate.dev"])).get()
            let place = "\(host.base)/actors/test:one/system-info/about/tls/ca.pem"
            #expect(TextFile.read(place) == roots)
            try await SharedBackend.command(host, "remove", "one")
        }
    }

    @Test("what cannot be had is refused by its field, before anything is begun")
    func refused() async throws {
        let files = try ScratchDirectory("bundles")
        try AtomicFile.write(Array("no certificate".utf8), to: "\(files.path)/bad")
        let options = [
            "--trust-bundle", "bad=\(files.path)/bad", "--trust-bundle", "gone=\(files.path)/gone",
        ]
        try await TestHost.with(arguments: options) { host in
            let field = "spec.volumes[1].system_info.data_sources[0].trust_bundle"
            let cases: [([String], String, String)] = [
                (["foo"], "a", "\(field).names: unknown trust bundle \"foo\"; this host has: bad, gone"),
                (["bad"], "a", "\(field).names: trust bundle \"bad\": unusable contents"),
                (["gone"], "a", "\(field).names: trust bundle \"gone\": unusable contents"),
                ([], "a", "\(field).names: name at least one"),
                ([""], "a", "\(field).names[0]: must be the name"),
                (["bad", "bad"], "a", "\(field).names[1]: duplicate trust bundle \"bad\""),
                (["bad"], "../a", "\(field).path: invalid path"),
            ]
            for (names, path, wanted) in cases {
                let request = ContractWire.encode(try await self.request(host, names, path: path))
                let text = try #require(await host.call(ContractMethod.run.path, request))
                #expect(text.contains(wanted) && !text.contains(files.path), "\(text)")
            }
            #expect(try await host.actors().isEmpty)
        }
    }
}
