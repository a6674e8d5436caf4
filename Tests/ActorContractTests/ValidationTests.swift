import ActorContract
import HostErrors
import Testing

@Suite struct ValidationTests {
    private func text(_ body: () throws -> Void) -> String? {
        do { try body() } catch let error as HostError {
            #expect(error.code == .invalidArgument)
            return error.message
        } catch { return "\(error)" }
        return nil
    }

    private func june(_ namespace: String, _ template: String, _ id: String) -> ActorIdentity {
        ActorIdentity(
            key: .june(namespace: namespace, template: template, id: id),
            uid: "",
            templateNamespace: namespace,
            template: template
        )
    }

    @Test func gateways() throws {
        for good in ["gateway.example:443", "10.0.0.1:1", "[::1]:65535", "[2001:db8::10.0.0.1]:80", "Gate:9"] {
            #expect(try GatewayAddress(good).description == good)
        }
        #expect(try GatewayAddress("[::1]:80").host == "::1")
        #expect(text { _ = try GatewayAddress("") } == "egress_gateway.address: required")
        for (bad, words) in [
            ("a", "no port"), ("a:", "1 to 65535"), ("a:0", "1 to 65535"), ("a:65536", "1 to 65535"),
            ("a:+1", "1 to 65535"), ("::1:80", "in brackets"), ("[a]:80", "in brackets"), (":80", "no DNS name"),
            ("a b:80", "no DNS name"), ("a\r\nX: y:80", "no DNS name"), ("a/b:80", "no DNS name"),
        ] {
            let said = text { _ = try GatewayAddress(bad) }
            #expect(said?.hasPrefix("egress_gateway.address: invalid value ") == true, "\(said ?? "it is one")")
            #expect(said?.contains(words) == true, "\(said ?? "it is one")")
        }
    }

