extension RunRequest {
    /// The request's canonical bytes: equal for requests that ask for the same, unlike for all others.
    ///
    /// - Parameter hashing: a keyed hash of an environment value, so that no secret is kept.
    /// - Returns: the bytes.
    public func canonicalBytes(hashing: (String) -> [UInt8]) -> [UInt8] {
        var writer = CanonicalWriter()
        writer.put("run/1")
        put(to: &writer, hashing)
        return writer.bytes
    }

    func put(to writer: inout CanonicalWriter, _ hashing: (String) -> [UInt8]) {
        identity.put(to: &writer)
        writer.put(slot)
        spec.put(to: &writer, hashing)
        writer.put(assets != nil)
        assets?.put(to: &writer)
        writer.put(cpuMilli)
        writer.put(memoryBytes)
        writer.put(egressGateway)
    }
}

extension CheckpointRequest {
    /// What a repeated Checkpoint has in common with the first: the actor, the destination and the scope.
    public var canonicalDestination: [UInt8] {
        var writer = CanonicalWriter()
        writer.put("checkpoint/1")
        identity.put(to: &writer)
        place.put(to: &writer)
        writer.put(scope.rawValue)
        return writer.bytes
    }
}

extension RestoreRequest {
    /// The request's canonical bytes, as a Run's.
    ///
    /// - Parameter hashing: a keyed hash of an environment value, so that no secret is kept.
    /// - Returns: the bytes.
    public func canonicalBytes(hashing: (String) -> [UInt8]) -> [UInt8] {
        var writer = CanonicalWriter()
        writer.put("restore/1")
        run.put(to: &writer, hashing)
        place.put(to: &writer)
        writer.put(scope.rawValue)
        writer.put(baseURI)
        writer.put(shared)
        return writer.bytes
    }
}

extension ActorIdentity {
    func put(to writer: inout CanonicalWriter) {
        writer.put(dialect.rawValue)
        writer.put(key.text)
        writer.put(uid)
        writer.put(templateNamespace)
        writer.put(template)
    }
}

extension SnapshotPlace {
    func put(to writer: inout CanonicalWriter) {
        switch self {
        case .local(let name):
            writer.put("local")
            writer.put(name)
        case .external(let uri):
            writer.put("external")
            // With and without its last slash a prefix addresses the same objects (contract §11 B13).
            var prefix = uri
            while prefix.hasSuffix("/") { prefix.removeLast() }
            writer.put(prefix)
        }
    }
}

extension SandboxAssets {
    func put(to writer: inout CanonicalWriter) {
        writer.put(sandboxClass)
        writer.put(pauseImage)
        writer.put(UInt64(assets.count))
        for (architecture, files) in assets.sorted(by: { $0.key < $1.key }) {
            writer.put(architecture)
            writer.put(UInt64(files.count))
            for (name, file) in files.sorted(by: { $0.key < $1.key }) {
                writer.put(name)
                writer.put(file.url)
                // A digest's case says nothing.
                writer.put(file.sha256.lowercased())
            }
        }
    }
}

extension WorkloadSpec {
    func put(to writer: inout CanonicalWriter, _ hashing: (String) -> [UInt8]) {
        writer.put(pauseImage)
        writer.put(UInt64(volumes.count))
        for volume in volumes {
            writer.put(volume.name)
            switch volume.source {
            case .unspecified: writer.put("unspecified")
            case .durableDirectory: writer.put("durable")
            case .systemInformation(let sources):
                writer.put("information")
                writer.put(UInt64(sources.count))
                for files in sources {
                    writer.put(UInt64(files.count))
                    for file in files {
                        writer.put(Int64(file.field.rawValue))
                        writer.put(file.path)
                        for name in file.bundles ?? [] { writer.put("bundle \(name)") }
                    }
                }
            case .unserved(let field): writer.put("unserved \(field)")
            }
        }
        writer.put(UInt64(containers.count))
        for container in containers { container.put(to: &writer, hashing) }
    }
}

extension Container {
    func put(to writer: inout CanonicalWriter, _ hashing: (String) -> [UInt8]) {
        writer.put(name)
        writer.put(image)
        writer.put(command)
        writer.put(args)
        writer.put(UInt64(environment.count))
        for entry in environment {
            writer.put(entry.name)
            writer.put(hashing(entry.value))
        }
        writer.put(readiness != nil)
        if let readiness {
            writer.put(readiness.hasHTTPGet)
            writer.put(readiness.path)
            writer.put(Int64(readiness.port))
            writer.put(Int64(readiness.timeoutSeconds))
        }
        writer.put(UInt64(volumeMounts.count))
        for mount in volumeMounts {
            writer.put(mount.name)
            writer.put(mount.mountPath)
        }
        writer.put(capabilitiesAdd)
        writer.put(capabilitiesDrop)
        writer.put(memoryBytes)
        writer.put(cpuMillis)
    }
}
