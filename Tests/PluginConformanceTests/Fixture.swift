import Foundation
import HostErrors
import PluginHost
import PluginOverlays
import TestSupport
import Transfer

@testable import PluginConformance

/// Scripts of these tests, and the suite over them.
enum Fixture {
    /// The shipped backends of this checkout.
    static let shipped = PluginSource.shipped("\(TestMachine.checkout)/plugins")
    static let broken = PluginSource.overlay("\(TestMachine.checkout)/Tests/PluginConformanceTests/Broken")

    /// One script by name.
    static func entry(_ name: String, in source: PluginSource) throws -> PluginEntry {
        let index = try PluginIndex.scan(sources: [source], hash: SHA256.hex(of:))
        guard let entry = index[name] else { throw TestFailure("no backend \(name) in \(source.directory)") }
        return entry
    }

    /// A script of a test's own.
    static func entry(_ name: String, script: String, in scratch: ScratchDirectory) throws -> PluginEntry {
        try script.write(toFile: "\(scratch.path)/\(name).lua", atomically: false, encoding: .utf8)
        return try entry(name, in: .overlay(scratch.path))
    }

    /// Does something with each, six at a time.
    static func together<Item: Sendable>(
        _ items: [Item],
        _ body: @escaping @Sendable (Item) async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (number, item) in items.enumerated() {
                if number >= 6 { try await group.next() }
                group.addTask { try await body(item) }
            }
            try await group.waitForAll()
        }
    }

    /// Runs some checks, and faults in some verbs.
    static func report(
        _ entry: PluginEntry,
        only: Set<String>,
        faults: Set<String> = [],
        tools: [String: String] = [:],
        sabotage: Sabotage = Sabotage()
    ) async throws -> ConformanceReport {
        var settings = ConformanceSettings(companions: TestMachine.products)
        settings.image = try await CounterImage.reference()
        settings.only = only.union(faults.isEmpty ? [] : ConformanceSuite.faultNames)
        settings.faults = !faults.isEmpty
        settings.faultVerbs = faults
        settings.sabotage = sabotage
        if !tools.isEmpty {
            var grants = Grants.standard
            grants.tools = tools
            settings.grants = grants
        }
        return try await ConformanceSuite(settings, entry: entry).run()
    }
}

/// The names that a source has.
enum PluginNames {
    static func of(_ source: PluginSource) throws -> [String] {
        try PluginIndex.scan(sources: [source], hash: SHA256.hex(of:)).entries.map(\.name)
    }
}
