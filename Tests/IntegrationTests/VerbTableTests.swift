import ActorContract
import ContractWire
import Foundation
import TestSupport
import Testing

/// The tables that verbs receive, field by field, and what is refused before a verb begins.
@Suite(
    "What a verb receives",
    .enabled(if: TestMachine.needs(TestMachine.isRoot), "confining actors needs root")
)
struct VerbTableTests {
    @Test("every field of the actor, its network, cgroup, limits, containers and volumes")
    func fields() async throws {
        let verbs = try VerbHost(
            VerbHost.script(
                """
                tools = { present = "required", other = "optional" },
                devices = { null = "required", kvm = "optional" },
                """,
                run: """
                    local c = actor.containers[1]
                    print("NET " .. json.encode { actor.network.address, actor.network.interface, actor.network.mtu,
                      tostring(actor.network.gateway), tostring(actor.network.tap) })
                    print("CGROUP " .. actor.cgroup.version .. " " .. actor.cgroup.path)
                    print("LIMITS " .. json.encode(actor.limits))
                    print("TOOLS " .. json.encode { actor.tools, actor.devices })
                    print("CONTAINER " .. json.encode { c.name, c.command, c.cwd, c.user, c.capabilities, c.ports,
                      c.env, c.limits })
                    print("VOLUME " .. json.encode { actor.volumes[1].name, actor.volumes[1].path,
                      actor.volumes[1].read_only, c.volumes[1].path, actor.volumes[1].source == c.volumes[1].source })
                    print("WHO " .. json.encode { actor.name, actor.uid, actor.atespace, actor.template, actor.slot_id })
                    print("REST " .. json.encode { tostring(actor.pause_image), tostring(actor.prepared),
                      tostring(actor.state), actor.probed, actor.config, actor.assets, request.timeout_ms > 0 })
                    """
            ),
            settings: "{ grants: [tool:present=/bin/true, tool:unasked=/bin/false, device:null=/dev/null] }"
        )
        try await verbs.use { host in
            var request = try await host.request("a") { container in
                container.environment = [EnvironmentEntry(name: "K", value: "v")]
                container.capabilitiesDrop = ["KILL"]
            }
            request.memoryBytes = 64 << 20
            _ = try await host.run(request).get()
            #expect(verbs.printed("NET") == ["[\"169.254.17.2\",\"lo\",65536,\"nil\",\"nil\"]"])
            let cgroup = try #require(verbs.printed("CGROUP").first).split(separator: " ").map(String.init)
            #expect(["1", "2", "hybrid"].contains(cgroup[0]))
            #expect(FileManager.default.fileExists(atPath: "\(cgroup[1])/cgroup.procs"))
            #expect(verbs.printed("LIMITS") == ["{\"memory_bytes\":67108864,\"pids\":4096}"])
            #expect(verbs.printed("TOOLS") == ["[{\"present\":\"/bin/true\"},{\"null\":\"/dev/null\"}]"])
            #expect(
                verbs.printed("CONTAINER") == [
                    "[\"main\",[\"/counter\"],\"/\",{\"gid\":0,\"groups\":[],\"uid\":0},"
                        + "[\"CAP_AUDIT_WRITE\",\"CAP_NET_BIND_SERVICE\"],[8080],{\"K\":\"v\"},[]]"
                ]
            )
            #expect(verbs.printed("VOLUME") == ["[\"data\",\"/data\",false,\"/data\",true]"])
            #expect(verbs.printed("WHO") == ["[\"a\",\"uid-a\",\"test\",\"counter\",\"slot-a\"]"])
            #expect(verbs.printed("REST") == ["[\"nil\",\"nil\",\"nil\",[],[],[],true]"])
        }
    }

    @Test("a tool, a device, an asset or a limit that is missing is refused by name, and there is no actor then")
    func refused() async throws {
        let cases: [(more: String, words: String)] = [
            (
                "tools = { runtime = \"required\" },",
                "mine.lua: requires the tool runtime, and nobody granted it (NOT_GRANTED)"
            ),
            (
                "devices = { kvm = \"required\" },",
                "mine.lua: requires the device kvm, and nobody granted it (NOT_GRANTED)"
            ),
            (
                "assets = { runtime = \"required\" },",
                "sandbox_assets: sandbox_assets has no asset \"runtime\" for architecture \"amd64\""
            ),
        ]
        for (more, words) in cases {
            let verbs = try VerbHost(VerbHost.script(more))
            try await verbs.use { host in
                var request = try await host.request("a")
                let other = SandboxAssets.File(url: "file://\(host.asset)", sha256: String(repeating: "0", count: 64))
                request.assets?.assets = ["amd64": ["other": other], "arm64": ["other": other]]
                let refusal = verbs.refusal(try await host.run(request)) ?? "none"
                #expect(refusal.replacing("arm64", with: "amd64") == words)
                #expect(try await host.actors().isEmpty)
            }
        }
        let verbs = try VerbHost(VerbHost.script())
        try await verbs.use { host in
            var request = try await host.request("a")
            request.cpuMilli = 100
            let refusal = verbs.refusal(try await host.run(request)) ?? "none"
            #expect(
                refusal
                    == "cpu_milli is set, and backend \"mine\" does not enforce it; it enforces: memory (LIMIT_UNSUPPORTED)"
            )
            #expect(try await host.actors().isEmpty)
        }
    }

    @Test("a verb that the script lacks is refused by name before anything changes")
    func absent() async throws {
        let script = VerbHost.script().replacing("restore = start(\"restore\"),", with: "")
            .replacing("checkpoint = stop(\"checkpoint\"),", with: "").replacing("scopes = { \"data\" },", with: "")
        let verbs = try VerbHost(script)
        try await verbs.use { host in
            _ = try await host.run(try await host.request("a")).get()
            let refused = try await host.command("checkpoint", "a", "--scope", "data")
            #expect(refused.code != 0 && refused.error.contains("has no scope data"), "\(refused.error)")
            #expect(try await host.actor("a").status == "ready")
        }
    }

    @Test("a field that is none traps with the nearest name, in a request too")
    func strict() async throws {
        for (body, words) in [
            ("local _ = actor.volume", "actor has no field \"volume\"; did you mean \"volumes\"?"),
            ("local _ = actor.network.adress", "network has no field \"adress\"; did you mean \"address\"?"),
            ("local _ = actor.cgroup.paths", "cgroup has no field \"paths\"; did you mean \"path\"?"),
            ("local _ = actor.limits.memory", "limits has no field \"memory\""),
            ("local _ = actor.containers[1].cmd", "container has no field \"cmd\""),
            ("local _ = request.timeout", "request has no field \"timeout\""),
        ] {
            let verbs = try VerbHost(VerbHost.script(run: body))
            try await verbs.use { host in
                let refusal = verbs.refusal(try await host.run(try await host.request("a"))) ?? "none"
                #expect(refusal.contains(words), "\(refusal)")
            }
        }
    }
}
