import ActorContract
import HostErrors
import Images
import Telemetry

/// What the containers of an actor are made from.
extension ActorHost {
    /// Has the images of all containers ready, kept as long as the actor's directory is there.
    ///
    /// - Parameters:
    ///   - containers: of the request, with their environments.
    ///   - identity: whose they are.
    ///   - keepsImages: whether a tag means what it meant when the actor was run, as for Start and Restore.
    ///   - operation: the verb, which may be cancelled while an image is pulled.
    /// - Returns: one for each container, in order.
    /// - Throws: reason IMAGE; `invalidArgument` for a container that nobody says the program of.
    func prepareImages(
        of containers: [Container],
        _ identity: ActorIdentity,
        keepsImages: Bool,
        _ operation: Operation
    ) throws(HostError) -> [PreparedContainer] {
        let directory = directories(identity.key).root
        var use = ImageUse()
        // The first dialect's images are bare files: all of root, run as root.
        let isBare = identity.dialect == .june
        use.isRootOwned = isBare
        use.pinFile = ImageStore.pinFile(directory)
        use.pinOwner = identity.key.text
        if keepsImages { use.known = images.known(directory) }
        use.isCancelled = { operation.isCancelled }
        let prepared = try images.prepare(containers.map(\.image), use)
        var all: [PreparedContainer] = []
        for (container, image) in zip(containers, prepared) {
            if isBare {
                all.append(PreparedContainer(container: container, layers: image.layers))
            } else {
                all.append(try merged(container, image))
            }
        }
        if images.wantsCollection { Offload.later { self.collectImages() } }
        return all
    }

    /// A container with its image's word where the request has none.
    ///
    /// - Source: contract §3.3 for what the request says; OCI image-spec v1.1, conversion.md.
    private func merged(_ container: Container, _ image: PreparedImage) throws(HostError) -> PreparedContainer {
        let configuration = image.configuration
        var container = container
        if container.command.isEmpty {
            container.command = configuration.entrypoint
            if container.args.isEmpty { container.args = configuration.command }
        }
        guard !(container.command + container.args).isEmpty else {
            throw HostError(
                .invalidArgument,
                .image,
                "container \"\(container.name)\" has no command, and image \"\(container.image)\" names no program: set command"
            )
        }
        var defaults = ImageDefaults()
        defaults.workingDirectory = configuration.workingDirectory
        let user = try ImageUser(configuration.user, layers: image.layers, of: container.image)
        (defaults.user, defaults.group, defaults.groups) = (user.user, user.group, user.groups)
        let given = Set(container.environment.map(\.name))
        var environment = configuration.environment.filter { entry in
            let name = String(entry.prefix { $0 != "=" })
            return name == "PATH" || !given.contains(name)
        }
        if let home = user.home, !given.contains("HOME"), !environment.contains(where: { $0.hasPrefix("HOME=") }) {
            environment.append("HOME=\(home)")
        }
        if !environment.isEmpty { defaults.environment = environment }
        return PreparedContainer(container: container, layers: image.layers, defaults: defaults)
    }

    /// Removes what nobody uses when images take more than they may.
    private func collectImages() {
        do throws(HostError) {
            let removed = try images.collect()
            guard removed.bytes > 0 else { return }
            logger.info(
                "unused images were removed",
                ["images": "\(removed.images.count)", "bytes": "\(removed.bytes)"]
            )
        } catch { logger.warning("unused images cannot be removed", ["error": error.message]) }
    }
}
