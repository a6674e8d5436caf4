import PluginProtocol
import Testing

/// Every field of a descriptor with the mistakes that authors make there, to the word.
@Suite struct DescriptorTests {
    /// Good fields, by name; a case replaces or removes some.
    private static func source(_ changed: [String: String?]) -> String {
        var fields: [String: String] = [
            "name": "\"x\"", "api": "1", "isolation": "\"none\"", "run": "function() return \"ok\" end",
            "stop": "function() return \"ok\" end",
        ]
        for (key, value) in changed { fields[key] = value }
        return "return {\n" + fields.sorted { $0.key < $1.key }.map { "  \($0.key) = \($0.value),\n" }.joined() + "}"
    }

    private static let f = "function() return \"ok\" end"

    @Test(
        arguments: [
            (["name": nil], "name is missing; write name = \"x\""),
            (["name": "\"Bwrap\""], "name is \"Bwrap\", the file is x.lua: they must be equal, in lower case"),
            (["api": nil], "api is missing; write api = 1 (this host serves 1)"),
            (["api": "3"], "api = 3: this host serves 1; update substrate-host"),
            (["api": "\"1\""], "api = \"1\": this host serves 1; write api = 1"),
            (
                ["isolation": nil],
                "isolation is missing: say what stands between the actor and this machine (one of none, kernel-shared, user-space-kernel, virtual-machine, remote)"
            ),
            (["isolation": "\"kernel-share\""], "isolation is \"kernel-share\"; did you mean \"kernel-shared\"?"),
            (
                ["run": nil],
                "run is missing: a backend that starts nothing is none; run = function(actor) … return \"ok\" end"
            ),
            (
                ["stop": nil],
                "stop is missing: without it a stop would always be a kill; the shortest is: return host.process.stop(actor.processes, request.grace_ms)"
            ),
            (["run": "1"], "run is an integer, not a function"),
            (
                ["scopes": "{ \"data\" }", "checkpoint": f],
                "scopes = {\"data\"} but no restore function: a snapshot nobody can restore"
            ),
            (["restore": f], "restore is here and checkpoint is missing: both or neither"),
            (["chekpoint": f], "chekpoint is not a field of a backend; did you mean checkpoint?"),
            (
                ["needs": "{ \"process.spawn\" }"],
                "needs[1]: host has no \"process.spawn\"; did you mean \"process.start\"?"
            ),
            (["needs": "{ \"process.run@7\" }"], "needs[1]: host has no \"process.run@7\"; it has version 1"),
            (["needs": "{ 1 }"], "needs[1] is an integer, not a string"),
            (["needs": "\"process.run\""], "needs is a string, not a list"),
            (["scopes": "{ \"FULL\" }"], "scopes[1] is \"FULL\": scopes are \"full\" and \"data\""),
            (["enforces": "{ \"ram\" }"], "enforces[1] is \"ram\"; did you mean \"memory\"?"),
            (["enforces": "{ \"disk\" }"], "enforces[1] is \"disk\"; limits are cpu, memory and pids"),
            (["enforces": "{ \"cpu\", \"cpu\" }"], "enforces[2] is \"cpu\" again: write it once"),
            (["isolation": "\"kernel\""], "isolation is \"kernel\"; did you mean \"kernel-shared\"?"),
            (["config": "{ platform = {} }"], "config.platform.type is missing"),
            (["assets": "{ vmm = true }"], "assets.vmm is true: write \"required\" or \"optional\""),
            (
                ["tools": "{ [\"/usr/bin/vmm\"] = \"required\" }"],
                "tools[\"/usr/bin/vmm\"]: a tool is a name; the operator gives the path"
            ),
            (
                ["devices": "{ [\"/dev/kvm\"] = \"optional\" }"],
                "devices[\"/dev/kvm\"]: a device is a name; the operator gives the path"
            ),
            (["network": "\"host\""], "network is \"host\": no backend may put an actor on the host's network"),
            (
                ["network": "\"tap\""],
                "network is \"tap\": this host makes no tap device; write network = \"namespace\", and let a tool with device:tun make one there"
            ),
            (["container_limits": "{ \"pids\" }"], "container_limits[1] is \"pids\"; limits are cpu and memory"),
            (["network": "\"namespac\""], "network is \"namespac\"; did you mean \"namespace\"?"),
            (["image": "\"block\""], "image is \"block\": not in api 1"),
            (
                ["config": "{ platform = { type = \"string\", one_of = { \"a\" }, default = \"kvm\" } }"],
                "config.platform.default \"kvm\" is not in one_of"
            ),
            (["config": "{ n = { type = \"integer\", min = 2, default = 1 } }"], "config.n.default 1 is under min 2"),
            (
                ["config": "{ n = { type = \"number\" } }"],
                "config.n.type is \"number\": one of \"string\", \"integer\", \"boolean\", \"secret\""
            ),
            (["config": "{ n = { typ = \"string\" } }"], "config.n has no field \"typ\"; did you mean type?"),
            (["config": "{ k = { type = \"secret\", default = \"x\" } }"], "config.k.default: a secret has no default"),
            (["outside": "1"], "outside is 1: write true or false"),
            (["summary": "(\"x\"):rep(164)"], "summary has 164 characters, 120 fit"),
            (["classes": "{ \"GVisor\" }"], "classes[1] is \"GVisor\": small letters, digits and -"),
        ] as [([String: String?], String)]
    )
    func aMistakeIsNamed(_ changed: [String: String?], _ expected: String) throws {
        let error = try #require(throws: ScriptFixture.Trapped.self) { try ScriptFixture(Self.source(changed)) }
        #expect(error.trap.code == "load.shape")
        let first = error.trap.message.split(separator: "\n").first.map(String.init) ?? ""
        // `x.lua: ` or `x.lua:LINE: ` where the field stands somewhere.
        let words = first.hasPrefix("x.lua: ") ? first.dropFirst(7) : first.drop { $0 != " " }.dropFirst()
        #expect(words == expected, "\(error.trap.message)")
        let key = changed.keys.sorted().first ?? ""
        if changed.count == 1, changed[key] != .some(nil) { #expect(first.hasPrefix("x.lua:"), "\(first)") }
    }

    @Test func aFieldIsFoundByItsLine() throws {
        let error = try #require(throws: ScriptFixture.Trapped.self) {
            try ScriptFixture(Self.source(["scopes": "{ \"FULL\" }"]))
        }
        // api, isolation, name, run, scopes, stop.
        #expect(error.trap.message.hasPrefix("x.lua:6: scopes[1]"), "\(error.trap.message)")
        #expect(error.trap.message.contains("    6 |   scopes = { \"FULL\" },"), "\(error.trap.message)")
    }

