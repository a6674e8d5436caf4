import Foundation
import Testing

@testable import PluginTesting

/// Unix sockets as rules.
@Suite("sockets in an author's tests", .serialized)
struct SocketTests {
    private static let backend = """
        return {
          name = "mine", api = 1, isolation = "none", needs = { "http.request" },
          run = function(actor)
            local got = try(host.http.request {
              socket = actor.dirs.work .. "/api.sock", method = "PUT", path = "/boot", body = "x", wait_ms = 100,
            })
            print("code", got.code, got.body)
            local other = try(host.http.request { socket = "/run/engine.sock", path = "/info", statuses = { 404 } })
            print("other", other.code, other.body)
            return "ok"
          end,
          stop = function() return "ok" end,
        }
        """

    private static func run(_ body: String) throws -> Bench.Run {
        let test = """
            local SPEC = { containers = { { name = "web", command = { "/x" } } } }
            test("it", function(t)
              \(body)
            end)
            """
        return try Bench(backend: backend, test: test).run("--trace")
    }

    @Test("the first rule that fits answers, in its time, once the socket is there")
    func answers() throws {
        let run = try Self.run(
            """
            t:http("api.sock", { { "GET", code = 500 }, { "/boot", code = 201, body = "\\255!", ms = 30 }, { code = 500 } },
              { after_ms = 60 })
            t:http("/run/engine.sock", { { "GET", "/info", code = 404, body = "none" } })
            t:ok(t:actor(SPEC):run())
            t:equal(t.clock:elapsed_ms(), 90)
            t:calls { "http.request PUT /boot on work/api.sock" }
            """
        )
        #expect(run.code == 0, "\(run.text)")
        #expect(run.text.contains("backend.lua:7  code\t201\t"), "\(run.text)")
        #expect(run.text.contains("backend.lua:9  other\t404\tnone"), "\(run.text)")
    }

    @Test(
        "what fails, fails as in service",
        arguments: [
            ("t:fails(t:actor(SPEC):run(), \"not_found\")", "No such file"),
            (
                "t:http(\"api.sock\", { {} }, { after_ms = 101 }) t:fails(t:actor(SPEC):run(), \"not_found\") "
                    + "t:equal(t.clock:elapsed_ms(), 100)", "there is no such socket yet"
            ),
            (
                "t:http(\"api.sock\", { { code = 409, body = \"busy\" } }) t:fails(t:actor(SPEC):run(), \"failed\")",
                "409"
            ),
            (
                "t:http(\"api.sock\", { { ms = 86400000 } }) t:fails(t:actor(SPEC):run(), \"timeout\")",
                "no answer in time"
            ),
            ("t:http(\"api.sock\", { {} }) t:fails(t:actor(SPEC):run(), \"access_denied\")", "no grant names it"),
        ]
    )
    func fails(_ body: String, _ words: String) throws {
        let run = try Self.run(body)
        #expect(run.code == 0, "\(run.text)")
        #expect(run.text.contains(words), "\(run.text)")
    }

    @Test("what no rule answers fails the test, and a wrong rule says so")
    func wrong() throws {
        let cases = [
            (
                "t:http(\"api.sock\", { { \"GET\" } }) t:fails(t:actor(SPEC):run(), \"failed\")",
                "backend.lua:4  the backend asked \"PUT /boot\" of \"api.sock\" and no rule of t:http(\"api.sock\", …) says what that answers"
            ),
            ("t:http(\"api.sock\", { { \"GTE\" } })", "did you mean GET?"),
            ("t:http(\"api.sock\", { { \"GET\", \"info\" } })", "a method, a path or both"),
            ("t:http(\"api.sock\", { { cod = 1 } })", "t.http: rules[1] has no field \"cod\""),
            ("t:http(\"api.sock\", { { code = 99 } })", "t.http: rules[1]: code is 99"),
            ("t:http(\"api.sock\", { { body = 1 } })", "t.http: rules[1]: body is 1"),
        ]
        for (body, words) in cases {
            let run = try Self.run(body)
            #expect(run.code == 1 && run.text.contains(words), "\(body): \(run.text)")
        }
    }
}
