import ActorLifecycle
import Glibc
import HostErrors
import PluginHost
import Snapshots
import SystemLayer
import Telemetry
import Transfer

/// `snapshots ls`, `verify`, `gc`, `export` and `import`: on the files, beside a running host or without one.
struct SnapshotsCommand {
    private let options: SnapshotsOptions
    private let output: ConsoleOutput
    private let store: SnapshotStore
    private let external: ExternalSnapshots
    private let isCancelled: @Sendable () -> Bool
    private var line: ProgressLine { ProgressLine(isWanted: !options.json) }
    /// Where strangers' snapshots are fetched to; what a killed command left there is swept by the next.
    private var scratch: String { "\(options.baseDirectory)/scratch" }

    /// Runs one; what makes files cleans them up when it is interrupted.
    ///
    /// - Parameter options: which.
    /// - Returns: as `run`, or `interrupted`.
    /// - Throws: as `run`.
    static func heeding(_ options: SnapshotsOptions) async throws -> ExitCode {
        let words =
            switch options.action {
            case .export: "there is no snapshot at the URI; chunks that were written stay for the next export"
            case .import, .verify: "nothing half made is left"
            case .ls, .gc: ""
            }
        if words.isEmpty { return try run(options) }
        return try await Interruption.heeding(leaving: words) { isCancelled in
            try run(options, isCancelled: isCancelled)
        }
    }

    /// Runs one.
    ///
    /// - Parameters:
    ///   - options: which.
    ///   - output: for the answer.
    ///   - isCancelled: whether nobody wants it any more.
    /// - Returns: failure where `verify` found a corrupt snapshot.
    /// - Throws: what else went wrong.
    static func run(
        _ options: SnapshotsOptions,
        output: ConsoleOutput = .standard,
        isCancelled: @escaping @Sendable () -> Bool = { false }
    ) throws(HostError) -> ExitCode {
        let command = SnapshotsCommand(
            options: options,
            output: output,
            store: SnapshotStore(
                baseDirectory: options.baseDirectory,
                unpacker: Companions(directory: Program.directory).unpacker
            ),
            external: SnapshotStores.external(
                options.format,
                objectDirectory: options.objectDirectory,
                isCancelled: isCancelled
            ),
            isCancelled: isCancelled
        )
        switch (options.action, options.uri) {
        case (.ls, let uri?): return try command.list(uri)
        case (.ls, nil): return try command.list()
        case (.verify, let uri?): return try command.verify(uri)
        case (.verify, nil): return try command.verify()
        case (.gc, let uri?): return try command.collect(uri)
        case (.gc, nil): return try command.collect()
        case (.export, _): return try command.export()
        case (.import, _): return try command.bring()
        }
    }

    /// The directory of an actor: `atespace/name`, `ns:template:name`, or a name that no other has.
    private func actor(_ text: String) throws(HostError) -> String {
        let whole = text.split(separator: "/").joined(separator: ":")
        if text.contains("/") || text.contains(":") { return whole }
        let named = try store.actors().filter { $0.split(separator: ":").last.map(String.init) == text }
        guard let only = named.first, named.count == 1 else {
            throw HostError(
                named.isEmpty ? .notFound : .invalidArgument,
                nil,
                named.isEmpty
                    ? "no actor \"\(text)\" has snapshots here"
                    : "actor \"\(text)\" is ambiguous; say which: \(named.joined(separator: ", "))"
            )
        }
        return only
    }

    /// Shows what comes or goes.
    private func count(_ what: String) -> @Sendable (Int64) -> Void {
        let count = ProgressCount(what, on: line)
        return { count.add($0) }
    }

    /// As people write it: `atespace/name`, or June's with colons.
    private static func key(_ directory: String) -> String {
        let parts = directory.split(separator: ":")
        return parts.count == 2 ? parts.joined(separator: "/") : directory
    }

    private static func bytes(_ manifest: SnapshotManifest) -> Int64 {
        (manifest.files ?? [:]).values.reduce(0) { $0 + $1.size }
    }

