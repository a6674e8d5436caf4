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

    /// The rows of one architecture's array in the source.
    private func kept(_ source: String, after start: String, before end: String) throws -> [String] {
        let from = try #require(source.range(of: start)?.upperBound)
        let to = try #require(source.range(of: end, range: from..<source.endIndex)?.lowerBound)
        return rows(String(source[from..<to]))
    }

    @Test("the supervisor's filters are what libseccomp exports for their rules")
    func areWhatTheGeneratorPrints() throws {
        let tool = FileManager.default.temporaryDirectory.appendingPathComponent(
            "supervisor-filter-\(UUID().uuidString)"
        )
        defer { try? FileManager.default.removeItem(at: tool) }
        let generator = Self.root.appendingPathComponent(".ci/supervisor-filter.c").path
        _ = try run("/usr/bin/cc", ["-o", tool.path, generator, "-lseccomp"])
        let file = Self.root.appendingPathComponent("Sources/Confinement/SupervisorFilter.swift")
        let source = try String(contentsOf: file, encoding: .utf8)
        let intel = rows(try run(tool.path, ["x86_64"]))
        #expect(intel.count == 51)
        #expect(intel == (try kept(source, after: "#if arch(x86_64)", before: "#elseif")))
        let arm = rows(try run(tool.path, ["aarch64"]))
        #expect(arm.count == 44)
        #expect(arm == (try kept(source, after: "#elseif arch(arm64)", before: "#else")))
    }

    @Test("the unpacker's filter is what libseccomp exports for its rules")
    func unpackIsWhatTheGeneratorPrints() throws {
        let tool = FileManager.default.temporaryDirectory.appendingPathComponent("unpack-filter-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: tool) }
        let source = Self.root.appendingPathComponent(".ci/unpack-filter.c").path
        _ = try run("/usr/bin/cc", ["-o", tool.path, source, "-lseccomp"])
        let made = rows(try run(tool.path, []))
        let file = Self.root.appendingPathComponent("Sources/Confinement/UnpackFilter.swift")
        let kept = rows(try String(contentsOf: file, encoding: .utf8))
        #expect(made.count == 112)
        #expect(made == kept)
    }
}
