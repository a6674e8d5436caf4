import ActorContract
import Assets
import HostErrors
import PluginProtocol

/// What says which asset is meant: a name, or a bank and a slot.
struct AssetSelector: HostArguments {
    private let name: String?
    private let bank: String?
    private let slot: Int64?

    init(_ fields: CheckedFields) {
        name = fields.value("name") == .null ? nil : fields.text("name")
        bank = fields.value("bank") == .null ? nil : fields.text("bank")
        slot = fields.integer("slot")
    }

    /// The one thing that they say.
    ///
    /// - Throws: the author's mistake where they say none or two.
    func query(_ call: HostCall) throws(HostFailure) -> AssetQuery {
        switch (name, bank, slot) {
        case (let name?, nil, nil): return .name(name)
        case (nil, let bank?, let slot?): return .slot(bank: bank, slot: UInt8(clamping: slot))
        default:
            let given = [name.map { _ in "name" }, bank.map { _ in "bank" }, slot.map { _ in "slot" }]
                .compactMap { $0 }.joined(separator: " and ")
            throw .mistake(
                ArgumentFault(
                    code: "api.range",
                    message: "\(call.row.name): which asset?",
                    expected: "name, or bank and slot",
                    got: given.isEmpty ? "neither" : given,
                    mend: "host.\(call.row.name) { name = \"…\" }, or { bank = \"config\", slot = 0 }"
                )
            )
        }
    }
}

/// An asset's handle.
struct AssetArguments: HostArguments {
    let handle: PluginHandle
    let offset: Int64
    let length: Int

    init(_ fields: CheckedFields) {
        handle = fields.handles("asset").first ?? .function
        offset = fields.integer("offset") ?? 0
        length = Int(fields.integer("length") ?? 0)
    }
}

extension HostCall {
    /// Handles of assets that a verb holds at once; each may be an open file.
    private static let assetLimit = 64

    /// The asset behind a handle.
    ///
    /// - Throws: the author's mistake for a closed one; a handle that never was is the supervisor's lie.
    func asset(_ handle: PluginHandle) throws(HostFailure) -> HeldAsset {
        let place = PluginHandle(index: handle.index & ~PluginHandle.assetMark, generation: handle.generation)
        switch context.assets.find(place) {
        case .live(let asset): return asset
        case .closed(let line):
            throw .mistake(
                ArgumentFault(
                    code: "api.stale",
                    message: "\(row.name): asset is a closed handle",
                    expected: "a live asset",
                    got: "handle<asset:\(place.index).\(place.generation)>, closed at \(context.place(line))",
                    mend: "close an asset once, when it is no longer used"
                )
            )
        case .unknown:
            throw .fatal(HostError(.internal, .plugin, "plugin protocol: a handle that this verb never had"))
        }
    }

    /// The load behind a handle.
    ///
    /// - Throws: the author's mistake also where it is an open asset.
    func staged(_ handle: PluginHandle) throws(HostFailure) -> StagedAsset {
        guard case .staged(let staged) = try asset(handle).use else {
            throw .mistake(
                ArgumentFault(
                    code: "api.type",
                    message: "\(row.name): asset was opened, not loaded",
                    expected: "what asset.load answered",
                    mend: "host.asset.load { name = \"…\" }"
                )
            )
        }
        return staged
    }

    /// Holds an asset, as the answer of its function.
    func hold(_ asset: HeldAsset, size: Int64) -> HostReply {
        guard context.assets.live.count < Self.assetLimit else {
            return .refused(.busy, "\(Self.assetLimit) assets are held already; close one")
        }
        let place = context.assets.insert(asset)
        let handle = PluginHandle(index: place.index | PluginHandle.assetMark, generation: place.generation)
        return .ok(.handle(handle), .integer(size))
    }
}

extension HostReply {
    /// What an asset's failure means to the script.
    fileprivate static func refused(_ error: HostError) -> HostReply {
        switch error.code {
        case .notFound: .refused(.notFound, error.message)
        case .dataLoss: .refused(.assetCorrupt, error.message)
        case .resourceExhausted: .refused(.storageFull, error.message)
        default: .refused(.ioError, error.message)
        }
    }

    /// No pack has it.
    fileprivate static func absent(_ query: AssetQuery) -> HostReply {
        switch query {
        case .name(let name): .refused(.notFound, "no asset of the actor or of a pack is called \"\(name)\"")
        case .slot(let bank, let slot): .refused(.notFound, "no pack preloads to bank \(bank), slot \(slot)")
        }
    }
}

/// `asset.open`.
enum OpenAsset: HostHandler {
    typealias Arguments = AssetSelector
    static let row = HostFunction.assetOpen

