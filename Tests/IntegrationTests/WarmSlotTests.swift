import ActorContract
import ContractWire
import Foundation
import TestSupport
import Testing

/// `prepare`: slots made ahead of need, handed out once, thrown away when they no longer fit.
@Suite(
    "Warm slots",
    .enabled(if: TestMachine.needs(TestMachine.isRoot), "confining actors needs root")
)
struct WarmSlotTests {
    /// A slot remembers where it was made, and its file is there when an actor comes.
    private static func script(_ revision: Int = 1, answer: String = "\"ok\", { prepared = made }") -> String {
        VerbHost.script(
            """
            prepare = function(slot)
              print("PREPARE \(revision)")
              try(host.file.write(slot.dirs.work .. "/mark", "warm"))
              local made = { work = slot.dirs.work, net = slot.network.namespace, cgroup = slot.cgroup.path }
              return \(answer)
            end,
            """,
            needs: "\"file.write\"",
            run: """
                local p = actor.prepared
                print("GOT " .. verb .. " " .. tostring(p and p.work == actor.dirs.work
                  and p.net == actor.network.namespace and p.cgroup == actor.cgroup.path))
                """
        )
    }

    private func slots(_ host: TestHost) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: "\(host.base)/slots")) ?? []
    }

    /// Waits until so many slots were made and lie ready.
    private func warm(_ verbs: VerbHost, _ host: TestHost, made: Int, ready: Int) async throws {
        try await eventually("\(made) slots were made and \(ready) are there", seconds: 20) {
            verbs.logged("a slot is warm") == made && slots(host).count == ready ? () : nil
        }
    }

    @Test("a Run and a Restore get one each, the same directories, network and cgroup, and others are made")
    func handedOut() async throws {
        let verbs = try VerbHost(Self.script(), settings: "{ pool: { size: 2 } }")
        try await verbs.use { host in
            try await warm(verbs, host, made: 2, ready: 2)
            let request = try await host.request("a")
            _ = try await host.run(request).get()
            #expect(verbs.printed("GOT") == ["run true"])
            // The actor has one, and there are two for others.
            try await warm(verbs, host, made: 3, ready: 3)
            #expect(try await host.command("checkpoint", "a").code == 0)
            try await eventually("the actor's slot is gone") { slots(host).count == 2 ? () : nil }
            #expect(try await host.command("restore", "a").code == 0)
            #expect(verbs.printed("GOT") == ["run true", "restore true"])
            let port = try await host.publish("a")
            #expect(port > 0)
            try await host.terminate(request)
            try await warm(verbs, host, made: 4, ready: 2)
        }
    }

    @Test("one of another revision is thrown away and never handed out")
    func another() async throws {
        let verbs = try VerbHost(Self.script(), settings: "{ pool: { size: 1 } }")
        try await verbs.use { host in
            try await warm(verbs, host, made: 1, ready: 1)
            let old = slots(host)
            try Self.script(2).write(toFile: "\(host.scratch)/overlay/mine.lua", atomically: true, encoding: .utf8)
            _ = try await host.run(try await host.request("a")).get()
            #expect(verbs.printed("GOT") == ["run nil"])
            try await warm(verbs, host, made: 2, ready: 1)
            #expect(slots(host) != old)
            #expect(verbs.printed("PREPARE") == ["1", "2"])
            _ = try await host.run(try await host.request("b")).get()
            #expect(verbs.printed("GOT") == ["run nil", "run true"])
        }
    }

    @Test("after kill -9 of the host an actor keeps its slot, and the others are swept")
    func swept() async throws {
        let verbs = try VerbHost(Self.script(), settings: "{ pool: { size: 1 } }")
        try await verbs.use { host in
            try await warm(verbs, host, made: 1, ready: 1)
            let taken = slots(host)
            let request = try await host.request("a")
            _ = try await host.run(request).get()
            try await warm(verbs, host, made: 2, ready: 2)
            let idle = Set(slots(host)).subtracting(taken)
            try await verbs.again()
            #expect(try await host.actor("a").status == "ready")
            try await warm(verbs, host, made: 3, ready: 2)
            #expect(Set(slots(host)).isSuperset(of: taken) && Set(slots(host)).isDisjoint(with: idle))
            #expect(try await host.publish("a") > 0)
            #expect(try await host.command("stop", "a").code == 0)
            #expect(Set(slots(host)).isDisjoint(with: taken))
        }
    }

    @Test("one that fails leaves nothing, is told, and the Run begins in a cold slot")
    func fails() async throws {
        let verbs = try VerbHost(Self.script(answer: "\"busy\", \"not now\""), settings: "{ pool: { size: 1 } }")
        try await verbs.use { host in
            try await eventually("it was tried") { verbs.logged("could not be prepared", "not now") == 1 ? () : nil }
            try await eventually("nothing of it is left") { slots(host).isEmpty ? () : nil }
            _ = try await host.run(try await host.request("a")).get()
            #expect(verbs.printed("GOT") == ["run nil"])
            // The next verb that wants one is the next try.
            try await eventually("it was tried again") { verbs.logged("could not be prepared") == 2 ? () : nil }
        }
    }

    @Test("without a pool nothing is prepared, and a pool without prepare is told to have no effect")
    func none() async throws {
        let cold = try VerbHost(Self.script())
        try await cold.use { host in
            _ = try await host.run(try await host.request("a")).get()
            #expect(cold.printed("GOT") == ["run nil"] && cold.printed("PREPARE").isEmpty)
        }
        let bare = try VerbHost(VerbHost.script(), settings: "{ pool: { size: 1 } }")
        try await bare.use { host in
            #expect(bare.logged("pool.size has no effect: the backend has no prepare") == 1)
        }
    }
}