    private func list() throws(HostError) -> ExitCode {
        let pins = try SnapshotPins.read(baseDirectory: options.baseDirectory, store)
        var rows: [(actor: String, name: String, manifest: SnapshotManifest?, state: String)] = []
        for directory in try store.actors() {
            for snapshot in try store.list(actorDirectory: directory) {
                let state =
                    snapshot.manifest.destination.map { "waits for \($0)" }
                    ?? (pins[directory]?.contains(snapshot.name) == true ? "its actor is paused" : "")
                rows.append((Self.key(directory), snapshot.name, snapshot.manifest, state))
            }
            for (name, reason) in try store.quarantined(actorDirectory: directory).sorted(by: { $0.key < $1.key }) {
                rows.append((Self.key(directory), name, nil, "corrupt: \(reason)"))
            }
        }
        if options.json {
            output.json(
                .list(
                    rows.map { row in
                        .members([
                            "actor": .string(row.actor), "name": .string(row.name),
                            "scope": .optional(row.manifest?.scope),
                            "bytes": row.manifest.map { .integer(Self.bytes($0)) } ?? .null,
                            "created": row.manifest?.createdAt.map { .integer($0) } ?? .null,
                            "backend": .optional(row.manifest?.backend?.name),
                            "corrupt": .bool(row.manifest == nil), "note": .string(row.state),
                        ])
                    }
                )
            )
            return .ok
        }
        output.table(
            ["ACTOR", "NAME", "SCOPE", "SIZE", "BACKEND", "NOTE"],
            rows.map { row in
                [
                    row.actor, row.name, row.manifest?.scope ?? "-",
                    row.manifest.map { ByteSize.words(Self.bytes($0)) } ?? "-",
                    row.manifest?.backend?.name ?? "-", row.state,
                ]
            }
        )
        return .ok
    }

    private func list(_ text: String) throws(HostError) -> ExitCode {
        var rows: [(String, SnapshotManifest)] = []
        for uri in try external.list(try SnapshotURI(text)) {
            if let manifest = try external.manifest(uri) { rows.append((uri.text, manifest)) }
        }
        if options.json {
            output.json(
                .list(
                    rows.map { row in
                        .members([
                            "uri": .string(row.0), "scope": .optional(row.1.scope),
                            "bytes": row.1.files == nil ? .null : .integer(Self.bytes(row.1)),
                            "created": row.1.createdAt.map { .integer($0) } ?? .null,
                            "backend": .optional(row.1.backend?.name),
                            "format": .string(row.1.chunkRoot == nil ? "atelet" : "chunks"),
                        ])
                    }
                )
            )
            return .ok
        }
        output.table(
            ["URI", "SCOPE", "SIZE", "BACKEND", "FORMAT"],
            rows.map { row in
                [
                    row.0, row.1.scope ?? "-", row.1.files == nil ? "-" : ByteSize.words(Self.bytes(row.1)),
                    row.1.backend?.name ?? "-", row.1.chunkRoot == nil ? "atelet" : "chunks",
                ]
            }
        )
        return .ok
    }

    private func verify() throws(HostError) -> ExitCode {
        let directories: [String]
        if let text = options.operands.first {
            directories = [try actor(text)]
        } else {
            directories = try store.actors()
        }
        var whole: [String] = []
        var corrupt: [(String, String)] = []
        for directory in directories {
            var names = try store.list(actorDirectory: directory).map(\.name)
            if options.operands.count > 1 { names = [options.operands[1]] }
            for name in names {
                let text = "\(Self.key(directory)) \(name)"
                do throws(HostError) {
                    _ = try store.verified(actorDirectory: directory, name: name, isCancelled: isCancelled)
                    whole.append(text)
                } catch {
                    guard error.reason == .snapshotCorrupt else { throw error }
                    corrupt.append((text, error.message))
                }
            }
        }
        return report(whole, corrupt)
    }

    private func verify(_ text: String) throws(HostError) -> ExitCode {
        let uri = try SnapshotURI(text)
        let places = try external.manifest(uri) == nil ? external.list(uri) : [uri]
        guard !places.isEmpty else {
            throw HostError(.notFound, .snapshotNotFound, "there is no snapshot at or below \(uri.text)")
        }
        var whole: [String] = []
        var corrupt: [(String, String)] = []
        StagingDirectory.sweep(scratch)
        for place in places {
            do throws(HostError) {
                let making = try StagingDirectory(in: scratch, named: "verify")
                try external.verify(
                    place,
                    scratch: "\(making.path)/files",
                    isCancelled: isCancelled,
                    progress: count(place.text)
                )
                whole.append(place.text)
            } catch {
                guard error.reason == .snapshotCorrupt else { throw error }
                corrupt.append((place.text, error.message))
            }
        }
        return report(whole, corrupt)
    }

    private func report(_ whole: [String], _ corrupt: [(String, String)]) -> ExitCode {
        line.clear()
        if options.json {
            output.json(
                .members([
                    "whole": .list(whole.map { .string($0) }),
                    "corrupt": .list(
                        corrupt.map { .members(["snapshot": .string($0.0), "error": .string($0.1)]) }
                    ),
                ])
            )
        } else {
            for (name, reason) in corrupt { output.line("\(name): \(reason)") }
            output.line("\(whole.count) whole, \(corrupt.count) corrupt")
        }
        return corrupt.isEmpty ? .ok : .failure
    }
}

