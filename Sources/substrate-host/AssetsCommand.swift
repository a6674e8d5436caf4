import ActorLifecycle
import Assets
import Glibc
import HostErrors
import PluginHost
import Snapshots
import SystemLayer
import Telemetry
import Transfer

/// `assets ls`, `stats`, `fetch`, `verify`, `gc`, `pack` and `preload`: on the files, beside a running host or without one.
enum AssetsCommand {
    /// Runs one; what makes files cleans them up when it is interrupted.
    ///
    /// - Parameter options: which.
    /// - Returns: as `run`, or `interrupted`.
    /// - Throws: as `run`.
    static func heeding(_ options: AssetsOptions) async throws -> ExitCode {
        switch options.action {
        case .fetch, .pack, .preload:
            try await Interruption.heeding(leaving: "nothing half made is left") { isCancelled in
                try run(options, isCancelled: isCancelled)
            }
        case .ls, .stats, .verify, .gc: try run(options)
        }
    }

    /// Runs one.
    ///
    /// - Parameters:
    ///   - options: which.
    ///   - output: for the answer.
    ///   - isCancelled: whether nobody wants it any more.
    /// - Returns: failure where `verify` found a corrupt entry, the pack's own code where a pack is wrong.
    /// - Throws: what else went wrong.
    static func run(
        _ options: AssetsOptions,
        output: ConsoleOutput = .standard,
        isCancelled: @escaping @Sendable () -> Bool = { false }
    ) throws -> ExitCode {
        do {
            switch options.action {
            case .pack: return try pack(options, output, isCancelled)
            case .ls where !options.operands.isEmpty: return try listPack(options, output)
            case .verify where !options.operands.isEmpty: return try verifyPack(options, output)
            case .ls: return try list(options, output)
            case .stats: return try statistics(options, output)
            case .verify: return try verify(options, output)
            case .gc: return try collect(options, output)
            case .fetch: return try fetch(options, output, isCancelled)
            case .preload: return try preload(options, output, isCancelled)
            }
        } catch let error as HostError where error.context["pack.code"] != nil {
            ConsoleOutput.error.line("\(Program.name): \(error.message)")
            return .badPack
        }
    }

    /// The cache as the options mean it.
    private static func cache(_ options: AssetsOptions) throws(HostError) -> AssetCache {
        var settings = AssetSettings()
        settings.roots = options.roots
        for origin in options.origins { settings.origins.append(try TrustedOrigin(origin)) }
        settings.environment = AssetEnvironment.current
        settings.minimumAgeSeconds = options.minimumAge
        settings.unpacker = Companions(directory: Program.directory).unpacker
        let logger = Logger(sink: DescriptorSink(descriptor: 2), level: .warning)
        return AssetCache(baseDirectory: options.baseDirectory, settings: settings, logger: logger)
    }

    private static func pins(_ options: AssetsOptions) -> StoredPins {
        StoredPins(
            baseDirectory: options.baseDirectory,
            snapshots: SnapshotStore(
                baseDirectory: options.baseDirectory,
                unpacker: Companions(directory: Program.directory).unpacker
            )
        )
    }

    private static func list(_ options: AssetsOptions, _ output: ConsoleOutput) throws(HostError) -> ExitCode {
        let cache = try cache(options)
        let pins = pins(options)
        // A list is of use where it is not known who needs what, too.
        do throws(HostError) {
            _ = try pins.pinnedAssets()
            cache.keep(pins)
        } catch { ConsoleOutput.error.line("\(Program.name): who needs what is not known: \(error.message)") }
        let entries = try cache.entries().sorted { ($1.lastUse, $0.sha256) < ($0.lastUse, $1.sha256) }
        if options.json {
            output.json(
                .list(
                    entries.map { entry in
                        .members([
                            "sha256": .string(entry.sha256), "release": .optional(entry.release),
                            "path": .string(entry.path),
                            "bytes": .integer(entry.bytes), "last_use": .integer(entry.lastUse),
                            "needed": entry.isPinned.map { .bool($0) } ?? .null,
                        ])
                    }
                )
            )
            return .ok
        }
        let now = WallClock.nanoseconds() / 1_000_000_000
        output.table(
            ["SHA256", "RELEASE", "SIZE", "LAST USE", "NEEDED"],
            entries.map { entry in
                [
                    entry.sha256, entry.release ?? "-", ByteSize.words(entry.bytes), ago(now - entry.lastUse),
                    entry.isPinned.map { $0 ? "yes" : "no" } ?? "?",
                ]
            }
        )
        let total = ByteSize.words(entries.reduce(0) { $0 + $1.bytes })
        output.line("\(entries.count) in \(options.baseDirectory)/static-files, \(total)")
        return .ok
    }

