public import HostErrors
import Synchronization

/// An asset of a pack, as a script reads it.
public struct ShelvedAsset: Sendable {
    let pack: AssetPack
    let asset: PackedAsset

    /// Its name.
    public var name: String { asset.name }
    /// Its bytes.
    public var size: Int64 { Int64(asset.size) }

    /// Reads a part, whole or not at all; blocks.
    ///
    /// - Parameters:
    ///   - offset: from the asset's start.
    ///   - length: how many bytes.
    /// - Returns: that many.
    /// - Throws: OUT_OF_RANGE, DATA_LOSS where the pack has shrunk, INTERNAL where it cannot be read.
    public func read(offset: Int64, length: Int) throws(HostError) -> [UInt8] {
        try pack.read(asset, offset: UInt64(clamping: offset), length: length)
    }
}

/// Assets of packs by what scripts call them.
extension AssetCache {
    /// The asset of that name, of the last pack that has one.
    ///
    /// - Parameter name: as in the pack's table.
    /// - Returns: nil where no pack has it.
    public func shelved(name: String) -> ShelvedAsset? {
        for pack in state.withLock({ $0.packs }).reversed() {
            if let asset = pack.assets.first(where: { $0.name == name }) {
                return ShelvedAsset(pack: pack, asset: asset)
            }
        }
        return nil
    }

    /// The asset that a pack preloads to a slot.
    ///
    /// - Parameters:
    ///   - bank: the slot's.
    ///   - slot: 0 to 255.
    /// - Returns: nil where the slot is empty.
    public func shelved(bank: AssetBank, slot: UInt8) -> ShelvedAsset? {
        for pack in state.withLock({ $0.packs }) {
            for load in pack.preload where load.slot == slot {
                if let asset = pack.assets.first(where: { $0.id == load.id && $0.bank == bank }) {
                    return ShelvedAsset(pack: pack, asset: asset)
                }
            }
        }
        return nil
    }

    /// Checks an asset's bytes once in a process; blocks.
    ///
    /// - Parameter shelved: of a pack of this cache.
    /// - Throws: DATA_LOSS `asset_corrupt`, or what reading throws.
    public func verify(_ shelved: ShelvedAsset) throws(HostError) {
        let key = "\(shelved.asset.id) \(shelved.pack.path)"
        if state.withLock({ $0.checkedSlices.contains(key) }) { return }
        try shelved.pack.verify(shelved.asset)
        state.withLock { _ = $0.checkedSlices.insert(key) }
    }
}
