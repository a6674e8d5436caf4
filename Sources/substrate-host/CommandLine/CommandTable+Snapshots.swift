/// `snapshots`, and the options that it shares with `serve`.
extension CommandTable {
    /// `--object-dir`.
    static let objectDirectory = CommandOption.value(
        "object-dir",
        "DIR",
        "file://BUCKET/PATH is DIR/BUCKET/PATH (default BASE-DIR/objects)",
        completes: .directory
    )
    /// `--snapshot-format`.
    static let snapshotFormat = CommandOption.value(
        "snapshot-format",
        "HOW",
        "how external snapshots are written: chunks, which snapshots share, or atelet, as the Go daemon does (default chunks)",
        completes: .words(["chunks", "atelet"])
    )
    /// `--keep-snapshots`.
    static let keepSnapshots = CommandOption.value(
        "keep-snapshots",
        "N",
        "local snapshots of one actor that are kept when a newer one was made (default 0: all)"
    )

    /// The command.
    static let snapshots = Command(
        name: "snapshots",
        summary: "list, verify, prune and move snapshots",
        discussion: """
            ls                       the snapshots on this machine;  ls URI  those below a place in a store
            verify [ACTOR [NAME]]    hash every byte; what is corrupt is put aside;  verify URI  likewise, in a store
            gc                       remove all but the newest of each actor, and those that were put aside; never what
                                     a paused actor wakes from, nor what waits for its upload
            gc URI                   remove the chunks of a bucket that no snapshot in it needs
            export ACTOR NAME URI    write a local snapshot to a store;  import URI ACTOR NAME  the other way

            A URI is file://BUCKET/PATH, s3://BUCKET/PATH or gs://BUCKET/PATH; stores and credentials are those of the
            environment. ACTOR is atespace/name or ns:template:name. It works beside a running host.
            """,
        operands: ["ACTION"],
        options: [
            baseDirectory, objectDirectory, snapshotFormat,
            .value("keep", "N", "how many of the newest gc keeps of each actor (default 1)"),
            .value("min-age", "SECONDS", "chunks that are younger stay in the bucket (default 604800, a week)"),
            .flag("dry-run", "say what gc would remove, and remove nothing"),
            .value("config", "FILE", "the settings of the host, as for serve; options win over it"),
            json,
        ],
        examples: [
            ("snapshots ls", "what there is, and why it stays"),
            ("snapshots gc --keep 2 --dry-run", "what would go"),
            ("snapshots export space/counter one file://backup/counter/one", "to BASE-DIR/objects/backup/counter/one"),
        ],
        optionalOperands: ["ACTOR|URI", "NAME|ACTOR", "URI|NAME"],
        words: SnapshotsOptions.Action.allCases.map(\.rawValue)
    )
}
