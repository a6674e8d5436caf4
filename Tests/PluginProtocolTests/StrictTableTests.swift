import Foundation
import Testing

@testable import PluginProtocol

/// What the bridge in C traps for is what the tables say.
@Suite struct StrictTableTests {
    private static let rows: [(kind: String, fields: Set<String>)] = {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../Sources/C/CLuaBridge/strict.c").standardized
        let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
        let slot =
            text.split(separator: "\n").first { $0.hasPrefix("#define SLOT ") }
            .map { $0.split(separator: "\"")[1] } ?? ""
        return text.split(separator: "\n").filter { $0.hasPrefix("    {\"") && $0.hasSuffix("\"},") }.compactMap {
            line in
            let parts = line.split(separator: "\"").map(String.init)
            guard parts.count >= 4 else { return nil }
            let words = (parts[2].contains("SLOT") ? "\(slot) " : "") + parts[3]
            // The rows of children have three words, and end alike.
            guard !line.contains("[]"), parts.count == 5 else { return nil }
            return (parts[1], Set(words.split(separator: " ").map(String.init)))
        }
    }()

    private static func names(_ tables: String...) -> Set<String> {
        Set(tables.flatMap { PluginTable.fields(of: $0) }.map(\.name))
    }

    @Test func theSlotHasTheSameFields() throws {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../Sources/C/CLuaBridge/strict.c").standardized
        let text = try String(contentsOf: file, encoding: .utf8)
        #expect(text.contains("{\"slot\", SLOT},"))
        let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("#define SLOT ") })
        let fields = Set(line.split(separator: "\"")[1].split(separator: " ").map(String.init))
        #expect(fields == Self.names("Slot"))
    }

    @Test(arguments: [
        ("actor", names("Actor")), ("actor.dirs", names("Directories")), ("actor.network", names("Network")),
        ("actor.cgroup", names("Cgroup")), ("actor.limits", names("Limits")), ("actor.container", names("Container")),
        ("actor.volume", names("Mount", "Volume")), ("request.run", names("RunRequest")),
        ("request.stop", names("StopRequest")), ("request.checkpoint", names("CheckpointRequest")),
        ("request.restore", names("RestoreRequest")), ("request.exec", names("ExecRequest")),
        ("request.prepare", names("PrepareRequest")),
        ("request.snapshot", names("CheckpointSnapshot", "RestoreSnapshot")),
    ])
    func hasTheSameFields(_ kind: String, _ expected: Set<String>) throws {
        let row = try #require(Self.rows.first { $0.kind == kind }, "no row \(kind) in strict.c")
        #expect(row.fields == expected)
    }
}
