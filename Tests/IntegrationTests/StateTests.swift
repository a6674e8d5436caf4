import ActorContract
import ContractWire
import Foundation
import TestSupport
import Testing

/// `state`: what run or restore answers is given back in every later verb.
@Suite(
    "The state of a script",
    .enabled(if: TestMachine.needs(TestMachine.isRoot), "confining actors needs root")
)
struct StateTests {
    @Test("given back whole in every later verb, over kill -9, checkpoint and restore; a new Run begins without")
    func life() async throws {
        let verbs = try VerbHost(
            VerbHost.script(
                run: "print(\"STATE \" .. verb .. \" \" .. json.encode(actor.state))",
                stop: "print(\"STATE \" .. verb .. \" \" .. json.encode(actor.state))",
                // A Run tells two things, a Restore that knows of them one other, and a second Restore nothing.
                result: """
                    verb == "run" and { state = { a = { 1, 2.5, true }, b = "x" } }
                      or actor.state and actor.state.b and { state = { c = json.object {} } } or nil
                    """
            )
        )
        try await verbs.use { host in
            let request = try await host.request("a")
            _ = try await host.run(request).get()
            try await verbs.again()
            #expect(try await host.command("checkpoint", "a").code == 0)
            #expect(try await host.command("restore", "a").code == 0)
            #expect(try await host.command("checkpoint", "a").code == 0)
            #expect(try await host.command("restore", "a").code == 0)
            #expect(try await host.command("stop", "a").code == 0)
            let first = "{\"a\":[1,2.5,true],\"b\":\"x\"}"
            #expect(
                verbs.printed("STATE") == [
                    "run null", "checkpoint \(first)", "restore \(first)", "checkpoint {\"c\":[]}",
                    "restore {\"c\":[]}",
                    "stop {\"c\":[]}",
                ]
            )
            _ = try await host.run(request).get()
            #expect(verbs.printed("STATE").last == "run null")
        }
    }

    @Test(
        "what cannot be kept fails the verb with its place",
        arguments: [
            ("{ vm = { socket = print } }", "state.vm.socket is a function"),
            ("{ p = actor.processes.main or function() end }", "state.p is a function"),
            ("{ big = (\"x\"):rep(70000) }", "as JSON"), ("{ 1, nil, 3 }", "is nil"),
        ]
    )
    func refused(_ state: String, _ words: String) async throws {
        let verbs = try VerbHost(VerbHost.script(result: "{ state = \(state) }"))
        try await verbs.use { host in
            let refusal = verbs.refusal(try await host.run(try await host.request("a"))) ?? "none"
            #expect(refusal.contains(words) && refusal.hasSuffix("(PLUGIN)"), "\(refusal)")
            let actor = try await host.actor("a")
            #expect(actor.status == "failed" && actor.reason == "plugin")
            #expect(host.cgroups.isEmpty)
        }
    }
}
