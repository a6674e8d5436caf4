/// `images`, and the options that it shares with `serve`.
extension CommandTable {
    /// `--offline`.
    static let offline = CommandOption.flag(
        "offline",
        "never ask a registry: images and tags must be in the store"
    )
    /// `--image-auth-file`.
    static let imageAuthFile = CommandOption.value(
        "image-auth-file",
        "FILE",
        "the registries' credentials (default $REGISTRY_AUTH_FILE, else the usual files of containers and docker)"
    )
    /// `--localhost-registry-replacement`.
    static let localhostReplacement = CommandOption.value(
        "localhost-registry-replacement",
        "HOST[:PORT]",
        "the registry that is asked, over plain HTTP, for images of localhost and of loopback addresses"
    )
    /// `--image-budget`.
    static let imageBudget = CommandOption.value(
        "image-budget",
        "SIZE",
        "what images may take, such as 20GiB; the longest unused go first (default 0: no limit)"
    )

    /// The command.
    static let images = Command(
        name: "images",
        summary: "look after the images of this host",
        discussion: """
            ls             what is in the store, who keeps it, and when it was last used
            inspect IMAGE  its layers and what it says about its program
            pull IMAGE     have it in the store and unpacked; prints its digest
            rm IMAGE       remove it, and what no other image needs; not while an actor or a snapshot keeps it

            IMAGE is [HOST/]REPOSITORY[:TAG][@sha256:DIGEST], or oci:DIR[:REF], an OCI layout of this machine;
            inspect and rm take a digest too, or how it begins. It works beside a running host.
            """,
        operands: ["ACTION"],
        options: [
            baseDirectory, offline, imageAuthFile, localhostReplacement,
            .value("config", "FILE", "the settings of the host, as for serve; options win over it"),
            json,
        ],
        examples: [
            ("images pull docker.io/library/busybox:1.36", "ahead of the actor that needs it"),
            ("images ls", "what takes the space"),
            ("images rm 4f53cda1", "by the beginning of its digest"),
        ],
        optionalOperands: ["IMAGE"],
        words: ImagesOptions.Action.allCases.map(\.rawValue)
    )
}
