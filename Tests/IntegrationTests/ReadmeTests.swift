import Foundation
import Glibc
import SystemLayer
import TestSupport
import Testing

@testable import substrate_host

@Suite("the README, and the installation that it describes")
struct ReadmeTests {
    private func readme() throws -> String {
        try String(contentsOfFile: "\(TestMachine.checkout)/README.md", encoding: .utf8)
    }

    @Test("its table of commands has every command once, and no other")
    func commands() throws {
        let rows = try readme().split(separator: "\n").drop { $0 != "| command | does |" }.dropFirst(2)
            .prefix { $0.hasPrefix("|") }
        let named = rows.flatMap { row in
            row.dropFirst().prefix { $0 != "|" }.matches(of: /`([a-z]+)`/).map { String($0.1) }
        }
        #expect(named.sorted() == CommandTable.commands.map(\.name).sorted())
    }

    @Test("every command line in it is one that the program takes")
    func commandLines() throws {
        let names = Set(CommandTable.commands.map(\.name))
        let lines = try readme().split(separator: "\n").filter { $0.hasPrefix("substrate-host ") }
        #expect(lines.count > 8)
        for line in lines {
            let words = line.prefix { $0 != "#" }.split(separator: " ").dropFirst().map(String.init)
            // The head of what `demo` prints.
            if words == ["demo", "backend", "process,", "the", "counter", "example"] { continue }
            let command = words.first.flatMap { $0.hasPrefix("--") ? "serve" : $0 } ?? ""
            #expect(names.contains(command), "\(line)")
            guard let row = CommandTable.commands.first(where: { $0.name == command }) else { continue }
            for word in words where word.hasPrefix("--") && word != "--" {
                let option = word.dropFirst(2).prefix { $0 != "=" }
                #expect(row.options.contains { $0.name == option }, "\(line): --\(option)")
            }
        }
        let makefile = try String(contentsOfFile: "\(TestMachine.checkout)/Makefile", encoding: .utf8)
        for target in try readme().matches(of: /make ([a-z]+)/).map({ String($0.1) }) {
            #expect(makefile.contains("\n\(target):"), "make \(target)")
        }
    }

    @Test("what make install leaves works where it was moved to, types and shipped backends included")
    func installation() async throws {
        let scratch = try ScratchDirectory("install")
        let made = try await ProgramRun.run(
            "/usr/bin/make",
            ["-C", TestMachine.checkout, "install", "BUILD=\(TestMachine.products)", "PREFIX=\(scratch.path)/first"]
        )
        #expect(made.code == 0, "\(made.error)")
        let moved = "\(scratch.path)/second"
        try #require(unsafe rename("\(scratch.path)/first", moved) == 0)
        let command =
            "cd \(scratch.path) && \(moved)/bin/substrate-host plugin new mine && \(moved)/bin/substrate-host overlays ls"
        let run = try await ProgramRun.run("/bin/sh", ["-c", command])
        #expect(run.code == 0, "\(run.error)")
        #expect(run.output.contains("shipped"), "\(run.output)")
        let editor = try String(contentsOfFile: "\(scratch.path)/mine/.luarc.json", encoding: .utf8)
        #expect(editor.contains("\"\(moved)/share/substrate-host/sdk/types\""), "\(editor)")
    }
}
