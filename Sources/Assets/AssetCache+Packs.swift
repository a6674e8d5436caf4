public import HostErrors
import Synchronization
import Transfer

/// An asset that a pack put into the cache at start.
public struct PreloadedAsset: Sendable, Equatable {
    /// The pack's path.
    public let pack: String
    /// Its bank; with the slot, what scripts find it by.
    public let bank: AssetBank
    /// Its slot.
    public let slot: UInt8
    /// Its name.
    public let name: String
    /// Its digest.
    public let sha256: String
    /// Where it is in the cache.
    public let path: String
}

/// Packs: what they preload is in the cache before anything runs, and the rest comes from them without a network.
extension AssetCache {
    /// Takes packs: checks every preload of all of them, then publishes them; blocks.
    ///
    /// Nothing is touched where one is wrong.
    /// - Parameters:
    ///   - paths: in order; two that preload one bank and slot clash.
    ///   - isCancelled: whether nobody wants them any more.
    /// - Returns: what is in the cache now, in order.
    /// - Throws: the first fault, with its code as `pack.code` in the context.
    @discardableResult
    public func take(
        packs paths: [String],
        isCancelled: @escaping @Sendable () -> Bool = { false }
    ) throws(HostError) -> [PreloadedAsset] {
        var packs: [AssetPack] = []
        var all: [PreloadedAsset] = []
        for path in paths {
            let pack = try AssetPack(path: path)
            packs.append(pack)
            for load in pack.preload {
                guard let asset = pack.assets.first(where: { $0.id == load.id }) else { continue }
                if let other = all.first(where: { $0.bank == asset.bank && $0.slot == load.slot }) {
                    throw PackFault(
                        .preloadSlotClash,
                        "bank \(asset.bank.rawValue), slot \(load.slot) is preloaded by \(other.pack), too"
                    ).error(path)
                }
                guard Int64(asset.size) <= settings.maxBytes else {
                    throw HostError(
                        .resourceExhausted,
                        .asset,
                        "asset pack \(path): \(asset.name) is larger than the limit of \(settings.maxBytes) bytes"
                    )
                }
                try pack.verify(asset)
                all.append(
                    PreloadedAsset(
                        pack: path,
                        bank: asset.bank,
                        slot: load.slot,
                        name: asset.name,
                        sha256: asset.sha256,
                        path: cachedAssetPath(asset.sha256)
                    )
                )
            }
        }
        state.withLock { $0.packs += packs }
        for asset in all {
            let url = "pack:\(asset.name)"
            _ = try ensure(name: asset.name, url: url, sha256: asset.sha256, isCancelled: isCancelled)
        }
        return all
    }

    /// Fills a file from the first pack that has the digest.
    ///
    /// - Returns: whether one has it.
    func fillFromPack(_ digest: String, _ file: DownloadFile) throws(HostError) -> Bool {
        for pack in state.withLock({ $0.packs }) {
            guard let asset = pack.asset(sha256: digest) else { continue }
            try file.expect(Int64(asset.size))
            try pack.forEachPiece(asset) { piece throws(HostError) in try file.append(piece) }
            return true
        }
        return false
    }
}
