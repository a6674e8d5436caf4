import ContractWire
import Foundation
import TestSupport
import Testing

/// `recover`: a script says itself, after a restart of the host, whether its actor lives.
@Suite(
    "A script is asked whether its actor lives",
    .enabled(if: TestMachine.needs(TestMachine.isRoot), "confining actors needs root")
)
struct RecoverTests {
    private static let script = VerbHost.script(
        """
        config = { answer = { type = "string", default = "ok" } },
        recover = function(actor)
          print("ASKED " .. tostring(actor.processes.main ~= nil) .. " " .. json.encode(actor.state))
          local answer = actor.config.answer
          if answer == "raise" then error("no idea") end
          if answer == "ok" then return "ok", { state = { told = true } } end
          return answer, "says the test"
        end,
        """,
        stop: "print(\"STATE \" .. json.encode(actor.state))",
        result: "{ state = { n = 1 } }"
    )

    @Test("ok keeps it, and what it tells is its state from then on")
    func alive() async throws {
        let verbs = try VerbHost(Self.script)
        try await verbs.use { host in
            _ = try await host.run(try await host.request("a")).get()
            #expect(verbs.printed("ASKED").isEmpty)
            let pid = try await host.actor("a").pid
            try await verbs.again()
            let actor = try await host.actor("a")
            #expect(actor.status == "ready" && actor.reason == "" && actor.pid == pid)
            #expect(verbs.printed("ASKED") == ["true {\"n\":1}"])
            #expect(try await host.command("stop", "a").code == 0)
            #expect(verbs.printed("STATE") == ["{\"told\":true}"])
            // What does not live is not asked about.
            try await verbs.again()
            #expect(verbs.printed("ASKED").count == 1)
            #expect(try await host.actor("a").status == "stopped")
        }
    }

    @Test("not_running is the actor's end, and the host takes everything away")
    func gone() async throws {
        let verbs = try VerbHost(Self.script)
        try await verbs.use { host in
            _ = try await host.run(try await host.request("a")).get()
            try await verbs.again(settings: "{ config: { answer: not_running } }")
            let actor = try await host.actor("a")
            #expect(actor.status == "failed" && actor.reason == "crashed")
            #expect(actor.message.contains("says the test"), "\(actor.message)")
            #expect(host.cgroups.isEmpty && host.mounts.isEmpty)
        }
    }

    @Test("anything else keeps the status, unconfirmed, and is asked again", arguments: ["busy", "raise"])
    func unknown(_ answer: String) async throws {
        let verbs = try VerbHost(Self.script)
        try await verbs.use { host in
            _ = try await host.run(try await host.request("a")).get()
            try await verbs.again(settings: "{ config: { answer: \(answer) } }")
            let actor = try await host.actor("a")
            #expect(actor.status == "ready" && actor.reason == "unconfirmed", "\(actor.message)")
            #expect(actor.message.contains(answer == "raise" ? "no idea" : "says the test"), "\(actor.message)")
            try await eventually("it is asked again", seconds: 20) { verbs.printed("ASKED").count > 1 ? () : nil }
            try await verbs.again(settings: "{ config: { answer: ok } }")
            let sure = try await host.actor("a")
            #expect(sure.status == "ready" && sure.reason == "" && sure.message == "")
            #expect(try await host.command("stop", "a").code == 0)
            #expect(try await host.actor("a").status == "stopped")
        }
    }

    @Test("scripts are asked side by side: one that takes its time keeps no other waiting")
    func together() async throws {
        let verbs = try VerbHost(
            VerbHost.script(
                """
                recover = function(actor)
                  print("RECOVER begins")
                  try(host.clock.sleep(700))
                  print("RECOVER ends")
                  return "ok"
                end,
                """,
                needs: "\"clock.sleep\""
            )
        )
        try await verbs.use { host in
            for name in ["a", "b", "c"] { _ = try await host.run(try await host.request(name)).get() }
            try await verbs.again()
            #expect(verbs.printed("RECOVER").prefix(3) == ["begins", "begins", "begins"])
            for name in ["a", "b", "c"] { #expect(try await host.actor(name).status == "ready") }
        }
    }

    @Test("an unconfirmed actor can be stopped")
    func stopped() async throws {
        let verbs = try VerbHost(Self.script)
        try await verbs.use { host in
            _ = try await host.run(try await host.request("a")).get()
            try await verbs.again(settings: "{ config: { answer: busy } }")
            #expect(try await host.actor("a").reason == "unconfirmed")
            #expect(try await host.command("stop", "a").code == 0)
            let actor = try await host.actor("a")
            #expect(actor.status == "stopped" && actor.reason == "")
            #expect(host.cgroups.isEmpty)
        }
    }
}
