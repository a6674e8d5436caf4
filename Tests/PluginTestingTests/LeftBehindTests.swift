import Foundation
import Testing

@testable import PluginTesting

/// What is still there after a test, and whose line it is.
@Suite("left behind in an author's tests", .serialized)
struct LeftBehindTests {
    private static func backend(_ body: String, needs: String) -> String {
        """
        return {
          name = "mine", api = 1, isolation = "none", tools = { oci = "required" },
          needs = { \(needs) },
          run = function(actor)
            \(body)
            return "ok"
          end,
          stop = function(actor, request) return host.process.stop(actor.processes, request.grace_ms) end,
        }
        """
    }

    private static let head = "local SPEC = { containers = { { name = \"web\", command = { \"/x\" } } } }\n"

    private static func run(_ backend: String, _ body: String, _ options: String...) throws -> Bench.Run {
        let bench = try Bench(backend: backend, test: "\(head)test(\"it\", function(t)\n  \(body)\nend)\n")
        return Bench.run([bench.directory] + options)
    }

    private static let create = "try(host.process.run { program = actor.tools.oci, args = { \"create\", \"web\" } })"
    private static let adopt =
        "try(host.process.adopt { name = \"web\", pidfile = actor.dirs.bundles .. \"/web.pid\" })"
    private static let rule = "t:program(\"oci\", { { \"create\", pidfile = \"bundles/web.pid\" }, { ms = 50 } })"

    @Test("a program that a runtime left behind is adopted by its pidfile, and is the actor's from then on")
    func adopted() throws {
        let run = try Self.run(
            Self.backend("\(Self.create) \(Self.adopt)", needs: "\"process.run\", \"process.adopt\", \"process.stop\""),
            """
            \(Self.rule)
            local actor = t:actor(SPEC)
            t:ok(actor:run())
            t:equal(actor:processes(), { "web" })
            t:ok(actor:stop())
            t:equal(actor:processes(), {})
            """
        )
        #expect(run.code == 0, "\(run.text)")
    }

    @Test("one that nobody adopts ends with the verb, and is blamed on the line that ran its runtime")
    func unadopted() throws {
        let run = try Self.run(
            Self.backend(Self.create, needs: "\"process.run\", \"process.stop\""),
            "\(Self.rule) t:ok(t:actor(SPEC):run())"
        )
        #expect(run.code == 1)
        #expect(
            run.text.contains(
                "backend.lua:5  leaked_handle: run ran \"oci\", which left a program behind that nobody adopted"
            ),
            "\(run.text)"
        )
        #expect(
            run.text.contains(
                "left    what \"oci\" left behind (leaked_handle), its cgroup and mount namespace, started at backend.lua:5"
            ),
            "\(run.text)"
        )
    }

    @Test("a program of another actor is not to be had, and a pidfile lies in a directory of the slot")
    func foreign() throws {
        let backend = Self.backend(
            "if actor.name == \"a\" then \(Self.create) \(Self.adopt) return \"ok\" end "
                + "try(host.file.write(actor.dirs.bundles .. \"/web.pid\", \"1073741826\")) \(Self.adopt)",
            needs: "\"process.run\", \"process.adopt\", \"process.stop\", \"file.write\""
        )
        let run = try Self.run(
            backend,
            """
            \(Self.rule)
            local c = SPEC.containers
            t:ok(t:actor { name = "a", containers = c }:run())
            t:fails(t:actor { name = "b", containers = c }:run(), "access_denied")
            t:calls {
              "process.run actor.tools.oci", "process.adopt web: bundles/web.pid",
              "file.write bundles/web.pid", "process.adopt web: bundles/web.pid",
            }
            """
        )
        #expect(run.code == 0, "\(run.text)")
        let wrong = try Self.run(backend, "t:program(\"oci\", { { pidfile = \"/run/web.pid\" } })")
        #expect(wrong.text.contains("t.program: rules[1]: pidfile is \"/run/web.pid\""), "\(wrong.text)")
    }

    @Test("cgroups and namespaces are counted: one that the host forgets is named as its own bug")
    func places() throws {
        let world = FakeWorld()
        world.make(FakePlace(kind: .cgroup, owner: "a"))
        world.make(FakePlace(kind: .network, owner: "a"))
        #expect(world.places == ["cgroup of a", "network namespace of a"])
        world.remove(FakePlace(kind: .cgroup, owner: "a"))
        #expect(world.places == ["network namespace of a"])
    }

    @Test("a block shows the first calls, the last and those that failed between; a trace shows all")
    func capped() throws {
        let backend = Self.backend(
            "for i = 1, 90 do host.file.write(actor.dirs.work .. \"/\" .. i, \"x\") end return \"busy\"",
            needs: "\"file.write\", \"process.stop\""
        ).replacingOccurrences(of: "return \"busy\"\n    return \"ok\"", with: "return \"busy\"")
        let body =
            "t:program(\"oci\", {}) t:fault(\"file.write\", { at = 40, status = \"storage_full\" }) "
            + "t:ok(t:actor(SPEC):run())"
        let run = try Self.run(backend, body)
        let lines = run.lines.filter { $0.contains("file.write work/") }
        #expect(lines.count == 25, "\(run.text)")
        #expect(lines[8].contains("40 file.write work/40") && lines[8].contains("injected by"), "\(run.text)")
        #expect(run.text.contains("                … 31 more; --trace shows them all\n"), "\(run.text)")
        #expect(run.text.contains("                … 34 more; --trace shows them all\n"), "\(run.text)")
        let all = try Self.run(backend, body, "--trace")
        #expect(all.lines.filter { $0.contains("file.write work/") }.count == 90, "\(all.text)")
    }
}
