import ActorContract
import ContractWire
import Foundation
import Glibc
import SystemLayer
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

    @Test("a program that prepare kept is the actor's: programs beside it share its directories, and stop ends both")
    func keptProgram() async throws {
        let keep = "program = slot.tools.sh, args = { \"-c\", \"echo warm > mark; exec sleep 600\" }"
        let read = "program = actor.tools.sh, args = { \"-c\", \"cat mark; pwd; echo run > own\" }"
        let verbs = try VerbHost(
            VerbHost.script(
                """
                tools = { sh = "required" },
                prepare = function(slot)
                  try(host.process.start { \(keep), name = "helper", keep = true })
                  return "ok", { prepared = { warm = true } }
                end,
                """,
                needs: "\"process.start\", \"process.run\", \"clock.sleep\"",
                run: """
                    if actor.prepared then
                      try(host.clock.sleep(100))
                      local out = try(host.process.run { \(read) })
                      local late = { program = actor.tools.sh, args = { "-c", "exec sleep 600" } }
                      late.name, late.keep = "late", true
                      try(host.process.start(late))
                      print("SAW " .. json.encode { out.stdout == "warm\\n" .. actor.dirs.work .. "\\n",
                        actor.processes.helper ~= nil })
                    end
                    """,
                stop: """
                    local names = {}
                    for name in pairs(actor.processes) do names[#names + 1] = name end
                    table.sort(names)
                    print("LIVE " .. table.concat(names, " "))
                    """
            ),
            settings: "{ pool: { size: 1 }, grants: [tool:sh=/bin/sh] }"
        )
        try await verbs.use { host in
            try await warm(verbs, host, made: 1, ready: 1)
            _ = try await host.run(try await host.request("a")).get()
            #expect(verbs.printed("SAW") == ["[true,true]"])
            try await verbs.again()
            #expect(try await host.actor("a").status == "ready")
            #expect(try await host.command("stop", "a").code == 0)
            #expect(verbs.printed("LIVE") == ["helper late main"])
            #expect(try await host.command("remove", "a").code == 0)
            try await eventually("one slot is left") { slots(host).count == 1 ? () : nil }
        }
    }

    /// Keeps one program in each slot, that sleeps so long.
    private static func sleeper(_ seconds: String, size: Int) throws -> VerbHost {
        try VerbHost(
            VerbHost.script(
                """
                tools = { sleep = "required" },
                prepare = function(slot)
                  try(host.process.start { program = slot.tools.sleep, args = { "\(seconds)" }, name = "helper", keep = true })
                  return "ok", { prepared = { warm = true } }
                end,
                """,
                needs: "\"process.start\"",
                run:
                    "print(\"GOT \" .. tostring(actor.prepared ~= nil) .. \" \" .. tostring(actor.processes.helper ~= nil))"
            ),
            settings: "{ pool: { size: \(size) }, grants: [tool:sleep=/bin/sleep] }"
        )
    }

    @Test("a slot whose program has ended is thrown away, and never handed out")
    func deadProgram() async throws {
        let verbs = try Self.sleeper("600", size: 1)
        try await verbs.use { host in
            try await warm(verbs, host, made: 1, ready: 1)
            for path in host.cgroups { Self.kill(in: "\(path)/kept.helper") }
            try await eventually("the dead slot is gone", seconds: 20) { slots(host).isEmpty ? () : nil }
            _ = try await host.run(try await host.request("a")).get()
            #expect(verbs.printed("GOT") == ["false false"])
        }
    }

    @Test("one whose program ends at once is made once for each place at most, until the next verb asks")
    func endsAtOnce() async throws {
        let verbs = try Self.sleeper("0", size: 2)
        // One that ends before prepare does is told so, and is a try like the others.
        func tries() -> Int { verbs.logged("a slot is warm") + verbs.logged("a slot could not be prepared") }
        try await verbs.use { host in
            for round in 1...3 {
                try await eventually("slots were made and are gone", seconds: 20) {
                    tries() >= round && slots(host).isEmpty ? () : nil
                }
                if round < 3 { _ = try await host.run(try await host.request("a\(round)")).get() }
            }
            #expect(tries() <= 6)
        }
    }

    /// Kills what is in the leaves of a cgroup that kept programs have.
    private static func kill(in path: String) {
        let procs = TextFile.read("\(path)/cgroup.procs") ?? ""
        for pid in procs.split(separator: "\n").compactMap({ Int32($0) }) { Glibc.kill(pid, SIGKILL) }
    }

    @Test("while memory is short warm slots are dropped, the oldest first, and none is made")
    func pressure() async throws {
        let file = "/tmp/substrate-meminfo-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: file) }
        func say(_ available: Int) throws {
            try "MemTotal: 1000 kB\nMemFree: 0 kB\nMemAvailable: \(available) kB\n".write(
                toFile: file,
                atomically: true,
                encoding: .utf8
            )
        }
        try say(900)
        let verbs = try VerbHost(Self.script(), settings: "{ pool: { size: 2 } }")
        try await verbs.use(["SUBSTRATE_MEMINFO=\(file)"]) { host in
            try await warm(verbs, host, made: 2, ready: 2)
            try say(10)
            try await eventually("both are dropped", seconds: 20) { slots(host).isEmpty ? () : nil }
            #expect(verbs.logged("memory is short: a warm slot is dropped") == 2)
            _ = try await host.run(try await host.request("a")).get()
            #expect(verbs.printed("GOT") == ["run nil"])
            #expect(verbs.logged("a slot is warm") == 2)
            try say(900)
            _ = try await host.run(try await host.request("b")).get()
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
