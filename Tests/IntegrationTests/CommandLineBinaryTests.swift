import Foundation
import Testing

@testable import substrate_host

@Suite("The binary's command line")
struct CommandLineBinaryTests {
    /// What a run of the binary gave.
    private struct Outcome {
        let code: Int32
        let output: String
        let error: String
    }

    /// Runs the binary that was built beside this test.
    private func run(_ arguments: String...) throws -> Outcome {
        let directory = URL(fileURLWithPath: Doctor.executablePath()).deletingLastPathComponent()
        let process = Process()
        process.executableURL = directory.appendingPathComponent("substrate-host")
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        let (output, error) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = error
        try process.run()
        // What these print fits a pipe, so reading one after the other cannot block the child.
        let outputText = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        let errorText = String(decoding: error.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return Outcome(code: process.terminationStatus, output: outputText, error: errorText)
    }

    @Test("--help and --version go to standard output and exit 0")
    func help() throws {
        let help = try run("--help")
        #expect(help.code == 0)
        #expect(help.output == HelpText.overview)
        #expect(help.error.isEmpty)
        let version = try run("--version")
        #expect(version.code == 0)
        #expect(version.output == "substrate-host \(Program.version)\n")
    }

    @Test("a wrong command line goes to standard error and exits 2")
    func usage() throws {
        let outcome = try run("run", "f.yaml", "--publsh", "80")
        #expect(outcome.code == 2)
        #expect(outcome.output.isEmpty)
        #expect(outcome.error.contains("did you mean \"--publish\"?"))
    }

    @Test("doctor --json is JSON, and its exit code says what it says")
    func doctor() throws {
        let outcome = try run("doctor", "--json")
        let report = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any]
        let isServable = try #require(report?["ok"] as? Bool)
        #expect(outcome.code == (isServable ? 0 : 1))
        #expect((report?["checks"] as? [[String: Any]])?.isEmpty == false)
    }

    @Test("the completion scripts are what their shells can read")
    func completion() throws {
        let script = try run("completion", "bash").output
        let bash = Process()
        bash.executableURL = URL(fileURLWithPath: "/bin/bash")
        let probe = """
            \(script)
            COMP_WORDS=(substrate-host serve --contr); COMP_CWORD=2; _substrate_host; echo "${COMPREPLY[*]}"
            COMP_WORDS=(substrate-host serve --contract ''); COMP_CWORD=3; _substrate_host; echo "${COMPREPLY[*]}"
            """
        bash.arguments = ["--norc", "-c", probe]
        let output = Pipe()
        bash.standardOutput = output
        try bash.run()
        let words = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        bash.waitUntilExit()
        #expect(words == "--contract\njune autumn auto\n")
    }
}