extension SnapshotsCommand {
    private func collect() throws(HostError) -> ExitCode {
        let pins = try SnapshotPins.read(baseDirectory: options.baseDirectory, store)
        var removed: [String] = []
        for directory in try store.actors() {
            let kept = pins[directory] ?? []
            let old = try store.list(actorDirectory: directory).dropLast(options.keep).map(\.name)
                .filter { !kept.contains($0) }
            for name in try old + store.quarantined(actorDirectory: directory).keys.sorted() {
                if !options.isTrial { try store.remove(actorDirectory: directory, name: name) }
                removed.append("\(Self.key(directory)) \(name)")
            }
            if !options.isTrial {
                try RemovedActors.forget(baseDirectory: options.baseDirectory, directory: directory)
            }
        }
        if options.json {
            output.json(.members(["removed": .list(removed.map { .string($0) }), "dry_run": .bool(options.isTrial)]))
        } else {
            for name in removed { output.line("\(options.isTrial ? "would remove" : "removed") \(name)") }
            output.line("\(removed.count) snapshots")
        }
        return .ok
    }

    private func collect(_ text: String) throws(HostError) -> ExitCode {
        let uri = try SnapshotURI(text)
        let found = try external.collect(uri, minimumAge: options.minimumAge, isTrial: options.isTrial)
        if options.json {
            output.json(
                .members([
                    "snapshots": .integer(Int64(found.snapshots)), "kept": .integer(Int64(found.kept)),
                    "removed": .integer(Int64(found.removed)), "removed_bytes": .integer(found.removedBytes),
                    "dry_run": .bool(options.isTrial),
                ])
            )
        } else {
            let verb = options.isTrial ? "would remove" : "removed"
            output.line(
                "\(verb) \(found.removed) chunks, \(ByteSize.words(found.removedBytes)); kept \(found.kept) for \(found.snapshots) snapshots"
            )
        }
        return .ok
    }

    private func export() throws(HostError) -> ExitCode {
        let uri = try SnapshotURI(options.operands[2])
        let snapshot = try store.verified(
            actorDirectory: try actor(options.operands[0]),
            name: options.operands[1],
            isCancelled: isCancelled
        )
        guard try external.manifest(uri) == nil else {
            throw HostError(.failedPrecondition, .snapshotExists, "there is a snapshot at \(uri.text) already")
        }
        defer { line.clear() }
        let count = try external.upload(snapshot, to: uri, isCancelled: isCancelled, progress: count(uri.text))
        line.clear()
        if options.json {
            output.json(
                .members([
                    "uri": .string(uri.text), "bytes": .integer(count.bytes), "chunks": .integer(Int64(count.chunks)),
                    "written": .integer(Int64(count.written)), "written_bytes": .integer(count.writtenBytes),
                ])
            )
        } else {
            output.line(
                "\(uri.text): \(ByteSize.words(count.bytes)), of which \(ByteSize.words(count.writtenBytes)) in \(count.written) objects were written"
            )
        }
        return .ok
    }

    private func bring() throws(HostError) -> ExitCode {
        let uri = try SnapshotURI(options.operands[0])
        let directory = options.operands[1].split(separator: "/").joined(separator: ":")
        let name = options.operands[2]
        guard directory.contains(":") else {
            throw HostError(.invalidArgument, nil, "\"\(directory)\" is no whole name: write atespace/name")
        }
        guard let manifest = try external.manifest(uri) else {
            throw HostError(.notFound, .snapshotNotFound, "there is no snapshot at \(uri.text)")
        }
        if (try? store.find(actorDirectory: directory, name: name)) != nil {
            throw HostError(
                .failedPrecondition,
                .snapshotExists,
                "\(Self.key(directory)) has a snapshot \"\(name)\" already: choose another name"
            )
        }
        StagingDirectory.sweep(scratch)
        let making = try StagingDirectory(in: scratch, named: "import")
        let fetched = try external.fetch(
            uri,
            manifest,
            into: "\(making.path)/files",
            isCancelled: isCancelled,
            progress: count(uri.text)
        )
        line.clear()
        try store.adopt(fetched, actorDirectory: directory, name: name)
        options.json
            ? output.json(.members(["actor": .string(Self.key(directory)), "name": .string(name)]))
            : output.line("\(Self.key(directory)) has the local snapshot \(name)")
        return .ok
    }
}
