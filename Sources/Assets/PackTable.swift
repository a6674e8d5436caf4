import HostErrors

/// What a packed asset is for: the namespace of its slot.
public enum AssetBank: String, Sendable, CaseIterable {
    /// A program that runs actors.
    case runtime
    /// What such a program is told.
    case config
    /// A kernel to boot.
    case kernel
    /// A root file system.
    case rootfs
    /// What programs load.
    case lib
}

/// One asset of a pack.
public struct PackedAsset: Sendable, Equatable {
    /// Stable for as long as the asset means the same.
    public let id: Int32
    /// Its name, the only one in the pack.
    public let name: String
    /// What it is for.
    public let bank: AssetBank
    /// From the payload's start.
    public let offset: UInt64
    /// Its bytes.
    public let size: UInt64
    /// 64 lower-case hex digits.
    public let sha256: String
}

/// An asset that is published when the host starts, and the slot that scripts find it by.
public struct PackPreload: Sendable, Equatable {
    /// The asset's id.
    public let id: Int32
    /// 0 to 255; one of its bank.
    public let slot: UInt8
}

/// The table of a pack, every rule of it checked.
struct PackTable {
    let assets: [PackedAsset]
    let preload: [PackPreload]

    /// Reads one.
    ///
    /// - Parameters:
    ///   - header: the bytes between prelude and padding.
    ///   - payload: how many bytes follow the payload's start.
    /// - Throws: the first rule that it breaks.
    init(_ header: [UInt8], payload: UInt64) throws(PackFault) {
        guard let json = PackJSONReader.read(header) else { throw PackFault(.badHeaderJSON, "the header is no JSON") }
        guard !json.isNeverCanonical, Array(json.canonical.utf8) == header else {
            throw PackFault(.noncanonicalHeader, "the header has spaces, fractions, or members out of order")
        }
        let top = try Self.members(json, "the header", ["asset_table", "preload"])
        guard case .list(let rows)? = top["asset_table"], case .list(let loads)? = top["preload"] else {
            throw PackFault(.badHeaderJSON, "asset_table and preload are lists")
        }
        var drafts: [Draft] = []
        for (index, row) in rows.enumerated() { drafts.append(try Draft(row, "asset_table[\(index)]")) }
        try Self.checkOrder(drafts)
        try Self.checkRanges(drafts, payload)
        var assets: [PackedAsset] = []
        for draft in drafts { assets.append(try draft.asset()) }
        self.assets = assets
        preload = try Self.preload(loads, assets)
    }

    /// One row, of the right types, before its values are judged.
    struct Draft {
        let id: Int32
        let name: String
        let bank: String
        let codec: String
        let offset: String
        let size: String
        let decodedSize: String
        let sha256: String

        init(_ row: PackJSON, _ place: String) throws(PackFault) {
            let names = [
                "asset_id", "asset_name", "bank_type", "codec", "decoded_size", "metadata", "offset", "sha256", "size",
            ]
            let members = try PackTable.members(row, place, names)
            func text(_ name: String) throws(PackFault) -> String {
                guard case .string(let text)? = members[name] else {
                    throw PackFault(.badHeaderJSON, "\(place).\(name) is no text")
                }
                return text
            }
            func number(_ name: String) throws(PackFault) -> String {
                guard case .integer(let digits)? = members[name] else {
                    throw PackFault(.badHeaderJSON, "\(place).\(name) is no whole number")
                }
                return digits
            }
            guard case .object? = members["metadata"] else {
                throw PackFault(.badHeaderJSON, "\(place).metadata is no object")
            }
            name = try text("asset_name")
            bank = try text("bank_type")
            codec = try text("codec")
            sha256 = try text("sha256")
            offset = try number("offset")
            size = try number("size")
            decodedSize = try number("decoded_size")
            let digits = try number("asset_id")
            guard !name.isEmpty, sha256 == sha256.lowercased() else {
                throw PackFault(.badHeaderJSON, "\(place) has an empty name, or a sha256 in upper case")
            }
            do throws(HostError) { try validateAssetHash(sha256) } catch {
                throw PackFault(.badHeaderJSON, "\(place).sha256: \(error.message)")
            }
            guard let id = Int32(digits) else { throw PackFault(.badAssetID, "\(place).asset_id is \(digits)") }
            self.id = id
        }

        /// From and to, relative to the payload.
        func range() -> Range<UInt64>? {
            guard let offset = UInt64(offset), let size = UInt64(size), offset % 64 == 0 || size == 0 else {
                return nil
            }
            let (end, isOver) = offset.addingReportingOverflow(size)
            return isOver ? nil : offset..<end
        }

