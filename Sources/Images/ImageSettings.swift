import Glibc

/// What the operator decided about images.
public struct ImageSettings: Sendable {
    /// Whether the network is never asked: what is not in the store is refused.
    public var isOffline = false
    /// The file with the registries' credentials; nil looks in the usual places.
    public var authFile: String?
    /// The registry that is asked for images of this machine's own name, over plain HTTP; nil asks this machine.
    ///
    /// - Source: contract §3.1, `--localhost-registry-replacement`.
    public var localhostReplacement: String?
    /// How many bytes layers and blobs may take before unused images are removed; 0 = no limit.
    public var budgetBytes: Int64 = 0
    /// How long an image stays after its last use, whatever the budget, in seconds.
    public var minimumAgeSeconds: Int64 = 600
    /// The program that speaks to registries.
    public var skopeo = "/usr/bin/skopeo"
    /// The program that confines it; nil: `substrate-launch` beside the unpacker.
    public var launcher: String?
    /// The variables that say where credentials, certificates and proxies are.
    public var environment: [String: String] = [:]

    /// The variables that count.
    private static let names = [
        "REGISTRY_AUTH_FILE", "DOCKER_CONFIG", "HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "SSL_CERT_FILE",
        "SSL_CERT_DIR", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
    ]

    /// Whether a text names a registry: `HOST` or `HOST:PORT`.
    ///
    /// - Parameter text: any.
    /// - Returns: whether an image's name that begins so has it for a registry; a bare word is a repository's.
    public static func isRegistry(_ text: String) -> Bool {
        RegistryReference.isHost(text) && (text.contains(".") || text.contains(":") || text == "localhost")
    }

    /// Whom to ask for what, and whether over plain HTTP.
    func asked(_ reference: RegistryReference) -> (reference: RegistryReference, isPlain: Bool) {
        guard reference.isLoopback, let localhostReplacement else { return (reference, reference.isLoopback) }
        var asked = reference
        asked.host = localhostReplacement
        return (asked, true)
    }

    /// The defaults, with the variables of this process.
    public init() {
        for name in Self.names {
            guard let value = unsafe getenv(name) else { continue }
            let text = unsafe String(cString: value)
            if !text.isEmpty { environment[name] = text }
        }
    }
}

/// How far a pull is.
public enum ImageProgress: Sendable, Equatable {
    /// A name is being resolved to a digest.
    case resolving(String)
    /// So many bytes of so many are here.
    case fetching(done: Int64, total: Int64)
    /// So many layers of so many are unpacked.
    case unpacking(done: Int, total: Int)
}

/// How images are wanted.
public struct ImageUse: Sendable {
    /// Whether every file belongs to root, as the contract's first dialect has it; else to whom the image says.
    public var isRootOwned = false
    /// The file that keeps the images from being removed while it exists; nil keeps nothing.
    public var pinFile: String?
    /// Whose pins they are, for people.
    public var pinOwner = ""
    /// What tags mean for this actor since it was first run: reference → digest; others are asked of the registry.
    public var known: [String: String] = [:]
    /// Asked now and then while something is waited for; true ends it.
    public var isCancelled: @Sendable () -> Bool = { false }
    /// Told how far it is.
    public var progress: @Sendable (ImageProgress) -> Void = { _ in }

    /// As an actor of the contract's second dialect wants them.
    public init() {}
}
