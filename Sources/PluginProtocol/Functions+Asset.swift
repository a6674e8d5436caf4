extension HostFunction {
    /// What says which asset is meant.
    private static let selector: [ArgumentField] = [
        .optional("name", .text, "its name; or bank and slot"),
        .optional(
            "bank",
            .oneOf(["runtime", "config", "kernel", "rootfs", "lib"]),
            "the bank that a pack preloads it to; with slot"
        ),
        .optional("slot", .integer(0...255), "the slot in the bank"),
    ]

    /// `asset.open`: the bytes of an asset, read in parts.
    public static let assetOpen = HostFunction(
        "asset.open",
        "Opens an asset of the actor or of a pack for reading.",
        anyOf: [.asset],
        effect: .read,
        arguments: .record(selector),
        answers: .asset,
        failures: [.notFound, .assetCorrupt, .busy],
        cost: 200,
        example: "local asset, size = try(host.asset.open { name = \"config\" })"
    )

    /// `asset.read`: a part of it.
    public static let assetRead = HostFunction(
        "asset.read",
        "Answers a part of an open asset: all of it, or a failure.",
        anyOf: [.asset],
        effect: .read,
        arguments: .positions([
            .required("asset", .asset, "an open asset"),
            .required("offset", .integer(0...Int64.max), "where the part begins, from 0"),
            .required("length", .integer(0...1 << 20), "how many bytes; offset + length is at most the size"),
        ]),
        answers: .one(AnswerField("bytes", .bytes(1 << 20), "as many as asked for")),
        failures: [.assetCorrupt],
        cost: 200,
        example: "local bytes = try(host.asset.read(try(host.asset.open { name = \"config\" }), 0, 16))"
    )

    /// `asset.close`: the handle's end.
    public static let assetClose = HostFunction(
        "asset.close",
        "Closes an asset; what was loaded and not committed is dropped.",
        anyOf: [.asset],
        effect: .pure,
        arguments: .positions([.required("asset", .asset, "open or loaded; dead afterwards")]),
        answers: .nothing,
        cost: 20,
        example: "try(host.asset.close(try(host.asset.open { name = \"config\" })))"
    )

    private static let loading = ["run", "restore", "prepare"]
    private static let loadEarlier = "load in run, restore or prepare; what is committed stays in the cache"

    /// `asset.load`: the first of three steps into the cache.
    public static let assetLoad = HostFunction(
        "asset.load",
        "Begins to load an asset of a pack; nothing is in the cache before commit.",
        anyOf: [.asset],
        verbs: loading,
        elsewhere: loadEarlier,
        effect: .read,
        arguments: .record(selector),
        answers: .asset,
        failures: [.notFound, .busy],
        cost: 200,
        example: "local asset = try(host.asset.load { name = \"kernel\" })"
    )

    /// `asset.state`: how far a load is.
    public static let assetState = HostFunction(
        "asset.state",
        "Says how far a load is.",
        anyOf: [.asset],
        verbs: loading,
        elsewhere: loadEarlier,
        effect: .read,
        arguments: .positions([.required("asset", .asset, "as asset.load answered it")]),
        answers: .one(
            AnswerField("state", .text, "pending, loading, ready, committed, cancelled or corrupt")
        ),
        failures: [],
        cost: 20,
        example: "local state = try(host.asset.state(try(host.asset.load { name = \"kernel\" })))"
    )

    /// `asset.commit`: publishes what was loaded.
    public static let assetCommit = HostFunction(
        "asset.commit",
        "Puts a loaded asset into the cache.",
        anyOf: [.asset],
        verbs: loading,
        elsewhere: loadEarlier,
        effect: .journalled,
        arguments: .positions([.required("asset", .asset, "loaded, and ready")]),
        answers: .nothing,
        failures: [.notReady, .exists, .assetCorrupt, .storageFull],
        cost: nil,
        example: "try(host.asset.commit(try(host.asset.load { name = \"kernel\" })))"
    )

    /// `asset.cancel`: gives a load up.
    public static let assetCancel = HostFunction(
        "asset.cancel",
        "Gives a load up; the cache is as it was.",
        anyOf: [.asset],
        verbs: loading,
        elsewhere: loadEarlier,
        effect: .pure,
        arguments: .positions([.required("asset", .asset, "loaded or loading")]),
        answers: .nothing,
        failures: [.exists],
        cost: 20,
        example: "try(host.asset.cancel(try(host.asset.load { name = \"kernel\" })))"
    )
}