    @Test func namesOfJune() {
        let label63 = String(repeating: "a", count: 63)
        let template120 = [String(repeating: "b", count: 60), String(repeating: "c", count: 59)].joined(separator: ".")
        let accepted = [
            june("ate-demo", "counter", "counter-1"), june("a", "probe.v1", "0b0c8b52-9f5a-4f0e-8f4c-0c6c1f0e2d11"),
            june(label63, template120, label63),
        ]
        for identity in accepted { #expect(text { try Validation.identity(identity) } == nil) }
        for bad in ["", "..", "a/b", "A", "-a", "a-", "a.b", String(repeating: "a", count: 64)] {
            #expect(text { try Validation.identity(june(bad, "t", "i")) }?.hasPrefix("invalid namespace ") == true)
            #expect(text { try Validation.identity(june("n", "t", bad)) }?.hasPrefix("invalid actor ID ") == true)
            #expect(text { try Validation.slot(bad, dialect: .june) }?.hasPrefix("invalid target ateom UID ") == true)
        }
        for bad in ["", "..", "a/b"] {
            #expect(text { try Validation.identity(june("n", bad, "i")) }?.hasPrefix("invalid template ") == true)
        }
        #expect(
            text { try Validation.identity(june("a.b", "t", "i")) }
                == #"invalid namespace "a.b": must not contain dots"#
        )
        let long = (0..<4).map { _ in String(repeating: "d", count: 60) }.joined(separator: ".")
        let combined = text { try Validation.identity(june(label63, long, label63)) }
        #expect(
            combined?.hasSuffix(" is 371 bytes; the combined path component must be at most 255") == true
        )
    }

    @Test func containerNames() {
        func names(_ names: String...) -> String? {
            var spec = WorkloadSpec()
            spec.containers = names.map {
                var container = Container()
                container.name = $0
                return container
            }
            return text { try Validation.containerNames(spec, dialect: .june) }
        }
        #expect(names() == nil)
        #expect(names("worker", "sidecar") == nil)
        #expect(names("pause") == #"invalid container name "pause": reserved for sandbox infrastructure"#)
        #expect(names("a", "a") == #"duplicate container name "a""#)
        #expect(names("Worker")?.contains("a lowercase RFC 1123 label") == true)
    }

    @Test func scopesAndPlaces() throws {
        #expect(
            text { _ = try Validation.scope(0, use: .restore, dialect: .june) } == "snapshot scope must be non-zero"
        )
        #expect(
            text { _ = try Validation.scope(23, use: .restore, dialect: .june) } == "invalid snapshot scope: 23"
        )
        #expect(text { _ = try Validation.scope(3, use: .checkpoint, dialect: .autumn) } != nil)
        #expect(try Validation.scope(3, use: .restore, dialect: .autumn) == .dataOnGolden)
        func place(_ type: Int32, _ local: String?, _ external: String?, _ dialect: Dialect = .june) -> String? {
            text {
                _ = try Validation.place(
                    RawSnapshotPlace(type: type, localName: local, externalURI: external),
                    dialect: dialect
                )
            }
        }
        #expect(place(0, nil, nil) == "invalid checkpoint type: CHECKPOINT_TYPE_UNSPECIFIED")
        #expect(place(1, nil, "gs://b") == "snapshot prefix must be non-empty for type CHECKPOINT_TYPE_LOCAL")
        #expect(place(2, "x", nil) == #"invalid snapshot URI prefix "": missing bucket"#)
        #expect(place(1, "id1-2026-06-30T17:22:15+02:00-ABCDEF", nil) == nil)
        for bad in ["a/b", "..", ".x", "a..b", "a\u{1}"] { #expect(place(1, bad, nil) != nil, "\(bad)") }
        #expect(place(1, "A:b", nil, .autumn)?.hasPrefix("local_config.snapshot_name: ") == true)
        for good in ["gs://bucket/a/b/", "gs://bucket", "s3://bucket/path"] { #expect(place(2, nil, good) == nil) }
        for bad in ["", "gs://", "bucket/path", "://bucket", "gs://b?x=1", "gs://b#f", "gs://u@b", "gs:b/p", "?x=1"] {
            #expect(place(2, nil, bad) != nil, "\(bad)")
        }
        #expect(
            place(2, nil, "%zz")
                == #"invalid snapshot URI prefix "%zz": parse "%zz": invalid URL escape "%zz""#
        )
        #expect(place(2, nil, "gs://u@b")?.hasSuffix("must contain only a scheme, bucket, and path") == true)
    }

    @Test func mountPaths() {
        for good in ["/a b", "/.x", "/..x", "/a.b", "/srv/data"] { #expect(Validation.mountPathFault(good) == nil) }
        for bad in [
            "", "a", "/", "//", "/a//b", "/a:b", "/./a", "/a/..", "/a/", "/a\n",
            "/" + String(repeating: "a", count: 4096),
        ] {
            #expect(Validation.mountPathFault(bad) != nil, "\(bad)")
        }
    }

    @Test func mountsOfNoVolume() {
        var container = Container()
        container.name = "a"
        container.volumeMounts = [VolumeMount(name: "none", mountPath: "/x")]
        var spec = WorkloadSpec()
        spec.containers = [container]
        #expect(text { try Validation.workload(spec, dialect: .june) } == nil)
        #expect(
            text { try Validation.workload(spec, dialect: .autumn) }?
                .hasPrefix("spec.containers[0].volume_mounts[0].name: ") == true
        )
    }

    @Test func assets() {
        func check(_ assets: SandboxAssets?, _ dialect: Dialect, _ required: [String] = []) -> String? {
            text { try Validation.assets(assets, dialect: dialect, architecture: "amd64", required: required) }
        }
        #expect(check(nil, .june) == "missing sandbox_assets")
        #expect(check(SandboxAssets(), .june) == #"sandbox_assets has no assets for architecture "amd64""#)
        #expect(check(nil, .autumn) == nil)
        #expect(check(nil, .autumn, ["x"])?.hasPrefix("sandbox_assets: ") == true)
        var assets = SandboxAssets()
        assets.assets = ["amd64": ["x": .init(url: "u", sha256: "deadbeef")]]
        #expect(check(assets, .june) == "invalid asset sha256 hash: want 64 hex chars, got 8")
        assets.assets = ["amd64": ["x": .init(url: "u", sha256: String(repeating: "A", count: 64))]]
        #expect(check(assets, .june, ["x"]) == nil)
        #expect(check(assets, .june, ["y"]) != nil)
    }

    @Test func canonicalBytesTellRequestsApart() {
        let identity = ActorIdentity(
            key: .autumn(atespace: "a", name: "b"),
            uid: "u",
            templateNamespace: "",
            template: ""
        )
        var container = Container()
        container.command = ["ab", "c"]
        container.environment = [EnvironmentEntry(name: "K", value: "top-secret")]
        var run = RunRequest(identity: identity, slot: "s", spec: WorkloadSpec())
        run.spec.containers = [container]
        let hash: (String) -> [UInt8] = { [UInt8(truncatingIfNeeded: $0.utf8.count)] }
        let bytes = run.canonicalBytes(hashing: hash)
        #expect(bytes == run.canonicalBytes(hashing: hash))
        #expect(!String(decoding: bytes, as: UTF8.self).contains("top-secret"))
        var other = run
        other.spec.containers[0].command = ["a", "bc"]
        #expect(other.canonicalBytes(hashing: hash) != bytes)
        other = run
        other.egressGateway = ""
        #expect(other.canonicalBytes(hashing: hash) != bytes)
    }
}
