import Foundation
import Testing

/// The checked-in filter against the tool that makes it, so that neither changes alone.
struct SupervisorFilterTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private func run(_ program: String, _ arguments: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let bytes = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "\(program) \(arguments)")
        return String(decoding: bytes, as: UTF8.self)
    }

    private func rows(_ text: String) -> [String] {
        text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }.filter {
            $0.hasPrefix(".init(code:")
        }
    }

    @Test(
        "a checked-in filter is what libseccomp exports for its rules",
        arguments: [("supervisor-filter", "SupervisorFilter", 48), ("unpack-filter", "UnpackFilter", 111)]
    )
    func isWhatTheGeneratorPrints(_ generator: String, _ room: String, _ count: Int) throws {
        let tool = FileManager.default.temporaryDirectory.appendingPathComponent("\(generator)-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: tool) }
        let source = Self.root.appendingPathComponent(".ci/\(generator).c").path
        _ = try run("/usr/bin/cc", ["-o", tool.path, source, "-lseccomp"])
        let made = rows(try run(tool.path, []))
        let file = Self.root.appendingPathComponent("Sources/Confinement/\(room).swift")
        let kept = rows(try String(contentsOf: file, encoding: .utf8))
        #expect(made.count == count)
        #expect(made == kept)
    }
}
