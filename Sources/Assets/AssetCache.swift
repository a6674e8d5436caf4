import Glibc
public import HostErrors
import Synchronization
import SystemLayer
public import Telemetry
import Transfer

/// The content-addressed cache of a backend's files: `<base>/static-files/<prefix><sha256>`.
///
/// A file is in the cache whole and verified, or not at all. Every call blocks: never on the cooperative pool.
/// - Source: contract §2; DESIGN decision 7 for the prefix.
public final class AssetCache: Sendable {
    /// The on-disk prefix of every asset: snapshots embed this path, so it never changes.
    static let prefix = "runsc-"
    /// What follows an entry's name while it is being made or removed.
    static let temporaryMark = "-download-"

    /// What this process knows of the entries.
    struct State {
        /// Of files that were hashed whole by this process.
        var verified: [String: AssetStamp] = [:]
        /// Seconds since 1970.
        var lastUse: [String: Int64] = [:]
        var counters = AssetCounters()
        var pins: [any AssetPins] = []
        var packs: [AssetPack] = []
        /// Assets of packs whose bytes this process compared.
        var checkedSlices: Set<String> = []
        /// Of releases whose trees were hashed whole by this process: each path in it, and what it was.
        var trees: [String: [String: AssetStamp]] = [:]
    }

    /// Where entries are.
    let directory: String
    /// Where files are put that are not what their name says.
    let quarantine: String
    /// Where the locks between processes are.
    let locks: String
    /// Where what every process counts is kept.
    let counterFile: String
    let settings: AssetSettings
    let source: AssetSource
    let logger: Logger
    let state = Mutex(State())
    /// Nil until there is a directory to keep them in.
    let shared = Mutex<SharedCounters?>(nil)
    private let flights = SingleFlight()

    /// Opens the cache and sweeps what a crash left half made.
    ///
    /// - Parameters:
    ///   - baseDirectory: the host's state directory.
    ///   - settings: bounds and sources.
    ///   - logger: told of long transfers and of corrupt entries.
    public init(baseDirectory: String, settings: AssetSettings, logger: Logger = Logger(sink: SilentSink())) {
        directory = "\(baseDirectory)/static-files"
        quarantine = "\(baseDirectory)/asset-quarantine"
        locks = "\(baseDirectory)/asset-locks"
        self.settings = settings
        source = AssetSource(settings)
        self.logger = logger
        counterFile = "\(baseDirectory)/asset-counters"
        sweep()
    }

    /// Opens a cache that is filled from files alone.
    ///
    /// - Parameters:
    ///   - baseDirectory: the host's state directory.
    ///   - roots: directories beneath which `file://` is allowed.
    ///   - maxBytes: the largest asset.
    public convenience init(baseDirectory: String, roots: [String], maxBytes: Int64 = 8 << 30) {
        var settings = AssetSettings()
        settings.roots = roots
        settings.maxBytes = maxBytes
        self.init(baseDirectory: baseDirectory, settings: settings)
    }

    /// What was found, fetched, put aside and evicted since the cache was opened.
    public var counters: AssetCounters { state.withLock { $0.counters } }

    /// Keeps what somebody needs from eviction.
    ///
    /// - Parameter pins: asked before each eviction.
    public func keep(_ pins: any AssetPins) { state.withLock { $0.pins.append(pins) } }

    /// Where the asset of that digest is, or would be.
    ///
    /// The contract's `CachedAssetPath`; digests of either case give one path.
    /// - Parameter sha256: 64 hex digits, validated by `validateAssetHash`.
    /// - Returns: an absolute path, lower-cased.
    public func cachedAssetPath(_ sha256: String) -> String { "\(directory)/\(Self.prefix)\(sha256.lowercased())" }

    /// Where that asset of a request is, or would be: `cachedAssetPath`, but for releases.
    ///
    /// - Parameters:
    ///   - name: the asset's name.
    ///   - url: where it comes from.
    ///   - sha256: 64 hex digits.
    /// - Returns: an absolute path.
    public func cachedPath(name: String, url: String, sha256: String) -> String {
        AssetRelease(name: name, url: url, digest: sha256.lowercased()).map { "\(directory)/\($0.entry)" }
            ?? cachedAssetPath(sha256)
    }

    /// Has the asset in the cache when it returns; blocks.
    ///
    /// Callers that want one digest at once share one transfer, in this process and between processes.
    /// - Parameters:
    ///   - name: the asset's name, for the error's text.
    ///   - url: where it comes from; asked only where neither the cache nor a pack has the digest.
    ///   - sha256: 64 hex digits of either case.
    ///   - progress: told four times a second at most while bytes come.
    ///   - isCancelled: whether nobody wants it any more; a transfer ends then and leaves nothing.
    /// - Returns: the file's path: mode 0755, verified against the digest by this process. Of a release archive, which
    ///   its URL's end tells, the directory it was unpacked to.
    /// - Throws: INVALID_ARGUMENT for a bad digest or URL, PERMISSION_DENIED for a source that is not allowed,
    ///   NOT_FOUND, UNAVAILABLE where a source did not answer, RESOURCE_EXHAUSTED over the cap or on a full disk,
    ///   DATA_LOSS where the bytes are others. Nothing is in the cache then.
    public func ensure(
        name: String,
        url: String,
        sha256: String,
        progress: (@Sendable (AssetProgress) -> Void)? = nil,
        isCancelled: @escaping @Sendable () -> Bool = { false }
    ) throws(HostError) -> String {
        try validateAssetHash(sha256)
        let digest = sha256.lowercased()
        let release = AssetRelease(name: name, url: url, digest: digest)
        let path = release.map { "\(directory)/\($0.entry)" } ?? cachedAssetPath(digest)
        if let release {
            if isKnown(release, path) { return path }
        } else if isKnown(digest, path) {
            return path
        }
        do throws(HostError) {
            try flights.run(release?.entry ?? digest, attempt: url) { () throws(HostError) in
                let lock = try AssetLock(digest, in: locks, isCancelled)
                defer { withExtendedLifetime(lock) {} }
                if let release, try isWhole(release, path) { return noteHit() }
                if release == nil, try isWhole(digest, path) { return noteHit() }
                var request = AssetRequest(name: name, url: url, digest: digest, progress: progress)
                request.isCancelled = isCancelled
                try miss(request)
            }
        } catch {
            throw HostError(
                error.code,
                error.reason,
                "while fetching sandbox asset \"\(name)\": \(error.message)",
                context: error.context
            )
        }
        return path
    }

    private func noteHit() {
        state.withLock { $0.counters.hits += 1 }
        count(.hits)
    }

    private func miss(_ request: AssetRequest) throws(HostError) {
        do throws(HostError) {
            let bytes = try fetch(request)
            state.withLock {
                $0.counters.misses += 1
                $0.counters.bytes += bytes
            }
            count(.misses)
            count(.bytes, Int(bytes))
        } catch {
            state.withLock {
                $0.counters.misses += 1
                $0.counters.failures += 1
            }
            count(.misses)
            count(.failures)
            throw error
        }
        if settings.budgetBytes > 0 { _ = try? collect() }
    }
}

/// One asset that somebody wants.
struct AssetRequest {
    let name: String
    let url: String
    let digest: String
    var progress: (@Sendable (AssetProgress) -> Void)?
    var isCancelled: @Sendable () -> Bool = { false }
}
