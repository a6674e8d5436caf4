import Foundation
import Glibc
import SystemLayer
import TestSupport
import Testing

@Suite("the tutorial, from an empty folder to a served backend", .serialized)
struct TutorialTests {
    /// One command of the page and what it says that is printed.
    private struct Step {
        let command: String
        let words: [String]
        var expected: [String] = []
        let line: Int
    }

    /// The page as a shell script: files are written, commands print between marks; and the commands in their order.
    private static func script() throws -> (text: String, steps: [Step]) {
        var steps: [Step] = []
        var out = """
            set -u
            # The tutorial's own machine: nothing of it is seen outside, and nothing of the outside is in its way.
            mount -t tmpfs tmpfs /var/lib
            host=
            trap '[ -z "$host" ] || { kill $host; wait $host; }' EXIT
            as_author() { setpriv --reuid 65534 --regid 65534 --clear-groups bash -c "$1"; }
            as_root() { eval "$1"; }
            serve() {
                eval "exec $1 --stop-actors" >host.log 2>&1 &
                host=$!
                for i in $(seq 400); do
                    [ -S /var/lib/substrate-host/host.sock ] && return
                    kill -0 $host || { cat host.log; return 1; }
                    sleep 0.05
                done
                return 1
            }

            """
        for block in try Pages.blocks("tutorial.md") {
            switch block.words.first {
            case "lua":
                let path = try #require(block.words.dropFirst().first, "line \(block.line) names no file")
                out += "cat >\(path) <<'END-OF-FILE'\n\(block.text)END-OF-FILE\n"
            case "console":
                for line in block.text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
                    if line.hasPrefix("$ ") {
                        steps.append(
                            Step(
                                command: String(line.dropFirst(2)),
                                words: Array(block.words.dropFirst()),
                                line: block.line
                            )
                        )
                    } else if let last = steps.indices.last {
                        steps[last].expected.append(String(line))
                    }
                }
                for (number, step) in steps.enumerated() where step.line == block.line {
                    let quoted = step.command.replacing("'", with: #"'\''"#)
                    let verb =
                        step.words.contains("serve") ? "serve" : step.words.contains("root") ? "as_root" : "as_author"
                    out += "printf '\\001\(number)\\n'; \(verb) '\(quoted)' 2>&1; printf '\\002%s\\n' $?\n"
                }
            default: continue
            }
        }
        return (out, steps)
    }

    @Test(
        "every command prints what the page says",
        .enabled(if: TestMachine.isRoot && TestMachine.needs("/usr/bin/setpriv"))
    )
    func commands() async throws {
        let scratch = try ScratchDirectory("tutorial")
        #expect(unsafe chmod(scratch.path, 0o755) == 0)
        // As installed by somebody else: nothing of the checkout's place is in it.
        try DirectoryTree.make("\(scratch.path)/S/bin", mode: 0o755)
        for name in ["host", "plugin", "supervisor", "launch", "unpack"] {
            try ProgramRun.copy(
                "\(TestMachine.products)/substrate-\(name)",
                to: "\(scratch.path)/S/bin/substrate-\(name)"
            )
        }
        for name in ["plugins", "sdk", "examples"] {
            try ProgramRun.copy("\(TestMachine.checkout)/\(name)", to: "\(scratch.path)/S/\(name)")
        }
        try DirectoryTree.make("\(scratch.path)/empty", mode: 0o755)
        #expect(unsafe chown("\(scratch.path)/empty", 65534, 65534) == 0)
        let (script, steps) = try Self.script()
        try #require(steps.count > 15)
        let head = """
            export S=\(scratch.path)/S PATH=\(scratch.path)/S/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=\(scratch.path)/empty
            cd \(scratch.path)/empty

            """
        let run = try await ProgramRun.run(
            "/usr/bin/env",
            ["unshare", "--mount", "--propagation", "private", "bash", "-s"],
            input: head + script,
            patience: 240
        )
        for (number, step) in steps.enumerated() {
            let parts = run.output.components(separatedBy: "\u{1}\(number)\n")
            try #require(
                parts.count == 2,
                "line \(step.line), $ \(step.command) was not reached\n\(run.output)\n\(run.error)"
            )
            let answer = parts[1].components(separatedBy: "\u{2}")
            let code = answer.dropFirst().first?.prefix { $0.isNumber } ?? ""
            #expect(
                step.words.contains("fails") == (code != "0"),
                "$ \(step.command) ended with \(code):\n\(answer[0])"
            )
            var lines = answer[0].components(separatedBy: "\n")
            if lines.last == "" { lines.removeLast() }
            #expect(
                Expectation.matches(step.expected, lines),
                "line \(step.line), $ \(step.command)\nthe page says\n\(step.expected.joined(separator: "\n"))\nit says\n\(answer[0])"
            )
        }
    }

    @Test("a page's `…` stands for anything, and nothing else does")
    func expectation() {
        #expect(Expectation.matches(["a", "…", "z"], ["a", "b", "c", "z"]))
        #expect(Expectation.matches(["a", "…"], ["a"]))
        #expect(Expectation.matches(["a … c…"], ["a b c d"]))
        #expect(!Expectation.matches(["a"], ["a", "b"]))
        #expect(!Expectation.matches(["a … c"], ["a b d"]))
        #expect(!Expectation.matches(["…", "z"], ["a"]))
        #expect(!Expectation.matches([], ["a"]))
    }
}
