import Glibc
import HostErrors
import Images
import PluginHost
import Telemetry

extension ImageOptions {
    /// As the store takes them.
    var settings: ImageSettings {
        var settings = ImageSettings()
        settings.isOffline = isOffline
        settings.authFile = authFile
        settings.localhostReplacement = localhostReplacement
        settings.budgetBytes = budget
        return settings
    }
}

/// `images ls`, `inspect`, `pull` and `rm`: on the files, beside a running host or without one.
enum ImagesCommand {
    /// Runs one; a pull that is interrupted keeps what came whole, for the next, and nothing else.
    ///
    /// - Parameter options: which.
    /// - Returns: ok, or `interrupted`.
    /// - Throws: as `run`.
    static func heeding(_ options: ImagesOptions) async throws -> ExitCode {
        guard options.action == .pull else { return try run(options) }
        return try await Interruption.heeding(leaving: "what came whole is kept for the next pull") { isCancelled in
            try run(options, isCancelled: isCancelled)
        }
    }

    /// Runs one.
    ///
    /// - Parameters:
    ///   - options: which.
    ///   - output: for the answer.
    ///   - isCancelled: whether nobody wants it any more.
    /// - Returns: ok.
    /// - Throws: what went wrong.
    static func run(
        _ options: ImagesOptions,
        output: ConsoleOutput = .standard,
        isCancelled: @escaping @Sendable () -> Bool = { false }
    ) throws(HostError) -> ExitCode {
        let store = ImageStore(
            baseDirectory: options.baseDirectory,
            unpacker: Companions(directory: Program.directory).unpacker,
            settings: options.images.settings
        )
        switch options.action {
        case .ls: list(store, options, output)
        case .inspect: inspect(try store.find(options.name), options, output)
        case .pull: try pull(store, options, output, isCancelled)
        case .rm:
            let removal = try store.remove(options.name)
            if options.json {
                output.json(
                    .members([
                        "removed": .list(removal.images.map { .string($0) }), "bytes": .integer(removal.bytes),
                    ])
                )
            } else {
                for digest in removal.images { output.line("removed \(digest), \(ByteSize.words(removal.bytes))") }
            }
        }
        return .ok
    }

    private static func list(_ store: ImageStore, _ options: ImagesOptions, _ output: ConsoleOutput) {
        let images = store.list()
        if options.json { return output.json(.list(images.map(members))) }
        let now = WallClock.nanoseconds() / 1_000_000_000
        output.table(
            ["IMAGE", "DIGEST", "LAYERS", "SIZE", "LAST USE", "KEPT BY"],
            images.map { image in
                [
                    image.references.first ?? "", String(image.digest.dropFirst(7).prefix(12)),
                    "\(image.layers.count)", ByteSize.words(image.bytes + image.blobBytes),
                    AssetsCommand.ago(now - image.lastUsed),
                    image.pinnedBy.isEmpty ? "-" : image.pinnedBy.joined(separator: ", "),
                ]
            }
        )
    }

    private static func members(_ image: ImageSummary) -> JSONText {
        .members([
            "digest": .string(image.digest), "references": .list(image.references.map { .string($0) }),
            "bytes": .integer(image.bytes), "blob_bytes": .integer(image.blobBytes),
            "last_use": .integer(image.lastUsed), "kept_by": .list(image.pinnedBy.map { .string($0) }),
            "layers": .list(
                image.layers.map { layer in
                    .members([
                        "digest": .string(layer.digest), "bytes": .integer(layer.size),
                        "unpacked": .bool(layer.isUnpacked),
                    ])
                }
            ),
            "config": image.configuration.map { configuration in
                .members([
                    "entrypoint": .list(configuration.entrypoint.map { .string($0) }),
                    "command": .list(configuration.command.map { .string($0) }),
                    "environment": .list(configuration.environment.map { .string($0) }),
                    "working_directory": .string(configuration.workingDirectory),
                    "user": .string(configuration.user), "architecture": .string(configuration.architecture),
                ])
            } ?? .null,
        ])
    }

    private static func inspect(_ image: ImageSummary, _ options: ImagesOptions, _ output: ConsoleOutput) {
        if options.json { return output.json(members(image)) }
        func line(_ name: String, _ text: String) {
            let padding = String(repeating: " ", count: max(1, 14 - name.count))
            output.line(name + padding + ConsoleOutput.printable(text))
        }
        line("digest", image.digest)
        for reference in image.references { line("called", reference) }
        if let configuration = image.configuration {
            line("entrypoint", configuration.entrypoint.joined(separator: " "))
            line("command", configuration.command.joined(separator: " "))
            line("directory", configuration.workingDirectory)
            line("user", configuration.user.isEmpty ? "root" : configuration.user)
            line("architecture", configuration.architecture)
            for entry in configuration.environment { line("environment", entry) }
        }
        for layer in image.layers {
            line("layer", "\(layer.digest)  \(ByteSize.words(layer.size))\(layer.isUnpacked ? "" : "  not unpacked")")
        }
        line("unpacked", ByteSize.words(image.bytes))
        line("blobs", ByteSize.words(image.blobBytes))
        line("kept by", image.pinnedBy.isEmpty ? "nobody" : image.pinnedBy.joined(separator: ", "))
    }

    private static func pull(
        _ store: ImageStore,
        _ options: ImagesOptions,
        _ output: ConsoleOutput,
        _ isCancelled: @escaping @Sendable () -> Bool
    ) throws(HostError) {
        let line = ProgressLine(isWanted: !options.json)
        var use = ImageUse()
        use.isCancelled = isCancelled
        use.progress = { progress in
            switch progress {
            case .resolving(let name): line.show("asking for \(name)")
            case .fetching(let done, let total):
                line.show("\(ByteSize.words(done)) of \(ByteSize.words(total))")
            case .unpacking(let done, let total): line.show("\(done) of \(total) layers unpacked")
            }
        }
        let images: [PreparedImage]
        do throws(HostError) { images = try store.prepare([options.name], use) } catch {
            line.clear()
            throw error
        }
        line.clear()
        guard let image = images.first else { return }
        if options.json {
            output.json(
                .members([
                    "image": .string(options.name), "digest": .string(image.digest),
                    "layers": .list(image.layers.map { .string($0) }),
                ])
            )
        } else {
            output.line(image.digest)
        }
    }
}
