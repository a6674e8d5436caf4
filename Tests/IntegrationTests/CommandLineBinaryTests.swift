import Foundation
import TestSupport
import Testing

@testable import substrate_host

@Suite("The binary's command line")
struct CommandLineBinaryTests {
    private func run(_ arguments: String...) async throws -> ProgramRun {
        try await ProgramRun.run(TestMachine.host, arguments)
    }

    @Test("--help and --version go to standard output and exit 0")
    func help() async throws {
        let help = try await run("--help")
        #expect(help.code == 0)
        #expect(help.output == HelpText.overview)
        #expect(help.error.isEmpty)
        let version = try await run("--version")
        #expect(version.code == 0)
        #expect(version.output == "substrate-host \(Program.version)\n")
    }

    @Test("a wrong command line goes to standard error and exits 2")
    func usage() async throws {
        let outcome = try await run("run", "f.yaml", "--publsh", "80")
        #expect(outcome.code == 2)
        #expect(outcome.output.isEmpty)
        #expect(outcome.error.contains("did you mean \"--publish\"?"))
    }

    @Test("doctor --json is JSON, and its exit code says what it says")
    func doctor() async throws {
        let outcome = try await run("doctor", "--json")
        let report = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any]
        let isServable = try #require(report?["ok"] as? Bool)
        #expect(outcome.code == (isServable ? 0 : 1))
        #expect((report?["checks"] as? [[String: Any]])?.isEmpty == false)
    }

    @Test("bash completes commands, options and their values")
    func completion() async throws {
        let script = try await run("completion", "bash").output
        let probe = """
            \(script)
            COMP_WORDS=(substrate-host serve --contr); COMP_CWORD=2; _substrate_host; echo "${COMPREPLY[*]}"
            COMP_WORDS=(substrate-host serve --contract ''); COMP_CWORD=3; _substrate_host; echo "${COMPREPLY[*]}"
            """
        let words = try await ProgramRun.run("/bin/bash", ["--norc", "-c", probe]).output
        #expect(words == "--contract\njune autumn auto\n")
    }

    @Test(
        "zsh takes its script as this command's completion",
        .enabled(if: TestMachine.needs("/usr/bin/zsh"), "zsh is not installed: apt-get install zsh")
    )
    func zsh() async throws {
        let script = try await run("completion", "zsh").output
        let probe = """
            autoload -U compinit; compinit -u -D
            \(script)
            print -- ${_comps[substrate-host]}
            """
        let zsh = try await ProgramRun.run("/usr/bin/zsh", ["-f", "-c", probe])
        #expect(zsh.output == "_bash_complete -F _substrate_host\n", "\(zsh.output)\(zsh.error)")
    }

    @Test(
        "fish completes commands, options and their values",
        .enabled(if: TestMachine.needs("/usr/bin/fish"), "fish is not installed: apt-get install fish")
    )
    func fish() async throws {
        let script = try await run("completion", "fish").output
        let probe = """
            \(script)
            complete -C 'substrate-host che'
            echo ---
            complete -C 'substrate-host serve --contr'
            echo ---
            complete -C 'substrate-host serve --contract '
            echo ---
            complete -C 'substrate-host completion '
            """
        let fish = try await ProgramRun.run("/usr/bin/fish", ["-N", "-c", probe])
        let answers = fish.output.components(separatedBy: "---\n").map { answer in
            answer.split(separator: "\n").map { $0.prefix { $0 != "\t" } }
        }
        try #require(answers.count == 4, "\(fish.error)")
        #expect(answers[0] == ["checkpoint"])
        #expect(answers[1] == ["--contract"])
        #expect(Set(answers[2]) == ["june", "autumn", "auto"])
        #expect(Set(answers[3]) == ["bash", "zsh", "fish"])
    }
}
