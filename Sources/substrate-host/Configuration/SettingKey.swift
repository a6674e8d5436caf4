import ActorLifecycle
import Telemetry

/// One key of `substrate.yaml`: what it is called, what it takes, and what it means.
struct SettingKey: Sendable {
    /// What a key takes.
    enum Kind: Equatable, Sendable {
        /// One text, taken as it is.
        case text
        /// One path; a relative one is meant from the file's own directory.
        case path
        /// A list of paths.
        case paths
        /// A list of texts.
        case texts
        /// `true` or `false`.
        case boolean
        /// A whole number of that range.
        case integer(ClosedRange<Int>)
        /// A number of bytes, such as `20GiB`.
        case size
        /// One of these words.
        case choice([String])
        /// A list of `unix:PATH` and `tcp:HOST:PORT`.
        case addresses
        /// A list of `http://HOST[:PORT]` and `https://HOST[:PORT]`.
        case origins
        /// A list of `HOST:TARGET[:ro]`.
        case mounts
        /// A list of overlays: `OverlayReader` says more.
        case sources
        /// A map from a backend's name to what it is given: `BackendSettings` says more.
        case backends
    }

    /// As in the file; a dot goes one map deeper.
    let name: String
    /// What it takes.
    let kind: Kind
    /// What holds where neither file nor flag says otherwise, in words.
    let standard: String
    /// The option of `serve` that wins over it, without dashes.
    let flag: String?
    /// What it means.
    let doc: String

