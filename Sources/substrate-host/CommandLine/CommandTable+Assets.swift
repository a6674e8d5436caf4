/// `assets`, and the options that it shares with `serve`.
extension CommandTable {
    /// `--asset-origin`.
    static let assetOrigin = CommandOption.value(
        "asset-origin",
        "ORIGIN",
        "a server of assets that may be plain HTTP or have a private address: http://HOST:PORT (repeatable)",
        repeats: true
    )
    /// `--asset-budget`.
    static let assetBudget = CommandOption.value(
        "asset-budget",
        "SIZE",
        "what cached assets may take, such as 20GiB; the longest unused go first (default 0: no limit)"
    )

    /// The command.
    static let assets = Command(
        name: "assets",
        summary: "look after the cache of assets, and make packs of them",
        discussion: """
            ls               what is in the cache;  ls PACK  what is in a pack
            stats            how often an asset was there, and what was fetched, by every process that used the cache
            fetch URL SHA256 have a file in the cache: file:, http(s):, s3:, gs: or oci:; prints its path
            verify           hash every entry; what is not its digest is put aside;  verify PACK  likewise, a pack
            gc               remove the longest unused down to --asset-budget; never what an actor or a snapshot needs
            pack LIST OUT    make a pack of the files that LIST names; the same files make the same bytes
            preload PACK     check a pack whole, then put what it preloads into the cache

            LIST is YAML; files are meant from its directory, and `preload` is the slot, 0 to 255, if there is one:
              assets:
                - { id: 7, name: vmm, bank: runtime, file: bin/vmm, preload: 0 }
            Banks are runtime, config, kernel, rootfs and lib. It works beside a running host.
            """,
        operands: ["ACTION"],
        options: [
            baseDirectory,
            .value("name", "NAME", "what messages call the asset that is fetched (default: the URL's last part)"),
            .value(
                "asset-root",
                "DIR",
                "file: assets may lie beneath DIR and nowhere else (repeatable; default: anywhere)",
                repeats: true,
                completes: .directory
            ),
            assetOrigin, assetBudget,
            .value("min-age", "SECONDS", "what was used more recently stays (default 600)"),
            .flag("dry-run", "say what gc would remove, and remove nothing"),
            .value("config", "FILE", "the settings of the host, as for serve; options win over it"),
            json,
        ],
        examples: [
            ("assets ls", "what is cached, how large, and when it was last used"),
            ("assets stats --json", "hits, misses, failures, bytes, quarantined and evicted, for a monitor"),
            ("assets gc --asset-budget 20GiB --dry-run", "what would go"),
            ("assets pack site/assets.yaml site/assets/site.pack", "for the overlay ./site"),
        ],
        optionalOperands: ["FILE|URL", "OUT|SHA256"],
        words: AssetsOptions.Action.allCases.map(\.rawValue)
    )
}