    static func answer(_ arguments: Arguments, _ call: HostCall) throws(HostFailure) -> HostReply {
        let query = try arguments.query(call)
        let context = call.context
        do throws(HostError) {
            // The request's own come first: they are what this actor was asked to run with.
            if case .name(let name) = query, let path = context.actor.assets[name] {
                let bytes = try context.world.asset(path)
                return call.hold(HeldAsset(name, .open(bytes)), size: bytes.size)
            }
            guard let (shelved, cache) = context.world.packed(query) else { return .absent(query) }
            try cache.verify(shelved)
            return call.hold(HeldAsset(shelved.name, .open(shelved)), size: shelved.size)
        } catch { return .refused(error) }
    }
}

/// `asset.read`.
enum ReadAsset: HostHandler {
    typealias Arguments = AssetArguments
    static let row = HostFunction.assetRead

    static func answer(_ arguments: Arguments, _ call: HostCall) throws(HostFailure) -> HostReply {
        guard case .open(let bytes) = try call.asset(arguments.handle).use else {
            throw .mistake(
                ArgumentFault(
                    code: "api.type",
                    message: "asset.read: asset was loaded, not opened",
                    expected: "what asset.open answered",
                    mend: "host.asset.open { name = \"…\" }"
                )
            )
        }
        guard arguments.offset <= bytes.size, Int64(arguments.length) <= bytes.size - arguments.offset else {
            throw .mistake(
                ArgumentFault(
                    code: "api.range",
                    message: "asset.read: \(arguments.length) bytes at \(arguments.offset) are not all of the asset",
                    expected: "offset + length of at most \(bytes.size)",
                    mend: "asset.open answers the size as its second value"
                )
            )
        }
        do throws(HostError) {
            return .ok(.bytes(try bytes.read(offset: arguments.offset, length: arguments.length)))
        } catch { return .refused(error) }
    }
}

/// `asset.close`.
enum CloseAsset: HostHandler {
    typealias Arguments = AssetArguments
    static let row = HostFunction.assetClose

    static func answer(_ arguments: Arguments, _ call: HostCall) throws(HostFailure) -> HostReply {
        _ = try call.asset(arguments.handle)
        call.context.close(asset: arguments.handle, line: call.line)
        return .ok()
    }
}

/// `asset.load`.
enum LoadAsset: HostHandler {
    typealias Arguments = AssetSelector
    static let row = HostFunction.assetLoad

    static func answer(_ arguments: Arguments, _ call: HostCall) throws(HostFailure) -> HostReply {
        let query = try arguments.query(call)
        guard let (shelved, cache) = call.context.world.packed(query) else { return .absent(query) }
        let staged = StagedAsset(shelved, into: cache)
        staged.begin()
        return call.hold(HeldAsset(shelved.name, .staged(staged)), size: shelved.size)
    }
}

/// `asset.state`.
enum StateOfAsset: HostHandler {
    typealias Arguments = AssetArguments
    static let row = HostFunction.assetState

    static func answer(_ arguments: Arguments, _ call: HostCall) throws(HostFailure) -> HostReply {
        .ok(.text(try call.staged(arguments.handle).state.rawValue))
    }
}

/// `asset.commit`.
enum CommitAsset: HostHandler {
    typealias Arguments = AssetArguments
    static let row = HostFunction.assetCommit

    static func target(_ arguments: Arguments, _ call: HostCall) throws(HostFailure) -> String? {
        try call.staged(arguments.handle).name
    }

    static func answer(_ arguments: Arguments, _ call: HostCall) throws(HostFailure) -> HostReply {
        let staged = try call.staged(arguments.handle)
        do throws(HostError) {
            switch try staged.commit() {
            case .ready: return .ok()
            case .pending, .loading: return .refused(.notReady, "\(staged.name) is being loaded still")
            case .committed: return .refused(.exists, "\(staged.name) is committed already")
            case .cancelled: return .refused(.cancelled, "the load of \(staged.name) was given up")
            case .corrupt: return .refused(.assetCorrupt, "\(staged.name) is not what its pack says")
            }
        } catch { return .refused(error) }
    }
}

/// `asset.cancel`.
enum CancelAsset: HostHandler {
    typealias Arguments = AssetArguments
    static let row = HostFunction.assetCancel

    static func answer(_ arguments: Arguments, _ call: HostCall) throws(HostFailure) -> HostReply {
        let staged = try call.staged(arguments.handle)
        return staged.cancel() == .committed ? .refused(.exists, "\(staged.name) is committed already") : .ok()
    }
}
