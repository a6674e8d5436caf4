import ActorLifecycle
import Assets
import Glibc
import HostErrors
import PluginOverlays
import Telemetry
import Transfer

/// The cache of a host that serves.
extension Serve {
    /// Opens the cache and takes the packs: all that they preload is there, or the host does not start; blocks.
    ///
    /// - Parameters:
    ///   - options: bounds, roots and origins.
    ///   - packs: those of the overlays, in order.
    ///   - logger: told of what was preloaded.
    /// - Returns: the cache.
    /// - Throws: with `pack.code` in the context where a pack is wrong.
    static func openAssets(
        _ options: ServeOptions,
        packs: [SurfaceEntry],
        _ logger: Logger
    ) throws(HostError) -> AssetCache {
        var settings = AssetSettings()
        settings.roots = options.assetRoots
        for origin in options.assetOrigins { settings.origins.append(try TrustedOrigin(origin)) }
        settings.environment = AssetEnvironment.current
        settings.budgetBytes = options.assetBudget
        let cache = AssetCache(baseDirectory: options.baseDirectory, settings: settings, logger: logger)
        for pack in packs {
            guard let problem = pack.problem else { continue }
            throw HostError(.failedPrecondition, .asset, problem, context: ["pack.code": "unreadable"])
        }
        for asset in try cache.take(packs: packs.map(\.path) + options.assetPacks) {
            logger.info(
                "an asset was preloaded",
                ["asset": asset.name, "bank": asset.bank.rawValue, "slot": "\(asset.slot)", "pack": asset.pack]
            )
        }
        return cache
    }

    /// Hashes what is cached, in the background: the first verb that needs an entry finds it verified.
    ///
    /// - Parameters:
    ///   - cache: of this host.
    ///   - logger: told when an entry is corrupt.
    static func verifyAside(_ cache: AssetCache, _ logger: Logger) {
        _ = aside { () throws(HostError) in
            do throws(HostError) {
                let found = try cache.verify()
                if !found.corrupt.isEmpty {
                    logger.warning("cached assets were corrupt", ["count": "\(found.corrupt.count)"])
                }
            } catch { logger.warning("the cached assets cannot be verified", ["error": error.message]) }
        }
    }
}
