/// What an actor runs: its containers and volumes, either dialect.
///
/// - Source: contract §1.2, WorkloadSpec.
public struct WorkloadSpec: Sendable, Equatable, Codable {
    /// The actor's containers, in the order in which they start.
    public var containers: [Container] = []
    /// The image of the container that holds the sandbox; empty when none was given.
    public var pauseImage = ""
    /// What containers may mount.
    public var volumes: [Volume] = []
    /// An empty spec, which June accepts.
    public init() {}
}

/// One container of an actor.
public struct Container: Sendable, Equatable, Codable {
    /// A DNS label, unique in the actor.
    public var name = ""
    /// The image reference, verbatim.
    public var image = ""
    /// The program and its first arguments.
    public var command: [String] = []
    /// Further arguments (autumn).
    public var args: [String] = []
    /// The environment in the request's order; values are secrets and never logged or journalled.
    public var environment: [EnvironmentEntry] = []
    /// How to tell that it is ready; nil = ready at once.
    public var readiness: ReadinessProbe?
    /// Where volumes appear.
    public var volumeMounts: [VolumeMount] = []
    /// Capabilities added to the contract's three (autumn).
    public var capabilitiesAdd: [String] = []
    /// Capabilities dropped from the contract's three (autumn).
    public var capabilitiesDrop: [String] = []
    /// Memory limit in bytes; 0 = none (autumn).
    public var memoryBytes: Int64 = 0
    /// CPU limit in thousandths of a core; 0 = none (autumn).
    public var cpuMillis: Int64 = 0
    /// A container with empty fields.
    public init() {}
}

/// One environment variable.
public struct EnvironmentEntry: Sendable, Equatable, Codable {
    /// The variable's name.
    public var name: String
    /// Its value: a secret.
    public var value: String
    /// Makes one.
    public init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}

/// An HTTP readiness probe.
///
/// - Source: contract §4.6.
public struct ReadinessProbe: Sendable, Equatable, Codable {
    /// The path; empty = `/readyz`.
    public var path: String
    /// 1...65535.
    public var port: Int32
    /// Whole wait in seconds; 0 = the default, 30.
    public var timeoutSeconds: Int32
    /// Whether an `http_get` was given at all.
    public var hasHTTPGet: Bool
    /// Makes one.
    public init(path: String, port: Int32, timeoutSeconds: Int32 = 0, hasHTTPGet: Bool = true) {
        self.path = path
        self.port = port
        self.timeoutSeconds = timeoutSeconds
        self.hasHTTPGet = hasHTTPGet
    }
}

/// Where a volume appears in a container.
public struct VolumeMount: Sendable, Equatable, Codable {
    /// The volume's name.
    public var name: String
    /// An absolute path in the container.
    public var mountPath: String
    /// Makes one.
    public init(name: String, mountPath: String) {
        self.name = name
        self.mountPath = mountPath
    }
}

/// A volume and what it holds.
public struct Volume: Sendable, Equatable, Codable {
    /// What stands behind a volume.
    public enum Source: Sendable, Equatable, Codable {
        /// Nothing was given.
        case unspecified
        /// A directory that survives checkpoint and restore.
        case durableDirectory
        /// Files that tell the actor who it is, by data source; read-only, and made anew at each start.
        case systemInformation([[SystemInformationFile]])
        /// A kind this host decodes and does not serve, by the contract's field name.
        case unserved(String)
    }
    /// A DNS label, unique in the actor.
    public var name: String
    /// What stands behind it.
    public var source: Source
    /// Makes one.
    public init(name: String, source: Source) {
        self.name = name
        self.source = source
    }
}

/// One file of a `system_info` volume.
///
/// - Source: contract §1.2, ActorMetadataItem.
public struct SystemInformationFile: Sendable, Equatable, Codable {
    /// What a file can tell; the numbers are the contract's.
    public enum Field: Int32, Sendable, CaseIterable, Codable {
        /// Nothing, or what this host does not know.
        case unspecified = 0
        /// The actor's name.
        case name = 1
        /// Its atespace.
        case atespace = 2
        /// Its uid.
        case uid = 3
    }
    /// What it tells.
    public var field: Field
    /// Where it is in the volume: relative, of plain components.
    public var path: String
    /// The certificates that it holds instead, by the names of the operator's bundles; nil: it tells the field.
    ///
    /// - Source: contract §1.2, TrustBundleDataSource.
    public var bundles: [String]?
    /// Makes one.
    public init(field: Field, path: String) {
        self.field = field
        self.path = path
    }
    /// Makes one that holds certificates.
    public init(bundles: [String], path: String) {
        self.init(field: .unspecified, path: path)
        self.bundles = bundles
    }

    /// The file's whole text.
    ///
    /// - Parameter identity: whose.
    /// - Returns: it, without an end of line.
    public func text(of identity: ActorIdentity) -> String {
        switch field {
        case .unspecified: return ""
        case .name: return identity.key.name
        case .uid: return identity.uid
        case .atespace:
            switch identity.key {
            case .june(let namespace, _, _): return namespace
            case .autumn(let atespace, _): return atespace
            }
        }
    }
}
