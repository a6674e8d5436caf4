import Foundation
import HostErrors
import PluginCommands
import TestSupport
import Testing

@testable import PluginAuthoring
@testable import PluginProtocol

/// Types, pages and the linter's settings, made from the table.
@Suite struct GeneratedTests {
    @Test(arguments: GeneratedFile.all().map(\.path))
    func theFileIsAsTheTableSays(_ path: String) throws {
        let text = try String(contentsOfFile: "\(TestMachine.checkout)/\(path)", encoding: .utf8)
        let made = try #require(GeneratedFile.all().first { $0.path == path })
        #expect(made.text == text, "\(path) is stale: make types")
    }

    @Test func nothingElseLiesBesideThem() throws {
        let known = Set(GeneratedFile.all().map(\.path))
        let folder = "sdk/docs/reference"
        for name in try FileManager.default.contentsOfDirectory(atPath: "\(TestMachine.checkout)/\(folder)") {
            #expect(known.contains("\(folder)/\(name)"), "\(folder)/\(name) is not generated")
        }
    }

    @Test func oneRowChangesTypesPagesLinterAndErrors() throws {
        let row = HostFunction.clockSleep
        let changed = HostFunction(
            row.name,
            "Waits for the tide.",
            verbs: row.verbs,
            effect: row.effect,
            arguments: .positions([.required("waves", .integer(1...7), "how many waves")]),
            answers: row.answers,
            cost: nil,
            example: row.example
        )
        let rows = HostFunction.table.map { $0.name == row.name ? changed : $0 }
        let differing = zip(GeneratedFile.all(), GeneratedFile.all(rows)).filter { $0.0 != $0.1 }.map(\.1)
        #expect(
            differing.map(\.path) == [
                "sdk/types/host.lua", "sdk/docs/reference/README.md", "sdk/docs/reference/clock.md",
            ]
        )
        #expect(differing[0].text.contains("---@param waves integer   how many waves"))
        #expect(differing[2].text.contains("- `waves` integer, 1 to 7, required: how many waves"))
        let fault = #expect(throws: ArgumentFault.self) {
            try ArgumentCheck(changed, programs: [:]).check([.integer(9)])
        }
        #expect(fault?.message.contains("waves") == true, "\(String(describing: fault))")
        let renamed = HostFunction(
            "clock.tide",
            row.summary,
            effect: row.effect,
            arguments: row.arguments,
            answers: row.answers,
            cost: nil,
            example: row.example
        )
        #expect(LuacheckText.file(HostFunction.table + [renamed]).text.contains("\"left\", \"sleep\", \"tide\""))
    }

    @Test func everyFunctionFieldAndVerbHasAPage() {
        for row in HostFunction.table { #expect(ReferencePage.named(row.name).count == 1) }
        for field in PluginTable.descriptor.fields {
            #expect(ReferencePage.named(field.name).count == 1, "\(field.name)")
        }
        for verb in PluginVerb.rows { #expect(ReferencePage.named(verb.name).first?.file == "verbs") }
        #expect(ReferencePage.named("process").count == 5)
        #expect(ReferencePage.named("actor").first?.name == "Actor")
        for name in ["Process", "Arguments", "grants", "tool-room"] {
            #expect(ReferencePage.named(name).map(\.name) == [name])
        }
        let grants = ReferencePage.named("grants").first?.text ?? ""
        for grant in HostFunction.Grant.allCases { #expect(grants.contains("- `\(grant.rawValue)"), "\(grant)") }
        #expect(ReferencePage.named("nothing").isEmpty)
        // A field of a table is found by its name, with its table or without.
        #expect(ReferencePage.named("held").map(\.name) == ["CheckpointResult.held"])
        #expect(ReferencePage.named("actor.network").map(\.name) == ["Slot.network"])
        #expect(ReferencePage.named("container.root").first?.text.hasPrefix("## Container.root\n") == true)
        #expect(ReferencePage.named("actor.nothing").isEmpty)
        #expect(ReferencePage.named("status").first?.text.contains("- `busy` (ABORTED): somebody else") == true)
    }

    @Test func everyClassOfTheTypesIsDefined() {
        let text = TypesText.files(HostFunction.table).map(\.text).joined(separator: "\n")
        let lines = text.split(separator: "\n")
        let defined = Set(
            lines.filter { $0.hasPrefix("---@class ") || $0.hasPrefix("---@alias ") }
                .map { String($0.split(separator: " ")[1]) }
        )
        for table in PluginTable.all {
            #expect(defined.contains(table.name))
            for field in table.fields {
                let type = TypesText.type(field.type)
                for word in type.split(whereSeparator: { !$0.isLetter && $0 != "_" && $0 != "." })
                where word.first?.isUppercase == true && !type.contains("\"\(word)\"") {
                    #expect(defined.contains(String(word)), "\(table.name).\(field.name): \(word)")
                }
            }
        }
    }
}