    @Test func aNeedThatNothingCallsIsAWarning() throws {
        let fixture = try ScriptFixture(Self.source(["needs": "{ \"file.write\", \"clock.left\" }"]))
        guard case .map(let fields) = fixture.descriptor else { throw CancellationError() }
        #expect(
            fields["warnings"]
                == .list(["file.write", "clock.left"].map { .text("needs lists \"\($0)\" but nothing calls it") })
        )
        let called = try ScriptFixture(ScriptFixture.source("    return host.clock.left()", needs: "\"clock.left\""))
        guard case .map(let fields) = called.descriptor else { throw CancellationError() }
        #expect(fields["warnings"] == nil)
    }

    @Test func loadingHasItsOwnBudgets() throws {
        let memory = try #require(throws: ScriptFixture.Trapped.self) {
            try ScriptFixture("local t = {} for i = 1, 1000000 do t[i] = {} end")
        }
        #expect(memory.trap.code == "budget.memory")
        #expect(memory.trap.message.contains("8 MiB of memory spent while the file loads"), "\(memory.trap.message)")
        let time = try #require(throws: ScriptFixture.Trapped.self) { try ScriptFixture("while true do end") }
        #expect(time.trap.code == "budget.instructions")
        #expect(time.trap.message.contains("spent while the file loads"), "\(time.trap.message)")
        // Ten million bytes fit into a verb that could not be loaded.
        let fixture = try ScriptFixture(ScriptFixture.source("    local s = (\"x\"):rep(10000000)\n    return \"ok\""))
        try fixture.begin()
        #expect(try fixture.next() == .answer(status: "ok", result: .null))
    }
}