    /// Every key there is.
    ///
    /// Each option of `serve` but `--config` has its row, and a test compares the two tables.
    static let table: [SettingKey] = [
        SettingKey(
            name: "backend",
            kind: .text,
            standard: "(none)",
            flag: "backend",
            doc: "The backend that runs the actors; `substrate-host backends` lists them."
        ),
        SettingKey(
            name: "base_dir",
            kind: .path,
            standard: "/var/lib/substrate-host",
            flag: "base-dir",
            doc: "The host's state. Without root the default is $XDG_STATE_HOME/substrate-host."
        ),
        SettingKey(
            name: "listen",
            kind: .addresses,
            standard: "unix:BASE-DIR/host.sock",
            flag: "listen",
            doc: "Where to serve: unix:PATH or tcp:HOST:PORT."
        ),
        SettingKey(
            name: "insecure_tcp",
            kind: .boolean,
            standard: "false",
            flag: "insecure-tcp",
            doc: "Whether tcp: is allowed without TLS. Whoever reaches such a port commands the host."
        ),
        SettingKey(
            name: "contract",
            kind: .choice(ContractChoice.allCases.map(\.rawValue)),
            standard: "auto",
            flag: "contract",
            doc: "The dialect of the contract; auto tells by the request."
        ),
        SettingKey(
            name: "reflection",
            kind: .boolean,
            standard: "false",
            flag: "reflection",
            doc: "Whether gRPC server reflection tells what is served, in the contract's dialect (autumn's under auto)."
        ),
        SettingKey(
            name: "overlays.sources",
            kind: .sources,
            standard: "[]",
            flag: "overlay",
            doc: """
                Overlays in order; a later one shadows an earlier one by name, on every surface. An item is a directory, or \
                { dir, backends_subdir, assets_subdir, lib_subdir } where an absent subdirectory is the usual one \
                (backends, assets, lib) and "" turns that surface off.
                """
        ),
        SettingKey(
            name: "plugins_dir",
            kind: .path,
            standard: "beside the binary",
            flag: "plugins-dir",
            doc: "The shipped backends."
        ),
        SettingKey(
            name: "asset_roots",
            kind: .paths,
            standard: "[]",
            flag: "asset-root",
            doc: "file: assets may lie beneath these directories and nowhere else."
        ),
        SettingKey(
            name: "asset_origins",
            kind: .origins,
            standard: "[]",
            flag: "asset-origin",
            doc: "Servers of assets that may be plain HTTP or have private addresses: http://HOST[:PORT] or https://…."
        ),
        SettingKey(
            name: "asset_budget",
            kind: .size,
            standard: "0",
            flag: "asset-budget",
            doc: """
                The bytes that cached assets may take together, such as 20GiB; 0 is no limit. What actors and snapshots \
                need, and what was used in the last ten minutes, stays whatever it takes.
                """
        ),
        SettingKey(
            name: "asset_packs",
            kind: .paths,
            standard: "[]",
            flag: "asset-pack",
            doc:
                "Packs of assets taken at start, after those of the overlays; a bad one ends the start with exit code 78."
        ),
        SettingKey(
            name: "offline",
            kind: .boolean,
            standard: "false",
            flag: "offline",
            doc: """
                Whether no registry is ever asked: an image must be in the store, and a tag means what it meant when it \
                was pulled last.
                """
        ),
        SettingKey(
            name: "image_auth_file",
            kind: .path,
            standard: "the usual files",
            flag: "image-auth-file",
            doc: """
                The registries' credentials, read anew for each pull. Without it: $REGISTRY_AUTH_FILE, then \
                containers/auth.json and docker's config.json where those programs have them.
                """
        ),
        SettingKey(
            name: "localhost_registry_replacement",
            kind: .text,
            standard: "(none)",
            flag: "localhost-registry-replacement",
            doc: """
                HOST[:PORT] of the registry that is asked, over plain HTTP, for images whose name says localhost or a \
                loopback address. The images keep their names.
                """
        ),
        SettingKey(
            name: "image_budget",
            kind: .size,
            standard: "0",
            flag: "image-budget",
            doc: """
                The bytes that images may take, blobs and unpacked layers together; 0 is no limit. What actors and \
                snapshots keep, and what was used in the last ten minutes, stays whatever it takes.
                """
        ),
        SettingKey(
            name: "object_dir",
            kind: .path,
            standard: "BASE-DIR/objects",
            flag: "object-dir",
            doc: "The parent of the buckets of file: snapshots: file://BUCKET/PATH is BUCKET/PATH in it."
        ),
        SettingKey(
            name: "snapshot_format",
            kind: .choice(["chunks", "atelet"]),
            standard: "chunks",
            flag: "snapshot-format",
            doc: "How external snapshots are written; both are read. chunks are shared; the Go daemon reads atelet."
        ),
        SettingKey(
            name: "keep_snapshots",
            kind: .integer(0...1_000_000),
            standard: "0",
            flag: "keep-snapshots",
            doc: "Local snapshots of one actor that are kept when a newer one was made; 0 is all."
        ),
        SettingKey(
            name: "slot_capacity",
            kind: .integer(0...1_000_000),
            standard: "0",
            flag: "slot-capacity",
            doc: "Actors that one slot may hold in autumn; 0 is no limit but the machine's."
        ),
        SettingKey(
            name: "mounts",
            kind: .mounts,
            standard: "[]",
            flag: "mount",
            doc: """
                Directories and files of this machine that every container is shown, as HOST:TARGET or HOST:TARGET:ro; ro \
                refuses writes. Mounted anew at each Run, Restore and Start; an actor cannot choose one.
                """
        ),
        SettingKey(
            name: "user_namespace",
            kind: .boolean,
            standard: "false",
            flag: "user-namespace",
            doc: """
                Whether each workload that a backend starts with workload.start gets a user namespace, with 65,536 ids of \
                this machine that no other live actor has; on disk, and in snapshots, everything keeps the owners that it \
                has inside. It needs a file system with idmapped mounts (ext4, xfs, btrfs; tmpfs from Linux 6.3 on) below \
                base_dir and each of mounts. Where it cannot be had nothing runs. A script with bundle.write has to ask for it, \
                mostly by its own config.
                """
        ),
        SettingKey(
            name: "first_id",
            kind: .integer(IDRanges.firsts),
            standard: "\(IDRanges.standardFirst)",
            flag: "first-id",
            doc: """
                The first of the ids for user namespaces: 1,024 ranges of 65,536. They must meet none of /etc/subuid and \
                /etc/subgid; two hosts of one machine get different ones.
                """
        ),
        SettingKey(
            name: "egress.trust",
            kind: .path,
            standard: "(none)",
            flag: "egress-trust",
            doc: """
                A file of PEM with the authorities of the gateways through which actors may leave this machine, each the \
                egress_gateway of its request. Without it, and without egress.plaintext, such a request is refused.
                """
        ),
        SettingKey(
            name: "egress.certificate",
            kind: .path,
            standard: "(none)",
            flag: "egress-certificate",
            doc: """
                A file of PEM with the certificate that this host shows to every gateway, for every actor, followed by those \
                between it and its authority. Read anew when it changes, as are the other two files.
                """
        ),
        SettingKey(
            name: "egress.key",
            kind: .path,
            standard: "(none)",
            flag: "egress-key",
            doc: "The certificate's private key, a file of PEM that nobody else may read (chmod 600)."
        ),
        SettingKey(
            name: "egress.dns",
            kind: .text,
            standard: "(none)",
            flag: "egress-dns",
            doc: """
                Who answers the DNS queries of actors with a gateway, ADDRESS or ADDRESS:PORT; every container is shown an \
                /etc/resolv.conf that leads there, unless mounts has one. Names may carry data out of an actor past its gateway.
                """
        ),
        SettingKey(
            name: "egress.plaintext",
            kind: .boolean,
            standard: "false",
            flag: "egress-plaintext",
            doc: "Whether gateways are spoken to without TLS: whoever is on the way reads and changes what actors say."
        ),
        SettingKey(
            name: "trust_bundles",
            kind: .texts,
            standard: "system-roots.ate.dev, this machine's public roots",
            flag: "trust-bundle",
            doc: """
                Certificates that an actor may ask for in a system_info volume, as NAME=PATH of a PEM file. Read anew at each \
                Run, Restore and Start.
                """
        ),
        SettingKey(
            name: "require",
            kind: .texts,
            standard: "[]",
            flag: "require",
            doc: "The host refuses to start where one of these is missing; `substrate-host doctor` lists the names."
        ),
        SettingKey(
            name: "stop_actors",
            kind: .boolean,
            standard: "false",
            flag: "stop-actors",
            doc: "Whether SIGTERM stops the actors too."
        ),
        SettingKey(
            name: "log.format",
            kind: .choice(["auto", "json"]),
            standard: "auto",
            flag: "json",
            doc: "auto writes text on a terminal and JSON lines elsewhere; json always writes JSON lines."
        ),
        SettingKey(
            name: "log.level",
            kind: .choice(LogLevel.allCases.map(\.rawValue)),
            standard: "info",
            flag: "log-level",
            doc: "The least that the host's own log holds; debug adds each host call of a script."
        ),
        SettingKey(
            name: "backends",
            kind: .backends,
            standard: "{}",
            flag: "grant",
            doc: """
                What each backend is given, by its name: { grants: [GRANT…], config: { NAME: VALUE }, pool: { size: N }, \
                held: { memory: BYTES }, tool_user: UID }. \
                A grant is workload, bundle, asset, host-network, restore, tool:NAME=PATH, device:NAME=PATH or socket:PATH; \
                workload and bundle are always given, asset to the shipped backends. No overlay can give one. The script \
                declares its config; pool.size is how many slots are kept prepared for a script with prepare; held.memory \
                is how much memory paused actors may keep, frozen, to be thawed by a restore. Its programs \
                run as root in the tool room, or as tool_user, who has no capability.
                """
        ),
    ]

    /// The key of that dotted name.
    static func named(_ name: String) -> SettingKey? { table.first { $0.name == name } }
}
