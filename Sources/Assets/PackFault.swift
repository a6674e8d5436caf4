import HostErrors

/// What is wrong with a pack: the first rule that it breaks.
///
/// - Source: semantics §4.7, "Validation order → error code".
public struct PackFault: Error, Sendable, Equatable, CustomStringConvertible {
    /// The rules, in the order in which they are checked.
    public enum Code: String, Sendable, CaseIterable {
        /// Shorter than the prelude.
        case truncatedPrelude = "truncated_prelude"
        /// Another kind of file.
        case badMagic = "bad_magic"
        /// Made for another reader.
        case unsupportedVersion = "unsupported_version"
        /// Flags or the reserved word are set.
        case reservedNonzero = "reserved_nonzero"
        /// The header is empty, over 16 MiB or goes on past the file's end.
        case badHeaderLength = "bad_header_len"
        /// The payload begins elsewhere, or there is something before it.
        case badPayloadOffset = "bad_payload_offset"
        /// The header is no JSON, or has unknown, missing or ill-typed members.
        case badHeaderJSON = "bad_header_json"
        /// The header is JSON, written otherwise than the one canonical way.
        case noncanonicalHeader = "noncanonical_header"
        /// An asset's id does not fit in 32 bits.
        case badAssetID = "bad_asset_id"
        /// Two assets have one id.
        case duplicateAssetID = "duplicate_asset_id"
        /// The ids do not ascend.
        case unsortedTable = "unsorted_table"
        /// Two assets have one name.
        case duplicateAssetName = "duplicate_asset_name"
        /// An asset lies outside the file, or not on its boundary.
        case badAssetRange = "bad_asset_range"
        /// Two assets share bytes.
        case overlappingAssets = "overlapping_assets"
        /// A compression that is not known.
        case unknownCodec = "unknown_codec"
        /// A bank that is not known.
        case unknownBank = "unknown_bank"
        /// A preload names no asset.
        case preloadUnknownAsset = "preload_unknown_asset"
        /// A preload's slot is not from 0 to 255.
        case preloadBadSlot = "preload_bad_slot"
        /// Two preloads have one bank and slot.
        case preloadSlotClash = "preload_slot_clash"
        /// The bytes are not what the table says.
        case assetCorrupt = "asset_corrupt"
    }

    /// Which rule.
    public let code: Code
    /// What broke it.
    public let detail: String

    init(_ code: Code, _ detail: String) {
        self.code = code
        self.detail = detail
    }

    /// `bad_magic: …`.
    public var description: String { "\(code.rawValue): \(detail)" }

    /// As the error of the pack at that path.
    func error(_ path: String) -> HostError {
        let kind: HostError.Code = code == .assetCorrupt ? .dataLoss : .failedPrecondition
        return HostError(kind, .asset, "asset pack \(path): \(self)", context: ["pack.code": code.rawValue])
    }
}
