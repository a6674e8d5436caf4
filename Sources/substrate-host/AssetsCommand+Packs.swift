import Assets
import HostErrors
import Transfer

/// What `assets` does with packs alone, away from any cache.
extension AssetsCommand {
    /// `pack LIST OUT`.
    static func pack(
        _ options: AssetsOptions,
        _ output: ConsoleOutput,
        _ isCancelled: () -> Bool
    ) throws -> ExitCode {
        let inputs = try PackList.read(options.operands[0])
        let pack = try AssetPackWriter.write(inputs, to: options.operands[1], isCancelled: isCancelled)
        let digest = try SHA256.hex(ofFile: pack.path)
        if options.json {
            output.json(
                .members([
                    "path": .string(pack.path), "sha256": .string(digest),
                    "assets": .integer(Int64(pack.assets.count)),
                    "preloads": .integer(Int64(pack.preload.count)),
                ])
            )
        } else {
            output.line("\(digest)  \(pack.path)")
        }
        return .ok
    }

    /// `ls PACK`.
    static func listPack(_ options: AssetsOptions, _ output: ConsoleOutput) throws(HostError) -> ExitCode {
        let pack = try AssetPack(path: options.operands[0])
        /// The slots to which an asset is preloaded.
        func slots(_ asset: PackedAsset) -> [UInt8] { pack.preload.filter { $0.id == asset.id }.map(\.slot) }
        if options.json {
            output.json(
                .list(
                    pack.assets.map { asset in
                        .members([
                            "id": .integer(Int64(asset.id)), "name": .string(asset.name),
                            "bank": .string(asset.bank.rawValue), "bytes": .integer(Int64(asset.size)),
                            "sha256": .string(asset.sha256),
                            "preload": .list(slots(asset).map { .integer(Int64($0)) }),
                        ])
                    }
                )
            )
        } else {
            output.table(
                ["ID", "NAME", "BANK", "PRELOAD", "SIZE", "SHA256"],
                pack.assets.map { asset in
                    let loads = slots(asset).map { "\($0)" }.joined(separator: " ")
                    return [
                        "\(asset.id)", asset.name, asset.bank.rawValue, loads.isEmpty ? "-" : loads,
                        ByteSize.words(Int64(asset.size)), asset.sha256,
                    ]
                }
            )
        }
        return .ok
    }

    /// `verify PACK`.
    static func verifyPack(_ options: AssetsOptions, _ output: ConsoleOutput) throws(HostError) -> ExitCode {
        let pack = try AssetPack(path: options.operands[0])
        for asset in pack.assets { try pack.verify(asset) }
        if options.json {
            output.json(.members(["path": .string(pack.path), "whole": .integer(Int64(pack.assets.count))]))
        } else {
            output.line("\(pack.path): \(pack.assets.count) assets, whole")
        }
        return .ok
    }
}
