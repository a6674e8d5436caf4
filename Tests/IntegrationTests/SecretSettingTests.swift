import ContractWire
import Foundation
import TestSupport
import Testing

/// A setting of type secret: the operator names a file, programs read it, and Lua never does.
@Suite(
    "Secrets of a backend",
    .enabled(if: TestMachine.needs(TestMachine.isRoot), "confining actors needs root")
)
struct SecretSettingTests {
    @Test("a program finds the file where actor.config says, and no log line holds what is in it")
    func reaches() async throws {
        let file = "/tmp/substrate-secret-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: file) }
        try "hunter2".write(toFile: file, atomically: true, encoding: .utf8)
        let read =
            "program = actor.tools.sh, args = { \"-c\", \"wc -c < $0; [ -w $0 ] && echo writable; cat $0 > copy\", "
        let verbs = try VerbHost(
            VerbHost.script(
                """
                tools = { sh = "required" },
                config = { token = { type = "secret", help = "what the engine asks for" } },
                """,
                needs: "\"process.run\"",
                run: """
                    print("PATH " .. actor.config.token)
                    local out = try(host.process.run { \(read) actor.config.token } })
                    print("SIZE " .. out.stdout)
                    """
            ),
            settings: "{ config: { token: \(file) }, grants: [tool:sh=/bin/sh] }"
        )
        try await verbs.use { host in
            _ = try await host.run(try await host.request("a")).get()
            #expect(verbs.printed("PATH") == [file])
            #expect(verbs.printed("SIZE").first?.hasPrefix("7") == true)
            #expect(verbs.printed("SIZE").first?.contains("writable") == false)
            #expect(!host.log.contains("hunter2"))
        }
    }
}