        func asset() throws(PackFault) -> PackedAsset {
            guard codec == "none" else { throw PackFault(.unknownCodec, "asset \(id) has codec \(codec)") }
            guard let bank = AssetBank(rawValue: bank) else {
                throw PackFault(.unknownBank, "asset \(id) has bank_type \(bank)")
            }
            guard let range = range(), decodedSize == size else {
                throw PackFault(.badAssetRange, "asset \(id) is not as large decoded as it is packed")
            }
            return PackedAsset(
                id: id,
                name: name,
                bank: bank,
                offset: range.lowerBound,
                size: range.upperBound - range.lowerBound,
                sha256: sha256
            )
        }
    }

    /// The members of an object that has these and no others.
    static func members(
        _ value: PackJSON,
        _ place: String,
        _ names: [String]
    ) throws(PackFault) -> [String: PackJSON] {
        guard case .object(let members) = value else { throw PackFault(.badHeaderJSON, "\(place) is no object") }
        guard members.map(\.name) == names else {
            throw PackFault(.badHeaderJSON, "\(place) has not exactly the members \(names.joined(separator: ", "))")
        }
        return Dictionary(members.map { ($0.name, $0.value) }) { first, _ in first }
    }

    private static func checkOrder(_ drafts: [Draft]) throws(PackFault) {
        var ids: Set<Int32> = []
        for draft in drafts where !ids.insert(draft.id).inserted {
            throw PackFault(.duplicateAssetID, "two assets have the id \(draft.id)")
        }
        for (one, next) in zip(drafts, drafts.dropFirst()) where one.id > next.id {
            throw PackFault(.unsortedTable, "id \(next.id) comes after \(one.id)")
        }
        var names: Set<String> = []
        for draft in drafts where !names.insert(draft.name).inserted {
            throw PackFault(.duplicateAssetName, "two assets are named \(draft.name)")
        }
    }

    private static func checkRanges(_ drafts: [Draft], _ payload: UInt64) throws(PackFault) {
        var ranges: [(id: Int32, range: Range<UInt64>)] = []
        for draft in drafts {
            guard let offset = UInt64(draft.offset), let size = UInt64(draft.size) else {
                throw PackFault(.badAssetRange, "asset \(draft.id) has a size or an offset that is none")
            }
            let (end, isOver) = offset.addingReportingOverflow(size)
            guard !isOver, end <= payload else {
                throw PackFault(.badAssetRange, "asset \(draft.id) goes on past the file's end")
            }
            ranges.append((draft.id, offset..<end))
        }
        let sorted = ranges.filter { !$0.range.isEmpty }.sorted { $0.range.lowerBound < $1.range.lowerBound }
        for (one, next) in zip(sorted, sorted.dropFirst()) where one.range.upperBound > next.range.lowerBound {
            throw PackFault(.overlappingAssets, "assets \(one.id) and \(next.id) share bytes")
        }
        for (id, range) in ranges where range.lowerBound % 64 != 0 {
            throw PackFault(.badAssetRange, "asset \(id) does not begin on a boundary of 64 bytes")
        }
    }

    private static func preload(_ rows: [PackJSON], _ assets: [PackedAsset]) throws(PackFault) -> [PackPreload] {
        var all: [PackPreload] = []
        var taken: Set<String> = []
        for (index, row) in rows.enumerated() {
            let place = "preload[\(index)]"
            let members = try members(row, place, ["asset_id", "slot"])
            guard case .integer(let id)? = members["asset_id"], case .integer(let slot)? = members["slot"] else {
                throw PackFault(.badHeaderJSON, "\(place) has an asset_id or a slot that is no whole number")
            }
            guard let number = Int32(id) else { throw PackFault(.badAssetID, "\(place).asset_id is \(id)") }
            guard let asset = assets.first(where: { $0.id == number }) else {
                throw PackFault(.preloadUnknownAsset, "\(place) names asset \(id), which is not in the table")
            }
            guard let slot = UInt8(slot) else { throw PackFault(.preloadBadSlot, "\(place).slot is \(slot)") }
            guard taken.insert("\(asset.bank.rawValue) \(slot)").inserted else {
                throw PackFault(.preloadSlotClash, "two preloads are bank \(asset.bank.rawValue), slot \(slot)")
            }
            all.append(PackPreload(id: number, slot: slot))
        }
        return all
    }
}
