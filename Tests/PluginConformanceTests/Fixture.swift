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

    /// Runs some checks, and faults in some verbs.
    static func report(
        _ entry: PluginEntry,
        only: Set<String>,
        faults: Set<String> = [],
        sabotage: Sabotage = Sabotage()
    ) async throws -> ConformanceReport {
        var settings = ConformanceSettings(companions: TestMachine.products)
        settings.image = try await CounterImage.reference()
        settings.only = only.union(faults.isEmpty ? [] : ConformanceSuite.faultNames)
        settings.faults = !faults.isEmpty
        settings.faultVerbs = faults
        settings.sabotage = sabotage
        return try await ConformanceSuite(settings, entry: entry).run()
    }
}

/// The names that a source has.
enum PluginNames {
    static func of(_ source: PluginSource) throws -> [String] {
        try PluginIndex.scan(sources: [source], hash: SHA256.hex(of:)).entries.map(\.name)
    }
}