    private static func statistics(
        _ options: AssetsOptions,
        _ output: ConsoleOutput
    ) throws(HostError) -> ExitCode {
        let counters = try cache(options).everybodysCounters
        if options.json {
            output.json(
                .members([
                    "hits": .integer(Int64(counters.hits)), "misses": .integer(Int64(counters.misses)),
                    "failures": .integer(Int64(counters.failures)), "bytes": .integer(counters.bytes),
                    "quarantined": .integer(Int64(counters.quarantined)), "evicted": .integer(Int64(counters.evicted)),
                ])
            )
            return .ok
        }
        output.table(
            ["COUNTED", "", "MEANS"],
            [
                ["hits", "\(counters.hits)", "an asset was in the cache, whole"],
                ["misses", "\(counters.misses)", "it had to be fetched"],
                ["failures", "\(counters.failures)", "and that failed"],
                ["bytes", ByteSize.words(counters.bytes), "were fetched"],
                ["quarantined", "\(counters.quarantined)", "entries were not what their digest says"],
                ["evicted", "\(counters.evicted)", "entries went for the budget"],
            ]
        )
        return .ok
    }

    static func ago(_ seconds: Int64) -> String {
        switch seconds {
        case ..<60: "\(max(0, seconds)) s ago"
        case ..<3600: "\(seconds / 60) min ago"
        case ..<86400: "\(seconds / 3600) h ago"
        default: "\(seconds / 86400) d ago"
        }
    }

    private static func verify(_ options: AssetsOptions, _ output: ConsoleOutput) throws(HostError) -> ExitCode {
        let line = ProgressLine(isWanted: !options.json)
        let found = try cache(options).verify { done, of in line.show("entry \(done + 1) of \(of)") }
        line.clear()
        if options.json {
            output.json(
                .members([
                    "whole": .list(found.whole.map { .string($0) }),
                    "corrupt": .list(found.corrupt.map { .string($0) }),
                ])
            )
        } else {
            for digest in found.corrupt {
                output.line("\(digest): corrupt; put aside in \(options.baseDirectory)/asset-quarantine")
            }
            output.line("\(found.whole.count) whole, \(found.corrupt.count) corrupt")
        }
        return found.corrupt.isEmpty ? .ok : .failure
    }

    private static func collect(_ options: AssetsOptions, _ output: ConsoleOutput) throws -> ExitCode {
        guard options.budget > 0 else {
            throw UsageError(
                "assets: gc down to what? write --asset-budget SIZE, or asset_budget in substrate.yaml",
                command: "assets"
            )
        }
        let cache = try cache(options)
        cache.keep(pins(options))
        let found = try cache.collect(budgetBytes: options.budget, isTrial: options.isTrial)
        if options.json {
            output.json(
                .members([
                    "removed": .list(found.removed.map { .string($0) }), "removed_bytes": .integer(found.removedBytes),
                    "kept_bytes": .integer(found.keptBytes), "held_bytes": .integer(found.heldBytes),
                    "dry_run": .bool(options.isTrial),
                ])
            )
            return .ok
        }
        let verb = options.isTrial ? "would remove" : "removed"
        for digest in found.removed { output.line("\(verb) \(digest)") }
        output.line(
            "\(verb) \(ByteSize.words(found.removedBytes)); \(ByteSize.words(found.keptBytes)) stay, "
                + "\(ByteSize.words(found.heldBytes)) of them needed or young"
        )
        return .ok
    }

    private static func fetch(
        _ options: AssetsOptions,
        _ output: ConsoleOutput,
        _ isCancelled: @escaping @Sendable () -> Bool
    ) throws(HostError) -> ExitCode {
        let (url, digest) = (options.operands[0], options.operands[1])
        var options = options
        // Who writes the URL here commands the host: its server is trusted, as `--asset-origin` would have it.
        let parts = url.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
        if parts.count > 3, ["http:", "https:"].contains(parts[0]) {
            options.origins.append("\(parts[0])//\(parts[2])")
        }
        let cache = try cache(options)
        let line = ProgressLine(isWanted: !options.json)
        let name = options.name
        defer { line.clear() }
        let path = try cache.ensure(
            name: name,
            url: url,
            sha256: digest,
            progress: { progress in
                let total = progress.total.map { " of \(ByteSize.words($0))" } ?? ""
                line.show("\(name): \(ByteSize.words(progress.received))\(total)")
            },
            isCancelled: isCancelled
        )
        line.clear()
        let counters = cache.counters
        if options.json {
            output.json(
                .members([
                    "path": .string(path), "sha256": .string(digest.lowercased()),
                    "fetched": .bool(counters.misses > 0), "bytes": .integer(counters.bytes),
                ])
            )
        } else {
            output.line(path)
        }
        return .ok
    }

    private static func preload(
        _ options: AssetsOptions,
        _ output: ConsoleOutput,
        _ isCancelled: @escaping @Sendable () -> Bool
    ) throws(HostError) -> ExitCode {
        let loaded = try cache(options).take(packs: options.operands, isCancelled: isCancelled)
        if options.json {
            output.json(
                .list(
                    loaded.map { asset in
                        .members([
                            "name": .string(asset.name), "bank": .string(asset.bank.rawValue),
                            "slot": .integer(Int64(asset.slot)), "sha256": .string(asset.sha256),
                            "path": .string(asset.path),
                        ])
                    }
                )
            )
        } else {
            output.table(
                ["NAME", "BANK", "SLOT", "PATH"],
                loaded.map { [$0.name, $0.bank.rawValue, "\($0.slot)", $0.path] }
            )
        }
        return .ok
    }
}
