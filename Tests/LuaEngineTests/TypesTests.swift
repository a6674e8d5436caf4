import Foundation
import PluginProtocol
import Testing

/// The types that editors read are Lua: an editor that cannot parse a file completes nothing of it.
@Suite struct TypesTests {
    private static let directory = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../sdk/types").standardized

    static var files: [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []
        return names.filter { $0.hasSuffix(".lua") }.sorted()
    }

    @Test func areHere() { #expect(Self.files == ["backend.lua", "host.lua", "prelude.lua", "test.lua"]) }

    @Test(arguments: files)
    func areParsed(_ name: String) throws {
        let text = try String(contentsOf: Self.directory.appendingPathComponent(name), encoding: .utf8)
        // They describe what the sandbox has and define none of it: parsed, never run.
        #expect(throws: Never.self) {
            _ = try ScriptFixture(
                "local function types()\n\(text)\nend\nreturn { name = \"x\", api = 1, isolation = \"none\", run = types, stop = types }"
            )
        }
    }
}
